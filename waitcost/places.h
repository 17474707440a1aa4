/* Which descriptors are made ready, turn by turn, named by their places. */
#ifndef PLACES_H
#define PLACES_H

#include "options.h"

struct places {
    uint32_t *order; /* count of them, and the first ones again, so that no turn has to wrap */
    uint32_t count, ready, next;
};

/* The places that --placement asks for: at most most different ones, or as many as a turn needs. */
void places_choose(struct places *p, const struct options *o, uint32_t most);

/* Those of the next turn: ready different ones. */
const uint32_t *places_next(struct places *p);

#endif
