/*
 * Two ways of doing a thing, timed against each other.  A block is a fresh process on one core: it
 * prepares, warms up, and runs both in short slices by turns (A B B A ...), so that a machine whose
 * speed drifts is the same for both.  A block that had to wait for its core, which others had, for
 * more than 5 % of its time is thrown away and run again, all together as often as there are
 * blocks. What counts is the ratio within a block; several claims are judged at once, so its
 * interval over the blocks is for 99 % (Student's t of the logarithms).
 */
#ifndef BLOCKS_H
#define BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "claim.h"

/* run() does this many operations; its time is divided by them. */
struct side {
    void (*run)(void);
    double operations;
};

/* How many times as long an operation of A takes as one of B. */
struct ratio {
    double middle, low, high; /* geometric mean, 99 % interval */
    double a_ns, b_ns;        /* an operation of each, geometric means */
    int blocks;
    int disturbed; /* blocks thrown away */
    int spoiled;   /* blocks kept that were disturbed, too, the last time */
};

/* PREPARE runs once in each block's process, before the first slice; NULL: nothing to prepare. */
struct ratio compare(void (*prepare)(void), struct side a, struct side b);

/* The same for sides with a partner on the same core, a process or a thread: to wait for the core
 * is a part of what they do, and nobody can tell there who else had it. */
struct ratio compare_sleeping(void (*prepare)(void), struct side a, struct side b);

/* Is the whole interval on one side of a threshold that was written down before? */
enum reading above(struct ratio ratio, double threshold); /* supports if it is above */
enum reading below(struct ratio ratio, double threshold); /* supports if it is below */

/* Notes it under NAME: the ratio with its interval, and an operation's nanoseconds.  With a spoiled
 * block it is unclear, whatever the reading was, unless that weighs nothing. */
void observe_ratio(const char *name, struct ratio ratio, enum reading reading, const char *shows);

const char *ratio_text(struct ratio ratio); /* "1.32 (1.30 to 1.34)" */

/* The option --blocks: false if it is no number from 2 to 20. */
bool blocks_choose(const char *option);

#endif
