/*
 * E12 million-handles
 *
 * Claim: epoll handles a million descriptors, and epoll_wait is still fast.
 *
 * Believed because: epoll_wait handles what is ready, however much is watched.
 *
 * Experiment: Watch a million event counters, or as many as the hard limit of descriptors (or
 * memory) allows, in one instance, and 100 in another.  One is ready in each: the wait among the
 * many takes at most 1.5 times as long, or the claim is false.  That one stays in the caches; so
 * another pair of waits is shown, too, where each turn makes a random one ready, with a write and a
 * read: there the descriptors come from memory, whichever call is used.  That weighs nothing.
 *
 * Read on: fs/eventpoll.c, ep_send_events(); epoll(7), /proc/sys/fs/epoll/max_user_watches;
 * getrlimit(2), RLIMIT_NOFILE; /proc/sys/fs/nr_open.
 */
#include <err.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "blocks.h"
#include "claim.h"
#include "setup.h"

enum { FEW = 100, MANY = 1000000, LEAST = 10000, SPARE = 100 };
static const double WAIT_MOST = 1.5;

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static int fds[MANY], watched, few, many;
static struct epoll_event told[MANY];

/* Once for all blocks, which inherit it: a million take seconds. */
static int watch_all(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "getrlimit");
    few = epoll_instance();
    many = epoll_instance();
    while (watched < MANY && (rlim_t)watched + SPARE < limit.rlim_cur) {
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        int error = fd < 0 ? errno : epoll_error(many, EPOLL_CTL_ADD, fd, EPOLLIN);
        if (error)
            return error;
        if (watched < FEW)
            epoll_add(few, fd, EPOLLIN);
        if (watched == 0)
            send_bytes(fd, 8);
        fds[watched++] = fd;
    }
    return watched < MANY ? EMFILE : 0;
}

static void wait_for(int epoll)
{
    if (epoll_wait(epoll, told, watched, 0) < 1)
        errx(1, "epoll found nothing");
}

static void wait_few(void)
{
    wait_for(few);
}

static void wait_many(void)
{
    wait_for(many);
}

static void turn(int epoll, int count)
{
    static uint32_t state = 1;
    const uint64_t one = 1;
    state = state * 1664525 + 1013904223;
    int fd = fds[(uint64_t)state * (uint64_t)count >> 32];
    if (write(fd, &one, sizeof one) != sizeof one)
        err(1, "write");
    wait_for(epoll);
    if (read_bytes(fd, 8) != 8)
        errx(1, "descriptor %d was not ready", fd);
}

static void turn_few(void)
{
    turn(few, FEW);
}

static void turn_many(void)
{
    turn(many, watched);
}

void try_claim(void)
{
    need_descriptors(LEAST + SPARE);
    int stopped = watch_all();
    struct ratio wait = compare(NULL, (struct side){wait_many, 1}, (struct side){wait_few, 1});
    read_bytes(fds[0], 8);
    struct ratio turns = compare(NULL, (struct side){turn_many, 1}, (struct side){turn_few, 1});
    observe_count("descriptors watched", watched, CONTEXT, "a million, or as many as it could be");
    observe_error(
        "why not more", stopped, CONTEXT,
        "EMFILE: the hard limit (`ulimit -Hn`); ENFILE: fs.file-max; ENOSPC: max_user_watches");
    observe_ratio("epoll_wait, all / 100", wait, below(wait, WAIT_MOST),
                  text("one is ready, the same each time; at most %g: still fast", WAIT_MOST));
    observe_ratio("write, epoll_wait, read, all / 100", turns, CONTEXT,
                  "a random one each time: above 1 is what the caches no longer hold");
    conclude(
        "epoll_wait among %d descriptors%s / among 100: %s; a random one each time, with its write "
        "and read: %s",
        watched, stopped == EMFILE ? " (the hard limit less 100)" : "", ratio_text(wait),
        ratio_text(turns));
}
