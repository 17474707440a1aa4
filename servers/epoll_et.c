/*
 * epoll(7), edge-triggered.  As in epoll_lt.c the kernel keeps the set, but a wait returns a socket
 * once for each change: what it was not asked to read then, it will not be told of again.  So the
 * server keeps its own list of connections whose turn ended before they were drained, and comes
 * back to them without the kernel's help.  That list is part of the price.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "echo.h"
#include "ledger.h"

const char *const mechanism_name = "epoll-et";
const bool mechanism_is_level_triggered = false;

enum { EVENTS_PER_WAIT = 1024 };

static int epoll_fd;
static struct epoll_event events[EVENTS_PER_WAIT];

static int *undrained; /* the connections to come back to, each once */
static size_t undrained_count, undrained_size;

/* A short read does not mean drained when the end of the stream is queued behind the data
 * (EPOLLRDHUP), or at urgent data, where a read stops (EPOLLPRI): a rule that stops there would
 * wait for an edge that has been already. */
enum { NOT_DRAINED = EPOLLRDHUP | EPOLLPRI };

static bool watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN | NOT_DRAINED | EPOLLET, .data.fd = fd};
    ledger->ctl++;
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* The listener stays level-triggered: connections left in the backlog are told again. */
static bool watch_listener(int listener)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    ledger->ctl++;
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) == 0;
}

static void rewatch(int fd, enum next next)
{
    struct connection *connection = connection_at(fd);
    bool writing = next == NEXT_WRITE;
    if (connection->writing == writing)
        return;
    connection->writing = writing;
    struct epoll_event event = {
        .events = (writing ? EPOLLOUT : EPOLLIN | NOT_DRAINED) | (uint32_t)EPOLLET, .data.fd = fd};
    ledger->ctl++;
    if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0)
        err(1, "epoll_ctl MOD of a descriptor that is watched");
}

/* No unwatch: closing a connection's only descriptor takes it out of the kernel's set. */

/* False: no memory for the list. */
static bool come_back(int fd)
{
    if (undrained_count == undrained_size) {
        int *larger = reallocarray(undrained, 2 * undrained_size + 64, sizeof *undrained);
        if (!larger)
            return false;
        undrained = larger;
        undrained_size = 2 * undrained_size + 64;
    }
    undrained[undrained_count++] = fd;
    connection_at(fd)->undrained = true;
    return true;
}

static int wait_for_events(void)
{
    ledger->waits++;
    int ready = epoll_wait(epoll_fd, events, EVENTS_PER_WAIT, undrained_count ? 0 : -1);
    if (ready < 0 && errno != EINTR)
        err(1, "epoll_wait");
    if (ready < 0)
        return 0;
    ledger->examined += (uint64_t)ready;
    ledger->events += (uint64_t)ready;
    return ready;
}

static void serve_one(int fd, enum drain rule)
{
    enum next next = connection_turn(fd, rule);
    if (next == NEXT_CLOSE) {
        connection_close(fd);
        return;
    }
    rewatch(fd, next);
    if (next == NEXT_AGAIN && !come_back(fd))
        connection_close(fd); /* better cut than silent for ever */
}

/* One more turn for those that were on the list when it began. */
static void serve_undrained(void)
{
    size_t count = undrained_count;
    undrained_count = 0;
    for (size_t i = 0; i < count; i++) {
        int fd = undrained[i]; /* read before serve_one writes, at or before this place */
        connection_at(fd)->undrained = false;
        serve_one(fd, DRAIN_EAGAIN);
    }
}

void serve(int listener, enum drain rule)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0 || !watch_listener(listener))
        err(1, "epoll");
    while (!stop) {
        int ready = wait_for_events();
        bool knock = false;
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                knock = true;
                continue;
            }
            if (!connection_at(fd)->undrained) /* else its turn comes below */
                serve_one(fd, (events[i].events & NOT_DRAINED) ? DRAIN_EAGAIN : rule);
        }
        serve_undrained();
        if (!knock)
            continue;
        for (int n = 0, fd; n < ACCEPTS_PER_TURN && (fd = connection_accept(listener)) >= 0; n++)
            if (!watch(fd))
                connection_refuse(fd, "epoll_ctl: raise fs.epoll.max_user_watches");
    }
    close(epoll_fd);
    free(undrained);
}
