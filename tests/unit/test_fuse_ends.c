/*
 * However the FUSE server or its caller ends, the other one goes on or ends, and nothing is left:
 * no process, no mount, no connection.  The callers are processes of their own, whose servers this
 * one inherits.  Needs waitcost/fuse.o.
 */
#include "unit.h"

#include <ctype.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "fuse_file.h"

enum { N = 50, STUCK = -1 };

/* The one of the test that runs; a process that has been waited for is 0. */
static struct caller {
    pid_t pid, server;
    dev_t device; /* of its mount */
} caller;

static int connections; /* the directory of FUSE's connections; -1: only for root to see */

static void open_connections(void)
{
    int fs = (int)syscall(SYS_fsopen, "fusectl", FSOPEN_CLOEXEC);
    (void)syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    connections = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
    close(fs);
    if (connections < 0)
        print_message("not root: FUSE's connections are not looked at\n");
}

static bool is_connected(dev_t device)
{
    char name[16];
    snprintf(name, sizeof name, "%u", minor(device));
    return faccessat(connections, name, F_OK, 0) == 0;
}

static bool is_mounted(dev_t device)
{
    char line[1024];
    unsigned major_number, minor_number;
    bool found = false;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "%*d %*d %u:%u", &major_number, &minor_number) == 2)
            found |= makedev(major_number, minor_number) == device;
    fclose(file);
    return found;
}

static void leave(int signal)
{
    (void)signal;
    _exit(0);
}

/* Sleeps until the server is dead: then all calls must fail. */
static bool sleep_in_poll(struct pollfd *watched)
{
    char bytes[8] = "";
    int dead = poll(watched, N, -1);
    for (int i = 0; i < N; i++)
        dead -= watched[i].revents == POLLERR;
    return dead == 0 && read(watched[0].fd, bytes, sizeof bytes) < 0 && errno == ENOTCONN &&
           write(watched[0].fd, bytes, sizeof bytes) < 0 && fuse_open() < 0;
}

/* When it has asked all its descriptors and goes to sleep, its second thread reports the device. */
static _Noreturn void be_caller(int report)
{
    char why[200];
    struct pollfd watched[N];
    struct stat st;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    signal(SIGTERM, leave);
    signal(SIGINT, SIG_DFL); /* what a shell starts in the background ignores it */
    if (!fuse_start(why, sizeof why))
        _exit(1);
    for (int i = 0; i < N; i++)
        watched[i] = (struct pollfd){.fd = fuse_open(), .events = POLLIN};
    if (fstat(watched[0].fd, &st) < 0)
        _exit(1);
    struct writer reporter = {.fd = report, .bytes = st.st_dev, .polls = N};
    writer_start(&reporter);
    pthread_detach(reporter.thread); /* nobody joins it: the process may leave by a signal */
    _exit(sleep_in_poll(watched) ? 0 : 1);
}

static void start_caller(void)
{
    int report[2];
    uint64_t device;
    start_or_skip();
    fuse_stop();
    assert_return_code(pipe2(report, O_CLOEXEC), errno);
    caller.pid = fork();
    if (caller.pid == 0)
        be_caller(report[1]);
    assert_return_code(caller.pid, errno);
    close(report[1]);
    assert_int_equal(read(report[0], &device, sizeof device), sizeof device);
    close(report[0]);
    caller.device = device;
    caller.server = server_of(caller.pid);
    assert_true(connections < 0 || is_connected(device));
    assert_false(is_mounted(device));
}

/* The wait status: a signal's number, or 0. */
static int await_end(pid_t *pid)
{
    int status;
    for (int ms = 0; ms < BOUND_MS; ms++) {
        if (waitpid(*pid, &status, WNOHANG) == *pid) {
            *pid = 0;
            return status;
        }
        usleep(1000);
    }
    return STUCK;
}

static void assert_ends(int status)
{
    assert_int_equal(await_end(&caller.pid), status);
    assert_int_equal(await_end(&caller.server), SIGKILL);
    for (int ms = 0; ms < BOUND_MS && is_connected(caller.device); ms++)
        usleep(1000);
    assert_false(is_connected(caller.device));
    assert_false(is_mounted(caller.device));
}

/* What a test that failed has left. */
static int finish(void **state)
{
    (void)state;
    if (caller.server)
        kill(caller.server, SIGKILL);
    if (caller.pid) {
        kill(caller.pid, SIGKILL);
        await_end(&caller.pid);
    }
    if (caller.server)
        await_end(&caller.server);
    return 0;
}

static void test_server_killed(void **state)
{
    (void)state;
    start_caller();
    kill(caller.server, SIGKILL);
    assert_ends(0);
}

static void test_caller_killed(void **state)
{
    (void)state;
    start_caller();
    kill(caller.pid, SIGKILL);
    assert_ends(SIGKILL);
}

static void test_both_killed(void **state)
{
    (void)state;
    start_caller();
    kill(caller.pid, SIGKILL);
    kill(caller.server, SIGKILL);
    assert_ends(SIGKILL);
}

static void test_interrupted_from_the_terminal(void **state)
{
    (void)state;
    start_caller();
    kill(-caller.pid, SIGINT);
    assert_ends(SIGINT);
}

static void test_exit_without_stop(void **state)
{
    (void)state;
    start_caller();
    kill(caller.pid, SIGTERM);
    assert_ends(0);
}

static void await_stopped(pid_t pid)
{
    char path[32], state = '?'; /* traced, it is t */
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    for (int ms = 0; ms < BOUND_MS && toupper(state) != 'T'; ms++) {
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
        fclose(file);
        usleep(1000);
    }
    assert_int_equal(toupper(state), 'T');
}

/* Closing waits for no answer.  A request that the server has read already would be waited for. */
static void test_caller_killed_while_the_server_is_stopped(void **state)
{
    (void)state;
    start_caller();
    kill(caller.server, SIGSTOP);
    await_stopped(caller.server);
    kill(caller.pid, SIGKILL);
    assert_ends(SIGKILL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, finish)
    const struct CMUnitTest tests[] = {
        TEST(test_server_killed),     TEST(test_caller_killed),
        TEST(test_both_killed),       TEST(test_interrupted_from_the_terminal),
        TEST(test_exit_without_stop), TEST(test_caller_killed_while_the_server_is_stopped),
    };
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* the servers of callers that have ended are ours */
    open_connections();
    alarm(120); /* a call that hangs ends the test */
    return cmocka_run_group_tests_name("fuse_ends", tests, NULL, NULL);
}
