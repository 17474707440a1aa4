/*
 * Broken on purpose: a turn ends only when the socket is empty.
 *
 * "With edge triggering read until EAGAIN" is what the books say, and so it is done.  A client that
 * sends as fast as the server reads never lets it come to EAGAIN: the others starve.  The cure is a
 * budget for each turn, and a list of those that have used theirs up (see servers/epoll_et.c).
 * Found by: flood.
 */
#include <err.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-no-budget";
const bool mechanism_is_level_triggered = false;

static int epoll_fd;

static void watch(int fd, int operation, uint32_t what)
{
    struct epoll_event event = {.events = what | EPOLLET, .data.fd = fd};
    if (epoll_ctl(epoll_fd, operation, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static void serve_one(int fd)
{
    enum next next;
    do
        next = connection_turn(fd, DRAIN_EAGAIN);
    while (next == NEXT_AGAIN); /* the fault: its budget is used up, and others are waiting */
    if (next == NEXT_CLOSE)
        connection_close(fd);
    else
        watch(fd, EPOLL_CTL_MOD, next == NEXT_WRITE ? EPOLLOUT : EPOLLIN);
}

void serve(int listener, enum drain rule)
{
    (void)rule;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, EPOLL_CTL_ADD, EPOLLIN);
    while (!stop) {
        struct epoll_event event;
        if (epoll_wait(epoll_fd, &event, 1, -1) < 1)
            continue;
        if (event.data.fd != listener) {
            serve_one(event.data.fd);
            continue;
        }
        for (int fd; (fd = connection_accept(listener)) >= 0;)
            watch(fd, EPOLL_CTL_ADD, EPOLLIN);
    }
}
