/*
 * How often the kernel asks its descriptors in a wait, as exact integers, and what they answer.
 * Needs waitcost/fuse.o.
 */
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuse_file.h"

enum { N = 500 };

static struct pollfd watched[N];
static uint64_t counted_before;

static void open_watched(void)
{
    start_or_skip();
    counted_before = 0;
    for (int i = 0; i < N; i++) {
        watched[i] = (struct pollfd){.fd = fuse_open(), .events = POLLIN};
        assert_return_code(watched[i].fd, errno);
    }
}

static int finish(void **state)
{
    (void)state;
    for (int i = 0; i < N && watched[i].events; i++)
        close(watched[i].fd);
    memset(watched, 0, sizeof watched);
    fuse_stop();
    return 0;
}

/* Calls of ->poll() since the last look. */
static uint64_t counted(void)
{
    uint64_t before = counted_before;
    counted_before = fuse_polls();
    return counted_before - before;
}

static void test_each_open_has_its_own_state(void **state)
{
    (void)state;
    open_watched();
    assert_int_equal(drain(watched[7].fd), -1);
    assert_int_equal(errno, EAGAIN);
    make_ready(watched[7].fd);
    assert_int_equal(poll(watched, N, 0), 1);
    assert_int_equal(watched[7].revents, POLLIN);
    assert_int_equal(drain(watched[7].fd), 8);
    assert_int_equal(drain(watched[7].fd), -1);
    assert_int_equal(poll(watched, N, 0), 0);
    watched[8].events = POLLIN | POLLOUT;
    assert_int_equal(poll(watched, N, 0), 1);
    assert_int_equal(watched[8].revents, POLLOUT);
}

/* One scan.  A poll that has to sleep makes another when it wakes, for whatever reason. */
static void test_poll_scans(void **state)
{
    (void)state;
    open_watched();
    assert_int_equal(counted(), 0);
    assert_int_equal(poll(watched, N, 0), 0);
    assert_int_equal(counted(), N);
    assert_int_equal(poll(watched, N, 20), 0);
    assert_int_equal(counted(), 2 * N);
    struct writer writer = {.polls = fuse_polls() + N, .fd = watched[0].fd};
    writer_start(&writer);
    assert_int_equal(poll(watched, N, BOUND_MS), 1);
    assert_int_equal(counted(), 2 * N);
    writer_join(&writer);
    assert_int_equal(poll(watched, N, -1), 1); /* ready from the start: no reason to stop there */
    assert_int_equal(counted(), N);
}

static int select_watched(suseconds_t us)
{
    struct timeval timeout = {.tv_usec = us};
    fd_set set;
    FD_ZERO(&set);
    for (int i = 0; i < N; i++) {
        assert_in_range(watched[i].fd, 0, FD_SETSIZE - 1);
        FD_SET(watched[i].fd, &set);
    }
    return select(FD_SETSIZE, &set, NULL, NULL, &timeout);
}

static void test_select_scans(void **state)
{
    (void)state;
    open_watched();
    assert_int_equal(select_watched(0), 0);
    assert_int_equal(counted(), N);
    assert_int_equal(select_watched(20000), 0);
    assert_int_equal(counted(), 2 * N);
    make_ready(watched[N - 1].fd);
    assert_int_equal(select_watched(20000), 1);
    assert_int_equal(counted(), N);
}

static int epoll_watched(uint32_t mode)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    assert_return_code(epoll_fd, errno);
    for (uint32_t i = 0; i < N; i++) {
        struct epoll_event event = {.events = EPOLLIN | mode, .data.u32 = i};
        assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, watched[i].fd, &event), 0);
    }
    assert_int_equal(counted(), N);
    return epoll_fd;
}

/* What a wait returned, and what it cost. */
static void assert_wait(int epoll_fd, int timeout_ms, int events, uint64_t polls)
{
    struct epoll_event event[2];
    assert_int_equal(epoll_wait(epoll_fd, event, 2, timeout_ms), events);
    assert_int_equal(counted(), polls);
    if (events)
        assert_int_equal(event[0].data.u32, 7);
}

static void test_epoll_level_asks_the_candidates(void **state)
{
    (void)state;
    open_watched();
    int epoll_fd = epoll_watched(0);
    assert_wait(epoll_fd, 0, 0, 0);
    assert_wait(epoll_fd, 20, 0, 0);
    struct writer writer = {.fd = watched[7].fd};
    writer_start(&writer);
    assert_wait(epoll_fd, BOUND_MS, 1, 1);
    writer_join(&writer);
    assert_wait(epoll_fd, 0, 1, 1); /* still ready: it was put back on the list */
    assert_int_equal(drain(watched[7].fd), 8);
    assert_wait(epoll_fd, 0, 0, 1); /* asked once more, and taken off */
    assert_wait(epoll_fd, 0, 0, 0);
    close(epoll_fd);
}

static void test_epoll_edge_asks_once(void **state)
{
    (void)state;
    open_watched();
    int epoll_fd = epoll_watched(EPOLLET);
    make_ready(watched[7].fd);
    assert_int_equal(counted(), 0);
    assert_wait(epoll_fd, 0, 1, 1);
    assert_wait(epoll_fd, 0, 0, 0);
    assert_int_equal(drain(watched[7].fd), 8);
    assert_wait(epoll_fd, 0, 0, 0);
    make_ready(watched[7].fd);
    make_ready(watched[7].fd);
    assert_wait(epoll_fd, 0, 1, 1);
    close(epoll_fd);
}

static void test_epoll_ctl(void **state)
{
    (void)state;
    open_watched();
    int epoll_fd = epoll_watched(0);
    struct epoll_event event = {.events = EPOLLIN};
    assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_MOD, watched[7].fd, &event), 0);
    assert_int_equal(counted(), 1);
    assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_DEL, watched[7].fd, NULL), 0);
    assert_int_equal(counted(), 0);
    close(epoll_fd);
}

static void test_server_leaves_the_callers_core(void **state)
{
    (void)state;
    start_or_skip();
    cpu_set_t all, one, servers;
    char why[200];
    size_t core = 0;
    assert_return_code(sched_getaffinity(0, sizeof all, &all), errno);
    if (CPU_COUNT(&all) < 2)
        skip();
    while (!CPU_ISSET(core, &all))
        core++;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    assert_return_code(sched_setaffinity(0, sizeof one, &one), errno);
    bool started = fuse_start(why, sizeof why); /* and the other one is ended */
    assert_return_code(sched_setaffinity(0, sizeof all, &all), errno);
    assert_true(started);
    assert_return_code(sched_getaffinity(server_of(getpid()), sizeof servers, &servers), errno);
    assert_true(CPU_COUNT(&servers) > 0);
    assert_false(CPU_ISSET(core, &servers));
}

static void assert_dead(int fd)
{
    assert_int_equal(drain(fd), -1);
    assert_int_equal(errno, ENOTCONN);
    assert_int_equal(write(fd, "12345678", 8), -1);
    assert_int_equal(fuse_open(), -1);
}

static void test_stop_and_start_again(void **state)
{
    (void)state;
    open_watched();
    assert_int_equal(poll(watched, N, 0), 0);
    fuse_stop();
    assert_int_equal(counted(), N);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child */
    assert_int_equal(poll(watched, N, -1), N);
    assert_int_equal(watched[N - 1].revents, POLLERR);
    assert_dead(watched[0].fd);
    start_or_skip();
    assert_int_equal(fuse_polls(), 0);
    struct pollfd fresh = {.fd = fuse_open(), .events = POLLIN};
    make_ready(fresh.fd);
    assert_int_equal(poll(&fresh, 1, 0), 1);
    close(fresh.fd);
}

static void test_a_fork_leaves_the_server_alone(void **state)
{
    (void)state;
    open_watched();
    assert_int_equal(poll(watched, N, 0), 0);
    assert_int_equal(counted(), N);
    pid_t fork_of_us = fork();
    if (fork_of_us == 0) {
        char why[200];
        fuse_stop();
        _exit(fuse_start(why, sizeof why) && fuse_polls() == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(fork_of_us, &status, 0), fork_of_us);
    assert_int_equal(status, 0);
    assert_int_equal(poll(watched, N, 0), 0);
    assert_int_equal(counted(), N);
}

static void test_start_says_why_not(void **state)
{
    (void)state;
    struct rlimit limit, low;
    char why[200] = "";
    assert_return_code(getrlimit(RLIMIT_NOFILE, &limit), errno);
    low = limit;
    low.rlim_cur = 3;
    assert_return_code(setrlimit(RLIMIT_NOFILE, &low), errno);
    bool started = fuse_start(why, sizeof why);
    assert_return_code(setrlimit(RLIMIT_NOFILE, &limit), errno);
    assert_false(started);
    assert_non_null(strstr(why, strerror(EMFILE)));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, finish)
    const struct CMUnitTest tests[] = {
        TEST(test_each_open_has_its_own_state),
        TEST(test_poll_scans),
        TEST(test_select_scans),
        TEST(test_epoll_level_asks_the_candidates),
        TEST(test_epoll_edge_asks_once),
        TEST(test_epoll_ctl),
        TEST(test_server_leaves_the_callers_core),
        TEST(test_stop_and_start_again),
        TEST(test_a_fork_leaves_the_server_alone),
        TEST(test_start_says_why_not),
    };
    alarm(60); /* a call that hangs ends the test */
    return cmocka_run_group_tests_name("fuse", tests, NULL, NULL);
}
