/*
 * A turn of one connection, without a mechanism and without a network: AF_UNIX sockets, whose
 * buffers can be made tiny, and whose every byte has arrived when send() returns.  SOCK_SEQPACKET
 * gives one message per read: many short reads in one turn.
 * Needs servers/echo.o and servers/ledger.o.
 */
#include "unit.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../servers/echo.h"
#include "../../servers/ledger.h"
#include "unix_socket.h"

enum { READ_BYTES = 64 * 1024, TURN_BYTES = 4 * READ_BYTES }; /* as in echo.c */

static const enum drain rules[] = {DRAIN_EAGAIN, DRAIN_SHORT, DRAIN_ONCE};
enum { RULES = sizeof rules / sizeof rules[0] };

/* A connection as the core sees it, and its peer. */
struct pair {
    int listener;
    int fd;
    int peer;
    struct ledger before; /* the counters when it had been accepted */
};

static void set_send_buffer(int fd, int bytes)
{
    assert_return_code(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), errno);
}

/* The peer can send about 400 KB; the core send_bytes (0: as much). */
static struct pair open_pair(int type, int send_bytes)
{
    enum { PLENTY = 208 * 1024 }; /* the kernel's default maximum, and it doubles it */
    struct pair pair = {.listener = listen_unix(type)};
    pair.peer = connect_unix(pair.listener, type);
    pair.fd = connection_accept(pair.listener);
    assert_true(pair.fd >= 0);
    set_send_buffer(pair.peer, PLENTY);
    set_send_buffer(pair.fd, send_bytes ? send_bytes : PLENTY);
    pair.before = *ledger;
    return pair;
}

static void close_pair(const struct pair *pair)
{
    connection_close(pair->fd);
    if (pair->peer >= 0)
        close(pair->peer);
    close(pair->listener);
}

static char pattern(size_t i)
{
    return (char)(i * 31 + i / 251);
}

/* Queues bytes first ... first + n - 1 of the pattern at the core's end. */
static void peer_sends(const struct pair *pair, size_t first, size_t n)
{
    static char data[4096];
    for (size_t i = 0; i < n;) {
        size_t chunk = n - i < sizeof data ? n - i : sizeof data;
        for (size_t k = 0; k < chunk; k++)
            data[k] = pattern(first + i + k);
        assert_int_equal(send(pair->peer, data, chunk, MSG_NOSIGNAL), chunk);
        i += chunk;
    }
}

/* Takes what has been echoed: bytes of the pattern from first on.  How many. */
static size_t peer_takes(const struct pair *pair, size_t first, size_t most)
{
    static char data[4096];
    size_t taken = 0;
    while (taken < most) {
        size_t room = most - taken < sizeof data ? most - taken : sizeof data;
        ssize_t n = recv(pair->peer, data, room, 0);
        if (n <= 0)
            break;
        for (ssize_t k = 0; k < n; k++)
            assert_int_equal(data[k], pattern(first + taken + (size_t)k));
        taken += (size_t)n;
    }
    return taken;
}

#define counted(pair, counter) (ledger->counter - (pair).before.counter)

static void test_nothing_to_read(void **state)
{
    (void)state;
    for (int i = 0; i < RULES; i++) {
        struct pair pair = open_pair(SOCK_STREAM, 0);
        assert_int_equal(connection_turn(pair.fd, rules[i]), NEXT_READ);
        assert_int_equal(counted(pair, reads), 1);
        assert_int_equal(counted(pair, eagain), 1);
        assert_int_equal(counted(pair, writes), 0);
        close_pair(&pair);
    }
}

static void test_one_message(void **state)
{
    (void)state;
    for (int i = 0; i < RULES; i++) {
        struct pair pair = open_pair(SOCK_STREAM, 0);
        uint64_t empty_reads = rules[i] == DRAIN_EAGAIN ? 1 : 0;
        peer_sends(&pair, 0, 100);
        assert_int_equal(connection_turn(pair.fd, rules[i]), NEXT_READ);
        assert_int_equal(peer_takes(&pair, 0, 1000), 100);
        assert_int_equal(counted(pair, reads), 1 + empty_reads);
        assert_int_equal(counted(pair, eagain), empty_reads);
        assert_int_equal(counted(pair, writes), 1);
        assert_int_equal(counted(pair, bytes_in), 100);
        assert_int_equal(counted(pair, bytes_out), 100);
        close_pair(&pair);
    }
}

/* A read that fills the buffer may have left something: `short` reads on, `once` does not. */
static void test_full_reads(void **state)
{
    (void)state;
    const uint64_t reads[] = {3 + 1, 3, 1};
    for (int i = 0; i < RULES; i++) {
        struct pair pair = open_pair(SOCK_STREAM, 0);
        size_t bytes = (size_t)2 * READ_BYTES + 1, taken = 0;
        peer_sends(&pair, 0, bytes);
        assert_int_equal(connection_turn(pair.fd, rules[i]), NEXT_READ);
        assert_int_equal(counted(pair, reads), reads[i]);
        for (int turn = 0; turn < 3; turn++) {
            taken += peer_takes(&pair, taken, bytes);
            connection_turn(pair.fd, rules[i]);
        }
        assert_int_equal(taken, bytes);
        close_pair(&pair);
    }
}

static void test_exactly_a_full_read(void **state)
{
    (void)state;
    const uint64_t reads[] = {2, 2, 1};
    for (int i = 0; i < RULES; i++) {
        struct pair pair = open_pair(SOCK_STREAM, 0);
        peer_sends(&pair, 0, READ_BYTES);
        assert_int_equal(connection_turn(pair.fd, rules[i]), NEXT_READ);
        assert_int_equal(counted(pair, reads), reads[i]);
        assert_int_equal(peer_takes(&pair, 0, (size_t)2 * READ_BYTES), READ_BYTES);
        close_pair(&pair);
    }
}

/* A turn ends although more is there. */
static void test_budget_of_bytes(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pair pair = open_pair(SOCK_STREAM, 0);
        size_t bytes = TURN_BYTES + 1000;
        peer_sends(&pair, 0, bytes);
        assert_int_equal(connection_turn(pair.fd, rules[i]), NEXT_AGAIN);
        assert_int_equal(counted(pair, bytes_in), TURN_BYTES);
        assert_int_equal(peer_takes(&pair, 0, bytes), TURN_BYTES);
        assert_int_equal(connection_turn(pair.fd, rules[i]), NEXT_READ);
        assert_int_equal(peer_takes(&pair, TURN_BYTES, bytes), 1000);
        close_pair(&pair);
    }
}

/* Nor may one that sends byte by byte hold the others up: each read has its price. */
static void test_budget_of_short_reads(void **state)
{
    (void)state;
    struct pair pair = open_pair(SOCK_SEQPACKET, 0);
    for (int i = 0; i < 300; i++)
        peer_sends(&pair, 0, 1);
    assert_int_equal(connection_turn(pair.fd, DRAIN_EAGAIN), NEXT_AGAIN);
    assert_int_equal(counted(pair, reads), 256);
    assert_int_equal(connection_turn(pair.fd, DRAIN_EAGAIN), NEXT_READ);
    assert_int_equal(counted(pair, bytes_out), 300);
    close_pair(&pair);
}

/* Under every rule: what the peer does not take is kept, at most one read of it; no more is read;
 * when it takes some, the rest follows, and then reading goes on. */
static void test_pending_is_bounded_and_exact(void **state)
{
    (void)state;
    for (int i = 0; i < RULES; i++) {
        struct pair pair = open_pair(SOCK_STREAM, 1); /* the smallest there is: a few KB */
        size_t bytes = (size_t)3 * READ_BYTES, taken = 0;
        peer_sends(&pair, 0, bytes);
        assert_int_equal(connection_turn(pair.fd, rules[i]), NEXT_WRITE);
        uint64_t bytes_in = counted(pair, bytes_in);
        assert_non_null(connection_at(pair.fd)->pending);
        assert_int_equal(connection_turn(pair.fd, rules[i]), NEXT_WRITE);
        assert_int_equal(counted(pair, bytes_in), bytes_in);
        for (int turns = 0; taken < bytes && turns < 10000; turns++) {
            size_t n = peer_takes(&pair, taken, 1 + (size_t)turns % 5000);
            taken += n;
            connection_turn(pair.fd, rules[i]);
            assert_true(counted(pair, bytes_in) - counted(pair, bytes_out) <= READ_BYTES);
        }
        assert_int_equal(taken, bytes);
        assert_int_equal(connection_turn(pair.fd, rules[i]), NEXT_READ);
        assert_null(connection_at(pair.fd)->pending);
        close_pair(&pair);
    }
}

/* The end of the stream comes after the data, whatever the rule. */
static void test_end_after_data(void **state)
{
    (void)state;
    for (int i = 0; i < RULES; i++) {
        struct pair pair = open_pair(SOCK_STREAM, 0);
        peer_sends(&pair, 0, 5000);
        shutdown(pair.peer, SHUT_WR);
        enum next next = connection_turn(pair.fd, rules[i]);
        assert_int_equal(next, rules[i] == DRAIN_EAGAIN ? NEXT_CLOSE : NEXT_READ);
        if (next == NEXT_READ)
            assert_int_equal(connection_turn(pair.fd, rules[i]), NEXT_CLOSE);
        assert_int_equal(peer_takes(&pair, 0, 10000), 5000);
        close_pair(&pair);
    }
}

/* Nor does it before what is pending. */
static void test_end_while_pending(void **state)
{
    (void)state;
    struct pair pair = open_pair(SOCK_STREAM, 1);
    peer_sends(&pair, 0, 50000);
    shutdown(pair.peer, SHUT_WR);
    size_t taken = 0;
    enum next next;
    while ((next = connection_turn(pair.fd, DRAIN_EAGAIN)) == NEXT_WRITE)
        taken += peer_takes(&pair, taken, 50000);
    assert_int_equal(next, NEXT_CLOSE);
    taken += peer_takes(&pair, taken, 50000);
    assert_int_equal(taken, 50000);
    close_pair(&pair);
}

static void test_peer_gone(void **state)
{
    (void)state;
    struct pair pair = open_pair(SOCK_STREAM, 0);
    close(pair.peer);
    pair.peer = -1;
    assert_int_equal(connection_turn(pair.fd, DRAIN_EAGAIN), NEXT_CLOSE);
    close_pair(&pair);
}

/* EPIPE, and no SIGPIPE: this process has not asked to ignore it. */
static void test_peer_gone_without_reading(void **state)
{
    (void)state;
    for (int i = 0; i < RULES; i++) {
        struct pair pair = open_pair(SOCK_STREAM, 0);
        peer_sends(&pair, 0, 5000);
        close(pair.peer);
        pair.peer = -1;
        assert_int_equal(connection_turn(pair.fd, rules[i]), NEXT_CLOSE);
        assert_int_equal(counted(pair, bytes_in), 5000);
        assert_int_equal(counted(pair, bytes_out), 0);
        close_pair(&pair);
    }
}

static void test_peer_gone_while_pending(void **state)
{
    (void)state;
    struct pair pair = open_pair(SOCK_STREAM, 1);
    peer_sends(&pair, 0, 50000);
    assert_int_equal(connection_turn(pair.fd, DRAIN_EAGAIN), NEXT_WRITE);
    close(pair.peer);
    pair.peer = -1;
    assert_int_equal(connection_turn(pair.fd, DRAIN_EAGAIN), NEXT_CLOSE);
    close_pair(&pair); /* the leak check of the sanitised build sees whether pending is freed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_read),
        cmocka_unit_test(test_one_message),
        cmocka_unit_test(test_full_reads),
        cmocka_unit_test(test_exactly_a_full_read),
        cmocka_unit_test(test_budget_of_bytes),
        cmocka_unit_test(test_budget_of_short_reads),
        cmocka_unit_test(test_pending_is_bounded_and_exact),
        cmocka_unit_test(test_end_after_data),
        cmocka_unit_test(test_end_while_pending),
        cmocka_unit_test(test_peer_gone),
        cmocka_unit_test(test_peer_gone_without_reading),
        cmocka_unit_test(test_peer_gone_while_pending),
    };
    connections_init(0);
    return cmocka_run_group_tests_name("echo", tests, NULL, NULL);
}
