/*
 * E4 all-active-no-gain
 *
 * Claim: If all connections are active, as in a LAN, epoll is no better than select or poll.
 *
 * Believed because: select and poll visit every descriptor, and here each visit finds something.
 *
 * Experiment: All of N TCP connections have data, which stays there.  Each side waits, time-out 0,
 * and looks through what came back for the ready ones; select's set is copied anew each time.  What
 * is read and answered is left out: it would only hide a difference.  Poll's and select's time in
 * epoll's at most 1.4 at N = 10, 100 and 1,000 supports the claim.  (Far below 1 epoll would even
 * be worse: that is no contrary.)
 *
 * Read on: Gammo, Brecht, Shukla and Pariag, OLS 2004: "select and poll perform comparably to epoll
 * in the absence of idle connections"; claim E8 for the other end.
 */
#include <err.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

#include "blocks.h"
#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { MOST = 1000 };
static const double THRESHOLD = 1.4;

const enum verdict if_contradicted = REFUTED, if_mixed = DEPENDS;

static int n, active, epoll, end; /* end: one more than the highest descriptor */
static struct pollfd asked[MOST];
static fd_set all;
static struct epoll_event told[MOST];
static volatile int found;

/* The clients' ends go where an fd_set does not reach. */
static struct pair open_low(void)
{
    struct pair pair = open_pair(KIND_TCP);
    int moved = duplicate_at(pair.other, FD_SETSIZE);
    close(pair.other);
    return (struct pair){.watched = pair.watched, .other = moved};
}

static void prepare(void)
{
    epoll = epoll_instance();
    for (int i = 0; i < n; i++) {
        struct pair pair = open_low();
        asked[i] = (struct pollfd){.fd = pair.watched, .events = POLLIN};
        FD_SET(pair.watched, &all);
        end = pair.watched >= end ? pair.watched + 1 : end;
        epoll_add(epoll, pair.watched, EPOLLIN);
        send_bytes(pair.other, 8);
        if (poll(&asked[i], 1, EVENT_MS) != 1)
            errx(1, "8 bytes did not come");
        active++;
    }
}

static void with_poll(void)
{
    if (poll(asked, (nfds_t)n, 0) != active)
        errx(1, "poll did not find %d", active);
    for (int i = 0; i < n; i++)
        if (asked[i].revents)
            found = asked[i].fd;
}

static void with_select(void)
{
    fd_set ready = all;
    struct timeval at_once = {0};
    if (select(end, &ready, NULL, NULL, &at_once) != active)
        errx(1, "select did not find %d", active);
    for (int i = 0; i < n; i++)
        if (FD_ISSET(asked[i].fd, &ready))
            found = asked[i].fd;
}

static void with_epoll(void)
{
    int ready = epoll_wait(epoll, told, n, 0);
    if (ready != active)
        errx(1, "epoll did not find %d", active);
    for (int i = 0; i < ready; i++)
        found = told[i].data.fd;
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
