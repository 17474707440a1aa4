/*
 * E12 million-handles
 *
 * Claim: epoll handles a million descriptors, and epoll_wait is still fast.
 *
 * Believed because: epoll_wait handles what is ready, however much is watched.
 *
 * Experiment: Watch a million event counters in one instance, and 100 others in another; fewer than
 * a million where the hard limit of descriptors allows no more, or where they would take more than
 * a quarter of the free memory, half of max_user_watches, or half of what others leave of
 * fs.file-max.  One is ready in each: the wait among the many takes at most 1.5 times as long, or
 * the claim is false.  That one stays in the caches; so another pair of waits is shown, too, where
 * each turn makes a random one ready, with a write and a read: there the descriptors come from
 * memory, whichever call is used.  That weighs nothing.
 *
 * Read on: fs/eventpoll.c, ep_send_events(); epoll(7), /proc/sys/fs/epoll/max_user_watches;
 * getrlimit(2), RLIMIT_NOFILE; proc(5), /proc/sys/fs/file-max and nr_open.
 */
#include <err.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "blocks.h"
#include "claim.h"
#include "setup.h"
#include "waits.h"

enum { FEW = 100, MANY = 1000000, LEAST = 10000, SPARE = 100, BYTES_EACH = 1024 };
static const double WAIT_MOST = 1.5;

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static struct crowd few, many;

struct cap {
    int count;
    const char *why;
};

static struct cap lower(struct cap cap, double count, const char *why)
{
    return count < cap.count ? (struct cap){count > 0 ? (int)count : 0, why} : cap;
}

/* How many this machine may have to spare. */
static struct cap allowed(void)
{
    struct rlimit limit;
    struct sysinfo memory;
    struct cap cap = {MANY, "no more were wanted"};
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || sysinfo(&memory) < 0)
        err(1, "getrlimit, sysinfo");
    double bytes = (double)memory.freeram * memory.mem_unit;
    double files =
        (double)(proc_number("/proc/sys/fs/file-max") - proc_number("/proc/sys/fs/file-nr"));
    double watches = (double)proc_number("/proc/sys/fs/epoll/max_user_watches");
    cap = lower(cap, (double)limit.rlim_cur - FEW - SPARE, "the hard limit of descriptors");
    cap = lower(cap, bytes / 4 / BYTES_EACH, "a quarter of the free memory");
    cap = lower(cap, files / 2, "half of what fs.file-max leaves");
    return lower(cap, watches / 2, "half of max_user_watches");
}

static void wait_few(void)
{
    wait_by_epoll(&few);
}

static void wait_many(void)
{
    wait_by_epoll(&many);
}

static void turn(const struct crowd *crowd)
{
    static uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    int fd = crowd->asked[(uint64_t)state * (uint64_t)crowd->count >> 32].fd;
    send_bytes(fd, 8);
    if (next_events(crowd->epoll, 0) != EPOLLIN || read_bytes(fd, 8) != 8)
        errx(1, "descriptor %d was not ready", fd);
}

static void turn_few(void)
{
    turn(&few);
}

static void turn_many(void)
{
    turn(&many);
}

void try_claim(void)
{
    need_descriptors(LEAST + FEW + SPARE);
    struct cap cap = allowed();
    if (cap.count < LEAST)
        not_applicable("it needs %d descriptors, and %s allows %d: try it on a larger machine",
                       LEAST, cap.why, cap.count);
    few = open_crowd(KIND_EVENTFD, FEW, 1);
    many = open_crowd(KIND_EVENTFD, cap.count, 1); /* once for all blocks: a million take seconds */
    struct ratio wait = compare(NULL, (struct side){wait_many, 1}, (struct side){wait_few, 1});
    read_bytes(few.asked[0].fd, 8);
    read_bytes(many.asked[0].fd, 8);
    struct ratio turns = compare(NULL, (struct side){turn_many, 1}, (struct side){turn_few, 1});
    observe_yes_no("a million were watched", cap.count == MANY, CONTEXT,
                   text("%d were; what set the number: %s", cap.count, cap.why));
    observe_ratio("epoll_wait, all / 100", wait, below(wait, WAIT_MOST),
                  text("one is ready, the same each time; at most %g: still fast", WAIT_MOST));
    observe_ratio("write, epoll_wait, read, all / 100", turns, CONTEXT,
                  "a random one each time: above 1 is what the caches no longer hold");
    conclude("%d of a million could be watched%s; epoll_wait among them / among 100: %s; a random "
             "one each time, with its write and read: %s",
             cap.count, cap.count < MANY ? text(" (%s)", cap.why) : "", ratio_text(wait),
             ratio_text(turns));
}
