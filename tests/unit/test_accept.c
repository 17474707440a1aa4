/*
 * Which connections are taken from the backlog, and which are refused.  Each connections_init()
 * opens one more reserve descriptor: no matter here.  Needs servers/echo.o and servers/ledger.o.
 */
#include "unit.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../servers/echo.h"
#include "../../servers/ledger.h"
#include "unix_socket.h"

static void test_accept_none(void **state)
{
    (void)state;
    int listener = listen_unix(SOCK_STREAM);
    struct ledger before = *ledger;
    assert_int_equal(connection_accept(listener), -1);
    assert_int_equal(ledger->accepts, before.accepts);
    close(listener);
}

/* A descriptor that is used again starts without its predecessor's state. */
static void test_accept_is_fresh(void **state)
{
    (void)state;
    int listener = listen_unix(SOCK_STREAM);
    int first = connect_unix(listener, SOCK_STREAM), second = connect_unix(listener, SOCK_STREAM);
    int fd = connection_accept(listener);
    connection_at(fd)->writing = connection_at(fd)->undrained = true;
    connection_close(fd);
    assert_int_equal(connection_accept(listener), fd);
    assert_null(connection_at(fd)->pending);
    assert_false(connection_at(fd)->writing);
    assert_false(connection_at(fd)->undrained);
    connection_close(fd);
    close(second);
    close(first);
    close(listener);
}

static ssize_t read_one(int fd)
{
    char byte;
    return recv(fd, &byte, 1, 0);
}

static void test_connections_max(void **state)
{
    (void)state;
    connections_init(2);
    int listener = listen_unix(SOCK_STREAM), peers[4], fds[2];
    struct ledger before = *ledger;
    for (int i = 0; i < 4; i++)
        peers[i] = connect_unix(listener, SOCK_STREAM);
    for (int i = 0; i < 2; i++)
        assert_true((fds[i] = connection_accept(listener)) >= 0);
    assert_int_equal(connection_accept(listener), -1);
    assert_int_equal(ledger->accepts - before.accepts, 4);
    assert_int_equal(ledger->refusals - before.refusals, 2);
    assert_int_equal(read_one(peers[3]), 0); /* closed, not left waiting */
    assert_int_equal(read_one(peers[1]), -1);
    int newcomer = connect_unix(listener, SOCK_STREAM);
    connection_close(fds[0]);
    assert_int_equal(connection_accept(listener), fds[0]);
    for (int i = 0; i < 2; i++)
        connection_close(fds[i]);
    for (int i = 0; i < 4; i++)
        close(peers[i]);
    close(newcomer);
    close(listener);
    connections_init(0);
}

/* A flood of connections that must be refused does not keep the server from the others. */
static void test_refusals_per_turn(void **state)
{
    (void)state;
    connections_init(1);
    int listener = listen_unix(SOCK_STREAM), peers[ACCEPTS_PER_TURN + 2];
    enum { PEERS = sizeof peers / sizeof peers[0] };
    for (int i = 0; i < PEERS; i++)
        peers[i] = connect_unix(listener, SOCK_STREAM);
    int fd = connection_accept(listener);
    assert_true(fd >= 0);
    struct ledger before = *ledger;
    assert_int_equal(connection_accept(listener), -1);
    assert_int_equal(ledger->refusals - before.refusals, ACCEPTS_PER_TURN);
    assert_int_equal(connection_accept(listener), -1);
    assert_int_equal(ledger->refusals - before.refusals, ACCEPTS_PER_TURN + 1);
    connection_close(fd);
    for (int i = 0; i < PEERS; i++)
        close(peers[i]);
    close(listener);
    connections_init(0);
}

/* connection_accept with no descriptor of that number or above. */
static int accept_below(int listener, int end)
{
    struct rlimit limit, low;
    assert_return_code(getrlimit(RLIMIT_NOFILE, &limit), errno);
    low = limit;
    low.rlim_cur = (rlim_t)end;
    assert_return_code(setrlimit(RLIMIT_NOFILE, &low), errno);
    int fd = connection_accept(listener);
    assert_return_code(setrlimit(RLIMIT_NOFILE, &limit), errno);
    return fd;
}

/* No descriptor left: refused through the reserve, which is there again for the next one. */
static void test_descriptors_exhausted(void **state)
{
    (void)state;
    int listener = listen_unix(SOCK_STREAM), peers[3];
    for (int i = 0; i < 3; i++)
        peers[i] = connect_unix(listener, SOCK_STREAM);
    struct ledger before = *ledger;
    assert_int_equal(accept_below(listener, peers[2] + 1), -1); /* all below is taken */
    assert_int_equal(ledger->accepts - before.accepts, 3);
    assert_int_equal(ledger->refusals - before.refusals, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(read_one(peers[i]), 0);
        close(peers[i]);
    }
    close(listener);
}

/* The reserve cannot be had again: it comes back when a connection closes, and refusing goes on. */
static void test_reserve_lost(void **state)
{
    (void)state;
    int listener = listen_unix(SOCK_STREAM), peers[2];
    for (int i = 0; i < 2; i++)
        peers[i] = connect_unix(listener, SOCK_STREAM);
    int fd = connection_accept(listener);
    assert_true(fd >= 0);
    struct ledger before = *ledger;
    assert_int_equal(accept_below(listener, 3), -1); /* not even the number of the reserve */
    assert_int_equal(ledger->refusals - before.refusals, 0);
    connection_close(fd);
    int last = dup(listener); /* all below are taken now */
    assert_int_equal(accept_below(listener, last + 1), -1);
    assert_int_equal(ledger->refusals - before.refusals, 1);
    assert_int_equal(read_one(peers[1]), 0);
    close(last);
    for (int i = 0; i < 2; i++)
        close(peers[i]);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept_none),           cmocka_unit_test(test_accept_is_fresh),
        cmocka_unit_test(test_connections_max),       cmocka_unit_test(test_refusals_per_turn),
        cmocka_unit_test(test_descriptors_exhausted), cmocka_unit_test(test_reserve_lost),
    };
    connections_init(0);
    return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}
