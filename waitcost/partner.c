/*
 * That the caller really sleeps is read from the kernel: its count of voluntary switches has risen.
 * A write before that would find it still scanning, and it would never sleep.
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

static const struct descriptors *descriptors;
static const struct options *options;
static int status = -1;              /* /proc/.../status of the thread that measures */
static uint64_t switches_seen;       /* its voluntary switches so far */
static atomic_uint_fast64_t ordered; /* a place + 1; 0: nothing is */

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

static void wait_until_it_sleeps(void)
{
    uint64_t now;
    while ((now = switches()) == switches_seen)
        sched_yield();
    switches_seen = now;
}

static void *wake(void *none)
{
    (void)none;
    if (options->partner_pinned &&
        sched_setaffinity(0, sizeof options->partner_cpus, &options->partner_cpus) < 0)
        err(2, "--partner-cpu: choose cores from /sys/devices/system/cpu/online");
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

void partner_start(const struct descriptors *d, const struct options *o)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/task/%d/status", gettid());
    status = open(name, O_RDONLY | O_CLOEXEC);
    if (status < 0)
        err(1, "%s", name);
    descriptors = d;
    options = o;
    switches_seen = switches();
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, wake, NULL);
    if (failed)
        errx(1, "a second thread: %s", strerror(failed));
}

void partner_order(uint32_t place)
{
    atomic_store(&ordered, (uint64_t)place + 1);
}
