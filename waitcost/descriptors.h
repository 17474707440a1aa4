/* The descriptors that are watched, and what makes each of them ready. */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include "options.h"
#include "places.h"

struct descriptors {
    int *watched; /* ascending, without holes */
    int *writers; /* a write there makes it ready; -1 where another process keeps that end */
    uint32_t count;
};

/* Opens all that the options ask for, and chooses the places: those that can be made ready.  Exits
 * 2 where the machine does not allow it, 3 where it has no FUSE for us; both say why. */
void descriptors_open(struct descriptors *d, struct places *p, const struct options *o);

void descriptor_make_ready(const struct descriptors *d, uint32_t place);

/* Reads it: it is not ready any more. */
void descriptor_drain(const struct descriptors *d, uint32_t place);

#endif
