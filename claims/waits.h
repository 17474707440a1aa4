/*
 * A crowd: many descriptors, some of them ready, and they stay so.  What does it cost to wait among
 * them?  Each wait here is one call with time-out 0, which must find exactly those that are ready,
 * and then the look for them through what came back, which a server has to do, too.
 */
#ifndef WAITS_H
#define WAITS_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "setup.h"

struct crowd {
    int count, ready;
    struct pollfd *asked;     /* all, for poll */
    fd_set set;               /* all, for select */
    int end;                  /* one more than the highest descriptor */
    int epoll;                /* all, for epoll */
    struct epoll_event *told; /* room for all */
};

/* COUNT descriptors of KIND, of which READY, evenly spread, have 8 bytes to be read.  The other
 * ends go where an fd_set does not reach, to FD_SETSIZE and above. */
struct crowd open_crowd(enum kind kind, int count, int ready);

/* Afterwards revents, set or told hold the ready ones. */
void wait_by_poll(struct crowd *crowd);
void wait_by_select(struct crowd *crowd); /* all must be below FD_SETSIZE: for_fd_set() */
void wait_by_epoll(struct crowd *crowd);

#endif
