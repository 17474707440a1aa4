/*
 * E4 all-active-no-gain
 *
 * Claim: If all connections are active, as in a LAN, epoll is no better than select or poll.
 *
 * Believed because: select and poll visit every descriptor, and here each visit finds something.
 *
 * Experiment: All of N TCP connections have data, which stays there.  Each side waits, time-out 0,
 * and looks through what came back for the ready ones; select's set is copied anew each time.  What
 * is read and answered is left out: it would only hide a difference.  Poll's time divided by
 * epoll's, and select's, of at most 1.4 at N = 10, 100 and 1,000 supports the claim.  (Below 1
 * epoll is even slower, which does not speak against the claim.)
 *
 * Read on: Gammo, Brecht, Shukla and Pariag, OLS 2004: "the select and poll event mechanisms
 * perform comparably to the epoll event mechanism in the absence of idle connections"; claim E8 for
 * the other end.
 */
#include "blocks.h"
#include "claim.h"
#include "picture.h"
#include "setup.h"
#include "waits.h"

enum { MOST = 1000 };
static const double THRESHOLD = 1.4;

const enum verdict if_contradicted = REFUTED, if_mixed = DEPENDS;

static int n;
static struct crowd crowd;

static void prepare(void)
{
    crowd = open_crowd(KIND_TCP, n, n); /* all are ready */
}

static void with_poll(void)
{
    wait_by_poll(&crowd);
}

static void with_select(void)
{
    wait_by_select(&crowd);
}

static void with_epoll(void)
{
    wait_by_epoll(&crowd);
}

static struct ratio try_call(const char *name, void (*with)(void))
{
    struct ratio ratio = compare(prepare, (struct side){with, n}, (struct side){with_epoll, n});
    observe_ratio(text("%s / epoll, %d of %d ready", name, n, n), ratio, below(ratio, THRESHOLD),
                  text("time for an event; at most %g: epoll is no better", THRESHOLD));
    picture_bar(CAME, ratio.middle, "%s / epoll, %d of %d", name, n, n);
    return ratio;
}

void try_claim(void)
{
    static const int counts[] = {10, 100, MOST};
    struct ratio by_poll[3], by_select[3];
    need_loopback();
    need_descriptors(FD_SETSIZE + MOST + 100);
    for_fd_set(epoll_instance() + MOST + 3); /* the lowest numbers that are free */
    picture_bars("How many times as long poll and select take when all are active", "times");
    for (int i = 0; i < 3; i++) {
        n = counts[i];
        by_poll[i] = try_call("poll", with_poll);
        by_select[i] = try_call("select", with_select);
    }
    conclude("with all of 10, 100 and 1,000 ready poll takes %.3g, %.3g and %.3g times as long as "
             "epoll, select %.3g, %.3g and %.3g times",
             by_poll[0].middle, by_poll[1].middle, by_poll[2].middle, by_select[0].middle,
             by_select[1].middle, by_select[2].middle);
}
