/*
 * C19 timeout0-efficient
 *
 * Claim: Use a time-out of 0 in the main loop: epoll_wait then never makes it wait, and the loop
 * stays efficient.
 *
 * Believed because: in the main loop of a game it is right: the loop has other work to do, and must
 * not sleep in epoll_wait.
 *
 * Experiment: For 100 ms a loop does nothing but wait, on a pipe where nothing happens: with a
 * time-out of 0, and with one of 100 ms.  Many turns of the loop speak for the claim: it goes on.
 * The CPU time may speak against it: ten times that of the loop that sleeps is not efficient.
 *
 * Read on: fs/eventpoll.c, ep_poll(): with 0 it looks once and never sleeps; clock_gettime(2),
 * CLOCK_PROCESS_CPUTIME_ID.
 */
#include <err.h>
#include <sys/epoll.h>
#include <time.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { IDLE_MS = 100, MANY = 100, MUCH = 10 };

const enum verdict if_contradicted = REFUTED, if_mixed = DEPENDS;

struct use {
    long turns;
    double cpu_ms;
};

static double cpu_ms(void)
{
    struct timespec used;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) < 0)
        err(1, "clock_gettime");
    return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

static struct use idle_loop(int epoll, int timeout_ms)
{
    struct use use = {0};
    double before_ms = cpu_ms(), end_ms = now_ms() + IDLE_MS;
    do {
        (void)count_events(epoll, timeout_ms);
        use.turns++;
    } while (now_ms() < end_ms);
    use.cpu_ms = cpu_ms() - before_ms;
    return use;
}

void try_claim(void)
{
    struct pair pair = open_pair(KIND_PIPE);
    int epoll = epoll_instance();
    epoll_add(epoll, pair.watched, EPOLLIN);
    struct use busy = idle_loop(epoll, 0), asleep = idle_loop(epoll, IDLE_MS);
    double times = busy.cpu_ms / asleep.cpu_ms;
    observe_count("turns of the loop, time-out 0", busy.turns, supports_if(busy.turns >= MANY),
                  text("%d or more: it goes on, whatever the descriptors do", MANY));
    observe_count(text("turns of the loop, time-out %d ms", IDLE_MS), asleep.turns, CONTEXT,
                  "work of its own would wait for a turn");
    observe_amount("CPU time, time-out 0", busy.cpu_ms, "ms", CONTEXT, "what waiting has cost");
    observe_amount(text("CPU time, time-out %d ms", IDLE_MS), asleep.cpu_ms, "ms", CONTEXT,
                   "what waiting has cost");
    observe_amount("CPU time, 0 against the other", times, "times", contradicts_if(times >= MUCH),
                   text("%d or more: spent on nothing", MUCH));
    picture_bars(text("CPU time of a loop that waits for %d ms", IDLE_MS), "ms");
    picture_bar(times >= MUCH ? WRONG : DONE, busy.cpu_ms, "time-out 0: %ld turns", busy.turns);
    picture_bar(CAME, asleep.cpu_ms, "time-out %d ms: %ld turns", IDLE_MS, asleep.turns);
    conclude("in %d idle ms: %ld turns and %.3g ms of CPU time with a time-out of 0, %ld and %.3g "
             "ms with one of %d ms",
             IDLE_MS, busy.turns, busy.cpu_ms, asleep.turns, asleep.cpu_ms, IDLE_MS);
}
