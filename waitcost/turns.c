/*
 * A turn: some descriptors are made ready, the set is built, the wait, the scan for what it found,
 * and a read of each.  The clock is read between the parts and nowhere else; `none` shows what that
 * costs.  All memory is there before the first turn.
 */
#include "turns.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../loadgen/clock.h"
#include "fuse.h"
#include "partner.h"

enum { EMPTY_WAITS_MOST = 1000 }; /* in a row, before a descriptor counts as lost */

struct made made;

static const struct options *options;
static const struct descriptors *descriptors;
static struct places *places;
static uint32_t *found, *following;
static bool sleeps; /* the wait is left to sleep until the partner writes */

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t voluntary_switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (uint64_t)usage.ru_nvcsw;
}

static void make_ready(void)
{
    made = (struct made){.places = places_next(places), .count = options->ready};
    if (sleeps) {
        partner_order(made.places[0]);
        return;
    }
    for (uint32_t i = 0; i < made.count; i++)
        descriptor_make_ready(descriptors, made.places[i]);
}

/* Build, wait and scan, each timed; the number of descriptors found. */
static uint32_t wait_once(struct round *r, bool first)
{
    uint64_t begin_ns = clock_ns();
    wait_build(first && options->rebuild);
    if (first && options->reregister)
        r->ctl += wait_reregister(options->reregister);
    uint64_t built_ns = clock_ns(), cpu_before_ns = 0;
    if (options->when == WHEN_SLEEPING)
        cpu_before_ns = cpu_ns();
    int ready = wait_call(options->when == WHEN_ZERO ? 0 : -1);
    if (options->when == WHEN_SLEEPING)
        r->wait_cpu_ns += cpu_ns() - cpu_before_ns;
    uint64_t waited_ns = clock_ns();
    if (ready < 0 && errno != EINTR) /* epoll's: we were stopped, and go on */
        err(1, "%s", mechanism_name);
    uint32_t count = wait_scan(ready < 0 ? 0 : ready, found);
    uint64_t scanned_ns = clock_ns();
    r->waits++;
    r->events += count;
    r->build_ns += built_ns - begin_ns;
    r->wait_ns += waited_ns - built_ns;
    r->scan_ns += scanned_ns - waited_ns;
    return count;
}

/* Reads what was found, and then makes the neighbours of some of them ready: how many. */
static uint32_t drain(uint32_t count, uint32_t writes)
{
    for (uint32_t i = 0; i < count; i++)
        descriptor_drain(descriptors, found[i]);
    uint32_t more = count < writes ? count : writes;
    for (uint32_t i = 0; i < more; i++) {
        following[i] = (found[i] + 1) % descriptors->count;
        descriptor_make_ready(descriptors, following[i]);
    }
    if (options->writes)
        made = (struct made){.places = following, .count = more};
    return more;
}

static void turn(struct round *r)
{
    uint64_t left = (uint64_t)options->ready + options->writes;
    uint32_t writes = options->writes, empty = 0;
    bool first = true;
    make_ready();
    do {
        uint32_t count = wait_once(r, first);
        empty = count ? 0 : empty + 1;
        if (count > left || empty > EMPTY_WAITS_MOST)
            errx(1, "%s found %u descriptors where %" PRIu64 " are ready", mechanism_name, count,
                 left);
        writes -= drain(count, writes);
        left -= count;
        first = false;
    } while (left);
    r->turns++;
}

static void run_round(struct round *r, uint64_t turns)
{
    uint64_t polls = options->kind == KIND_FUSE ? fuse_polls() : 0;
    uint64_t switches = voluntary_switches(), cpu_before_ns = cpu_ns(), begin_ns = clock_ns();
    for (uint64_t i = 0; i < turns; i++)
        turn(r);
    r->elapsed_ns = clock_ns() - begin_ns;
    r->cpu_ns = cpu_ns() - cpu_before_ns;
    r->slept = voluntary_switches() - switches;
    r->kernel_polls = options->kind == KIND_FUSE ? fuse_polls() - polls : 0;
}

/* Half a round, uncounted: how many turns will a whole one hold? */
static uint64_t warm_up(void)
{
    struct round r = {0};
    uint64_t begin_ns = clock_ns(), now_ns = begin_ns;
    while (now_ns - begin_ns < options->round_ns / 2 &&
           (!options->turns || r.turns < options->turns)) {
        turn(&r);
        now_ns = clock_ns();
    }
    if (options->turns)
        return options->turns;
    double turns = (double)r.turns * (double)options->round_ns / (double)(now_ns - begin_ns);
    return turns >= 1 ? (uint64_t)turns : 1; /* it is no number where no time has passed */
}

void turns_run(const struct options *o, const struct descriptors *d, struct places *p,
               struct round *rounds)
{
    options = o;
    descriptors = d;
    places = p;
    found = calloc(d->count, sizeof *found);
    following = calloc(d->count, sizeof *following);
    if (!found || !following)
        err(1, "no memory for %u places", d->count);
    sleeps = o->when == WHEN_SLEEPING && strcmp(mechanism_name, "none") != 0;
    if (sleeps)
        partner_start(d, o);
    wait_watch(d->watched, d->count);
    uint64_t turns = warm_up();
    for (uint32_t i = 0; i < o->rounds; i++)
        run_round(&rounds[i], turns);
}
