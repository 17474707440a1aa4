/*
 * poll(2).  The server owns an array with one entry per descriptor and hands all of it to the
 * kernel at every wait; the kernel asks each descriptor whether it is ready, and the server then
 * looks for the answers in the same array.  Both scans grow with the number of connections, however
 * few of them are ready.  The only limit is the number of descriptors (RLIMIT_NOFILE).
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "echo.h"
#include "ledger.h"

const char *const mechanism_name = "poll";
const bool mechanism_is_level_triggered = true;

static struct pollfd *set; /* set[0] is the listener; the connections follow, without holes */
static nfds_t set_count, set_size;

static bool watch(int fd)
{
    if (set_count == set_size) {
        struct pollfd *larger = reallocarray(set, 2 * set_size + 64, sizeof *set);
        if (!larger)
            return false;
        set = larger;
        set_size = 2 * set_size + 64;
    }
    set[set_count] = (struct pollfd){.fd = fd, .events = POLLIN};
    set_count++;
    return true;
}

static void rewatch(nfds_t slot, enum next next)
{
    set[slot].events = next == NEXT_WRITE ? POLLOUT : POLLIN;
}

static void unwatch(nfds_t slot)
{
    set_count--;
    set[slot] = set[set_count]; /* the last one fills the hole */
}

/* poll takes no more entries than descriptors may be opened: somebody has lowered that limit, and
 * may have raised it again by now. */
static void shed(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "getrlimit");
    if (limit.rlim_cur == 0)
        errx(1, "no descriptor is allowed any more: raise `ulimit -n`");
    if (set_count <= limit.rlim_cur)
        return;
    warnx("closing %lu connections: the descriptor limit is now %lu: raise `ulimit -n`",
          (unsigned long)(set_count - limit.rlim_cur), (unsigned long)limit.rlim_cur);
    while (set_count > limit.rlim_cur)
        connection_close(set[--set_count].fd);
}

static int wait_for_events(void)
{
    ledger->waits++;
    ledger->examined += set_count;
    int ready = poll(set, set_count, -1);
    if (ready < 0 && errno == EINVAL)
        shed();
    else if (ready < 0 && errno != EINTR)
        err(1, "poll");
    if (ready < 0)
        return 0;
    ledger->events += (uint64_t)ready;
    return ready;
}

void serve(int listener, enum drain rule)
{
    if (!watch(listener))
        err(1, "no memory for the first descriptors");
    while (!stop) {
        int ready = wait_for_events();
        bool knock = ready > 0 && set[0].revents;
        if (knock)
            ready--;
        for (nfds_t slot = 1; ready > 0 && slot < set_count;) {
            if (!set[slot].revents) {
                slot++;
                continue;
            }
            ready--;
            int fd = set[slot].fd;
            enum next next = connection_turn(fd, rule);
            if (next == NEXT_CLOSE) {
                unwatch(slot); /* another one stands here now: look at this slot again */
                connection_close(fd);
                continue;
            }
            rewatch(slot, next);
            slot++;
        }
        if (!knock)
            continue;
        for (int n = 0, fd; n < ACCEPTS_PER_TURN && (fd = connection_accept(listener)) >= 0; n++)
            if (!watch(fd))
                connection_refuse(fd, "no memory to watch it");
    }
    free(set);
}
