/*
 * That the caller really sleeps is read from the kernel: its count of voluntary switches has risen.
 * A write before that would find it still scanning, and it would never sleep.  With --kind fuse
 * the scan itself sleeps, in each ->poll(), until the answer is there: then the place where it
 * sleeps tells.
 */
#include "partner.h"

#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../loadgen/clock.h"

enum { ASLEEP_WITHIN_S = 10 };

static const struct descriptors *descriptors;
static const struct options *options;
static int status = -1, wchan = -1;  /* of the thread that measures, in /proc */
static uint64_t switches_seen;       /* its voluntary switches so far */
static atomic_uint_fast64_t ordered; /* a place + 1; 0: nothing is */
static atomic_bool awake;            /* stay_awake() runs */

static uint64_t switches(void)
{
    static const char name[] = "\nvoluntary_ctxt_switches:";
    char text[4096];
    ssize_t length = pread(status, text, sizeof text - 1, 0);
    text[length < 0 ? 0 : length] = '\0';
    const char *found = strstr(text, name);
    if (!found)
        errx(1, "/proc/self/task/*/status has no voluntary switches: without them --when sleeping "
                "cannot be told");
    return strtoull(found + sizeof name - 1, NULL, 10);
}

/* Reads the name of the kernel's function in which it sleeps, which is "0" while it runs. */
static void wait_until_it_sleeps_outside_fuse(void)
{
    char where[128];
    uint64_t begin_ns = clock_ns();
    do {
        sched_yield();
        ssize_t length = pread(wchan, where, sizeof where - 1, 0);
        where[length < 0 ? 0 : length] = '\0';
        if (clock_ns() - begin_ns > ASLEEP_WITHIN_S * NS_PER_S)
            errx(3, "/proc/self/wchan does not show where a thread sleeps: --when sleeping with "
                    "--kind fuse is not possible here");
    } while (!strcmp(where, "0") || !strcmp(where, "") || strstr(where, "fuse") ||
             strstr(where, "request_wait_answer"));
}

static void wait_until_it_sleeps(void)
{
    if (options->kind == KIND_FUSE) {
        wait_until_it_sleeps_outside_fuse();
        return;
    }
    uint64_t now;
    while ((now = switches()) == switches_seen)
        sched_yield();
    switches_seen = now;
}

/* With a shared table each look-up of a descriptor is atomic. */
static void take_own_table(void)
{
    if (unshare(CLONE_FILES) < 0)
        warn("a thread has no descriptor table of its own, which makes each descriptor's turn in "
             "a scan dearer: allow unshare(2)");
}

/* Runs while the caller sleeps, so that its core does not idle: in which idle state a virtual
 * machine's core was decided what an epoll wait took, 4.2 or 8.6 us of CPU, for minutes. */
static void *stay_awake(void *none)
{
    static const struct sched_param unused;
    (void)none;
    take_own_table();
    if (sched_setscheduler(0, SCHED_IDLE, &unused) < 0) {
        warn("the core idles while the wait sleeps, and its idle state is in the number: allow "
             "sched_setscheduler(2) with SCHED_IDLE");
        return NULL;
    }
    atomic_store(&awake, true);
    for (;;)
        atomic_signal_fence(memory_order_relaxed);
    return NULL;
}

static void *wake(void *none)
{
    (void)none;
    if (options->partner_pinned &&
        sched_setaffinity(0, sizeof options->partner_cpus, &options->partner_cpus) < 0)
        err(2, "--partner-cpu: choose cores from /sys/devices/system/cpu/online");
    take_own_table();
    for (;;) {
        uint64_t place;
        while (!(place = atomic_load(&ordered)))
            sched_yield(); /* on a machine with one core the caller needs it */
        wait_until_it_sleeps();
        atomic_store(&ordered, 0);
        descriptor_make_ready(descriptors, (uint32_t)place - 1);
    }
    return NULL;
}

static int open_own(const char *file)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/task/%d/%s", gettid(), file);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        err(1, "%s", name);
    return fd;
}

static void start_thread(void *run(void *))
{
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, run, NULL);
    if (failed)
        errx(1, "a further thread: %s", strerror(failed));
}

void partner_start(const struct descriptors *d, const struct options *o)
{
    status = open_own("status");
    wchan = open_own("wchan");
    descriptors = d;
    options = o;
    switches_seen = switches();
    start_thread(wake);
    if (o->pinned)
        start_thread(stay_awake);
}

bool partner_keeps_awake(void)
{
    return atomic_load(&awake);
}

void partner_order(uint32_t place)
{
    atomic_store(&ordered, (uint64_t)place + 1);
}
