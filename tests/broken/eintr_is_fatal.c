/*
 * Broken on purpose: EINTR is taken for an error.
 *
 * A wait that a signal interrupts says EINTR.  It seems that a server without handlers never sees
 * it; but epoll_wait() says so even after SIGSTOP and SIGCONT, when nothing was handled: Ctrl-Z and
 * fg, a debugger or a container that is paused for a moment ends this server.
 * Found by: stopped_and_continued, signals.
 */
#include <err.h>
#include <sys/epoll.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-eintr-is-fatal";
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
    set_interest(EPOLL_CTL_ADD, listener, EPOLLIN);
    while (!stop) {
        int ready = epoll_wait(epoll_fd, events, EVENTS, -1);
        if (ready < 0 && !stop)
            err(1, "epoll_wait"); /* the fault: EINTR is none */
        for (int i = 0; i < ready; i++)
            if (events[i].data.fd != listener)
                serve_one(events[i].data.fd, rule);
            else
                for (int fd; (fd = connection_accept(listener)) >= 0;)
                    set_interest(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
}
