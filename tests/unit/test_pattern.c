#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "../../loadgen/pattern.h"
#include "../../loadgen/random.h"

enum { BYTES = 20000 };

static char whole[BYTES], pieces[BYTES];

static int set_up(void **state)
{
    (void)state;
    pattern_init();
    pattern_fill(whole, 5, 77, 0, BYTES);
    return 0;
}

static void test_pieces_make_the_same_message(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200; i++) {
        memset(pieces, 0, sizeof pieces);
        for (size_t at = 0, n; at < BYTES; at += n) {
            n = 1 + random_at(i, at, 0) % 7000;
            n = n > BYTES - at ? BYTES - at : n;
            pattern_fill(pieces + at, 5, 77, at, n);
            assert_int_equal(pattern_check(whole + at, 5, 77, at, n), n);
        }
        assert_memory_equal(whole, pieces, BYTES);
    }
}

static void test_one_wrong_bit_is_found_where_it_is(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 2000; i++) {
        size_t at = i < 20 ? i : random_at(1, i, 0) % BYTES;
        whole[at] = (char)(whole[at] ^ (1 << (i % 8)));
        assert_int_equal(pattern_check(whole, 5, 77, 0, BYTES), at);
        whole[at] = (char)(whole[at] ^ (1 << (i % 8)));
    }
    assert_int_equal(pattern_check(whole, 5, 77, 0, BYTES), BYTES);
    assert_int_equal(pattern_byte(5, 77, 1234), (unsigned char)whole[1234]);
}

static void test_somebody_elses_message_does_not_match(void **state)
{
    (void)state;
    assert_true(pattern_check(whole, 6, 77, 0, 64) < 64);
    assert_true(pattern_check(whole, 5, 78, 0, 64) < 64);
    assert_true(pattern_check(whole + 1, 5, 77, 0, 64) < 64);        /* a lost byte */
    assert_true(pattern_check(whole + 4096, 5, 77, 0, 4096) < 4096); /* a lost period */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_make_the_same_message),
        cmocka_unit_test(test_one_wrong_bit_is_found_where_it_is),
        cmocka_unit_test(test_somebody_elses_message_does_not_match),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
