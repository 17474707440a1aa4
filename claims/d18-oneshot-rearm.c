/*
 * D18 oneshot-rearm
 *
 * Claim: After its one event a descriptor with EPOLLONESHOT has to be re-armed with EPOLL_CTL_MOD.
 * (Other texts say: by adding the socket to the queue again.)
 *
 * Believed because: epoll_ctl(2) says so.  The other sentence takes "disabled" for "removed".
 *
 * Experiment: On a pipe, TCP and a Unix socket: one event, then more data.  Wrong if it is told
 * without re-arming, if a second EPOLL_CTL_ADD is accepted, or if MOD does not bring the event.
 *
 * Read on: epoll_ctl(2), EPOLLONESHOT; fs/eventpoll.c, ep_send_events(), which leaves of the mask
 * only EP_PRIVATE_BITS, and do_epoll_ctl(): the item is still there, hence EEXIST.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "claim.h"
#include "setup.h"

enum { KINDS = 3 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static const uint32_t armed = EPOLLIN | EPOLLONESHOT;

static struct told {
    int first, more, modified;
    int add; /* its errno */
} all;

static void observe_kind(const char *name, struct told told)
{
    observe_count(text("%s: first data, events", name), told.first,
                  weigh(told.first == 1, told.first == 0), "it is armed: one event");
    observe_count(text("%s: more data, events", name), told.more, supports_if(told.more == 0),
                  "0: it hears of nothing until it is re-armed");
    observe_error(text("%s: EPOLL_CTL_ADD", name), told.add, supports_if(told.add == EEXIST),
                  "EEXIST: it was never removed");
    observe_count(text("%s: after EPOLL_CTL_MOD, events", name), told.modified,
                  supports_if(told.modified == 1), "1: what is there is told at once");
}

static void try_kind(enum kind kind)
{
    struct pair pair = open_pair(kind);
    int epoll = epoll_instance();
    struct told told;
    epoll_add(epoll, pair.watched, armed);
    send_bytes(pair.other, 1);
    told.first = count_events(epoll, EVENT_MS);
    send_bytes(pair.other, 1);
    told.more = count_events(epoll, SILENCE_MS);
    told.add = epoll_error(epoll, EPOLL_CTL_ADD, pair.watched, armed);
    epoll_modify(epoll, pair.watched, armed);
    told.modified = count_events(epoll, EVENT_MS);
    observe_kind(pair_name(kind), told);
    all.first += told.first;
    all.more += told.more;
    all.modified += told.modified;
    all.add += told.add == EEXIST;
}

/* The dearer way: two calls, and the item made anew. */
static int delete_and_add(void)
{
    struct pair pair = open_pair(KIND_PIPE);
    int epoll = epoll_instance();
    epoll_add(epoll, pair.watched, armed);
    send_bytes(pair.other, 1);
    count_events(epoll, EVENT_MS);
    epoll_error(epoll, EPOLL_CTL_DEL, pair.watched, 0);
    epoll_add(epoll, pair.watched, armed);
    return count_events(epoll, EVENT_MS);
}

void try_claim(void)
{
    try_kind(KIND_PIPE);
    try_kind(KIND_TCP);
    try_kind(KIND_SOCKETPAIR);
    observe_count("pipe: after DEL and ADD, events", delete_and_add(), CONTEXT,
                  "that would do too, with one call more");
    conclude("on %d kinds of descriptors: %d events, %d for more data, ADD is EEXIST on %d, and "
             "MOD brings %d events",
             KINDS, all.first, all.more, all.add, all.modified);
}
