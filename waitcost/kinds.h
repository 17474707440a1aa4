/* The kinds of descriptors: what is opened, and what makes it ready. */
#ifndef KINDS_H
#define KINDS_H

#include "options.h"

struct pair {
    int watched; /* -1 and errno: it could not be opened */
    int other;   /* the end to write to; -1: the watched one itself */
};

bool kind_has_two_ends(enum kind kind);

/* Before the first is opened, and after the last.  Exits 3 where this machine has no such kind. */
void kind_begin(enum kind kind);
void kind_end(enum kind kind);

struct pair kind_open(enum kind kind);

#endif
