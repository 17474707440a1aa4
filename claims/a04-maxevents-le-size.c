/*
 * A4 maxevents-le-size
 *
 * Claim: epoll_wait()'s maxevents must not be greater than the size given to epoll_create().
 *
 * Believed because: both are numbers of events in the same few lines of code, and the sentence has
 * been copied from one tutorial to the next since the size meant something (see size-guarantee).
 *
 * Experiment: An instance of size 1 has 64 ready descriptors.  epoll_wait() is asked with a
 * maxevents of 512 and of 2: EINVAL confirms, more than one event refutes.  The real limits, for
 * comparison: 0 is too few, and the most is what an array of INT_MAX bytes has room for.
 *
 * Read on: epoll_wait(2), ERRORS; fs/eventpoll.c, ep_check_params() and EP_MAX_EVENTS.  nginx makes
 * an instance of half its worker_connections (256 by default) and waits with a maxevents of 512.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>

#include "claim.h"
#include "setup.h"

enum { SIZE = 1, READY = 64, MANY = 512, LIMIT = INT_MAX / sizeof(struct epoll_event) };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

/* The kernel fills only what is ready, whatever maxevents says.  volatile: a libc that checks
 * arrays is not to know how small this one is. */
static struct epoll_event room[READY], *volatile array = room;

/* Events, or minus the errno. */
static int try_maxevents(int epoll, int maxevents)
{
    int events = epoll_wait(epoll, array, maxevents, EVENT_MS);
    return events < 0 ? -errno : events;
}

static const char *outcome(int result)
{
    return result < 0 ? error_text(-result) : text("%d events", result);
}

static enum reading is_size_the_limit(int result)
{
    return weigh(result == -EINVAL, result > SIZE);
}

void try_claim(void)
{
    need_descriptors(READY + 50);
    int epoll = epoll_create(SIZE);
    if (epoll < 0)
        err(1, "epoll_create(%d)", SIZE);
    for (int i = 0; i < READY; i++)
        epoll_add(epoll, ready_counter(), EPOLLIN);
    int two = try_maxevents(epoll, 2), many = try_maxevents(epoll, MANY);
    int none = try_maxevents(epoll, 0), too_many = try_maxevents(epoll, LIMIT + 1);

    observe_text(text("size %d, maxevents 2", SIZE), outcome(two), is_size_the_limit(two),
                 "the size would be too small even for this");
    observe_text(text("size %d, maxevents %d", SIZE, MANY), outcome(many), is_size_the_limit(many),
                 text("%d were ready", READY));
    observe_text("maxevents 0", outcome(none), CONTEXT, "the lower limit is 1");
    observe_text(text("maxevents %d", LIMIT), outcome(try_maxevents(epoll, LIMIT)), CONTEXT,
                 "an array of INT_MAX bytes, the upper limit");
    observe_text(text("maxevents %d", LIMIT + 1), outcome(too_many), CONTEXT,
                 "one more than the upper limit");
    conclude("size %d with %d ready: maxevents 2 gave %s, %d gave %s; 0: %s, %d: %s", SIZE, READY,
             outcome(two), MANY, outcome(many), outcome(none), LIMIT + 1, outcome(too_many));
}
