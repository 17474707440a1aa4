/*
 * D16 et-write-never-notified
 *
 * Claim: After the first ADD the kernel never notifies you of writing again: whoever wants EPOLLOUT
 * has to ask for it with EPOLL_CTL_MOD.
 *
 * Believed because: with edge triggering EPOLLOUT comes once at the ADD, and then no more, for as
 * long as the send buffer never gets full.  Most programs that are tried out never fill it.
 *
 * Experiment: A TCP connection is added once, for IN, OUT and ET.  A byte is sent and read: does
 * the writer hear of it?  Then it writes until EAGAIN, and the peer reads.  No MOD is made: an
 * EPOLLOUT now refutes the claim, silence confirms it.
 *
 * Read on: net/core/stream.c, sk_stream_write_space(), which wakes only who has met a full buffer
 * (SOCK_NOSPACE); net/ipv4/tcp_input.c, tcp_check_space(); epoll(7).
 */
#include <sys/epoll.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static const uint32_t once = EPOLLIN | EPOLLOUT | EPOLLET;

static void step(const char *writer, const char *reader, uint32_t told)
{
    picture_column("");
    if (*writer)
        picture_cell(0, DONE, "%s", writer);
    if (*reader)
        picture_cell(1, DONE, "%s", reader);
    picture_cell(2, told ? CAME : SILENT, "%s", events_text(told));
}

void try_claim(void)
{
    const char *const lanes[] = {"writer", "peer", "epoll_wait"};
    struct pair pair = open_pair(KIND_TCP);
    int epoll = epoll_instance();
    epoll_add(epoll, pair.watched, once);
    uint32_t at_add = next_events(epoll, EVENT_MS);
    send_bytes(pair.watched, 1);
    take_bytes(pair.other, 1);
    uint32_t never_full = next_events(epoll, SILENCE_MS);
    size_t filled = fill_up(epoll, pair.watched);
    uint32_t full = next_events(epoll, 0), room = drain_until_told(pair.other, epoll);

    observe_events("at the ADD", at_add, CONTEXT, "OUT: there was room from the start");
    observe_events("a byte is sent and read", never_full, CONTEXT,
                   "where nothing was full there is no edge; here the claim looks true");
    observe_events("until EAGAIN, the peer does not read", full, CONTEXT,
                   "while the buffer is full there is nothing to tell");
    observe_events("then the peer reads", room, weigh(room == 0, room & EPOLLOUT),
                   "OUT would have come by itself: no MOD was made");

    picture_lanes("One ADD for IN, OUT and ET, no MOD", 3, lanes);
    step("ADD", "", at_add);
    step("1 byte", "reads it", never_full);
    step(text("%zu bytes, EAGAIN", filled), "", full);
    step("", "reads all", room);
    conclude("without a MOD epoll_wait tells %s after a byte was read by the peer, and %s after "
             "%zu bytes until EAGAIN were",
             events_text(never_full), events_text(room), filled);
}
