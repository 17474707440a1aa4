/*
 * D4 et-multiple-chunks
 *
 * Claim: Even with edge triggering several chunks of data generate several events; only those that
 * come between two waits are combined into one.
 *
 * Believed because: epoll(7) says both, the one where it explains EPOLLONESHOT, the other in its
 * questions and answers.
 *
 * Experiment: On a TCP connection, a Unix socket and an eventfd: three chunks with a wait after
 * each should be three events.  Then three chunks in a row, and two waits: one event if they are
 * combined, two if they are not.  Nothing is read.
 *
 * Read on: epoll(7), "They will be combined"; fs/eventpoll.c, ep_poll_callback(), which leaves an
 * item that is on the ready list where it is.  Pipes of Linux 5.5 to 5.13 differ: D3.
 */
#include <sys/epoll.h>

#include "claim.h"
#include "setup.h"

enum { CHUNK = 8, CHUNKS = 3 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static int apart_in_all, together_in_all;

static void send_chunk(enum kind kind, const struct pair *pair)
{
    send_bytes(pair->other, CHUNK);
    if (kind == KIND_TCP)
        await_delivery(pair->other);
}

static void try_kind(enum kind kind)
{
    struct pair pair = open_pair(kind);
    int edge = epoll_instance(), apart = 0, together = 0;
    epoll_add(edge, pair.watched, EPOLLIN | EPOLLET);
    for (int i = 0; i < CHUNKS; i++) {
        send_chunk(kind, &pair);
        apart += count_events(edge, SILENCE_MS);
    }
    for (int i = 0; i < CHUNKS; i++)
        send_chunk(kind, &pair);
    together += count_events(edge, SILENCE_MS);
    together += count_events(edge, SILENCE_MS);

    const char *name = pair_name(kind);
    observe_count(text("%s: %d chunks, a wait after each", name, CHUNKS), apart,
                  supports_if(apart == CHUNKS), "as many events as chunks: each is told of");
    observe_count(text("%s: %d chunks, then two waits", name, CHUNKS), together,
                  weigh(together == 1, together == 2), "1: they are combined; 2: they are not");
    apart_in_all += apart;
    together_in_all += together;
}

void try_claim(void)
{
    static const enum kind kinds[] = {KIND_TCP, KIND_SOCKETPAIR, KIND_EVENTFD};
    for (int i = 0; i < 3; i++)
        try_kind(kinds[i]);
    conclude(
        "%d chunks to each of 3 kinds of descriptors: %d events with a wait after each, %d when "
        "they came between two waits",
        CHUNKS, apart_in_all, together_in_all);
}
