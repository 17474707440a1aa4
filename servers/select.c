/*
 * select(2), the portable way.  A set of descriptors is a bitmap, fd_set, of FD_SETSIZE bits (1024
 * in glibc): a descriptor of a higher *value* cannot be watched, however few there are.  Each wait
 * overwrites the sets, so that they are copied first; the kernel scans all bits up to the highest
 * descriptor, and the server scans the answer.  See select_wide.c for what lies past FD_SETSIZE.
 */
#include <err.h>
#include <errno.h>
#include <sys/select.h>

#include "echo.h"
#include "ledger.h"

const char *const mechanism_name = "select";
const bool mechanism_is_level_triggered = true;

static fd_set readers, writers;             /* what to wait for */
static fd_set ready_readers, ready_writers; /* what the last wait returned */
static int fd_end;                          /* one more than the highest descriptor watched */
static uint64_t set_count;

static bool watch(int fd)
{
    if (fd >= FD_SETSIZE)
        return false;
    FD_SET(fd, &readers);
    set_count++;
    if (fd >= fd_end)
        fd_end = fd + 1;
    return true;
}

static void rewatch(int fd, enum next next)
{
    if (next == NEXT_WRITE) {
        FD_CLR(fd, &readers);
        FD_SET(fd, &writers);
    } else {
        FD_CLR(fd, &writers);
        FD_SET(fd, &readers);
    }
}

static void unwatch(int fd)
{
    FD_CLR(fd, &readers);
    FD_CLR(fd, &writers);
    set_count--;
    while (fd_end > 0 && !FD_ISSET(fd_end - 1, &readers) && !FD_ISSET(fd_end - 1, &writers))
        fd_end--;
}

static int wait_for_events(void)
{
    ready_readers = readers;
    ready_writers = writers;
    ledger->waits++;
    ledger->examined += set_count;
    int ready = select(fd_end, &ready_readers, &ready_writers, NULL, NULL);
    if (ready < 0 && errno != EINTR)
        err(1, "select");
    if (ready < 0)
        return 0;
    ledger->events += (uint64_t)ready;
    return ready;
}

void serve(int listener, enum drain rule)
{
    if (!watch(listener))
        errx(1, "the listening socket has descriptor %d, select's limit is %d: close some first",
             listener, FD_SETSIZE);
    while (!stop) {
        int ready = wait_for_events();
        bool knock = ready > 0 && FD_ISSET(listener, &ready_readers);
        if (knock)
            ready--;
        for (int fd = 0; ready > 0 && fd < fd_end; fd++) {
            if (fd == listener || (!FD_ISSET(fd, &ready_readers) && !FD_ISSET(fd, &ready_writers)))
                continue;
            ready--;
            enum next next = connection_turn(fd, rule);
            if (next == NEXT_CLOSE) {
                unwatch(fd);
                connection_close(fd);
                continue;
            }
            rewatch(fd, next);
        }
        if (!knock)
            continue;
        for (int n = 0, fd; n < ACCEPTS_PER_TURN && (fd = connection_accept(listener)) >= 0; n++)
            if (!watch(fd))
                connection_refuse(fd, "select cannot watch a descriptor of FD_SETSIZE or more");
    }
}
