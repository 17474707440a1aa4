/*
 * D11 udp-et-to-eagain
 *
 * Claim: UDP with edge triggering must be read until EAGAIN: a reader that takes one datagram for
 * each event leaves the others behind, and never catches up.
 *
 * Believed because: epoll(7) says so of "packet/token-oriented files": there is no short read that
 * could show the end.
 *
 * Experiment: Datagrams of 1, 2 and 3 bytes arrive; then one wait and one read.  Is the rest told
 * of?  A level-triggered instance shows that it is there.  A fourth, of 4 bytes: its size says
 * which one the read after its event gets.  Then read until EAGAIN, and a fifth: is that one read
 * at once?
 *
 * History: Linux 6.10 (612b1c0dec5b, 2024) woke a UDP socket's readers only if the queue had been
 * empty: there not even a new datagram need be told of while others wait.  3d501f562f63 took it
 * back in December 2024.
 *
 * Read on: epoll(7), "packet/token-oriented"; net/ipv4/udp.c, __udp_enqueue_schedule_skb().
 */
#include <err.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "claim.h"
#include "setup.h"

enum { ROOM = 64, BURST = 3 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static uint32_t queued_memory(int fd)
{
    uint32_t memory[SK_MEMINFO_VARS];
    socklen_t size = sizeof memory;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size) < 0)
        not_applicable("SO_MEMINFO, by which the arrival of a datagram is seen, needs Linux 4.12");
    return memory[SK_MEMINFO_RMEM_ALLOC];
}

/* Sends a datagram, and waits until it is in the queue. */
static void send_datagram(const struct pair *pair, size_t bytes)
{
    uint32_t before = queued_memory(pair->watched);
    double until = now_ms() + EVENT_MS;
    send_bytes(pair->other, bytes);
    do {
        poll(NULL, 0, 1); /* first: the wake-up follows the queueing by an instant */
        if (now_ms() > until)
            errx(1, "a datagram has not arrived after %d ms", EVENT_MS);
    } while (queued_memory(pair->watched) <= before);
}

void try_claim(void)
{
    struct pair pair = open_udp_pair();
    int edge = epoll_instance(), level = epoll_instance();
    epoll_add(edge, pair.watched, EPOLLIN | EPOLLET);
    epoll_add(level, pair.watched, EPOLLIN);
    for (size_t bytes = 1; bytes <= BURST; bytes++)
        send_datagram(&pair, bytes);
    int first = count_events(edge, EVENT_MS);
    long one = read_bytes(pair.watched, ROOM);
    int again = count_events(edge, SILENCE_MS), still = count_events(level, 0);
    bool begun = first == 1 && one == 1 && still == 1;

    send_datagram(&pair, BURST + 1);
    int fourth = count_events(edge, SILENCE_MS);
    long got = read_bytes(pair.watched, ROOM);
    int left = 0;
    while (read_bytes(pair.watched, ROOM) > 0)
        left++;
    send_datagram(&pair, BURST + 2);
    int fifth = count_events(edge, EVENT_MS);
    long newest = read_bytes(pair.watched, ROOM);

    observe_count("edge, after one read of three", again,
                  weigh(begun && again == 0, begun && again == 1),
                  "0: nobody tells of the other two");
    observe_count("level, after one read of three", still, CONTEXT, "1: they are there");
    observe_count("edge, at the fourth", fourth, CONTEXT, "1: it is told again");
    observe_count("datagram that the read then got", got, weigh(got == 2, got == BURST + 1),
                  "2: an old one; the reader stays behind");
    observe_count("datagrams left after that", left, supports_if(left > 0),
                  "found only by reading until EAGAIN");
    observe_count("datagram read at the fifth, after EAGAIN", newest,
                  weigh(fifth == 1 && newest == BURST + 2, fifth == 1 && newest != BURST + 2),
                  "5: who has read until EAGAIN gets the newest");
    conclude(
        "three datagrams, one read: edge told %d times of the rest; at the fourth the read got "
        "number %ld and left %d; after EAGAIN it got number %ld of 5",
        again, got, left, newest);
}
