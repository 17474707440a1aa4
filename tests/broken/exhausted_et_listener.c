/*
 * Broken on purpose: an edge-triggered listener, and no descriptor left.
 *
 * It does accept until there is an error, as the manual asks, but takes every error for an empty
 * backlog.  EMFILE means that connections are still waiting there; their edge is used up, so that
 * descriptors that get free later do not help them.  They are stranded until somebody else knocks.
 * Found by: stranded_in_the_backlog, limit_lowered.
 */
#include <err.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-exhausted-et-listener";
const bool mechanism_is_level_triggered = true;

enum { EVENTS = 64 };

static int epoll_fd;

static void watch(int fd, unsigned int what)
{
    struct epoll_event event = {.events = what, .data.fd = fd};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static void serve_one(int fd)
{
    static char buffer[16 * 1024];
    ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || send(fd, buffer, (size_t)n, MSG_NOSIGNAL) != n)
        close(fd); /* gone, or too slow for this small server */
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        watch(fd, EPOLLIN);
    /* the fault: errno may be EMFILE, and nobody comes back when there are descriptors again */
}

void serve(int listener, enum drain rule)
{
    struct epoll_event events[EVENTS];
    (void)rule;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, EPOLLIN | (unsigned int)EPOLLET);
    while (!stop) {
        int ready = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < ready; i++)
            if (events[i].data.fd == listener)
                accept_all(listener);
            else
                serve_one(events[i].data.fd);
    }
}
