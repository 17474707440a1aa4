/*
 * D12 udp-buffer
 *
 * Claim: The buffer of a receive must hold a whole UDP datagram: what does not fit is discarded.
 *
 * Believed because: recv(2) says that of a message too long for the buffer "excess bytes may be
 * discarded".  Who comes from TCP, where the rest waits for the next read, does not expect it.
 *
 * Experiment: A datagram of 10 bytes, and a receive with room for 4.  Does the kernel say that it
 * has cut something off (MSG_TRUNC); is a level-triggered instance told of a rest; does the next
 * read get it?  TCP beside it, for comparison.
 *
 * Read on: recv(2), MSG_TRUNC; net/ipv4/udp.c, udp_recvmsg(); udp(7).
 */
#include <err.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "claim.h"
#include "setup.h"

enum { SENT = 10, ROOM = 4, REST = SENT - ROOM };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

/* Receives ROOM bytes: how many came, and with which flags. */
static ssize_t receive(int fd, int *flags)
{
    char bytes[ROOM];
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t got = recvmsg(fd, &message, 0);
    if (got < 0)
        err(1, "recvmsg");
    *flags = message.msg_flags;
    return got;
}

void try_claim(void)
{
    struct pair udp = open_udp_pair(), tcp = open_pair(KIND_TCP);
    int level = epoll_instance(), beside = epoll_instance(), flags, of_tcp;
    epoll_add(level, udp.watched, EPOLLIN);
    epoll_add(beside, tcp.watched, EPOLLIN);
    send_bytes(udp.other, SENT);
    send_bytes(tcp.other, SENT);
    bool begun = count_events(level, EVENT_MS) == 1 && count_events(beside, EVENT_MS) == 1;
    ssize_t got = receive(udp.watched, &flags);
    (void)receive(tcp.watched, &of_tcp);
    begun = begun && got == ROOM;
    int told = count_events(level, SILENCE_MS);
    long rest = read_bytes(udp.watched, SENT), rest_of_tcp = read_bytes(tcp.watched, SENT);

    bool cut = flags & MSG_TRUNC;
    observe_count("bytes received, room for 4 of 10", got, CONTEXT, "as many as fit");
    observe_yes_no("MSG_TRUNC", cut, weigh(begun && cut, begun && !cut),
                   "yes: the kernel itself says that a part is lost");
    observe_count("level, after that", told, weigh(begun && told == 0, begun && told == 1),
                  "0: there is nothing left to read");
    observe_text("the next read", rest < 0 ? error_text((int)-rest) : text("%ld bytes", rest),
                 weigh(begun && rest == -EAGAIN, begun && rest == REST),
                 "EAGAIN: the rest is gone");
    observe_count("the next read over TCP", rest_of_tcp, CONTEXT, "6: a stream keeps the rest");
    conclude(
        "of a datagram of %d bytes a receive of %d got %zd, and the next read: %s (over TCP: %ld "
        "bytes)",
        SENT, ROOM, got, rest < 0 ? error_text((int)-rest) : text("%ld bytes", rest), rest_of_tcp);
}
