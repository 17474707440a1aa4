/*
 * A9 epfd-is-an-fd
 *
 * Claim: An epoll instance takes up a descriptor itself, as /proc/PID/fd shows.  It must be closed
 * in the end, or the process runs out of descriptors.
 *
 * Believed because: epoll_create(2) says that it returns a file descriptor, and lists EMFILE.
 *
 * Experiment: Look for an instance's number in /proc/self/fd.  Then lower this process's limit to
 * 64 descriptors and make instances without closing any: EMFILE confirms, 64 of them without an
 * error would refute.  Close one, and make one more.
 *
 * Read on: epoll_create(2), NOTES and ERRORS; fs/eventpoll.c, do_epoll_create():
 * get_unused_fd_flags().
 */
#include <err.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "claim.h"
#include "setup.h"

enum { LIMIT = 64 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static void lower_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "getrlimit");
    limit.rlim_cur = LIMIT;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "setrlimit");
}

void try_claim(void)
{
    if (access("/proc/self/fd", F_OK) < 0)
        not_applicable("/proc/self/fd is not there: mount /proc");
    int first = epoll_instance(), count = 0, error = 0;
    bool listed = access(text("/proc/self/fd/%d", first), F_OK) == 0;
    lower_limit();
    while (count < LIMIT && !error) {
        int more = epoll_create1(EPOLL_CLOEXEC);
        error = more < 0 ? errno : 0;
        count += !error;
    }
    close(first);
    int then = epoll_create1(EPOLL_CLOEXEC) < 0 ? errno : 0;
    raise_descriptor_limit(); /* whatever ends this program may need one more */

    observe_yes_no("listed in /proc/self/fd", listed, supports_if(listed),
                   "as every descriptor of the process is");
    observe_error(text("making %d more, limit %d", LIMIT, LIMIT), error,
                  supports_if(error == EMFILE), "EMFILE: the process may have no more descriptors");
    observe_count("instances made until then", count, CONTEXT,
                  text("of %d numbers, others are taken by files that were open", LIMIT));
    observe_error("making one after closing one", then, supports_if(then == 0),
                  "a number that was closed can be given out again");
    conclude("descriptor %d is %s in /proc/self/fd; with a limit of %d, %d instances, then %s; one "
             "closed, then one more: %s",
             first, listed ? "listed" : "not listed", LIMIT, count, error_text(error),
             error_text(then));
}
