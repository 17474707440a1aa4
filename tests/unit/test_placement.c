#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "../../loadgen/placement.h"

enum { CONNECTIONS = 1000 };

/* Every placement names each active connection once. */
static void check_distinct(const struct options *o, uint32_t round)
{
    bool seen[CONNECTIONS] = {false};
    for (uint32_t place = 0; place < o->active; place++) {
        uint32_t connection = placement_at(o, round, place);
        assert_in_range(connection, 0, CONNECTIONS - 1);
        assert_false(seen[connection]);
        seen[connection] = true;
    }
}

static void test_each_active_connection_is_named_once(void **state)
{
    static const uint32_t actives[] = {1, 3, 10, 333, 999, 1000};
    (void)state;
    for (int p = PLACE_SPREAD; p <= PLACE_ROTATE; p++)
        for (size_t a = 0; a < sizeof actives / sizeof *actives; a++) {
            struct options o = {.connections = CONNECTIONS,
                                .active = actives[a],
                                .placement = (enum placement)p,
                                .seed = 42};
            placement_init(&o);
            check_distinct(&o, 0);
            check_distinct(&o, 7);
        }
}

static void test_where_they_stand(void **state)
{
    struct options o = {.connections = CONNECTIONS, .active = 10};
    (void)state;
    o.placement = PLACE_FIRST;
    assert_int_equal(placement_at(&o, 0, 9), 9);
    o.placement = PLACE_LAST;
    assert_int_equal(placement_at(&o, 0, 9), 999);
    o.placement = PLACE_SPREAD; /* in the middle of their parts, so that the mean is the middle */
    assert_int_equal(placement_at(&o, 0, 0), 50);
    assert_int_equal(placement_at(&o, 0, 9), 950);
    o.placement = PLACE_ROTATE;
    assert_int_equal(placement_at(&o, 1, 0), 10);
    assert_int_equal(placement_at(&o, 100, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_active_connection_is_named_once),
        cmocka_unit_test(test_where_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
