/*
 * Random places come from a list that each turn goes on with: all are different within a turn, and
 * none is drawn in the timed part.  A blocking scan costs what stands before the ready descriptor,
 * and a round may have three turns only; so the list begins anywhere and goes on by golden-ratio
 * steps, which spread any few of them over the whole range (Weyl).  Where not every descriptor can
 * be made ready (see descriptors.h) it holds one from each of equal parts.
 */
#include "places.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "../loadgen/random.h"

static const double GOLDEN = 0.6180339887498949;

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The place of the list's entry i in its ascending order: each comes once. */
static uint32_t spread_out(const struct options *o, uint32_t i, uint32_t count)
{
    uint32_t step = (uint32_t)(GOLDEN * count);
    while (step < 1 || common_divisor(step, count) != 1)
        step++;
    return (uint32_t)((random_at(o->seed, 0, 2) % count + (uint64_t)i * step) % count);
}

static uint32_t one_of_part(const struct options *o, uint32_t part, uint32_t parts)
{
    uint64_t begin = (uint64_t)part * o->descriptors / parts;
    uint64_t end = (uint64_t)(part + 1) * o->descriptors / parts;
    return (uint32_t)(begin +
                      (uint64_t)((1 - random_unit(o->seed, part, 1)) * (double)(end - begin)));
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
    return one_of_part(o, spread_out(o, i, count), count);
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
    memcpy(p->order + p->count, p->order, p->ready * sizeof *p->order);
}

const uint32_t *places_next(struct places *p)
{
    const uint32_t *these = p->order + p->next;
    p->next = p->count ? (p->next + p->ready) % p->count : 0;
    return these;
}
