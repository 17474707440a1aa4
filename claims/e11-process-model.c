/*
 * E11 process-model
 *
 * Claim: To create a process for each client is cheap, but not negligible; processes synchronise
 * more slowly than threads; threads are faster, but one that crashes takes all of them with it.
 *
 * Believed because: every book on servers compares the two models, and mostly without numbers.
 *
 * Experiment: All on one core.  Fork and wait for a child that ends at once, against creating and
 * joining a thread: above 3 times as long supports the claim.  Take turns with a partner, over and
 * back, by a mutex and a condition variable in shared memory: between two processes, against the
 * same between two threads, above 1 supports it.  Then a worker writes to a page that it may not
 * touch: who survives?
 *
 * Read on: fork(2), pthread_create(3), futex(2), signal(7): a SIGSEGV's default is to end the
 * process.
 */
#include <err.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blocks.h"
#include "children.h"
#include "claim.h"
#include "setup.h"

static const double CREATION = 3, SYNCHRONISATION = 1;

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

struct turn {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool theirs; /* the partner's */
};
static struct turn *of_processes, *of_threads;

static void fork_and_wait(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child < 0 || waitpid(child, NULL, 0) < 0)
        err(1, "a process");
}

static void start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    int error = pthread_create(thread, NULL, run, argument);
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
    start(&thread, end_at_once, NULL);
    pthread_join(thread, NULL);
}

static struct turn *new_turn(void)
{
    pthread_mutexattr_t mutex;
    pthread_condattr_t condition;
    struct turn *turn =
        mmap(NULL, sizeof *turn, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (turn == MAP_FAILED)
        err(1, "mmap");
    pthread_mutexattr_init(&mutex);
    pthread_condattr_init(&condition);
    if (pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED) ||
        pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED))
        errx(1, "a mutex and a condition variable cannot be shared by processes");
    pthread_mutex_init(&turn->mutex, &mutex);
    pthread_cond_init(&turn->changed, &condition);
    return turn;
}

static void hand_over(struct turn *turn, bool to_them)
{
    pthread_mutex_lock(&turn->mutex);
    turn->theirs = to_them;
    pthread_mutex_unlock(&turn->mutex);
    pthread_cond_signal(&turn->changed); /* after it: the other need not wait for the mutex */
    pthread_mutex_lock(&turn->mutex);
    while (turn->theirs == to_them)
        pthread_cond_wait(&turn->changed, &turn->mutex);
    pthread_mutex_unlock(&turn->mutex);
}

static void *partner(void *turn)
{
    for (;;)
        hand_over(turn, false);
    return NULL;
}

static void prepare(void)
{
    pthread_t thread;
    of_processes = new_turn();
    of_threads = new_turn();
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        err(1, "fork");
    if (child == 0) {
        end_with_parent(parent);
        partner(of_processes);
    }
    start(&thread, partner, of_threads);
}

static void between_processes(void)
{
    hand_over(of_processes, true);
}

static void between_threads(void)
{
    hand_over(of_threads, true);
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
    start(&worker, crash, NULL);
    pthread_join(worker, NULL);
}

void try_claim(void)
{
    struct ratio creation =
        compare_sleeping(NULL, (struct side){fork_and_wait, 1}, (struct side){create_and_join, 1});
    struct ratio turns = compare_sleeping(prepare, (struct side){between_processes, 1},
                                          (struct side){between_threads, 1});
    int process = in_child(with_process, 5), thread = in_child(with_thread, 5);
    observe_ratio(
        "creation, process / thread", creation, above(creation, CREATION),
        text("above %g: dearer; \"cheap, but not negligible\" is a matter of taste: see the ns",
             CREATION));
    observe_ratio("over and back, processes / threads", turns, above(turns, SYNCHRONISATION),
                  text("above %g: processes synchronise more slowly", SYNCHRONISATION));
    observe_text("the master, when a worker process crashes", end_text(process),
                 weigh(process == 0, WIFSIGNALED(process)), "exit 0: it lives on");
    observe_text("all, when a worker thread crashes", end_text(thread),
                 weigh(WIFSIGNALED(thread), WIFEXITED(thread)), "a signal: it has ended them all");
    conclude(
        "process / thread: creation %s, a turn over and back %s; a worker process that crashes "
        "leaves its master with %s, one that is a thread leaves %s of them all",
        ratio_text(creation), ratio_text(turns), end_text(process), end_text(thread));
}
