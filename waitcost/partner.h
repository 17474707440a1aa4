/* Another thread, which wakes the one that measures once that sleeps. */
#ifndef PARTNER_H
#define PARTNER_H

#include "descriptors.h"

/* Called by the thread that measures. */
void partner_start(const struct descriptors *d, const struct options *o);

/* Does a thread of idle priority run while the caller sleeps?  Only where that has a core of its
 * own (--cpu), and is allowed. */
bool partner_keeps_awake(void);

/* The next time the caller sleeps, this descriptor is made ready. */
void partner_order(uint32_t place);

#endif
