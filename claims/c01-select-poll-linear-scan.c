/*
 * C1 select-poll-linear-scan
 *
 * Claim: select and poll look at every descriptor they were given, on each call.
 *
 * Believed because: it is in every text about the two, and it follows from their interface: the
 * kernel keeps nothing from one call to the next.
 *
 * Experiment: 500 descriptors of a file system of our own, which counts how often the kernel calls
 * their ->poll().  The calls find nothing, run into their time-out, are woken by one descriptor, or
 * find the first one ready at once.  Fewer than 500 counted in a call would refute the claim.  A
 * call that has to sleep looks twice: before, and again when it is woken.
 *
 * Read on: fs/select.c, do_poll() and do_select(), the loops that begin with for (;;); __pollwait()
 * and poll_freewait(), which also put an entry on each wait queue and take it off; poll(2).
 */
#include <poll.h>
#include <sys/select.h>

#include "../waitcost/fuse.h"
#include "children.h"
#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { N = 500 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static struct pollfd asked[N];
static uint64_t all_asked; /* the count when the call will have looked at each once */

static int with_poll(int timeout_ms)
{
    return poll(asked, N, timeout_ms);
}

static int with_select(int timeout_ms)
{
    struct timeval timeout = timeval_of_ms(timeout_ms);
    fd_set set;
    FD_ZERO(&set);
    for (int i = 0; i < N; i++)
        FD_SET(asked[i].fd, &set);
    return select(FD_SETSIZE, &set, NULL, NULL, &timeout);
}

/* When the call sleeps or is about to; after a second if it should never look at all of them. */
static void write_to_first(void)
{
    for (int ms = 0; ms < 1000 && fuse_polls() < all_asked; ms++)
        poll(NULL, 0, 1);
    send_bytes(asked[0].fd, 8);
}

static long long observe_wait(const char *name, int (*wait)(int), int timeout_ms, int expected)
{
    polls_counted();
    int ready = wait(timeout_ms);
    long long calls = polls_counted();
    observe_count(name, calls, weigh(ready == expected && calls >= N, calls < N),
                  text("fewer than %d would mean that some were left out", N));
    picture_bar(CAME, (double)calls, "%s", name);
    return calls;
}

static long long observe_wakeup(const char *name, int (*wait)(int))
{
    all_asked = fuse_polls() + N;
    later(0, write_to_first);
    return observe_wait(name, wait, EVENT_MS, 1);
}

void try_claim(void)
{
    need_descriptors(N + 50);
    need_poll_counter();
    for (int i = 0; i < N; i++)
        asked[i] = (struct pollfd){.fd = for_fd_set(open_counted()), .events = POLLIN};
    picture_bars(text("How often a wait calls ->poll(), %d descriptors", N), "calls");
    long long at_once = observe_wait("poll, nothing ready, time-out 0", with_poll, 0, 0);
    observe_wait("poll, sleeps until its time-out", with_poll, SILENCE_MS, 0);
    long long woken = observe_wakeup("poll, woken by one", with_poll);
    observe_wait("poll, the first is ready", with_poll, EVENT_MS, 1);
    read_bytes(asked[0].fd, 8);
    long long select_at_once = observe_wait("select, nothing ready, time-out 0", with_select, 0, 0);
    observe_wait("select, sleeps until its time-out", with_select, SILENCE_MS, 0);
    long long select_woken = observe_wakeup("select, woken by one", with_select);
    observe_wait("select, the first is ready", with_select, EVENT_MS, 1);
    conclude("with %d descriptors poll made %lld calls of ->poll() with time-out 0 and %lld when "
             "one woke it, select %lld and %lld",
             N, at_once, woken, select_at_once, select_woken);
}
