/*
 * E5 ctl-overuse-slower
 *
 * Claim: With too many epoll_ctl calls, epoll is slower than poll.
 *
 * Believed because: to change what poll asks for is a store into its array; to change what epoll
 * asks for is a system call.
 *
 * Experiment: All of 100 TCP connections have data, which stays there.  Poll's side waits, time-out
 * 0, looks through its array, and stores a mask for each event; epoll's side waits, and calls
 * epoll_ctl (MOD) once or twice for each event.  A ratio of epoll's time to poll's above 1.1
 * supports the claim.  So that it is epoll_ctl's doing, epoll with one must also take more than 1.1
 * times as long as epoll without.  The rest of a request is left out here: see claim E6.
 *
 * Read on: Gammo, Brecht, Shukla and Pariag, OLS 2004: "a significant amount of time spent in ...
 * epoll_ctl"; fs/eventpoll.c, ep_modify().
 */
#include <err.h>
#include <poll.h>
#include <sys/epoll.h>

#include "blocks.h"
#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { N = 100 };
static const double THRESHOLD = 1.1;

const enum verdict if_contradicted = REFUTED, if_mixed = DEPENDS;

static int epoll;
static struct pollfd asked[N];
static struct epoll_event told[N];

static void prepare(void)
{
    epoll = epoll_instance();
    for (int i = 0; i < N; i++) {
        struct pair pair = open_pair(KIND_TCP);
        asked[i] = (struct pollfd){.fd = pair.watched, .events = POLLIN};
        epoll_add(epoll, pair.watched, EPOLLIN);
        send_bytes(pair.other, 8);
        if (poll(&asked[i], 1, EVENT_MS) != 1)
            errx(1, "8 bytes did not come");
    }
}

static void with_poll(void)
{
    if (poll(asked, N, 0) != N)
        errx(1, "poll did not find %d", N);
    for (int i = 0; i < N; i++)
        if (asked[i].revents)
            asked[i].events = POLLIN;
}

static void with_epoll(int changes)
{
    if (epoll_wait(epoll, told, N, 0) != N)
        errx(1, "epoll did not find %d", N);
    for (int i = 0; i < N; i++)
        for (int change = 0; change < changes; change++)
            epoll_modify(epoll, told[i].data.fd, EPOLLIN);
}

static void with_none(void)
{
    with_epoll(0);
}

static void with_one(void)
{
    with_epoll(1);
}

static void with_two(void)
{
    with_epoll(2);
}

static struct ratio try_against(const char *name, void (*a)(void), void (*b)(void), bool weighs)
{
    struct ratio ratio = compare(prepare, (struct side){a, N}, (struct side){b, N});
    observe_ratio(name, ratio, weighs ? above(ratio, THRESHOLD) : CONTEXT,
                  text("time for an event; above %g: slower", THRESHOLD));
    picture_bar(weighs ? CAME : DONE, ratio.middle, "%s", name);
    return ratio;
}

void try_claim(void)
{
    picture_bars("How many times as long epoll takes for an event, all of 100 ready", "times");
    struct ratio none = try_against("epoll / poll, no epoll_ctl", with_none, with_poll, false);
    struct ratio one = try_against("epoll / poll, 1 epoll_ctl each", with_one, with_poll, true);
    struct ratio two = try_against("epoll / poll, 2 epoll_ctl each", with_two, with_poll, true);
    struct ratio own = try_against("epoll with 1 / without", with_one, with_none, true);
    conclude(
        "epoll / poll, time for an event: %.3g without epoll_ctl, %s with one, %s with two; epoll "
        "with one / without: %s",
        none.middle, ratio_text(one), ratio_text(two), ratio_text(own));
}
