#include "probe.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "clock.h"

enum { BATCHES = 9, TRIPS = 200, CACHE_LINE = 64, SPINS = 300000, CLOCK_READS = 10000, TRIES = 5 };
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

/* A chain of multiplications: nothing but the core's speed is in it. About a third of a
 * millisecond. */
static uint64_t spin_once(uint64_t x)
{
    for (int n = 0; n < SPINS; n++)
        x = x * 6364136223846793005ULL + 1442695040888963407ULL;
    return x;
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

struct spin {
    int core;
    uint64_t result; /* used, so that the work is done */
    uint32_t median_ns;
};

static void *spin_batches(void *argument)
{
    struct spin *s = argument;
    uint64_t batch_ns[BATCHES];
    if (!move_to(s->core))
        return NULL;
    for (int batch = 0; batch < BATCHES; batch++) {
        uint64_t start_ns = clock_ns();
        s->result = spin_once(s->result);
        batch_ns[batch] = clock_ns() - start_ns;
    }
    qsort(batch_ns, BATCHES, sizeof *batch_ns, compare);
    s->median_ns = (uint32_t)batch_ns[BATCHES / 2];
    return NULL;
}

static uint32_t spin_ns(int core)
{
    struct spin s = {.core = core};
    pthread_t thread;
    if (core < 0 || pthread_create(&thread, NULL, spin_batches, &s) != 0)
        return 0;
    pthread_join(thread, NULL);
    return s.median_ns;
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

struct probe probe_cores(int server_core, int generator_core)
{
    uint32_t round_trip_ns = 0;
    for (int tries = 0; tries < TRIES && !round_trip_ns; tries++)
        round_trip_ns = probe_round_trip_ns(server_core, generator_core);
    return (struct probe){
        .round_trip_ns = round_trip_ns,
        .server_spin_ns = spin_ns(server_core),
        .generator_spin_ns = spin_ns(generator_core),
    };
}

static void print_ns(FILE *out, const char *comma, const char *name, uint32_t ns)
{
    fprintf(out, "%s\"%s\": ", comma, name);
    if (ns)
        fprintf(out, "%u", ns);
    else
        fputs("null", out);
}

void probe_print(FILE *out, const struct probe *p)
{
    print_ns(out, "{", "round_trip_ns", p->round_trip_ns);
    print_ns(out, ", ", "server_spin_ns", p->server_spin_ns);
    print_ns(out, ", ", "generator_spin_ns", p->generator_spin_ns);
    fputs("}", out);
}

void probe_print_clock(FILE *out)
{
    struct timespec resolution = {0};
    clock_getres(CLOCK_MONOTONIC, &resolution);
    uint64_t start_ns = clock_ns(), last_ns = start_ns;
    for (int n = 0; n < CLOCK_READS; n++)
        last_ns = clock_ns();
    fprintf(out, "{\"resolution_ns\": %ld, \"cost_ns\": %.1f}", resolution.tv_nsec,
            (double)(last_ns - start_ns) / CLOCK_READS);
}
