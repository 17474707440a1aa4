/* Which connections are active.  It matters: a scan's cost depends on where the ready ones stand.
 */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#include "options.h"

/* Makes ready for placement_at; exits when there is no memory. */
void placement_init(const struct options *o);

/* The number of the connection that has rank place among the active (place < active). */
uint32_t placement_at(const struct options *o, uint32_t round, uint32_t place);

#endif
