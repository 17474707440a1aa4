/* The timed loop. */
#ifndef WAITCOST_TURNS_H
#define WAITCOST_TURNS_H

#include "descriptors.h"

/* What the turns of one round add up to. */
struct round {
    uint64_t turns, waits, events, ctl;
    uint64_t slept;        /* voluntary switches of the thread: waits that really slept (no FUSE) */
    uint64_t kernel_polls; /* with --kind fuse */
    uint64_t build_ns, wait_ns, scan_ns;
    uint64_t elapsed_ns;  /* of all, with making ready and reading */
    uint64_t cpu_ns;      /* of this thread */
    uint64_t wait_cpu_ns; /* of it within the waits; 0 unless it sleeps there */
};

/* Warms up, then runs all rounds; rounds has room for o->rounds. */
void turns_run(const struct options *o, const struct descriptors *d, struct places *p,
               struct round *rounds);

#endif
