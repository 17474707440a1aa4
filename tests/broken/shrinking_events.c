/*
 * Broken on purpose: the array of events shrinks on each disconnect.
 *
 * The third argument of epoll_wait() is how many events fit into the array, not how many
 * connections there are.  Who counts it down with every connection that ends comes to 0; then the
 * wait says EINVAL at once, for ever, and uses a whole core without serving anybody.
 * Found by: connects_and_closes.
 */
#include <err.h>
#include <sys/epoll.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-shrinking-events";
const bool mechanism_is_level_triggered = true;

enum { EVENTS = 16 };

static int epoll_fd;
static int events_max = EVENTS;

static void watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static void serve_one(int fd, enum drain rule)
{
    enum next next = connection_turn(fd, rule);
    if (next == NEXT_CLOSE) {
        connection_close(fd);
        events_max--; /* the fault: the array has not lost a place */
        return;
    }
    struct epoll_event event = {.events = next == NEXT_WRITE ? EPOLLOUT : EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event);
}

void serve(int listener, enum drain rule)
{
    struct epoll_event events[EVENTS];
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(listener);
    while (!stop) {
        int ready = epoll_wait(epoll_fd, events, events_max, -1);
        for (int i = 0; i < ready; i++)
            if (events[i].data.fd != listener)
                serve_one(events[i].data.fd, rule);
            else
                for (int fd; (fd = connection_accept(listener)) >= 0;)
                    watch(fd);
    }
}
