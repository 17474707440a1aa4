/*
 * Broken on purpose: an edge-triggered listener, and one accept for each event.
 *
 * An edge-triggered listener tells of a knock once, however many connections wait behind it.  Who
 * takes one of them leaves the rest in the backlog until somebody else knocks.  It goes unseen as
 * long as clients come one by one.
 * Found by: burst, silent.
 */
#include <err.h>
#include <sys/epoll.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-one-accept";
const bool mechanism_is_level_triggered = true;

enum { EVENTS = 64 };

static int epoll_fd;

static void set_interest(int operation, int fd, unsigned int what)
{
    struct epoll_event event = {.events = what, .data.fd = fd};
    if (epoll_ctl(epoll_fd, operation, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static void serve_one(int fd, enum drain rule)
{
    enum next next = connection_turn(fd, rule);
    if (next == NEXT_CLOSE)
        connection_close(fd);
    else
        set_interest(EPOLL_CTL_MOD, fd, next == NEXT_WRITE ? EPOLLOUT : EPOLLIN);
}

void serve(int listener, enum drain rule)
{
    struct epoll_event events[EVENTS];
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    set_interest(EPOLL_CTL_ADD, listener, EPOLLIN | (unsigned int)EPOLLET);
    while (!stop) {
        int ready = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd != listener) {
                serve_one(events[i].data.fd, rule);
                continue;
            }
            int fd = connection_accept(listener); /* the fault: it may be one of many */
            if (fd >= 0)
                set_interest(EPOLL_CTL_ADD, fd, EPOLLIN);
        }
    }
}
