/*
 * B8 epoll-limit-file-max
 *
 * Claim: The most descriptors that epoll can watch is the number of files that may be open, which
 * stands in /proc/sys/fs/file-max.
 *
 * Believed because: the number is large, depends on the memory, and is easy to print.
 *
 * Experiment: Two parts.  Does what is opened count against it?  Then the first number of
 * /proc/sys/fs/file-nr grows with 1000 new descriptors (in three of up to 15 rounds, as others
 * open and close files, too).  And does it decide?  A child process that may have 64 descriptors
 * watches as many as it can, 200 at most: if it ends before, another limit was first.
 *
 * Read on: in the order in which a server meets them: getrlimit(2), RLIMIT_NOFILE (EMFILE; the soft
 * one is often 1024); proc(5), nr_open and file-max (ENFILE, for the whole system); epoll(7),
 * max_user_watches (ENOSPC, for each user); fs/eventpoll.c, ep_insert().
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "children.h"
#include "claim.h"
#include "setup.h"

enum { OPENED = 1000, ENOUGH = 3, ROUNDS = 15, PAUSE_MS = 10, LIMIT = 64, MOST = 200 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static bool is_counted(void)
{
    int fds[OPENED];
    long long before = proc_number("/proc/sys/fs/file-nr");
    for (int i = 0; i < OPENED; i++)
        fds[i] = open_pair(KIND_EVENTFD).watched;
    long long after = proc_number("/proc/sys/fs/file-nr");
    for (int i = 0; i < OPENED; i++)
        close(fds[i]);
    return after - before > OPENED / 2;
}

static int epoll;

/* In the child: how many it could watch when EMFILE came. */
static int watch_all(void)
{
    for (int watched = 0; watched < MOST; watched++) {
        int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (fd < 0)
            return errno == EMFILE ? watched : 0;
        epoll_add(epoll, fd, EPOLLIN);
    }
    return MOST;
}

void try_claim(void)
{
    int rounds = 0, counted = 0;
    epoll = epoll_instance();
    if (epoll + 1 >= LIMIT)
        not_applicable("%d descriptors are open already: start it with fewer open", epoll);
    int watched = in_limited_child(LIMIT, watch_all);
    long long file_max = proc_number("/proc/sys/fs/file-max");
    need_descriptors(OPENED + 100);
    for (; rounds < ROUNDS && counted < ENOUGH; rounds++) {
        counted += is_counted();
        poll(NULL, 0, PAUSE_MS);
    }

    observe_count(text("rounds in which file-nr grew, of %d", rounds), counted,
                  supports_if(counted == ENOUGH),
                  "what is opened to be watched counts against file-max");
    observe_count(text("watched with a limit of %d, of %d", LIMIT, MOST), watched,
                  weigh(watched == MOST, watched > 0 && watched < MOST),
                  "fewer than all: EMFILE, the process's own limit, came first");
    observe_count("fs.file-max", file_max, CONTEXT, "files of the whole system");
    observe_count("fs.nr_open", proc_number("/proc/sys/fs/nr_open"), CONTEXT,
                  "how high the limit of a process can be set");
    observe_count("fs.epoll.max_user_watches", proc_number("/proc/sys/fs/epoll/max_user_watches"),
                  CONTEXT, "epoll's own limit, for each user");
    conclude("opened files counted in %d of %d rounds, but a process that may have %d descriptors "
             "watched %d, with file-max at %lld",
             counted, rounds, LIMIT, watched, file_max);
}
