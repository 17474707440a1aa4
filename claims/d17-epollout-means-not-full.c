/*
 * D17 epollout-means-not-full
 *
 * Claim: EPOLLOUT is there while the send buffer is not full, and EPOLLIN while the receive buffer
 * is not empty.
 *
 * Believed because: it is how level triggering is drawn: high and low, like a wire.
 *
 * Experiment: Write in pieces of 1 KB while EPOLLOUT is told, on TCP, a Unix socket and a pipe;
 * then go on until EAGAIN.  If anything still goes in, the buffer was not full, and EPOLLOUT was
 * gone nevertheless.  For EPOLLIN: one byte comes; and 50 bytes where SO_RCVLOWAT is 100.
 *
 * Detail: A wake-up for each free byte would be dear, so there is a distance.  TCP wants free
 * space of half of what is queued, a Unix socket at most a quarter of its buffer in use, a pipe one
 * of its (usually 16) slots for pages.
 *
 * Read on: include/net/sock.h, sk_stream_min_wspace(); net/unix/af_unix.c, unix_writable();
 * fs/pipe.c, pipe_poll(); socket(7), SO_RCVLOWAT.
 */
#include <err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { PIECE = 1024, LARGEST = 65536, LEAST = 100 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static const char *untold = "";
static int refused;

/* How much of a piece goes in; 0: it is refused. */
static size_t write_piece(int fd, size_t bytes)
{
    static const char data[LARGEST];
    ssize_t written = write(fd, data, bytes);
    return written < 0 ? 0 : (size_t)written;
}

static void try_out(enum kind kind, size_t piece)
{
    struct pair pair = open_pair(kind);
    const char *name = pair_name(kind);
    int epoll = epoll_instance();
    size_t with = 0, without = 0, written = 1;
    epoll_add(epoll, pair.other, EPOLLOUT);
    while (written > 0 && next_events(epoll, SILENCE_MS) & EPOLLOUT)
        with += written = write_piece(pair.other, piece);
    refused += written == 0;
    while ((written = write_piece(pair.other, piece)) > 0)
        without += written;

    observe_count(text("%s: bytes while EPOLLOUT is told", name), (long long)with, CONTEXT,
                  "how much goes in before it is told no more");
    observe_count(text("%s: bytes after EPOLLOUT has gone", name), (long long)without,
                  weigh(with > 0 && without == 0, with > 0 && without > 0),
                  "any of them went into a buffer that was not full");
    picture_bar(WRONG, 100.0 * (double)without / (double)(with + without), "%s", name);
    untold = text("%s%s%s %zu", untold, *untold ? ", " : "", name, without);
}

/* What 50 bytes are told as, where LEAST are asked for. */
static uint32_t try_in(int least)
{
    struct pair pair = open_pair(KIND_TCP);
    int epoll = epoll_instance();
    epoll_add(epoll, pair.watched, EPOLLIN);
    send_bytes(pair.other, 1);
    uint32_t one = next_events(epoll, EVENT_MS);
    read_bytes(pair.watched, 1);
    if (setsockopt(pair.watched, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least) < 0)
        err(1, "SO_RCVLOWAT");
    send_bytes(pair.other, 50);
    uint32_t few = next_events(epoll, SILENCE_MS);
    send_bytes(pair.other, 60);
    uint32_t enough = next_events(epoll, EVENT_MS);
    observe_events("TCP: 1 byte has come", one, supports_if(one & EPOLLIN), "not empty: IN");
    observe_events(text("TCP, SO_RCVLOWAT %d: 50 bytes", least), few,
                   weigh(few & EPOLLIN, !few && enough & EPOLLIN), "not empty either");
    observe_events(text("TCP, SO_RCVLOWAT %d: 110 bytes", least), enough, CONTEXT,
                   "as many as were asked for");
    return few;
}

void try_claim(void)
{
    picture_bars("Of all that fits, what still goes in after EPOLLOUT has gone", "%");
    try_out(KIND_TCP, PIECE);
    try_out(KIND_SOCKETPAIR, PIECE);
    try_out(KIND_PIPE, PIECE);
    uint32_t few = try_in(LEAST);
    observe_count("writes refused while EPOLLOUT was told", refused, supports_if(refused == 0),
                  "0: where it is told there is room");
    conclude("bytes that still go in after EPOLLOUT has gone: %s; 50 bytes, with SO_RCVLOWAT "
             "set, are told as %s",
             untold, events_text(few));
}
