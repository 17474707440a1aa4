#include "unit.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../../loadgen/random.h"
#include "../../loadgen/schedule.h"

enum { ACTIVE = 10, ARRIVALS = 100000 };

static const double rate_per_s = 5000;

static int compare(const void *x, const void *y)
{
    uint64_t l = *(const uint64_t *)x, r = *(const uint64_t *)y;
    return (l > r) - (l < r);
}

/* The due times of all connections together, in order. */
static void collect(enum arrival arrival, uint64_t seed, uint64_t *times)
{
    struct schedule s = {.arrival = arrival,
                         .rate_per_s = rate_per_s,
                         .active = ACTIVE,
                         .seed = seed,
                         .start_ns = 1000000000};
    size_t n = 0;
    for (uint32_t place = 0; place < ACTIVE; place++) {
        uint64_t due = schedule_first(&s, place, 0);
        for (uint64_t number = 1; number <= ARRIVALS / ACTIVE; number++) {
            times[n++] = due;
            due = schedule_next(&s, place, number, due);
        }
    }
    qsort(times, n, sizeof *times, compare);
}

/* Mean rate and coefficient of variation of the gaps; the end, where connections stop one by one,
 * is left out. */
static void measure(const uint64_t *times, double *per_s, double *variation)
{
    size_t n = ARRIVALS * 9 / 10;
    double sum = 0, squares = 0;
    for (size_t i = 1; i < n; i++) {
        double gap = (double)(times[i] - times[i - 1]);
        sum += gap;
        squares += gap * gap;
    }
    double mean = sum / (double)(n - 1);
    *per_s = 1e9 / mean;
    *variation = sqrt(squares / (double)(n - 1) - mean * mean) / mean;
}

static uint64_t times[ARRIVALS], others[ARRIVALS];

static void test_poisson_rate_and_gaps(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        double per_s, variation;
        collect(ARRIVAL_POISSON, seed, times);
        measure(times, &per_s, &variation);
        if (fabs(per_s / rate_per_s - 1) > 0.01 || variation < 0.95 || variation > 1.05)
            fail_msg("seed %d: %g per second, variation %g", (int)seed, per_s, variation);
    }
}

static void test_uniform_gaps_are_even(void **state)
{
    double per_s, variation;
    (void)state;
    collect(ARRIVAL_UNIFORM, 3, times);
    measure(times, &per_s, &variation);
    assert_true(fabs(per_s / rate_per_s - 1) < 1e-6);
    assert_true(variation < 1e-3);
}

/* A period longer than a slice: who is due at its beginning is as random as the slice's seed. */
static void test_uniform_reaches_all_connections(void **state)
{
    bool seen[1000] = {false};
    uint32_t count = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) { /* slices of a tenth of a period */
        struct schedule s = {
            .arrival = ARRIVAL_UNIFORM, .rate_per_s = 1000, .active = 1000, .seed = seed};
        for (uint32_t place = 0; place < 1000; place++)
            if (schedule_first(&s, place, 0) < 100000000 && !seen[place]) {
                seen[place] = true;
                count++;
            }
    }
    assert_in_range(count, 990, 1000);
}

static void test_arrivals_depend_on_the_seed_only(void **state)
{
    (void)state;
    collect(ARRIVAL_POISSON, 1, times);
    collect(ARRIVAL_POISSON, 1, others);
    assert_memory_equal(times, others, sizeof times);
    collect(ARRIVAL_POISSON, 2, others);
    assert_memory_not_equal(times, others, sizeof times);
}

static void test_thinking_clients_do_not_start_together(void **state)
{
    struct schedule s = {
        .arrival = ARRIVAL_CLOSED, .active = ACTIVE, .think_ns = 1000000, .seed = 1};
    (void)state;
    for (uint32_t place = 0; place < 1000; place++) {
        uint64_t first = schedule_first(&s, place, 0);
        assert_true(first < s.think_ns);
        times[place] = first;
    }
    qsort(times, 1000, sizeof *times, compare);
    assert_in_range(times[500], 400000, 600000);
    assert_int_equal(schedule_next(&s, 0, 1, 77), 1000077);
}

/* A delay of the network keeps the distances between the first requests for ever. */
static void test_a_slow_network_is_not_entered_together(void **state)
{
    struct schedule s = {
        .arrival = ARRIVAL_CLOSED, .active = ACTIVE, .network_delay_ns = 1000000, .seed = 1};
    (void)state;
    for (uint32_t place = 0; place < 1000; place++)
        times[place] = schedule_first(&s, place, 0);
    qsort(times, 1000, sizeof *times, compare);
    assert_in_range(times[999], 900000, 999999);
    assert_in_range(times[500], 400000, 600000);
    assert_int_equal(schedule_next(&s, 0, 1, 77), 77); /* the network waits by itself */
}

static void test_queue_gives_the_earliest_first(void **state)
{
    struct due_queue q;
    (void)state;
    assert_true(due_queue_init(&q, 1000));
    for (uint64_t round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < 1000; i++)
            due_queue_push(&q, (struct due){random_at(round, i, 0) % 500, i});
        uint64_t last = 0;
        while (q.count) {
            struct due due = due_queue_pop(&q);
            assert_true(due.due_ns >= last);
            last = due.due_ns;
        }
    }
    free(q.heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_poisson_rate_and_gaps),
        cmocka_unit_test(test_uniform_gaps_are_even),
        cmocka_unit_test(test_uniform_reaches_all_connections),
        cmocka_unit_test(test_arrivals_depend_on_the_seed_only),
        cmocka_unit_test(test_thinking_clients_do_not_start_together),
        cmocka_unit_test(test_a_slow_network_is_not_entered_together),
        cmocka_unit_test(test_queue_gives_the_earliest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
