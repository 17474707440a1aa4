/*
 * D7 et-must-read-to-ewouldblock
 *
 * Claim: With edge triggering you must read until EWOULDBLOCK.  (Against it others say:
 * a read that gets less than it asked for has emptied the buffer as well.)
 *
 * Believed because: epoll(7) has both.  Of stream-oriented files it says that after a short read
 * "you can be sure of having exhausted the read I/O space".
 *
 * Experiment: Three streams, each with one short read after its event.  Then wait on
 * the edge-triggered instance, and read once more.  A stream that was empty did not need
 * EWOULDBLOCK.  One where bytes are left while edge is silent did: there a program that stops at
 * the short read waits for ever.  The streams are plain, 100 bytes over TCP; urgent, "abc", an
 * urgent byte, "def" (a read stops at the mark); and rights, 3 bytes over a Unix socket, 3 that
 * carry a descriptor, 3 more.
 *
 * Read on: epoll(7), "Do I need to continuously read/write"; nginx's ngx_recv.c, which trusts a
 * short read only `if (!rev->pending_eof)`; a close in the queue: D10; datagrams: D11.  The long
 * rule is not always needed, but it is the only one that is always safe.
 */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "claim.h"
#include "setup.h"

enum { ROOM = 512, PLAIN = 100, PART = 3 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static void send_urgent(int fd)
{
    if (send(fd, "X", 1, MSG_OOB) != 1)
        err(1, "sending an urgent byte");
}

static void send_with_rights(int fd, int passed)
{
    _Alignas(struct cmsghdr) char rights[CMSG_SPACE(sizeof passed)] = {0};
    char bytes[PART] = {0};
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = rights, .msg_controllen = sizeof rights};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof passed), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &passed, sizeof passed);
    if (sendmsg(fd, &message, 0) != PART)
        err(1, "sending a descriptor");
}

/* All that was sent is there.  How many bytes a short read leaves, of which edge does not tell. */
static long try_stream(const char *name, int fd)
{
    int edge = epoll_instance();
    epoll_add(edge, fd, EPOLLIN | EPOLLET);
    int told = count_events(edge, EVENT_MS);
    long first = read_bytes(fd, ROOM);
    int again = count_events(edge, SILENCE_MS);
    long left = read_bytes(fd, ROOM);
    bool begun = told == 1 && first > 0 && first < ROOM;
    bool stalled = begun && again == 0 && left > 0;
    bool enough = begun && (left == -EAGAIN || (again == 1 && left > 0));

    observe_count(text("%s: bytes of a read of %d", name, ROOM), first, CONTEXT,
                  "fewer than asked for: a short read");
    observe_count(text("%s: events after it", name), again, CONTEXT, "0: edge has no more to tell");
    observe_text(text("%s: one read more", name),
                 left < 0 ? error_text((int)-left) : text("%ld bytes", left),
                 weigh(stalled, enough),
                 "EAGAIN: the short read was enough; bytes: it was not, unless edge told of them");
    return stalled ? left : 0;
}

void try_claim(void)
{
    struct pair plain = open_pair(KIND_TCP), urgent = open_pair(KIND_TCP);
    struct pair rights = open_pair(KIND_SOCKETPAIR);
    send_bytes(plain.other, PLAIN);
    await_delivery(plain.other);
    send_bytes(urgent.other, PART);
    send_urgent(urgent.other);
    send_bytes(urgent.other, PART);
    await_delivery(urgent.other);
    send_bytes(rights.other, PART);
    send_with_rights(rights.other, open_pair(KIND_EVENTFD).watched);
    send_bytes(rights.other, PART);

    long after_plain = try_stream("plain", plain.watched);
    long after_urgent = try_stream("urgent", urgent.watched);
    long after_rights = try_stream("rights", rights.watched);
    conclude(
        "bytes that a short read left behind, untold: %ld of plain TCP, %ld after an urgent mark, "
        "%ld after a passed descriptor",
        after_plain, after_urgent, after_rights);
}
