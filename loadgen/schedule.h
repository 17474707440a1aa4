/*
 * When the next request is due: arrivals, and the queue of connections ordered by their next due
 * time.
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum arrival {
    ARRIVAL_CLOSED,  /* the next request is due when the echo is back (and think time has passed) */
    ARRIVAL_UNIFORM, /* due at even distances, whatever the server does */
    ARRIVAL_POISSON, /* due at random: exponential distances */
};

/* The arrivals of one slice, shared evenly by the active connections. */
struct schedule {
    enum arrival arrival;
    double rate_per_s; /* over all active connections; open loop only */
    uint32_t active;
    uint64_t think_ns;         /* closed loop only */
    uint64_t network_delay_ns; /* closed loop only: of each echo */
    uint64_t seed;             /* of this slice: the same for every server */
    uint64_t start_ns;
};

/* When the first request of a connection is due; place is its rank among the active.  In a closed
 * loop with several outstanding: its nth, from 0. */
uint64_t schedule_first(const struct schedule *s, uint32_t place, uint32_t nth);

/* When the one after is due.  last_ns: when the last was due (open loop), or came back (closed);
 * number: how many this connection had in the slice. */
uint64_t schedule_next(const struct schedule *s, uint32_t place, uint64_t number, uint64_t last_ns);

/* A binary heap of (due time, client). */
struct due {
    uint64_t due_ns;
    uint32_t client;
};

struct due_queue {
    struct due *heap;
    size_t count;
};

/* Makes room for size entries. False: no memory. */
bool due_queue_init(struct due_queue *q, size_t size);
void due_queue_push(struct due_queue *q, struct due entry);
struct due due_queue_pop(struct due_queue *q); /* the earliest; the queue is not empty */

#endif
