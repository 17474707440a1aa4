/*
 * Broken on purpose: the end of the stream is taken for an empty message.
 *
 * The loop of many small frameworks: edge-triggered, and after each read MOD to "writable", after
 * each write MOD back to "readable".  MOD looks at the socket anew and reports what is there: that
 * hides a missing drain loop.  But the end of a stream is there for ever: without a look at
 * recv()'s 0 the two directions chase each other at 100 % CPU, and the descriptor is never closed.
 * Found by: connects_and_resets, churning, leaver, half_closed, hit_and_run.
 */
#include <err.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-eof-ignored";
const bool mechanism_is_level_triggered = false;

static int epoll_fd;

static void watch(int fd, int operation, uint32_t direction)
{
    struct epoll_event event = {.events = direction | EPOLLET, .data.fd = fd};
    if (epoll_ctl(epoll_fd, operation, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static void serve_one(int fd, uint32_t events)
{
    enum next next =
        connection_turn(fd, DRAIN_ONCE); /* the fault: NEXT_CLOSE is one of its answers */
    bool written = (events & EPOLLOUT) && next != NEXT_WRITE;
    watch(fd, EPOLL_CTL_MOD, written ? EPOLLIN : EPOLLOUT);
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
            serve_one(event.data.fd, event.events);
            continue;
        }
        for (int fd; (fd = connection_accept(listener)) >= 0;)
            watch(fd, EPOLL_CTL_ADD, EPOLLIN);
    }
}
