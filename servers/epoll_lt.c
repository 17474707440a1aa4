/*
 * epoll(7), level-triggered.  The kernel keeps the set of descriptors; each is told to it once,
 * with epoll_ctl.  A socket that becomes ready puts itself on a list, and a wait returns what is on
 * the list: idle connections are not looked at.  As long as a socket stays ready, every wait
 * returns it again.  The price is a system call for every change of interest.
 */
#include <err.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "echo.h"
#include "ledger.h"

const char *const mechanism_name = "epoll-lt";
const bool mechanism_is_level_triggered = true;

enum { EVENTS_PER_WAIT = 1024 };

static int epoll_fd;
static struct epoll_event events[EVENTS_PER_WAIT];

static bool watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    ledger->ctl++;
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void rewatch(int fd, enum next next)
{
    struct connection *connection = connection_at(fd);
    bool writing = next == NEXT_WRITE;
    if (connection->writing == writing)
        return;
    connection->writing = writing;
    struct epoll_event event = {.events = writing ? EPOLLOUT : EPOLLIN, .data.fd = fd};
    ledger->ctl++;
    if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0)
        err(1, "epoll_ctl MOD of a descriptor that is watched");
}

/* No unwatch: closing a connection's only descriptor takes it out of the kernel's set. */

static int wait_for_events(void)
{
    ledger->waits++;
    int ready = epoll_wait(epoll_fd, events, EVENTS_PER_WAIT, -1);
    if (ready < 0 && errno != EINTR)
        err(1, "epoll_wait");
    if (ready < 0)
        return 0;
    ledger->examined += (uint64_t)ready;
    ledger->events += (uint64_t)ready;
    return ready;
}

void serve(int listener, enum drain rule)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0 || !watch(listener))
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
            enum next next = connection_turn(fd, rule);
            if (next == NEXT_CLOSE) {
                connection_close(fd);
                continue;
            }
            rewatch(fd, next);
        }
        if (!knock)
            continue;
        for (int n = 0, fd; n < ACCEPTS_PER_TURN && (fd = connection_accept(listener)) >= 0; n++)
            if (!watch(fd))
                connection_refuse(fd, "epoll_ctl: raise fs.epoll.max_user_watches");
    }
    close(epoll_fd);
}
