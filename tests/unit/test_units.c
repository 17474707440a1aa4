#include "unit.h"

#include "../../loadgen/units.h"

static void test_counts(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"0", 0}, {"200", 200}, {"10k", 10000}, {"1.5k", 1500}, {"2M", 2000000}};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t value;
        assert_true(parse_count(good[i].text, &value));
        assert_int_equal(value, good[i].value);
    }
}

static void test_a_count_is_whole_and_a_rate_need_not_be(void **state)
{
    uint64_t count;
    double per_s;
    (void)state;
    assert_false(parse_count("2.5", &count));
    assert_true(parse_rate("2.5", &per_s) && per_s == 2.5);
    assert_true(parse_rate("1.5k", &per_s) && per_s == 1500);
}

/* Nor is a large one less whole, and none is taken for its neighbour. */
static void test_large_counts_are_exact(void **state)
{
    uint64_t count;
    (void)state;
    assert_false(parse_count("1000000.5", &count));
    assert_true(parse_count("9007199254740991", &count) && count == COUNT_MAX);
    assert_false(parse_count("9007199254740993", &count)); /* a double makes it ...992 */
}

static void test_times_have_units(void **state)
{
    uint64_t ns;
    (void)state;
    assert_true(parse_duration("2s", &ns) && ns == 2000000000);
    assert_true(parse_duration("500ms", &ns) && ns == 500000000);
    assert_true(parse_duration("0.25us", &ns) && ns == 250);
    assert_true(parse_duration("1m", &ns) && ns == 60000000000);
    assert_false(parse_duration("2", &ns)); /* two what? */
    assert_false(parse_duration("2 s", &ns));
}

static void test_bytes(void **state)
{
    uint64_t bytes;
    (void)state;
    assert_true(parse_bytes("64", &bytes) && bytes == 64);
    assert_true(parse_bytes("64KiB", &bytes) && bytes == 65536);
    assert_true(parse_bytes("64kB", &bytes) && bytes == 64000);
    assert_true(parse_bytes("1MiB", &bytes) && bytes == 1048576);
}

static void test_what_is_no_number_is_refused(void **state)
{
    static const char *const bad[] = {"",    "-1",  "+1",    " 1",  "1 ",    "k", "nan",
                                      "inf", "1kk", "1e300", "1e5", "1.2.3", ".", "0x10"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t value;
        if (parse_count(bad[i], &value))
            fail_msg("'%s' was taken for a number", bad[i]);
    }
}

static void test_digits_are_grouped(void **state)
{
    char text[GROUPED_BYTES];
    (void)state;
    assert_string_equal(group_digits(0, text), "0");
    assert_string_equal(group_digits(999, text), "999");
    assert_string_equal(group_digits(1000, text), "1,000");
    assert_string_equal(group_digits(UINT64_MAX, text), "18,446,744,073,709,551,615");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_a_count_is_whole_and_a_rate_need_not_be),
        cmocka_unit_test(test_large_counts_are_exact),
        cmocka_unit_test(test_times_have_units),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_what_is_no_number_is_refused),
        cmocka_unit_test(test_digits_are_grouped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
