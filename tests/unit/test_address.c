#include "unit.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>

#include "../../loadgen/address.h"

static struct address parsed(const char *text)
{
    struct address a;
    if (!address_parse(text, "80", &a))
        fail_msg("%s was not taken for an address", text);
    return a;
}

static void test_what_is_no_numeric_address_is_refused(void **state)
{
    static const char *const bad[] = {
        "",           "localhost",  "127.1",       "2130706433",       "0x7f.0.0.1", "010.0.0.1",
        "127.0.0.1 ", "10.0.0.256", "10.0.0.1:80", "::ffff:010.0.0.1", "1:2:3",      "[::1]",
    };
    struct address a;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (address_parse(bad[i], NULL, &a))
            fail_msg("'%s' was taken for an address", bad[i]);
}

static void test_loopback(void **state)
{
    static const struct {
        const char *text;
        bool expected;
    } cases[] = {
        {"127.0.0.1", true},
        {"127.255.255.254", true},
        {"::1", true},
        {"0:0::0001", true},
        {"::ffff:127.0.0.1", true},
        {"::ffff:7f00:2", true},
        {"126.255.255.255", false},
        {"128.0.0.1", false},
        {"0.0.0.0", false},
        {"::", false},
        {"::127.0.0.1", false},
        {"::2", false},
        {"1::1", false},
        {"::ffff:128.0.0.1", false},
        {"::fffe:127.0.0.1", false},
        {"1::ffff:7f00:1", false},
        {"64:ff9b::127.0.0.1", false},
        {"1.0.0.127", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address a = parsed(cases[i].text);
        if (address_is_loopback(&a) != cases[i].expected)
            fail_msg("%s: loopback: %d", cases[i].text, !cases[i].expected);
    }
}

static void test_all_addresses_of_a_machine(void **state)
{
    static const char *const any[] = {"0.0.0.0", "::", "0:0::0.0.0.0", "::ffff:0.0.0.0"};
    static const char *const one[] = {"0.0.0.1", "::1", "127.0.0.1", "::ffff:1.0.0.0"};
    (void)state;
    for (size_t i = 0; i < sizeof any / sizeof *any; i++) {
        struct address a = parsed(any[i]), b = parsed(one[i]);
        assert_true(address_is_any(&a));
        assert_false(address_is_any(&b));
    }
}

static void test_the_same_machine_however_it_is_written(void **state)
{
    static const struct {
        const char *a, *b;
        bool expected;
    } cases[] = {
        {"10.0.0.1", "10.0.0.1", true},     {"10.0.0.1", "::ffff:10.0.0.1", true},
        {"::FFFF:a00:1", "10.0.0.1", true}, {"2001:db8::1", "2001:0DB8:0:0:0000::0001", true},
        {"10.0.0.1", "10.0.0.2", false},    {"10.0.0.1", "1.0.0.10", false},
        {"10.0.0.1", "::10.0.0.1", false},  {"2001:db8::1", "2001:db8::1:1", false},
        {"fe80::1%1", "fe80::1%1", true},   {"fe80::1%1", "fe80::1%2", false},
        {"fe80::1%1", "fe80::1", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address a = parsed(cases[i].a), b;
        assert_true(address_parse(cases[i].b, NULL, &b)); /* the port makes no difference */
        if (address_equal(&a, &b) != cases[i].expected ||
            address_equal(&b, &a) != cases[i].expected)
            fail_msg("%s and %s: equal: %d", cases[i].a, cases[i].b, !cases[i].expected);
    }
}

static void test_a_link_has_a_name_or_a_number(void **state)
{
    char name[IF_NAMESIZE], text[ADDRESS_TEXT_BYTES];
    (void)state;
    if (!if_indextoname(1, name))
        skip();
    snprintf(text, sizeof text, "fe80::1%%%s", name);
    struct address a = parsed(text), b = parsed("fe80::1%1");
    assert_true(address_equal(&a, &b));
}

static void test_an_address_is_written_as_it_is_read(void **state)
{
    static const char *const good[] = {"10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1"};
    char text[ADDRESS_TEXT_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct address a = parsed(good[i]);
        assert_string_equal(address_text(&a, text), good[i]);
    }
}

static void test_the_port_is_kept(void **state)
{
    struct address a = parsed("10.0.0.1"), b = parsed("2001:db8::1");
    (void)state;
    assert_int_equal(ntohs(((struct sockaddr_in *)&a.socket)->sin_port), 80);
    assert_int_equal(ntohs(((struct sockaddr_in6 *)&b.socket)->sin6_port), 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_numeric_address_is_refused),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_all_addresses_of_a_machine),
        cmocka_unit_test(test_the_same_machine_however_it_is_written),
        cmocka_unit_test(test_a_link_has_a_name_or_a_number),
        cmocka_unit_test(test_an_address_is_written_as_it_is_read),
        cmocka_unit_test(test_the_port_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
