/*
 * Broken on purpose: a copy of the descriptor keeps the connection alive.
 *
 * epoll watches what a descriptor stands for.  close() ends that, and the watch with it, only if no
 * dup() and no fork()ed child holds a copy.  Here a second descriptor is kept to write to, as stdio
 * wants it; who closes the first one alone is told for ever of a connection that it cannot even
 * name any more, and the client never sees the end.
 * Found by: pings_and_closes.
 */
#include <err.h>
#include <fcntl.h>
#include <sys/epoll.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-copied-descriptor";
const bool mechanism_is_level_triggered = true;

enum { EVENTS = 64, DESCRIPTORS = 20000 };

static int epoll_fd;
static int writers[DESCRIPTORS]; /* by the number of the first one */

static void set_interest(int operation, int fd, unsigned int what)
{
    struct epoll_event event = {.events = what, .data.fd = fd};
    epoll_ctl(epoll_fd, operation, fd, &event);
}

static void accept_all(int listener)
{
    for (int fd; (fd = connection_accept(listener)) >= 0;) {
        if (fd < DESCRIPTORS)
            writers[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        set_interest(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
}

static void serve_one(int fd, enum drain rule)
{
    enum next next = connection_turn(fd, rule);
    if (next == NEXT_CLOSE)
        connection_close(fd); /* the fault: neither EPOLL_CTL_DEL before, nor writers[fd] closed */
    else
        set_interest(EPOLL_CTL_MOD, fd, next == NEXT_WRITE ? EPOLLOUT : EPOLLIN);
}

void serve(int listener, enum drain rule)
{
    struct epoll_event events[EVENTS];
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        err(1, "epoll");
    set_interest(EPOLL_CTL_ADD, listener, EPOLLIN);
    while (!stop) {
        int ready = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < ready; i++)
            if (events[i].data.fd == listener)
                accept_all(listener);
            else
                serve_one(events[i].data.fd, rule);
    }
}
