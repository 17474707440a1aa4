/*
 * E5 ctl-overuse-slower
 *
 * Claim: With too many epoll_ctl calls, epoll is slower than poll.
 *
 * Believed because: to change what poll asks for is a store into its array; to change what epoll
 * asks for is a system call.  Texts add that it is only slightly slower; what is put to the test is
 * that it is slower.
 *
 * Experiment: 25 of 100 TCP connections have data, which stays there.  Poll's side waits, time-out
 * 0, looks through its array, and stores a mask for each event; epoll's side waits, and calls
 * epoll_ctl (MOD) for each event: never, once or twice.  Without epoll_ctl epoll must be the faster
 * one (a ratio of its time to poll's of at most 1), else the calls do not decide; with one and with
 * two a ratio above 1.1 supports the claim.  Epoll with one must also take more than 1.1 times as
 * long as epoll without.  The rest of a request is left out here: see claim E6.
 *
 * Read on: Gammo, Brecht, Shukla and Pariag, OLS 2004: "a significant amount of time spent in ...
 * epoll_ctl"; fs/eventpoll.c, ep_modify().
 */
#include "blocks.h"
#include "claim.h"
#include "picture.h"
#include "setup.h"
#include "waits.h"

enum { N = 100, ACTIVE = 25 };
static const double FASTER = 1, SLOWER = 1.1;

const enum verdict if_contradicted = REFUTED, if_mixed = DEPENDS;

static struct crowd crowd;

static void prepare(void)
{
    crowd = open_crowd(KIND_TCP, N, ACTIVE);
}

static void with_poll(void)
{
    wait_by_poll(&crowd);
    for (int i = 0; i < ACTIVE; i++)
        crowd.asked[i].events = POLLIN; /* a change is a store */
}

static void with_epoll(int changes)
{
    wait_by_epoll(&crowd);
    for (int i = 0; i < ACTIVE; i++)
        for (int change = 0; change < changes; change++)
            epoll_modify(crowd.epoll, crowd.told[i].data.fd, EPOLLIN);
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

static struct ratio time_of(void (*a)(void), void (*b)(void))
{
    return compare(prepare, (struct side){a, ACTIVE}, (struct side){b, ACTIVE});
}

static void show(const char *name, struct ratio ratio, enum reading reading, const char *shows)
{
    observe_ratio(name, ratio, reading, shows);
    picture_bar(CAME, ratio.middle, "%s", name);
}

void try_claim(void)
{
    const char *slower = text("time for an event; above %g: slower", SLOWER);
    need_loopback();
    need_descriptors(FD_SETSIZE + N + 100);
    struct ratio none = time_of(with_none, with_poll), one = time_of(with_one, with_poll);
    struct ratio two = time_of(with_two, with_poll), own = time_of(with_one, with_none);
    picture_bars("How many times as long epoll takes for an event, 25 of 100 ready", "times");
    show("epoll / poll, no epoll_ctl", none, below(none, FASTER),
         text("time for an event; at most %g: epoll is the faster one", FASTER));
    show("epoll / poll, 1 epoll_ctl each", one, above(one, SLOWER), slower);
    show("epoll / poll, 2 epoll_ctl each", two, above(two, SLOWER), slower);
    show("epoll with 1 / without", own, above(own, SLOWER), slower);
    conclude(
        "epoll / poll, time for an event: %s without epoll_ctl, %s with one, %s with two; epoll "
        "with one / without: %s",
        ratio_text(none), ratio_text(one), ratio_text(two), ratio_text(own));
}
