/*
 * C9 select-clobbers-sets
 *
 * Claim: select changes the sets that it is given; they must be built anew before each call.
 *
 * Believed because: select(2) says so, and everybody forgets it once.
 *
 * Experiment: Two descriptors in a set, one of them ready: is the other's bit still there?  Then
 * the second becomes ready as well, and select is called with the set as it was left, and with a
 * new one: does the old one find both?  And what is left of a set when the time runs out?  For
 * comparison: a call that fails with EBADF.
 *
 * Read on: select(2), "each of the file descriptor sets is modified in place"; fs/select.c,
 * core_sys_select(), which copies the result over what was asked, unless there was an error.
 */
#include <errno.h>
#include <sys/select.h>
#include <unistd.h>

#include "claim.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static int first, second;

static fd_set both(void)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(first, &set);
    FD_SET(second, &set);
    return set;
}

static int bits_in(const fd_set *set)
{
    return (FD_ISSET(first, set) != 0) + (FD_ISSET(second, set) != 0);
}

/* How many are ready, or minus the errno. */
static int wait_on(fd_set *set, int timeout_ms)
{
    struct timeval timeout = timeval_of_ms(timeout_ms);
    int ready = select(FD_SETSIZE, set, NULL, NULL, &timeout);
    return ready < 0 ? -errno : ready;
}

static void try_error(void)
{
    fd_set set = both();
    int closed = for_fd_set(duplicate_at(first, 0));
    FD_SET(closed, &set);
    close(closed);
    int error = -wait_on(&set, 0);
    observe_count(text("bits left of 2 after %s", error_text(error)), bits_in(&set), CONTEXT,
                  "a call that fails leaves the set alone");
}

void try_claim(void)
{
    first = for_fd_set(open_pair(KIND_EVENTFD).watched);
    second = for_fd_set(open_pair(KIND_EVENTFD).watched);
    fd_set old = both(), fresh = both(), idle = both();
    send_bytes(first, 8);
    int ready = wait_on(&old, EVENT_MS), left = bits_in(&old);
    send_bytes(second, 8);
    int ready_in_old = wait_on(&old, EVENT_MS), ready_in_fresh = wait_on(&fresh, EVENT_MS);
    drain(first);
    drain(second);
    int expired = wait_on(&idle, SILENCE_MS), left_idle = bits_in(&idle);

    observe_count("bits left of 2, one was ready", left,
                  weigh(ready == 1 && left == 1, ready == 1 && left == 2),
                  "1: the idle one's bit is gone");
    observe_count("found with the set as it was left, both ready", ready_in_old,
                  weigh(ready_in_fresh == 2 && ready_in_old == 1, ready_in_old == 2),
                  "1: the other is not watched any more");
    observe_count("found with a new set, both ready", ready_in_fresh, CONTEXT,
                  "what there was to be found");
    observe_count("bits left of 2 after a time-out", left_idle,
                  weigh(expired == 0 && left_idle == 0, expired == 0 && left_idle == 2),
                  "0: nothing would be watched any more");
    try_error();
    conclude("of 2 bits %d was left with one ready, and %d after a time-out; with both ready the "
             "set as it was left found %d, a new one %d",
             left, left_idle, ready_in_old, ready_in_fresh);
}
