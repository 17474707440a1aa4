#include "unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../loadgen/histogram.h"
#include "../../loadgen/random.h"

enum { VALUES = 20000 };

static struct histogram a, b;

static int compare(const void *x, const void *y)
{
    uint64_t l = *(const uint64_t *)x, r = *(const uint64_t *)y;
    return (l > r) - (l < r);
}

/* Log-uniform from 1 ns to 100 s: every octave is used. */
static uint64_t value_at(uint64_t seed, uint64_t i)
{
    return (uint64_t)exp(random_unit(seed, i, 0) * log(1e11));
}

static void test_every_value_lies_in_its_bucket(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < VALUES; i++) {
        uint64_t value = value_at(7, i);
        memset(&a, 0, sizeof a);
        histogram_add(&a, value);
        uint32_t bucket = 0;
        while (!a.counts[bucket])
            bucket++;
        assert_true(histogram_lower_ns(bucket) <= value && value < histogram_lower_ns(bucket + 1));
        if (i == 200)
            break; /* the whole array is cleared each time */
    }
}

static void test_buckets_are_narrow_and_without_gaps(void **state)
{
    (void)state;
    for (uint32_t i = 1; i + 1 < HISTOGRAM_BUCKETS; i++) {
        uint64_t lower = histogram_lower_ns(i), upper = histogram_lower_ns(i + 1);
        assert_true(upper > lower);
        if ((double)(upper - 1 - lower) > 0.001 * (double)lower)
            fail_msg("bucket %u: %llu to %llu", i, (unsigned long long)lower,
                     (unsigned long long)upper);
    }
}

/* Percentiles agree with those of the sorted values within 0.1 %, for several made-up data sets. */
static void test_percentiles_against_sorted_arrays(void **state)
{
    static uint64_t values[VALUES];
    static const double shares[] = {0.01, 0.5, 0.9, 0.99, 0.999};
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        memset(&a, 0, sizeof a);
        for (uint64_t i = 0; i < VALUES; i++)
            histogram_add(&a, values[i] = value_at(seed, i));
        qsort(values, VALUES, sizeof *values, compare);
        for (size_t q = 0; q < sizeof shares / sizeof *shares; q++) {
            double exact = (double)values[(size_t)ceil(VALUES * shares[q]) - 1];
            double found = histogram_percentile_ns(&a, shares[q]);
            if (fabs(found - exact) > 0.001 * exact)
                fail_msg("seed %d, share %g: %g instead of %g", (int)seed, shares[q], found, exact);
        }
    }
}

static void test_merging_is_adding(void **state)
{
    static struct histogram both;
    (void)state;
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    memset(&both, 0, sizeof both);
    for (uint64_t i = 0; i < VALUES; i++) {
        histogram_add(i % 3 ? &a : &b, value_at(11, i));
        histogram_add(&both, value_at(11, i));
    }
    histogram_merge(&a, &b);
    assert_memory_equal(&a, &both, sizeof a);
    histogram_reset(&a);
    assert_int_equal(a.total, 0);
    assert_true(isnan(histogram_percentile_ns(&a, 0.5)));
}

static void test_a_percentile_needs_ten_values_above_it(void **state)
{
    (void)state;
    memset(&a, 0, sizeof a);
    for (int i = 0; i < 999; i++)
        histogram_add(&a, 1000);
    assert_true(isnan(histogram_percentile_ns(&a, 0.99)));
    histogram_add(&a, 1000);
    assert_true(histogram_percentile_ns(&a, 0.99) == 1000);
}

static void test_a_value_beyond_the_top_is_kept(void **state)
{
    (void)state;
    memset(&a, 0, sizeof a);
    histogram_add(&a, UINT64_MAX);
    assert_int_equal(a.counts[HISTOGRAM_BUCKETS - 1], 1);
}

static void test_mean_and_share_above(void **state)
{
    (void)state;
    memset(&a, 0, sizeof a);
    assert_true(isnan(histogram_mean_ns(&a)) && isnan(histogram_share_above(&a, 10)));
    for (uint64_t value = 1; value <= 1000; value++)
        histogram_add(&a, value * 1000);
    assert_true(fabs(histogram_mean_ns(&a) / 500500 - 1) < 0.001);
    assert_true(fabs(histogram_share_above(&a, 900500) - 0.1) < 1e-9);
    assert_true(histogram_share_above(&a, 2000000) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_value_lies_in_its_bucket),
        cmocka_unit_test(test_buckets_are_narrow_and_without_gaps),
        cmocka_unit_test(test_percentiles_against_sorted_arrays),
        cmocka_unit_test(test_mean_and_share_above),
        cmocka_unit_test(test_merging_is_adding),
        cmocka_unit_test(test_a_percentile_needs_ten_values_above_it),
        cmocka_unit_test(test_a_value_beyond_the_top_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
