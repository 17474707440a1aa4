/*
 * ppoll(2): poll with a time-out in nanoseconds and a signal mask that holds during the wait.  The
 * kernel's scan is the same; compare with poll.c: only the call differs.
 */
#include <err.h>
#include <poll.h>
#include <stdlib.h>

#include "wait.h"

const char *const mechanism_name = "ppoll";

static const int *watched;
static struct pollfd *set;
static uint32_t set_count;

void wait_watch(const int *fds, uint32_t count)
{
    watched = fds;
    set_count = count;
    set = calloc(count, sizeof *set);
    if (!set)
        err(1, "no memory for %u descriptors", count);
    wait_build(true);
}

/* The kernel leaves fd and events as they are. */
void wait_build(bool anew)
{
    for (uint32_t i = 0; anew && i < set_count; i++)
        set[i] = (struct pollfd){.fd = watched[i], .events = POLLIN};
}

uint32_t wait_reregister(enum reregister how)
{
    (void)how;
    return 0;
}

int wait_call(int timeout_ms)
{
    static const struct timespec at_once;
    return ppoll(set, set_count, timeout_ms < 0 ? NULL : &at_once, NULL);
}

uint32_t wait_scan(int ready, uint32_t *places)
{
    uint32_t found = 0;
    for (uint32_t i = 0; found < (uint32_t)ready && i < set_count; i++)
        if (set[i].revents)
            places[found++] = i;
    return found;
}
