/* What may crash or hang is done in a child process; what must come later, in a thread. */
#undef _FORTIFY_SOURCE
/* FD_SET is to have the library's check.
 * NOLINTNEXTLINE(*-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the name is the library's */
#define _FORTIFY_SOURCE 2

#include "children.h"

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../loadgen/clock.h"
#include "claim.h"
#include "setup.h"

/* Whoever started this program may have left SIGALRM ignored or blocked. */
static void set_alarm(unsigned seconds)
{
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    if (signal(SIGALRM, SIG_DFL) == SIG_ERR || sigprocmask(SIG_UNBLOCK, &alarms, NULL) < 0)
        err(1, "SIGALRM");
    alarm(seconds);
}

int in_child(void (*act)(void), unsigned seconds)
{
    int status = 0;
    pid_t child = fork();
    if (child < 0)
        err(1, "fork");
    if (child == 0) {
        /* It may be meant to crash: 1 stops core dumps into files and, as 0 does not, into pipes.
         */
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){1, 1});
        set_alarm(seconds);
        act();
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            err(1, "waitpid");
    return status;
}

void shorten_alarm(int ms)
{
    struct itimerval timer = {.it_value = timeval_of_ms(ms)};
    if (setitimer(ITIMER_REAL, &timer, NULL) < 0)
        err(1, "setitimer");
}

/* By hand: not every libc has their names. */
static const char *signal_name(int number)
{
    static const char *const names[] = {
        [SIGABRT] = "SIGABRT", [SIGALRM] = "SIGALRM", [SIGBUS] = "SIGBUS",   [SIGILL] = "SIGILL",
        [SIGKILL] = "SIGKILL", [SIGPIPE] = "SIGPIPE", [SIGSEGV] = "SIGSEGV", [SIGTERM] = "SIGTERM",
    };
    bool known = (size_t)number < sizeof names / sizeof names[0] && names[number];
    return known ? names[number] : text("signal %d", number);
}

const char *end_text(int status)
{
    if (WIFSIGNALED(status))
        return signal_name(WTERMSIG(status));
    return text("exit %d", WEXITSTATUS(status));
}

bool is_done(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool is_blocked(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
}

enum { FIRST_RESULT = 2 }; /* 0 and 1 are what exit() and err() end with */

static struct {
    int descriptors, (*act)(void);
} limited;

static void act_limited(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "getrlimit");
    limit.rlim_cur = (rlim_t)limited.descriptors;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "a limit of %d descriptors", limited.descriptors);
    _exit(FIRST_RESULT + limited.act());
}

int in_limited_child(int descriptors, int (*act)(void))
{
    limited.descriptors = descriptors;
    limited.act = act;
    int status = in_child(act_limited, EVENT_MS / 1000);
    if (!WIFEXITED(status) || WEXITSTATUS(status) < FIRST_RESULT)
        errx(1, "the child with %d descriptors: %s", descriptors, end_text(status));
    return WEXITSTATUS(status) - FIRST_RESULT;
}

enum { NUMBERS = 65536 };

static volatile int checked_number; /* volatile: no compiler may know it, or leave the set out */

static volatile fd_set checked[NUMBERS / FD_SETSIZE]; /* room for a library without a check */

static void check_number(void)
{
    close(STDERR_FILENO); /* it would say there that it ends the program */
    FD_SET(checked_number, &checked[0]);
}

int in_checked_fd_set(int number)
{
    checked_number = number;
    return in_child(check_number, EVENT_MS / 1000);
}

bool has_fd_set_check(void)
{
    return in_checked_fd_set(NUMBERS - 1) != 0;
}

void end_with_parent(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        err(1, "prctl");
    if (getppid() != parent)
        _exit(1);
}

struct act {
    void (*run)(void);
    int delay_ms;
};

static void *run_later(void *argument)
{
    struct act act = *(struct act *)argument;
    free(argument);
    struct timespec delay = timespec_of_ns((uint64_t)act.delay_ms * 1000000);
    nanosleep(&delay, NULL);
    act.run();
    return NULL;
}

void later(int delay_ms, void (*act)(void))
{
    pthread_t thread;
    struct act *kept = malloc(sizeof *kept);
    if (!kept)
        err(1, "no memory for a thread");
    *kept = (struct act){.run = act, .delay_ms = delay_ms};
    int error = pthread_create(&thread, NULL, run_later, kept);
    if (error)
        errx(1, "pthread_create: %s", strerror(error));
    pthread_detach(thread);
}
