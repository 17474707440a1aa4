/*
 * E11 process-model
 *
 * Claim: To create a process for each client is cheap, but not negligible; processes synchronise
 * more slowly than threads; threads are faster, but one that crashes takes all of them with it.
 *
 * Believed because: every book on servers compares the two models, and mostly without numbers.
 *
 * Experiment: All on one core.  Fork and wait for a child that ends at once, against creating and
 * joining a thread: above 3 times as long supports the claim.  A byte to and fro through two pipes
 * between processes, against a turn taken over and back with a mutex and a condition variable
 * between threads: above 1 supports it.  Then a worker writes where nothing is mapped: who
 * survives?
 *
 * Read on: fork(2), pthread_create(3), futex(2), signal(7): a SIGSEGV's default is to end the
 * process.
 */
#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blocks.h"
#include "children.h"
#include "claim.h"
#include "setup.h"

static const double CREATION = 3, SYNCHRONISATION = 1;

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static struct pair there, back;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool theirs; /* whose turn it is */

static void fork_and_wait(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child < 0 || waitpid(child, NULL, 0) < 0)
        err(1, "a process");
}

static void start(pthread_t *thread, void *(*run)(void *))
{
    int error = pthread_create(thread, NULL, run, NULL);
    if (error)
        errx(1, "a thread: %s", strerror(error));
}

static void *end_at_once(void *nothing)
{
    return nothing;
}

static void create_and_join(void)
{
    pthread_t thread;
    start(&thread, end_at_once);
    pthread_join(thread, NULL);
}

static void pass(int from, int to)
{
    char byte = 0;
    if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1)
        _exit(0); /* the other process has ended */
}

static void prepare_processes(void)
{
    there = open_pair(KIND_PIPE);
    back = open_pair(KIND_PIPE);
    set_blocking(there.watched);
    set_blocking(back.watched);
    pid_t child = fork();
    if (child < 0)
        err(1, "fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pass(there.watched, back.other);
    }
    send_bytes(there.other, 1);
}

static void by_pipes(void)
{
    pass(back.watched, there.other);
}

static void hand_over(bool to_them)
{
    pthread_mutex_lock(&mutex);
    theirs = to_them;
    pthread_mutex_unlock(&mutex);
    pthread_cond_signal(&changed); /* after it: the other need not wait for the mutex */
    pthread_mutex_lock(&mutex);
    while (theirs == to_them)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void *threads_part(void *nothing)
{
    for (;;)
        hand_over(false);
    return nothing;
}

static void by_condition(void)
{
    hand_over(true);
}

static void prepare(void)
{
    pthread_t thread;
    prepare_processes();
    start(&thread, threads_part);
}

static void *crash(void *nothing)
{
    volatile char *wild = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *wild = 1;
    return nothing;
}

static void with_process(void)
{
    int status;
    pid_t worker = fork();
    if (worker == 0)
        crash(NULL);
    if (worker < 0 || waitpid(worker, &status, 0) < 0 || !WIFSIGNALED(status))
        _exit(1);
}

static void with_thread(void)
{
    pthread_t worker;
    start(&worker, crash);
    pthread_join(worker, NULL);
}

void try_claim(void)
{
    struct ratio creation =
        compare_sleeping(NULL, (struct side){fork_and_wait, 1}, (struct side){create_and_join, 1});
    struct ratio turns =
        compare_sleeping(prepare, (struct side){by_pipes, 1}, (struct side){by_condition, 1});
    int process = in_child(with_process, 5), thread = in_child(with_thread, 5);
    observe_ratio(
        "creation, process / thread", creation, above(creation, CREATION),
        text("above %g: a process is dearer, and its ns are what is not negligible", CREATION));
    observe_ratio("to and fro, pipes / condition variable", turns, above(turns, SYNCHRONISATION),
                  text("above %g: processes synchronise more slowly", SYNCHRONISATION));
    observe_text("the master, when a worker process crashes", end_text(process),
                 weigh(process == 0, WIFSIGNALED(process)), "exit 0: it lives on");
    observe_text("all, when a worker thread crashes", end_text(thread),
                 weigh(WIFSIGNALED(thread), WIFEXITED(thread)), "a signal: it has ended them all");
    conclude(
        "process / thread: creation %s, to and fro %s; when a worker crashes: %s of the master, %s "
        "of all threads",
        ratio_text(creation), ratio_text(turns), end_text(process), end_text(thread));
}
