/*
 * C3 epoll-wait-only-checks-list
 *
 * Claim: epoll_wait merely looks whether the ready list is empty; if something is on it, it returns
 * that.
 *
 * Believed because: it is the usual one-line summary of epoll, and nearly right: without an event
 * nothing is on the list, and an event puts it there.
 *
 * Experiment: On a pipe, a TCP connection and a Unix socket, watched by level and by edge.  A byte
 * comes and the instances are asked: both must report it.  Another byte comes, which puts the
 * descriptor on both lists as the first did, but it is read before the instances are asked.  Were
 * the list all that counts, they would report it.  If they do not, they have asked the descriptor
 * once more.
 *
 * Read on: fs/eventpoll.c, ep_send_events(): ep_item_poll() of each item on the list, and
 * `continue` where it answers nothing.
 */
#include <err.h>
#include <poll.h>
#include <sys/epoll.h>

#include "claim.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static int reported, reported_in_vain;

static void send_and_await(struct pair pair)
{
    struct pollfd asked = {.fd = pair.watched, .events = POLLIN};
    send_bytes(pair.other, 1);
    if (poll(&asked, 1, EVENT_MS) != 1)
        errx(1, "a byte was sent, and never came");
}

static void try_kind(enum kind kind)
{
    struct pair pair = open_pair(kind);
    const char *name = pair_name(kind);
    int level = epoll_instance(), edge = epoll_instance();
    epoll_add(level, pair.watched, EPOLLIN);
    epoll_add(edge, pair.watched, EPOLLIN | EPOLLET);

    send_and_await(pair);
    int both = count_events(level, EVENT_MS) + count_events(edge, EVENT_MS);
    drain(pair.watched);
    observe_count(text("%s: events, byte not read yet", name), both, supports_if(both == 2),
                  "2: level and edge return what the byte has put on their lists");

    send_and_await(pair);
    read_bytes(pair.watched, 1);
    int in_level = count_events(level, SILENCE_MS);
    int in_edge = count_events(edge, 0); /* it could speak during the other's silence */
    observe_count(text("%s: level, byte read before", name), in_level, supports_if(in_level == 1),
                  "1: the list decides; 0: the descriptor was asked again");
    observe_count(text("%s: edge, byte read before", name), in_edge, supports_if(in_edge == 1),
                  "1: the list decides; 0: the descriptor was asked again");
    reported += both;
    reported_in_vain += in_level + in_edge;
}

void try_claim(void)
{
    try_kind(KIND_PIPE);
    try_kind(KIND_TCP);
    try_kind(KIND_SOCKETPAIR);
    conclude(
        "%d of 6 instances reported a byte that was still there, %d of 6 one that had been read "
        "before the wait",
        reported, reported_in_vain);
}
