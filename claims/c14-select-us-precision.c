/*
 * C14 select-us-precision
 *
 * Claim: select's time-out is more precise than the others': it is in microseconds, theirs are in
 * milliseconds.
 *
 * Believed because: of select, poll and epoll_wait it is true: look at the type of the time-out.
 *
 * Experiment: Wait for nothing, and keep the soonest return of each call: a busy machine makes a
 * return late, never early.  Each is asked 21 times: select, ppoll and epoll_pwait2 for 0.2 ms,
 * and on, up to 300 times, until one is back in less than 1 ms; poll and epoll_wait for the least
 * they can be asked for, 1 ms.  If the claim holds, select alone is back in less than 1 ms.
 *
 * History: ppoll came in 2.6.16, epoll_pwait2 in 5.11.  Both take nanoseconds.  Before them it was
 * true of select alone.
 *
 * Read on: fs/select.c, select_estimate_accuracy(): the timer of all of them may be late, by 50 us
 * or 0.1 % of a long time-out; poll(2); epoll_wait(2).
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441 /* on every architecture but Alpha */
#endif

#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { SAMPLES = 21, MOST = 300 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static const struct timespec short_time = {.tv_nsec = 200000};
static struct epoll_event event;
static int epoll;

static int wait_select(void)
{
    struct timeval time = {.tv_usec = 200};
    return select(0, NULL, NULL, NULL, &time);
}

static int wait_poll(void)
{
    return poll(NULL, 0, 1);
}

static int wait_epoll(void)
{
    return epoll_wait(epoll, &event, 1, 1);
}

static int wait_ppoll(void)
{
    return ppoll(NULL, 0, &short_time, NULL);
}

static int wait_pwait2(void)
{
    return (int)syscall(SYS_epoll_pwait2, epoll, &event, 1, &short_time, NULL, 0);
}

/* In ms, of SAMPLES, or of MOST if none is below 1 before; below 0: this kernel has no such call.
 */
static double soonest(const char *name, int (*wait)(void), int most)
{
    double least = EVENT_MS;
    for (int i = 0; i < SAMPLES || (i < most && least >= 1); i++) {
        double start = now_ms();
        int result = wait();
        double took = now_ms() - start;
        if (result < 0 && (errno == ENOSYS || errno == EPERM))
            return -1;
        if (result < 0)
            err(1, "%s", name);
        least = took < least ? took : least;
    }
    picture_bar(least < 1 ? CAME : SILENT, least, "%s", name);
    return least;
}

void try_claim(void)
{
    epoll = epoll_instance();
    picture_bars("The soonest return, by call and its time-out", "ms");
    double by_select = soonest("select, a timeval", wait_select, MOST);
    double by_poll = soonest("poll, an int of ms", wait_poll, SAMPLES);
    double by_epoll = soonest("epoll_wait, an int of ms", wait_epoll, SAMPLES);
    double by_ppoll = soonest("ppoll, a timespec", wait_ppoll, MOST);
    double by_pwait2 = soonest("epoll_pwait2, a timespec", wait_pwait2, MOST);
    if (by_select >= 1 && by_ppoll >= 1)
        not_applicable("no wait ends within 1 ms here: a large timer slack, no high-resolution "
                       "timers, or too busy");
    observe_amount("select's shortest wait", by_select, "ms", supports_if(by_select < 1),
                   "below 1: finer than a millisecond");
    observe_amount("poll's shortest wait", by_poll, "ms", supports_if(by_poll >= 1),
                   "its time-out can say nothing shorter but 0");
    observe_amount("epoll_wait's shortest wait", by_epoll, "ms", supports_if(by_epoll >= 1),
                   "its time-out can say nothing shorter but 0");
    observe_amount("ppoll's shortest wait", by_ppoll, "ms", contradicts_if(by_ppoll < 1),
                   "below 1: as fine as select");
    observe_amount("epoll_pwait2's shortest wait", by_pwait2, "ms",
                   by_pwait2 < 0 ? CONTEXT : contradicts_if(by_pwait2 < 1),
                   "below 1: as fine as select; -1: not in this kernel (5.11 brought it)");
    conclude("soonest return: select %.2f ms, poll %.2f, epoll_wait %.2f, ppoll %.2f, "
             "epoll_pwait2 %s",
             by_select, by_poll, by_epoll, by_ppoll,
             by_pwait2 < 0 ? "is not in this kernel" : text("%.2f", by_pwait2));
}
