#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../waitcost/places.h"

enum { DESCRIPTORS = 1000, TURNS = 2500 };

static struct options asked_for(enum choice placement, uint32_t ready)
{
    return (struct options){
        .descriptors = DESCRIPTORS, .ready = ready, .placement = placement, .seed = 42};
}

/* The places of the next turn, each once; times counts them over the turns. */
static void check_turn(struct places *p, uint32_t times[DESCRIPTORS])
{
    bool seen[DESCRIPTORS] = {false};
    const uint32_t *these = places_next(p);
    for (uint32_t i = 0; i < p->ready; i++) {
        assert_in_range(these[i], 0, DESCRIPTORS - 1);
        assert_false(seen[these[i]]);
        seen[these[i]] = true;
        times[these[i]]++;
    }
}

static uint32_t different(const uint32_t times[DESCRIPTORS])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < DESCRIPTORS; i++)
        count += times[i] > 0;
    return count;
}

static void test_all_are_different_within_a_turn(void **state)
{
    static const uint32_t readies[] = {1, 3, 7, 333, 999, 1000};
    (void)state;
    for (int placement = CHOICE_RANDOM; placement <= CHOICE_SPREAD; placement++)
        for (size_t r = 0; r < sizeof readies / sizeof *readies; r++) {
            struct options o = asked_for((enum choice)placement, readies[r]);
            struct places p;
            uint32_t times[DESCRIPTORS] = {0};
            places_choose(&p, &o, DESCRIPTORS);
            for (int turn = 0; turn < TURNS; turn++)
                check_turn(&p, times);
            assert_int_equal(different(times),
                             placement == CHOICE_RANDOM ? DESCRIPTORS : readies[r]);
            free(p.order);
        }
}

/* Over turns that come out even: however the turns and the list divide each other. */
static void test_random_ones_come_equally_often(void **state)
{
    static const uint32_t readies[] = {1, 3, 7, 10, 999};
    (void)state;
    for (size_t r = 0; r < sizeof readies / sizeof *readies; r++) {
        struct options o = asked_for(CHOICE_RANDOM, readies[r]);
        struct places p;
        uint32_t times[DESCRIPTORS] = {0};
        places_choose(&p, &o, DESCRIPTORS);
        for (int turn = 0; turn < DESCRIPTORS; turn++)
            check_turn(&p, times);
        for (uint32_t i = 0; i < DESCRIPTORS; i++)
            assert_int_equal(times[i], readies[r]);
        free(p.order);
    }
}

/* No order can be seen in it: a place is followed by its neighbour about as often as by any. */
static void test_random_is_shuffled_by_its_seed(void **state)
{
    struct options o = asked_for(CHOICE_RANDOM, 1);
    struct places one, same, other;
    uint32_t neighbours = 0;
    (void)state;
    places_choose(&one, &o, DESCRIPTORS);
    places_choose(&same, &o, DESCRIPTORS);
    o.seed = 43;
    places_choose(&other, &o, DESCRIPTORS);
    assert_memory_equal(one.order, same.order, DESCRIPTORS * sizeof *one.order);
    assert_memory_not_equal(one.order, other.order, DESCRIPTORS * sizeof *one.order);
    for (uint32_t i = 1; i < DESCRIPTORS; i++)
        neighbours += one.order[i] == one.order[i - 1] + 1;
    assert_in_range(neighbours, 0, 10);
    free(one.order);
    free(same.order);
    free(other.order);
}

static uint32_t in_part(const uint32_t times[DESCRIPTORS], uint32_t part, uint32_t parts)
{
    uint32_t count = 0;
    for (uint32_t i = part * DESCRIPTORS / parts; i < (part + 1) * DESCRIPTORS / parts; i++)
        count += times[i];
    return count;
}

static uint32_t mean_place(const uint32_t times[DESCRIPTORS])
{
    uint32_t sum = 0, count = 0;
    for (uint32_t i = 0; i < DESCRIPTORS; i++) {
        sum += i * times[i];
        count += times[i];
    }
    return sum / count;
}

/* A few turns in a row stand for all: of any eight about a half is in either half of the range. */
static void test_few_turns_cover_the_range(void **state)
{
    struct options o = asked_for(CHOICE_RANDOM, 1);
    struct places p;
    (void)state;
    places_choose(&p, &o, DESCRIPTORS);
    for (uint32_t begin = 0; begin + 8 <= p.count; begin++) {
        uint32_t low = 0;
        for (uint32_t i = begin; i < begin + 8; i++)
            low += p.order[i] < DESCRIPTORS / 2;
        assert_in_range(low, 3, 5);
    }
    free(p.order);
}

/* Where only some can be made ready: one from each of equal parts, anywhere in it, so that the
 * mean is the middle. */
static void test_some_stand_for_all(void **state)
{
    static const uint32_t mosts[] = {1, 7, 100, 999, 1000, 5000};
    (void)state;
    for (size_t m = 0; m < sizeof mosts / sizeof *mosts; m++) {
        uint32_t parts = mosts[m] < DESCRIPTORS ? mosts[m] : DESCRIPTORS;
        struct options o = asked_for(CHOICE_RANDOM, 1);
        struct places p;
        uint32_t times[DESCRIPTORS] = {0};
        places_choose(&p, &o, mosts[m]);
        for (uint32_t turn = 0; turn < parts; turn++)
            check_turn(&p, times);
        for (uint32_t part = 0; part < parts; part++)
            assert_int_equal(in_part(times, part, parts), 1);
        if (parts == 100)
            assert_in_range(mean_place(times), DESCRIPTORS / 2 - 2, DESCRIPTORS / 2 + 2);
        free(p.order);
    }
}

static void test_where_they_stand(void **state)
{
    static const uint32_t spread[] = {166, 500, 833}, last[] = {997, 998, 999}, first[] = {0, 1, 2};
    static const struct {
        enum choice placement;
        const uint32_t *places;
    } cases[] = {{CHOICE_SPREAD, spread}, {CHOICE_LAST, last}, {CHOICE_FIRST, first}};
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct options o = asked_for(cases[c].placement, 3);
        struct places p;
        places_choose(&p, &o, DESCRIPTORS);
        for (int turn = 0; turn < 3; turn++)
            assert_memory_equal(places_next(&p), cases[c].places, sizeof first);
        free(p.order);
    }
}

static void test_a_position_is_kept(void **state)
{
    struct options o = asked_for(CHOICE_POSITION, 1);
    struct places p;
    (void)state;
    o.position = 777;
    places_choose(&p, &o, 1);
    for (int turn = 0; turn < 3; turn++)
        assert_int_equal(*places_next(&p), 777);
    free(p.order);
}

static void test_none_ready(void **state)
{
    (void)state;
    for (int placement = CHOICE_RANDOM; placement <= CHOICE_SPREAD; placement++) {
        struct options o = asked_for((enum choice)placement, 0);
        struct places p;
        places_choose(&p, &o, DESCRIPTORS);
        assert_non_null(places_next(&p));
        assert_int_equal(p.count, 0);
        free(p.order);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_different_within_a_turn),
        cmocka_unit_test(test_random_ones_come_equally_often),
        cmocka_unit_test(test_random_is_shuffled_by_its_seed),
        cmocka_unit_test(test_few_turns_cover_the_range),
        cmocka_unit_test(test_some_stand_for_all),
        cmocka_unit_test(test_where_they_stand),
        cmocka_unit_test(test_a_position_is_kept),
        cmocka_unit_test(test_none_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
