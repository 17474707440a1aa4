/*
 * epoll(7), level-triggered.  The kernel keeps the set: each descriptor is told to it once.  One
 * that becomes ready puts itself on a list; a wait asks those on the list only, and puts each that
 * is ready on it again, to be asked by the next wait.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "wait.h"

const char *const mechanism_name = "epoll-lt";

static int epoll_fd;
static const int *watched;
static uint32_t watched_count;
static struct epoll_event *events;

static void tell(int what, uint32_t place)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = place};
    if (epoll_ctl(epoll_fd, what, watched[place], &event) < 0)
        err(1, "epoll_ctl of descriptor %d%s", watched[place],
            errno == ENOSPC ? ": raise fs.epoll.max_user_watches" : "");
}

void wait_watch(const int *fds, uint32_t count)
{
    watched = fds;
    watched_count = count;
    events = calloc(count, sizeof *events);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!events || epoll_fd < 0)
        err(1, "epoll_create1");
    for (uint32_t i = 0; i < count; i++)
        tell(EPOLL_CTL_ADD, i);
}

void wait_build(bool anew)
{
    (void)anew;
}

uint32_t wait_reregister(enum reregister how)
{
    for (uint32_t i = 0; i < watched_count; i++) {
        if (how == REREGISTER_ADD)
            tell(EPOLL_CTL_DEL, i);
        tell(how == REREGISTER_ADD ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, i);
    }
    return how == REREGISTER_ADD ? 2 * watched_count : watched_count;
}

int wait_call(int timeout_ms)
{
    return epoll_wait(epoll_fd, events, (int)watched_count, timeout_ms);
}

uint32_t wait_scan(int ready, uint32_t *places)
{
    for (int i = 0; i < ready; i++)
        places[i] = events[i].data.u32;
    return (uint32_t)ready;
}
