/*
 * One connection of the generator: opens, sends, receives, verifies.  It knows no schedule: the
 * worker says when a request starts, and asks what has come back.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "options.h"

/* When a request was due and when it went out. */
struct stamp {
    uint64_t due_ns, sent_ns;
};

/* An idle connection costs the generator this and nothing else. */
struct client {
    uint64_t started, sent, received; /* requests: begun, wholly sent, wholly echoed */
    struct stamp *stamps;             /* of the outstanding requests, a ring of depth; NULL: idle */
    uint64_t due_ns;                  /* the worker's: when its next request is due */
    uint64_t free_ns;                 /* the worker's: since when it could have started one */
    uint64_t arrivals;                /* the worker's: requests due so far in this slice */
    uint32_t place;                   /* the worker's: its rank among the active */
    uint32_t send_offset,
        receive_offset;  /* within the request being sent, the echo being received */
    uint32_t churn_left; /* requests until it is replaced */
    uint32_t id;         /* its number among the target's connections */
    int fd;              /* -1: closed */
    bool writing;        /* the worker's: interest is registered for writing */
    bool late;           /* the worker's: its next request is due, but it is not free */
};

/* Why something failed, in words.  Of several failures the first one is kept. */
enum { FAILURE_BYTES = 240 };

static inline void failure_keep(char failure[FAILURE_BYTES], const char *why)
{
    if (!*failure)
        snprintf(failure, FAILURE_BYTES, "%s", why);
}

/* Begins to connect; the socket may be used at once, early sends wait.  False: why says what
 * happened. */
bool client_open(struct client *c, const struct options *o, const struct target *t,
                 char why[FAILURE_BYTES]);

/* Closes without TIME_WAIT; requests on the way are dropped. */
void client_close(struct client *c);

/* Sends what has been started and is not out yet. */
enum progress { PROGRESS_DONE, PROGRESS_BLOCKED, PROGRESS_FAILED };
enum progress client_send(struct client *c, const struct options *o, char why[FAILURE_BYTES]);

/* One recv. The number of echoes that are now complete, the oldest first; -1: why says what is
 * wrong with the echo or the connection. */
int client_receive(struct client *c, const struct options *o, char why[FAILURE_BYTES]);

/* Requests on the way. */
static inline uint64_t client_outstanding(const struct client *c)
{
    return c->started - c->received;
}

#endif
