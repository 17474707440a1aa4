/*
 * Random places come from a shuffled list that each turn goes on with: all are different within a
 * turn, and none is drawn in the timed part.  Where not every descriptor can be made ready (see
 * descriptors.h) the list holds one from each of equal parts.
 */
#include "places.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "../loadgen/random.h"

static uint32_t one_of_part(const struct options *o, uint32_t part, uint32_t parts)
{
    uint64_t begin = (uint64_t)part * o->descriptors / parts;
    uint64_t end = (uint64_t)(part + 1) * o->descriptors / parts;
    return (uint32_t)(begin + random_at(o->seed, part, 1) % (end - begin));
}

static uint32_t place_at(const struct options *o, uint32_t i, uint32_t count)
{
    switch (o->placement) {
    case CHOICE_POSITION:
        return o->position;
    case CHOICE_FIRST:
        return i;
    case CHOICE_LAST:
        return o->descriptors - count + i;
    case CHOICE_SPREAD: /* each in the middle of its part */
        return (uint32_t)((2 * (uint64_t)i + 1) * o->descriptors / (2 * (uint64_t)count));
    case CHOICE_RANDOM:
        break;
    }
    return one_of_part(o, i, count);
}

void places_choose(struct places *p, const struct options *o, uint32_t most)
{
    p->ready = o->ready;
    p->next = 0;
    p->count = o->ready;
    if (o->placement == CHOICE_RANDOM && o->ready)
        p->count = o->descriptors < most ? o->descriptors : most;
    if (p->count < p->ready)
        p->count = p->ready;
    p->order = calloc((size_t)p->count + p->ready + 1, sizeof *p->order);
    if (!p->order)
        err(1, "no memory for %u places", p->count);
    for (uint32_t i = 0; i < p->count; i++)
        p->order[i] = place_at(o, i, p->count);
    if (o->placement == CHOICE_RANDOM)
        random_shuffle(p->order, p->count, o->seed);
    memcpy(p->order + p->count, p->order, p->ready * sizeof *p->order);
}

const uint32_t *places_next(struct places *p)
{
    const uint32_t *these = p->order + p->next;
    p->next = p->count ? (p->next + p->ready) % p->count : 0;
    return these;
}
