/* Whom load may be sent to, what options must be together, and what the machine must allow: checked
 * before a connection is made.  All exit 2 and say what to do. */
#ifndef CHECK_H
#define CHECK_H

#include "options.h"

/* Is each target on loopback, or at an address of --allow-remote?  Is each of those a target's? */
void check_targets(const struct options *o);

/* Does each option go with the others? Fills in active. */
void check_load(struct options *o);

/* Are there descriptors and ports enough? Raises the soft descriptor limit to the hard one. */
void check_limits(const struct options *o);

#endif
