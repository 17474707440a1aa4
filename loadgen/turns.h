/*
 * Turn-taking.  The parent gives the turn to one target's process after the other; while one drives
 * its server, all other servers sleep in their waits.  On a shared machine, whose speed drifts by a
 * third within minutes, only neighbouring slices can be compared.
 */
#ifndef TURNS_H
#define TURNS_H

#include "drive.h"
#include "probe.h"

/* All that was seen of one target. */
struct result {
    const struct target *target;
    struct driver *driver; /* its histograms, and whether and why it failed */
    struct slice *slices;
    uint32_t slice_count;
    uint64_t connect_ns;         /* to set up all connections */
    uint64_t warmup_errors;      /* an error is one whenever it happens */
    char invalid[FAILURE_BYTES]; /* why its numbers cannot be used; "" they can */
};

/* The machine just before the first slice and just after the last. */
struct environment {
    struct probe before, after;
};

/* Does the generator have cores that no server may use? Then a worker polls instead of sleeping: a
 * sleeping client is woken by the server's send, and the server is charged for it. */
bool turns_own_core(const struct options *o);

/* Connects, warms up and measures all targets.  results has room for each, in their order.  False
 * when a target could not even be connected to; then nothing was measured. */
bool turns_run(const struct options *o, bool spin, struct result *results, struct environment *e);

#endif
