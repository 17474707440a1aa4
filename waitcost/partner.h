/* Another thread, which wakes the one that measures once that sleeps. */
#ifndef PARTNER_H
#define PARTNER_H

#include "descriptors.h"

/* Called by the thread that measures. */
void partner_start(const struct descriptors *d, const struct options *o);

/* The next time the caller sleeps, this descriptor is made ready. */
void partner_order(uint32_t place);

#endif
