/*
 * One process per target drives its connections when it has the turn, with a descriptor table of
 * its own: five servers with 19,000 connections each fit under a limit of 20,000.
 */
#ifndef DRIVE_H
#define DRIVE_H

#include <sys/types.h>

#include "observe.h"
#include "worker.h"

/* One turn of one target. */
struct slice {
    uint32_t round;            /* of all targets; warm-up is not counted */
    uint32_t position;         /* within the round */
    uint64_t start_ns, end_ns; /* until the last echo is here and the server sleeps */
    uint64_t driven_ns;        /* until the last echo was here */
    struct tally tally;
    uint64_t client_cpu_ns;      /* of its process, without polling and observing */
    uint64_t client_polling_ns;  /* its CPU time in turns of the loop that found nothing */
    bool polled;                 /* it did not sleep while it waited */
    struct observation cost;     /* end minus start */
    uint32_t cores;              /* how many cost.core_busy_ns is of */
    uint32_t core_round_trip_ns; /* the probe just before the round; 0: none */
};

/* The turn's order, from the parent to the target's process. */
struct turn {
    enum { TURN_CONNECT, TURN_DRIVE } what;
    uint32_t round, position;
    uint64_t duration_ns;
    uint64_t seed;
};

/* What a target's process shares with its parent. */
struct driver {
    struct turn turn;                             /* the order; written before the byte is sent */
    struct slice slice;                           /* of the last turn */
    struct histogram response, service, lateness; /* over all slices since connecting or reset */
    double least_percent;                         /* fairness_least_percent() of the last turn */
    bool failed;                                  /* the target cannot be driven on */
    char failure[FAILURE_BYTES]; /* the first error, even if it could be driven on; "" none */
};

/* Takes the turn for each byte from command_fd, answers with one to reply_fd, until command_fd is
 * closed. */
void drive(const struct options *o, const struct target *t, bool spin, struct driver *driver,
           int command_fd, int reply_fd);

#endif
