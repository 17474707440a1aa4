#include "drive.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fairness.h"
#include "placement.h"

enum {
    BATCH_UNKNOWN = 100, /* below every usual backlog */
    BATCH_MAX = 1000,
};

/* This process's own; connection i belongs to worker i % threads. */
static const struct options *options;
static const struct target *target;
static struct driver *shared;
static struct worker *workers;

static struct worker *worker_of(uint32_t connection)
{
    return &workers[connection % options->threads];
}

static bool fail(const char *what)
{
    shared->failed = true;
    failure_keep(shared->failure, what);
    return false;
}

static bool make_workers(bool spin)
{
    workers = calloc(options->threads, sizeof *workers);
    if (!workers)
        return fail("out of memory: lower --threads");
    for (uint32_t n = 0; n < options->threads; n++) {
        uint32_t count = (options->connections - n + options->threads - 1) / options->threads;
        if (!worker_init(&workers[n], options, target, count, spin))
            return fail("no memory or descriptor for a worker: lower --connections");
        for (uint32_t i = 0; i < count; i++)
            workers[n].clients[i] = (struct client){.id = i * options->threads + n, .fd = -1};
    }
    return true;
}

static bool fail_to_connect(uint32_t connection, int error)
{
    char why[FAILURE_BYTES];
    if (error == ECONNREFUSED && connection == 0)
        snprintf(why, sizeof why, "nobody listens on port %d: start the server first",
                 target->port);
    else
        snprintf(why, sizeof why, "connection %u: connect: %s", connection, strerror(error));
    return fail(why);
}

static bool fail_to_echo(const char *failure)
{
    char why[FAILURE_BYTES];
    int room = FAILURE_BYTES - 100;
    snprintf(why, sizeof why, "%.*s. Is it an echo server, and does it allow so many connections?",
             room, failure);
    return fail(why);
}

/* Waits until connections first .. end-1 are established. */
static bool await_established(uint32_t first, uint32_t end)
{
    uint64_t give_up_ns = clock_ns() + options->timeout_ns;
    for (uint32_t i = first; i < end; i++) {
        struct client *c = &worker_of(i)->clients[i / options->threads];
        struct pollfd p = {.fd = c->fd, .events = POLLOUT};
        uint64_t now_ns = clock_ns();
        int left_ms = now_ns < give_up_ns ? (int)((give_up_ns - now_ns) / 1000000) : 0;
        int ready = poll(&p, 1, left_ms);
        int error = ready == 0 ? ETIMEDOUT : 0;
        socklen_t length = sizeof error;
        if (ready > 0)
            getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
        if (error)
            return fail_to_connect(i, error);
    }
    return true;
}

/* How many connections are opened before their acceptance is awaited: for a server that scans, each
 * batch costs some waits more (19,000 connections to poll, 100 at a time, took 1.8 s; 1,000 at a
 * time, 0.7 s).  A batch must fit into the backlog: what does not is tried again after a second. */
static uint32_t batch_size(void)
{
    long backlog = observe_backlog(target);
    if (backlog < 0)
        return BATCH_UNKNOWN;
    return backlog > BATCH_MAX ? BATCH_MAX : backlog > 1 ? (uint32_t)backlog : 1;
}

/* Opens connections first .. end-1, in the order of their numbers.  The echo on the last one shows
 * that the server has accepted all of them. */
static bool connect_batch(uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        if (!worker_open(worker_of(i), i / options->threads))
            return fail(worker_of(i)->failure);
    struct worker *last = worker_of(end - 1);
    return await_established(first, end) &&
           (worker_try_echo(last, (end - 1) / options->threads) || fail_to_echo(last->failure));
}

static void connect_all(void)
{
    uint32_t batch = batch_size();
    for (uint32_t first = 0, end; first < options->connections; first = end) {
        end = first + batch < options->connections ? first + batch : options->connections;
        if (!connect_batch(first, end))
            return;
    }
}

/* Gives every worker its share of the active connections. */
static void share_active(uint32_t round)
{
    for (uint32_t n = 0; n < options->threads; n++)
        workers[n].active_count = 0;
    for (uint32_t place = 0; place < options->active; place++) {
        uint32_t connection = placement_at(options, round, place);
        struct worker *w = worker_of(connection);
        w->active[w->active_count] = connection / options->threads;
        w->places[w->active_count] = place;
        w->active_count++;
    }
}

static struct slice_plan plan_slice(const struct turn *turn)
{
    struct slice_plan plan = {
        .schedule = {.arrival = options->arrival,
                     .rate_per_s = options->rate_per_s,
                     .active = options->active,
                     .think_ns = options->think_ns + options->rtt_ns,
                     .network_delay_ns = options->network_delay_ns,
                     .seed = turn->seed,
                     .start_ns = clock_ns()},
    };
    plan.end_ns = plan.schedule.start_ns + turn->duration_ns;
    plan.cut_off_ns = plan.end_ns + turn->duration_ns / 5;
    plan.give_up_ns = plan.cut_off_ns + options->timeout_ns;
    return plan;
}

static void *run_worker(void *argument)
{
    worker_drive(argument);
    return NULL;
}

/* Runs all workers on the slice, the first one in this thread. */
static void run_workers(const struct slice_plan *plan)
{
    uint32_t others = options->threads - 1;
    pthread_t *threads = others ? calloc(others, sizeof *threads) : NULL;
    if (others && !threads)
        err(1, "threads");
    for (uint32_t n = 0; n < options->threads; n++)
        workers[n].plan = *plan;
    for (uint32_t n = 0; n < others; n++)
        if (pthread_create(&threads[n], NULL, run_worker, &workers[n + 1]) != 0)
            errx(1, "cannot start %u threads: lower --threads", options->threads);
    run_worker(&workers[0]);
    for (uint32_t n = 0; n < others; n++)
        pthread_join(threads[n], NULL);
    free(threads);
}

static void add_tally(struct tally *sum, const struct tally *t)
{
    sum->requests += t->requests;
    sum->errors += t->errors;
    sum->started += t->started;
    sum->lost += t->lost;
    sum->cut_off += t->cut_off;
    sum->outstanding_ns += t->outstanding_ns;
    sum->sends += t->sends;
    sum->receives += t->receives;
    sum->waits += t->waits;
    sum->opened += t->opened;
    sum->work_ns += t->work_ns;
}

/* Moves what the workers counted to where the parent sees it. */
static void gather(struct slice *slice)
{
    for (uint32_t n = 0; n < options->threads; n++) {
        struct worker *w = &workers[n];
        add_tally(&slice->tally, &w->tally);
        histogram_merge(&shared->response, &w->response);
        histogram_merge(&shared->service, &w->service);
        histogram_merge(&shared->lateness, &w->lateness);
        histogram_reset(&w->response);
        histogram_reset(&w->service);
        histogram_reset(&w->lateness);
        w->tally = (struct tally){0};
        failure_keep(shared->failure, w->failure);
        if (w->failed)
            shared->failed = true;
    }
}

static void drive_slice(const struct turn *turn)
{
    struct slice slice = {.round = turn->round, .position = turn->position};
    share_active(turn->round);
    observe_await_sleep(target);
    cpu_set_t cores = observe_cores(target);
    struct observation start = observe(target, &cores);
    struct slice_plan plan = plan_slice(turn);
    uint64_t client_start_ns = observe_own_cpu_ns();
    run_workers(&plan);
    slice.client_cpu_ns = observe_own_cpu_ns() - client_start_ns;
    slice.driven_ns = clock_ns() - plan.schedule.start_ns;
    slice.start_ns = plan.schedule.start_ns;
    observe_await_sleep(target);
    slice.end_ns = clock_ns();
    struct observation end = observe(target, &cores);
    slice.cost = observation_since(&end, &start);
    slice.cores = (uint32_t)CPU_COUNT(&cores);
    gather(&slice);
    shared->least_percent = fairness_least_percent(workers, options->threads);
    slice.polled = workers[0].spin;
    if (slice.polled && slice.tally.work_ns < slice.client_cpu_ns) {
        slice.client_polling_ns = slice.client_cpu_ns - slice.tally.work_ns;
        slice.client_cpu_ns = slice.tally.work_ns; /* polling is waiting, not work */
    }
    shared->slice = slice;
}

void drive(const struct options *o, const struct target *t, bool spin, struct driver *driver,
           int command_fd, int reply_fd)
{
    char byte;
    options = o;
    target = t;
    shared = driver;
    while (read(command_fd, &byte, 1) == 1) {
        if (driver->turn.what == TURN_DRIVE)
            drive_slice(&driver->turn);
        else if (make_workers(spin))
            connect_all();
        if (write(reply_fd, "", 1) != 1)
            return;
    }
}
