/*
 * D15 et-add-inout-once
 *
 * Claim: With edge triggering, add a connection once for EPOLLIN | EPOLLOUT, and never touch its
 * registration again.
 *
 * Believed because: an edge that is not wanted costs one event, and then there is silence; by level
 * EPOLLOUT would be told for ever.  nginx does it so.
 *
 * Experiment: One EPOLL_CTL_ADD, then a connection's life: nothing happens, a byte comes, the
 * buffer is filled and the peer reads, another byte comes.  Wrong if the instance tells while
 * nothing happens, or is silent where there is something to do.  What it costs is shown beside it.
 *
 * Read on: epoll(7), "Example for suggested usage", the last paragraph; nginx,
 * ngx_epoll_add_connection(); fs/eventpoll.c, ep_send_events(), which tells the whole state, not
 * only what has changed.
 */
#include <sys/epoll.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static const uint32_t once = EPOLLIN | EPOLLOUT | EPOLLET;

static uint32_t send_one_byte(struct pair pair, int epoll)
{
    send_bytes(pair.other, 1);
    uint32_t told = next_events(epoll, EVENT_MS);
    read_bytes(pair.watched, 1);
    return told;
}

/* What is told when the peer reads one byte, though the buffer was never full. */
static uint32_t when_peer_reads(enum kind kind)
{
    struct pair pair = open_pair(kind);
    int epoll = epoll_instance();
    epoll_add(epoll, pair.watched, once);
    next_events(epoll, EVENT_MS);
    send_bytes(pair.watched, 1);
    take_bytes(pair.other, 1);
    return next_events(epoll, SILENCE_MS);
}

static void step(const char *what, uint32_t told)
{
    picture_column("");
    picture_cell(0, DONE, "%s", what);
    picture_cell(1, told ? CAME : SILENT, "%s", events_text(told));
}

void try_claim(void)
{
    const char *const lanes[] = {"connection", "epoll_wait"};
    struct pair pair = open_pair(KIND_TCP);
    int epoll = epoll_instance();
    epoll_add(epoll, pair.watched, once);
    uint32_t at_add = next_events(epoll, EVENT_MS), idle = next_events(epoll, SILENCE_MS);
    uint32_t byte = send_one_byte(pair, epoll);
    size_t filled = fill_up(epoll, pair.watched);
    uint32_t room = drain_until_told(pair.other, epoll);
    uint32_t byte_again = send_one_byte(pair, epoll);
    uint32_t tcp = when_peer_reads(KIND_TCP), local = when_peer_reads(KIND_SOCKETPAIR);

    observe_events("at the ADD", at_add, CONTEXT, "its first cost: an event that nobody needs");
    observe_events("while nothing happens", idle, supports_if(idle == 0),
                   "an event here would come again and again");
    observe_events("a byte comes", byte, supports_if(byte & EPOLLIN),
                   "IN must be told; OUT comes along, as the whole state is told");
    observe_events("the full buffer is read by the peer", room, supports_if(room & EPOLLOUT),
                   "the writer must hear of the room without a call of epoll_ctl");
    observe_events("another byte comes", byte_again, supports_if(byte_again & EPOLLIN),
                   "IN must still be told");
    observe_events("TCP: the peer reads, never full", tcp, CONTEXT,
                   "an event here is one that nobody needs");
    observe_events("Unix: the peer reads, never full", local, CONTEXT,
                   "an event here is one that nobody needs");

    picture_lanes("One ADD for IN, OUT and ET, and nothing more", 2, lanes);
    step("ADD", at_add);
    step("nothing", idle);
    step("a byte comes", byte);
    step("full, then the peer reads", room);
    step("a byte comes", byte_again);
    conclude("after one ADD: %s at once, %s while idle, %s for a byte, %s for room after %zu "
             "bytes, %s for another byte",
             events_text(at_add), events_text(idle), events_text(byte), events_text(room), filled,
             events_text(byte_again));
}
