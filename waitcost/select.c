/*
 * select(2), the portable way.  fd_set is a bitmap of FD_SETSIZE bits (1,024 in glibc), so that a
 * descriptor of a higher value cannot be watched.  The kernel overwrites the set: it is copied
 * before each wait, and scanned up to the highest descriptor on either side.  With _FORTIFY_SOURCE,
 * as here, FD_SET and FD_ISSET check each descriptor against FD_SETSIZE by a call: the scan takes
 * three times that of select_wide.c.
 */
#include <err.h>
#include <stddef.h>
#include <sys/select.h>

#include "wait.h"

const char *const mechanism_name = "select";

static const int *watched;
static uint32_t watched_count;
static int fd_end; /* one more than the highest descriptor */
static fd_set readers, ready_readers;

static void fill(void)
{
    FD_ZERO(&readers);
    for (uint32_t i = 0; i < watched_count; i++)
        FD_SET(watched[i], &readers);
}

void wait_watch(const int *fds, uint32_t count)
{
    fd_end = fds[count - 1] + 1;
    if (fd_end > FD_SETSIZE)
        errx(2,
             "select cannot watch descriptor %d: fd_set ends at FD_SETSIZE (%d); take select-wide, "
             "or fewer descriptors",
             fd_end - 1, FD_SETSIZE);
    watched = fds;
    watched_count = count;
    fill();
}

void wait_build(bool anew)
{
    if (anew)
        fill();
    ready_readers = readers;
}

uint32_t wait_reregister(enum reregister how)
{
    (void)how;
    return 0;
}

int wait_call(int timeout_ms)
{
    struct timeval at_once = {0};
    return select(fd_end, &ready_readers, NULL, NULL, timeout_ms < 0 ? NULL : &at_once);
}

uint32_t wait_scan(int ready, uint32_t *places)
{
    uint32_t found = 0;
    for (uint32_t i = 0; found < (uint32_t)ready && i < watched_count; i++)
        if (FD_ISSET(watched[i], &ready_readers))
            places[found++] = i;
    return found;
}
