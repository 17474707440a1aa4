#include "turns.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "placement.h"
#include "random.h"
#include "units.h"

/* A target's process, and the parent's end of the two pipes to it. */
struct line {
    pid_t pid;
    int command_fd, reply_fd;
};

static const struct options *options;
static struct line lines[TARGETS_MAX];

bool turns_own_core(const struct options *o)
{
    if (!o->pinned || (uint32_t)CPU_COUNT(&o->cpus) < o->threads)
        return false;
    for (uint32_t i = 0; i < o->target_count; i++) {
        cpu_set_t cpus, shared;
        if (!o->targets[i].pid || sched_getaffinity(o->targets[i].pid, sizeof cpus, &cpus) < 0)
            continue; /* unknown: trust --cpu */
        CPU_AND(&shared, &cpus, &o->cpus);
        if (CPU_COUNT(&shared) > 0)
            return false;
    }
    return true;
}

/* Starts the process that will drive target i. */
static void start_driver(uint32_t i, bool spin, struct driver *driver)
{
    int command[2], reply[2];
    pid_t parent = getpid();
    if (pipe(command) < 0 || pipe(reply) < 0)
        err(1, "pipe");
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        err(1, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);                /* it died before we asked to die with it */
        prctl(PR_SET_TIMERSLACK, 1); /* or every sleep takes 50 us more */
        for (uint32_t other = 0; other < i; other++) {
            close(lines[other].command_fd);
            close(lines[other].reply_fd);
        }
        close(command[1]);
        close(reply[0]);
        drive(options, &options->targets[i], spin, driver, command[0], reply[1]);
        _exit(0);
    }
    close(command[0]);
    close(reply[1]);
    lines[i] = (struct line){pid, command[1], reply[0]};
}

static void start_drivers(bool spin, struct result *results)
{
    for (uint32_t i = 0; i < options->target_count; i++) {
        struct driver *driver =
            mmap(NULL, sizeof *driver, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (driver == MAP_FAILED)
            err(1, "no memory to share with a worker");
        results[i] = (struct result){.target = &options->targets[i], .driver = driver};
        start_driver(i, spin, driver);
    }
}

/* Gives target i its turn and waits until it is over. */
static bool take_turn(uint32_t i, struct result *r, const struct turn *turn)
{
    char done;
    r->driver->turn = *turn;
    ssize_t n = write(lines[i].command_fd, "", 1);
    if (n == 1) {
        do
            n = read(lines[i].reply_fd, &done, 1);
        while (n < 0 && errno == EINTR);
    }
    if (n != 1) {
        r->driver->failed = true;
        failure_keep(r->driver->failure, "the process that drove it has died");
    }
    return !r->driver->failed;
}

static bool connect_targets(struct result *results)
{
    for (uint32_t i = 0; i < options->target_count; i++) {
        struct turn turn = {.what = TURN_CONNECT};
        uint64_t start_ns = clock_ns();
        if (!take_turn(i, &results[i], &turn))
            return false;
        results[i].connect_ns = clock_ns() - start_ns;
    }
    return true;
}

/* Are there as many connections as were asked for, at the server's end and in the kernel's table?
 */
static void check_established(struct result *r, const char *when)
{
    char asked[GROUPED_BYTES], there[GROUPED_BYTES];
    const struct ledger *l = r->target->ledger;
    long kernel = observe_established(r->target);
    uint64_t served = l ? l->accepts - l->refusals - l->closes : options->connections;
    if (*r->invalid || options->churn)
        return; /* under churn the two ends are never quite in step */
    group_digits(options->connections, asked);
    if (served != options->connections)
        snprintf(r->invalid, sizeof r->invalid,
                 "%s connections were asked for, the server has %s %s", asked,
                 group_digits(served, there), when);
    else if (kernel >= 0 && kernel != (long)options->connections)
        snprintf(r->invalid, sizeof r->invalid,
                 "%s connections were asked for, the kernel has %s %s", asked,
                 group_digits((uint64_t)kernel, there), when);
}

/* A random order for every round, or there and back again. */
static void order_round(uint32_t *order, uint32_t round)
{
    uint32_t n = options->target_count;
    for (uint32_t i = 0; i < n; i++)
        order[i] = options->order == ORDER_ABBA && round % 2 ? n - 1 - i : i;
    if (options->order == ORDER_RANDOM)
        random_shuffle(order, n, random_at(options->seed, 'o', round));
}

/* The cores that are probed; -1 where nothing is pinned. */
static int own_core(void)
{
    int core = 0;
    while (options->pinned && !CPU_ISSET((size_t)core, &options->cpus))
        core++;
    return options->pinned ? core : -1;
}

static int server_core(void)
{
    return options->targets[0].pid ? observe_core(options->targets[0].pid) : -1;
}

/* Every target drives one slice of the round. */
static void drive_round(struct result *results, uint32_t round, uint64_t duration_ns, bool warm_up)
{
    uint32_t order[TARGETS_MAX] = {0};
    uint32_t round_trip_ns = warm_up ? 0 : probe_round_trip_ns(server_core(), own_core());
    order_round(order, round);
    for (uint32_t position = 0; position < options->target_count; position++) {
        struct result *r = &results[order[position]];
        struct turn turn = {
            .what = TURN_DRIVE,
            .round = round,
            .position = position,
            .duration_ns = duration_ns,
            .seed = random_at(options->seed, warm_up ? 'w' : 's', round),
        };
        if (r->driver->failed || !take_turn(order[position], r, &turn))
            continue;
        if (warm_up) {
            r->warmup_errors = r->driver->slice.tally.errors;
            continue;
        }
        struct slice *slice = &r->slices[r->slice_count++];
        *slice = r->driver->slice;
        slice->core_round_trip_ns = round_trip_ns;
    }
}

static void show_progress(uint32_t round, uint32_t rounds, uint64_t start_ns)
{
    double passed_s = (double)(clock_ns() - start_ns) / NS_PER_S;
    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\rround %u of %u, %.0f s left ", round, rounds,
            passed_s / round * (rounds - round));
    if (round == rounds)
        fprintf(stderr, "\r\033[K");
}

static void measure(struct result *results, struct environment *e)
{
    uint32_t rounds = (uint32_t)((options->window_ns + options->slice_ns - 1) / options->slice_ns);
    for (uint32_t i = 0; i < options->target_count; i++) {
        results[i].slices = calloc(rounds, sizeof *results[i].slices);
        if (!results[i].slices)
            err(1, "no memory for %u slices: lengthen --slice", rounds);
    }
    if (options->warmup_ns)
        drive_round(results, 0, options->warmup_ns, true);
    for (uint32_t i = 0; i < options->target_count; i++) {
        check_established(&results[i], "at the start");
        histogram_reset(&results[i].driver->response);
        histogram_reset(&results[i].driver->service);
        histogram_reset(&results[i].driver->lateness);
    }
    e->before = probe_cores(server_core(), own_core());
    uint64_t start_ns = clock_ns();
    for (uint32_t round = 0; round < rounds; round++) {
        drive_round(results, round, options->slice_ns, false);
        show_progress(round + 1, rounds, start_ns);
    }
    e->after = probe_cores(server_core(), own_core());
    for (uint32_t i = 0; i < options->target_count; i++)
        check_established(&results[i], "at the end");
}

bool turns_run(const struct options *o, bool spin, struct result *results, struct environment *e)
{
    options = o;
    signal(SIGPIPE, SIG_IGN); /* a driver that died is seen by the failing write */
    placement_init(o);
    start_drivers(spin, results);
    bool connected = connect_targets(results);
    if (connected)
        measure(results, e);
    for (uint32_t i = 0; i < o->target_count; i++) {
        close(lines[i].command_fd); /* the driver ends, and its connections with it */
        close(lines[i].reply_fd);
        waitpid(lines[i].pid, NULL, 0);
    }
    return connected;
}
