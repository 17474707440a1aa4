/*
 * C10 select-timeout-modified
 *
 * Claim: select overwrites its time-out with the time that was left.
 *
 * Believed because: Linux does it.  Other systems do not, so that portable texts call the value
 * undefined after the call.
 *
 * Experiment: select gets 5 s, and a descriptor that becomes ready after 20 ms.  Then it gets 50
 * ms, and nothing becomes ready.  What do the two time-outs say afterwards?  The same values as
 * before refute the claim.  For comparison: pselect, whose time-out glibc copies first.
 *
 * Read on: select(2); fs/select.c, poll_select_finish(), and the comment of 1994 at the head of the
 * file: the personality STICKY_TIMEOUTS switches it off.
 */
#include <sys/select.h>

#include "children.h"
#include "claim.h"
#include "setup.h"

enum { DELAY_MS = 20 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static int fd;

static void make_ready(void)
{
    send_bytes(fd, 8);
}

static int wait_for_it(struct timeval *timeout)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    return select(fd + 1, &set, NULL, NULL, timeout);
}

static double in_s(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

void try_claim(void)
{
    fd = for_fd_set(open_pair(KIND_EVENTFD).watched);
    struct timeval woken = timeval_of_ms(EVENT_MS), run_out = timeval_of_ms(SILENCE_MS);
    struct timespec for_pselect = {.tv_nsec = 1000000L * SILENCE_MS};
    double given = in_s(woken), given_short = in_s(run_out);
    later(DELAY_MS, make_ready);
    int ready = wait_for_it(&woken);
    drain(fd);
    int expired = wait_for_it(&run_out);
    pselect(0, NULL, NULL, NULL, &for_pselect, NULL);
    double left = in_s(woken), left_short = in_s(run_out);
    double left_pselect = (double)for_pselect.tv_nsec / 1e9;

    observe_amount(text("left of %g s, ready after %d ms", given, DELAY_MS), left, "s",
                   weigh(ready == 1 && left < given, ready == 1 && left >= given),
                   "less than was given: it was overwritten");
    observe_amount(
        text("left of %g s, run out", given_short), left_short, "s",
        weigh(expired == 0 && left_short <= 0, expired == 0 && left_short >= given_short),
        "0: no time was left");
    observe_amount(text("pselect: left of %g s, run out", given_short), left_pselect, "s", CONTEXT,
                   "glibc gives the kernel a copy");
    conclude("of %.2f s select left %.2f s when it was woken, of %.2f s it left %.2f s when they "
             "ran out; pselect left %.2f s",
             given, left, given_short, left_short, left_pselect);
}
