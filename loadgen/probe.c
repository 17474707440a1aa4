#include "probe.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "clock.h"

enum { BATCHES = 9, TRIPS = 200, CACHE_LINE = 64 };
static const uint64_t patience_ns = 20000000;

struct rally {
    _Alignas(2 * CACHE_LINE) atomic_uint ball; /* odd: on its way to b; even: back at a */
    int core_a, core_b;
    uint32_t median_ns;
};

static bool move_to(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

/* Waits until the ball has the value; false after the deadline. */
static bool await(struct rally *r, unsigned value, uint64_t deadline_ns)
{
    for (unsigned spins = 1; atomic_load(&r->ball) != value; spins++)
        if (spins % 4096 == 0 && clock_ns() > deadline_ns)
            return false;
    return true;
}

static void *return_balls(void *argument)
{
    struct rally *r = argument;
    uint64_t deadline_ns = clock_ns() + patience_ns;
    if (!move_to(r->core_b))
        return NULL;
    for (unsigned trip = 0; trip < BATCHES * TRIPS; trip++) {
        if (!await(r, 2 * trip + 1, deadline_ns))
            return NULL;
        atomic_store(&r->ball, 2 * trip + 2);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void *serve_balls(void *argument)
{
    struct rally *r = argument;
    uint64_t batch_ns[BATCHES], deadline_ns = clock_ns() + patience_ns;
    if (!move_to(r->core_a))
        return NULL;
    unsigned trip = 0;
    for (int batch = 0; batch < BATCHES; batch++) {
        uint64_t start_ns = clock_ns();
        for (int n = 0; n < TRIPS; n++, trip++) {
            atomic_store(&r->ball, 2 * trip + 1);
            if (!await(r, 2 * trip + 2, deadline_ns))
                return NULL;
        }
        batch_ns[batch] = (clock_ns() - start_ns) / TRIPS;
    }
    qsort(batch_ns, BATCHES, sizeof *batch_ns, compare);
    r->median_ns = (uint32_t)batch_ns[BATCHES / 2];
    return NULL;
}

uint32_t probe_round_trip_ns(int core_a, int core_b)
{
    if (core_a < 0 || core_b < 0 || core_a == core_b)
        return 0;
    struct rally r = {.core_a = core_a, .core_b = core_b};
    pthread_t a, b;
    if (pthread_create(&b, NULL, return_balls, &r) != 0)
        return 0;
    bool served = pthread_create(&a, NULL, serve_balls, &r) == 0;
    if (served)
        pthread_join(a, NULL);
    pthread_join(b, NULL); /* it gives up at its deadline when nobody serves */
    return r.median_ns;
}
