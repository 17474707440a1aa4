/*
 * A worker: one thread, one loop, a share of a target's connections.
 */
#ifndef WORKER_H
#define WORKER_H

#include "client.h"
#include "histogram.h"
#include "schedule.h"

/* What happened in one slice. */
struct tally {
    uint64_t requests; /* echoes received, right and whole */
    uint64_t errors;   /* requests lost to wrong bytes, closed connections or time-outs; and idle
                          connections that the server closed or spoke on */
    uint64_t started;  /* requests begun: each comes back, or is lost */
    uint64_t lost;
    uint64_t cut_off; /* due, but never sent: the queue could not drain at the end of the slice */
    uint64_t outstanding_ns; /* requests on the way, summed over time: over the slice's length, the
                                mean number of them */
    uint64_t sends, receives, waits;
    uint64_t opened;  /* connections, for churn or after an error */
    uint64_t work_ns; /* elapsed in turns of the loop that started or took something: of a worker
                         that polls, its CPU time without the polling */
};

/* The time table of one slice. */
struct slice_plan {
    struct schedule schedule; /* of the whole target; start_ns is the slice's beginning */
    uint64_t end_ns;          /* no request is due after this */
    uint64_t cut_off_ns;      /* what is due and not sent by then is cut off */
    uint64_t give_up_ns;      /* what is not echoed by then has timed out */
};

struct worker {
    const struct options *options;
    const struct target *target;
    bool spin;
    int epoll_fd;
    struct client *clients;
    uint32_t client_count;
    uint32_t *active; /* indices into clients, for this slice */
    uint32_t *places; /* of those, their ranks among all the active of the target */
    uint32_t active_count;
    struct due_queue queue;
    uint32_t late;        /* clients whose next request is due while they are not free */
    uint64_t outstanding; /* requests on the way; since changed_ns */
    uint64_t changed_ns;
    struct slice_plan plan;
    struct tally tally;
    struct histogram response, service, lateness;
    bool failed;                 /* gave up: too many errors */
    char failure[FAILURE_BYTES]; /* the first error; "" while there is none */
};

/* Prepares a worker for so many connections, none of them open. False: no memory or descriptor. */
bool worker_init(struct worker *w, const struct options *o, const struct target *t, uint32_t count,
                 bool spin);

/* Opens client i and watches it; false when that fails at once. */
bool worker_open(struct worker *w, uint32_t i);

/* Sends one request on client i and waits for its echo: is this an echo server, and has it accepted
 * all connections up to this one? False: failure says what is wrong. */
bool worker_try_echo(struct worker *w, uint32_t i);

/* Drives one slice: plan, active and places are set. Counts into tally and the histograms, which it
 * does not reset. */
void worker_drive(struct worker *w);

#endif
