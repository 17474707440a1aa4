/*
 * D1 et-partial-read
 *
 * Claim: 2 KB arrive and 1 KB is read: the next epoll_wait returns again with level triggering, and
 * hangs with edge triggering.
 *
 * Believed because: it is epoll(7)'s own example, and what most people learn first of edges.
 *
 * Experiment: On a pipe, a TCP connection and a Unix socket: two instances watch the reading end,
 * one by level, one by edge.  2048 bytes come; both must tell.  1024 are read; who tells again?
 *
 * Read on: epoll(7), "Level-triggered and edge-triggered"; fs/eventpoll.c, ep_send_events(), which
 * puts only level-triggered items back on the ready list.
 */
#include <sys/epoll.h>

#include "claim.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static int told_by_level, told_by_edge;

static void try_kind(enum kind kind)
{
    struct pair pair = open_pair(kind);
    int level = epoll_instance(), edge = epoll_instance();
    epoll_add(level, pair.watched, EPOLLIN);
    epoll_add(edge, pair.watched, EPOLLIN | EPOLLET);
    send_bytes(pair.other, 2048);
    int first = count_events(level, EVENT_MS) + count_events(edge, EVENT_MS);
    long got = read_bytes(pair.watched, 1024);
    int again_level = count_events(level, SILENCE_MS);
    int again_edge = count_events(edge, SILENCE_MS);
    const char *name = pair_name(kind);
    observe_count(text("%s: first events, both instances", name), first,
                  needs(first == 2 && got == 1024), "both must tell of what has come");
    observe_count(text("%s: level, after half was read", name), again_level,
                  supports_if(again_level == 1), "1: it is told again of what is left");
    observe_count(text("%s: edge, after half was read", name), again_edge,
                  supports_if(again_edge == 0), "0: it waits for ever, unless more comes");
    told_by_level += again_level;
    told_by_edge += again_edge;
}

void try_claim(void)
{
    try_kind(KIND_PIPE);
    try_kind(KIND_TCP);
    try_kind(KIND_SOCKETPAIR);
    conclude(
        "with half of the bytes read, level told again on %d of 3 kinds of descriptors, edge on %d",
        told_by_level, told_by_edge);
}
