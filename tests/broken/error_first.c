/*
 * Broken on purpose: error and hang-up flags are looked at before the data.
 *
 * epoll reports all that holds at once: data to read, and that the peer has finished or reset.  It
 * looks tidy to sort the dead connections out first, but what a peer sent before it finished is
 * still in the socket, and is lost with it.
 * Found by: last_words.
 */
#include <err.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-error-first";
const bool mechanism_is_level_triggered = true;

static int epoll_fd;

static void watch(int fd, int operation, uint32_t what)
{
    struct epoll_event event = {.events = what | EPOLLRDHUP, .data.fd = fd};
    if (epoll_ctl(epoll_fd, operation, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static void serve_one(int fd, uint32_t events, enum drain rule)
{
    if (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) { /* the fault: before EPOLLIN */
        connection_close(fd);
        return;
    }
    enum next next = connection_turn(fd, rule);
    if (next == NEXT_CLOSE)
        connection_close(fd);
    else
        watch(fd, EPOLL_CTL_MOD, next == NEXT_WRITE ? EPOLLOUT : EPOLLIN);
}

void serve(int listener, enum drain rule)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, EPOLL_CTL_ADD, EPOLLIN);
    while (!stop) {
        struct epoll_event event;
        int fd;
        if (epoll_wait(epoll_fd, &event, 1, -1) < 1)
            continue;
        if (event.data.fd != listener)
            serve_one(event.data.fd, event.events, rule);
        else if ((fd = connection_accept(listener)) >= 0)
            watch(fd, EPOLL_CTL_ADD, EPOLLIN);
    }
}
