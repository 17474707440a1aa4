/*
 * A9 epfd-is-an-fd
 *
 * Claim: An epoll instance takes up a descriptor itself, as /proc/PID/fd shows.  It must be closed
 * in the end, or the process runs out of descriptors.
 *
 * Believed because: epoll_create(2) says that it returns a file descriptor, and lists EMFILE.
 *
 * Experiment: Look for an instance's number in /proc/self/fd.  Then make instances in a child
 * process that may have 64 descriptors, without closing any: EMFILE confirms, 64 of them without an
 * error would refute.  Close one, and make one more.
 *
 * Read on: epoll_create(2), NOTES and ERRORS; fs/eventpoll.c, do_epoll_create():
 * get_unused_fd_flags().
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "children.h"
#include "claim.h"
#include "setup.h"

enum { LIMIT = 64 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static int first, count, error;

/* Until one fails, or there are as many as the limit. */
static void make_many(void)
{
    while (count < LIMIT && !error) {
        int more = epoll_create1(EPOLL_CLOEXEC);
        error = more < 0 ? errno : 0;
        count += !error;
    }
}

/* Each of these in a child process of its own. */
static int how_many(void)
{
    make_many();
    return count;
}

static int why_no_more(void)
{
    make_many();
    return error;
}

static int one_closed_one_more(void)
{
    make_many();
    close(first);
    return epoll_create1(EPOLL_CLOEXEC) < 0 ? errno : 0;
}

void try_claim(void)
{
    if (access("/proc/self/fd", F_OK) < 0)
        not_applicable("/proc/self/fd is not there: mount /proc");
    first = epoll_instance();
    if (first >= LIMIT)
        not_applicable("%d descriptors are open already: start it with fewer open", first);
    bool listed = access(text("/proc/self/fd/%d", first), F_OK) == 0;
    int instances = in_limited_child(LIMIT, how_many);
    int refused = in_limited_child(LIMIT, why_no_more);
    int then = in_limited_child(LIMIT, one_closed_one_more);

    observe_yes_no("listed in /proc/self/fd", listed, supports_if(listed),
                   "as every descriptor of the process is");
    observe_error(text("making %d more, limit %d", LIMIT, LIMIT), refused,
                  supports_if(refused == EMFILE),
                  "EMFILE: the process may have no more descriptors");
    observe_count("instances made until then", instances, CONTEXT,
                  text("of %d numbers, others are taken by files that were open", LIMIT));
    observe_error("making one after closing one", then, supports_if(then == 0),
                  "a number that was closed can be given out again");
    conclude("descriptor %d is %s in /proc/self/fd; with a limit of %d, %d instances, then %s; one "
             "closed, then one more: %s",
             first, listed ? "listed" : "not listed", LIMIT, instances, error_text(refused),
             error_text(then));
}
