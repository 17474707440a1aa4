#include "placement.h"

#include <err.h>
#include <stdlib.h>

#include "random.h"

static uint32_t *shuffled; /* all connections in random order */

void placement_init(const struct options *o)
{
    free(shuffled);
    shuffled = NULL;
    if (o->placement != PLACE_RANDOM)
        return;
    shuffled = calloc(o->connections, sizeof *shuffled);
    if (!shuffled)
        err(1, "placement of %u connections", o->connections);
    for (uint32_t i = 0; i < o->connections; i++)
        shuffled[i] = i;
    random_shuffle(shuffled, o->connections, random_at(o->seed, 'p', 0));
}

uint32_t placement_at(const struct options *o, uint32_t round, uint32_t place)
{
    uint64_t n = o->connections, a = o->active;
    switch (o->placement) {
    case PLACE_SPREAD: /* each in the middle of its part */
        return (uint32_t)((2 * (uint64_t)place + 1) * n / (2 * a));
    case PLACE_FIRST:
        return place;
    case PLACE_LAST:
        return (uint32_t)(n - a + place);
    case PLACE_RANDOM:
        return shuffled[place];
    case PLACE_ROTATE: /* the next ones in every round */
        return (uint32_t)((round * a + place) % n);
    }
    return place;
}
