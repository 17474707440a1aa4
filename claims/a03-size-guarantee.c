/*
 * A3 size-guarantee
 *
 * Claim: The size given to epoll_create() tells the kernel how many descriptors will be watched; it
 * is the most that the instance is sure to handle.
 *
 * Believed because: it was so.  In 2.5.45 (October 2002) the argument was called maxfds: the kernel
 * refused more than a maximum, and made its event buffer for exactly so many.
 *
 * Experiment: An instance of size 1 is given 2000 ready descriptors.  A limit would refuse the
 * second one, or report one event; no limit takes 2000 and reports 2000 in one call.  And an
 * instance of the largest size an int can hold: a kernel that made room for so many would have to
 * refuse.
 *
 * History: Davide Libenzi's patch ("[patch] total-epoll r2", linux-kernel, 2 November 2002) says
 * that the size "is just an hint".  Since 2.6.8 it is ignored, but must be above 0: a program may
 * run on an older kernel, too.
 *
 * Read on: epoll_create(2), DESCRIPTION and NOTES; fs/eventpoll.c, SYSCALL_DEFINE1(epoll_create),
 * which looks at the size once, and forgets it.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "claim.h"
#include "setup.h"

enum { WATCHED = 2000, SIZE = 1 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static int size_error(int size)
{
    int epoll = epoll_create(size), error = epoll < 0 ? errno : 0;
    if (epoll >= 0)
        close(epoll);
    return error;
}

/* How many ready descriptors it takes before it refuses one, or all of them. */
static int add_ready(int epoll)
{
    int added = 0, error = 0;
    while (added < WATCHED && !error) {
        error = epoll_error(epoll, EPOLL_CTL_ADD, ready_counter(), EPOLLIN);
        added += !error;
    }
    return added;
}

void try_claim(void)
{
    static struct epoll_event reported[WATCHED];
    need_descriptors(WATCHED + 100);
    int epoll = epoll_create(SIZE);
    if (epoll < 0)
        err(1, "epoll_create(%d)", SIZE);
    int added = add_ready(epoll), events = epoll_wait(epoll, reported, WATCHED, EVENT_MS);
    int largest = size_error(INT_MAX), zero = size_error(0), negative = size_error(-5);

    observe_count(text("descriptors taken, size %d", SIZE), added,
                  weigh(added > 0 && added <= SIZE, added > SIZE),
                  "a limit would refuse one more than it");
    observe_count(text("events in one call, size %d", SIZE), events,
                  weigh(events > 0 && events <= SIZE, events > SIZE),
                  "a buffer made for the size would hold no more");
    observe_error("epoll_create(INT_MAX)", largest, contradicts_if(largest == 0),
                  "memory for 2147483647 watches would be some 400 GB");
    observe_error("epoll_create(0)", zero, CONTEXT,
                  "that the size is above 0 is all that is checked");
    observe_error("epoll_create(-5)", negative, CONTEXT, "the same check");
    conclude(
        "an instance of size %d took %d descriptors and reported %d in one call; size INT_MAX: "
        "%s, size 0: %s",
        SIZE, added, events, error_text(largest), error_text(zero));
}
