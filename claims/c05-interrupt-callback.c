/*
 * C5 interrupt-callback
 *
 * Claim: epoll_ctl registers a callback with the interrupt handler or the device's driver; an
 * edge-triggered descriptor is returned again only upon a new interrupt.
 *
 * Believed because: for a network card it looks so: an interrupt brings the packet, and the packet
 * wakes whoever waits.  And there is a callback.
 *
 * Experiment: An event counter, a pipe and a Unix socket, which have no device and no interrupt,
 * are watched by edge.  If a plain write(2) of the same process makes an event, no device is
 * needed.  Then they are left alone: an edge must not be reported twice.  Then epoll_ctl does MOD,
 * and DEL and ADD.  Nothing has been written in between: were something new needed, there would be
 * no event.
 *
 * Read on: fs/eventpoll.c, ep_ptable_queue_proc(), which puts the callback on the wait queue of the
 * file; ep_insert() and ep_modify(), which ask the file at once; epoll(7).
 */
#include <sys/epoll.h>

#include "claim.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static const uint32_t by_edge = EPOLLIN | EPOLLET;
static int reported, reported_twice, after_mod, after_add;

static void try_kind(enum kind kind)
{
    struct pair pair = open_pair(kind);
    const char *name = pair_name(kind);
    int epoll = epoll_instance();
    epoll_add(epoll, pair.watched, by_edge);
    send_bytes(pair.other, 8);
    int first = count_events(epoll, EVENT_MS);
    int again = count_events(epoll, SILENCE_MS);
    epoll_modify(epoll, pair.watched, by_edge);
    int modified = count_events(epoll, SILENCE_MS);
    int error = epoll_error(epoll, EPOLL_CTL_DEL, pair.watched, 0);
    epoll_add(epoll, pair.watched, by_edge);
    int added = count_events(epoll, SILENCE_MS);

    observe_count(text("%s: events after a write", name), first, contradicts_if(first == 1),
                  "1: without any device");
    observe_count(text("%s: again, nothing new", name), again,
                  weigh(first == 1 && again == 0, again > 0), "0: the edge is not reported twice");
    observe_count(text("%s: after MOD, nothing new", name), modified,
                  weigh(first == 1 && modified == 0, modified == 1), "1: epoll_ctl is enough");
    observe_count(text("%s: after DEL and ADD, nothing new", name), added,
                  weigh(first == 1 && added == 0, added == 1 && error == 0),
                  "1: epoll_ctl is enough");
    reported += first;
    reported_twice += again;
    after_mod += modified;
    after_add += added;
}

void try_claim(void)
{
    try_kind(KIND_EVENTFD);
    try_kind(KIND_PIPE);
    try_kind(KIND_SOCKETPAIR);
    conclude(
        "of 3 descriptors without a device %d were reported after a write; with nothing new %d "
        "were again, %d after MOD, %d after DEL and ADD",
        reported, reported_twice, after_mod, after_add);
}
