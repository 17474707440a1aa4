/* What to measure. */
#ifndef WAITCOST_OPTIONS_H
#define WAITCOST_OPTIONS_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "wait.h"

enum kind { KIND_PIPE, KIND_EVENTFD, KIND_SOCKETPAIR, KIND_TCP, KIND_FUSE };

/* A time-out of 0; a blocking call that finds something ready; one that sleeps until a write. */
enum when { WHEN_ZERO, WHEN_READY, WHEN_SLEEPING };

enum choice { CHOICE_RANDOM, CHOICE_FIRST, CHOICE_LAST, CHOICE_SPREAD, CHOICE_POSITION };

struct options {
    enum kind kind;
    uint32_t descriptors; /* watched */
    uint32_t ready;       /* made ready in each turn */
    enum choice placement;
    uint32_t position; /* CHOICE_POSITION: the place */
    enum when when;
    int highest; /* of the descriptors watched; 0: as low as they go */
    bool rebuild;
    enum reregister reregister;
    uint32_t writes; /* further ones in a turn: each descriptor read makes its neighbour ready */
    uint64_t turns;  /* per round; 0: as many as fit into round_ns */
    uint64_t round_ns;
    uint32_t rounds;
    uint64_t seed;
    bool pinned, partner_pinned;
    cpu_set_t cpus, partner_cpus;
    const char *json;
};

/* Exits 2 and says what would do; --help exits 0. */
struct options options_parse(int argc, char **argv);

const char *kind_name(enum kind kind);
const char *when_name(enum when when);
const char *placement_name(enum choice placement);
const char *reregister_name(enum reregister how);

#endif
