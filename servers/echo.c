/*
 * The echo itself.  Connections are found by descriptor in one table; an idle one costs its 16
 * bytes there and no buffer.  All share one read buffer: what the peer does not take at once moves
 * into a buffer of the connection's own, and until that is empty nothing more is read from that
 * peer.  So its size is bounded by one read, and TCP's window pushes back on the sender.
 */
#include "echo.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ledger.h"

enum {
    READ_BYTES = 64 * 1024,
    TURN_BYTES = 4 * READ_BYTES, /* a turn's budget */
    READ_CHARGE = 1024,          /* a short read costs at least this much of it */
};

struct pending {
    size_t start, end; /* data[start..end) is still to be sent */
    char data[];
};

static char buffer[READ_BYTES];
static struct connection *table;
static size_t table_size;
static long open_count, open_max;
static int reserve_fd; /* given up for a moment to refuse a connection when none is left */

static void open_reserve(void)
{
    reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void connections_init(long connections_max)
{
    open_max = connections_max;
    open_reserve();
    if (reserve_fd < 0)
        err(1, "/dev/null: no descriptor to keep in reserve");
}

struct connection *connection_at(int fd)
{
    return &table[fd];
}

/* Makes the table reach fd.  False: no memory. */
static bool table_reach(int fd)
{
    size_t size = table_size ? table_size : 64;
    while (size <= (size_t)fd)
        size *= 2;
    if (size == table_size)
        return true;
    struct connection *larger = reallocarray(table, size, sizeof *table);
    if (!larger)
        return false;
    table = larger;
    table_size = size;
    return true;
}

void connection_refuse(int fd, const char *why)
{
    static bool logged;
    if (!logged)
        warnx("connection refused: %s (counted from now on, not logged again)", why);
    logged = true;
    ledger->refusals++;
    open_count--;
    close(fd);
}

/* Instead of a descriptor. */
enum { NONE = -1, REFUSED = -2 };

/* Out of descriptors: the reserve makes room to take one connection from the backlog and close it.
 * Left in the backlog it would keep a level-triggered listener ready for ever, and an
 * edge-triggered one silent for ever.  The backlog may be empty: accept4 looks for a descriptor
 * before it looks there. */
static int refuse_with_reserve(int listener)
{
    close(reserve_fd);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    bool backlog_empty = fd < 0 && errno == EAGAIN;
    if (fd >= 0) {
        ledger->accepts++;
        open_count++;
        connection_refuse(fd, "no descriptor left: raise `ulimit -n`");
    }
    open_reserve();
    if (fd >= 0)
        return REFUSED;
    if (!backlog_empty)
        usleep(1000); /* the whole system is out of files or memory: do not spin on the backlog */
    return NONE;
}

static int accept_one(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
        return refuse_with_reserve(listener);
    if (fd < 0)
        return NONE; /* EAGAIN: none left.  EINTR, ECONNABORTED and what TCP says of one that died
                        in the backlog: if there are more, the listener is still readable. */
    ledger->accepts++;
    open_count++;
    const char *why = NULL;
    if (open_max && open_count > open_max)
        why = "--max-connections is reached";
    else if (!table_reach(fd))
        why = "no memory for its state";
    if (!why)
        return fd;
    connection_refuse(fd, why);
    return REFUSED;
}

int connection_accept(int listener)
{
    for (int tries = 0; tries < ACCEPTS_PER_TURN; tries++) {
        int fd = accept_one(listener);
        if (fd == NONE)
            return -1;
        if (fd == REFUSED)
            continue;
        table[fd] = (struct connection){0};
        return fd;
    }
    return -1; /* a flood of refusals: the others first; the listener is still readable */
}

void connection_close(int fd)
{
    free(table[fd].pending);
    table[fd].pending = NULL;
    open_count--;
    ledger->closes++;
    close(fd); /* nothing to do about an error: Linux has released the descriptor */
    if (reserve_fd < 0)
        open_reserve(); /* it could not be had again when the whole system was out of files */
}

/* Sends what the peer takes now.  The number of bytes; -1: the peer has vanished. */
static ssize_t send_some(int fd, const char *data, size_t bytes)
{
    size_t sent = 0;
    while (sent < bytes) {
        ledger->writes++;
        ssize_t n = send(fd, data + sent, bytes - sent, MSG_NOSIGNAL);
        if (n >= 0) {
            sent += (size_t)n;
            ledger->bytes_out += (size_t)n; /* what was taken counts, even if the peer then dies */
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN) /* ECONNRESET, EPIPE, ETIMEDOUT ...: that peer is gone */
            return -1;
        ledger->eagain++;
        break;
    }
    return (ssize_t)sent;
}

/* Echoes n bytes of the shared buffer.  NEXT_READ: all of them were taken. */
static enum next echo(int fd, size_t n)
{
    ssize_t sent = send_some(fd, buffer, n);
    if (sent < 0)
        return NEXT_CLOSE;
    if ((size_t)sent == n)
        return NEXT_READ;
    size_t rest = n - (size_t)sent;
    struct pending *pending = malloc(sizeof *pending + rest);
    if (!pending)
        return NEXT_CLOSE; /* better cut than with a hole in the stream */
    pending->start = 0;
    pending->end = rest;
    memcpy(pending->data, buffer + sent, rest);
    table[fd].pending = pending;
    return NEXT_WRITE;
}

/* Sends what is pending.  NEXT_READ: nothing is any more. */
static enum next flush(int fd)
{
    struct pending *pending = table[fd].pending;
    ssize_t sent = send_some(fd, pending->data + pending->start, pending->end - pending->start);
    if (sent < 0)
        return NEXT_CLOSE;
    pending->start += (size_t)sent;
    if (pending->start < pending->end)
        return NEXT_WRITE;
    free(pending);
    table[fd].pending = NULL;
    return NEXT_READ;
}

/* One recv into the shared buffer.  *bytes is what came; NEXT_AGAIN: something did. */
static enum next receive(int fd, size_t *bytes)
{
    ssize_t n;
    do {
        ledger->reads++;
        n = recv(fd, buffer, sizeof buffer, 0);
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
        *bytes = (size_t)n;
        ledger->bytes_in += *bytes;
        return NEXT_AGAIN;
    }
    if (n == 0)
        return NEXT_CLOSE; /* the peer has finished, and all it sent has been echoed */
    if (errno == EAGAIN) {
        ledger->eagain++;
        return NEXT_READ;
    }
    return NEXT_CLOSE; /* ECONNRESET, ETIMEDOUT ... */
}

enum next connection_turn(int fd, enum drain rule)
{
    if (table[fd].pending) {
        enum next next = flush(fd);
        if (next != NEXT_READ)
            return next;
    }
    for (long budget = TURN_BYTES; budget > 0;) {
        size_t bytes = 0;
        enum next next = receive(fd, &bytes);
        if (next != NEXT_AGAIN)
            return next;
        next = echo(fd, bytes);
        if (next != NEXT_READ)
            return next;
        if (rule == DRAIN_ONCE || (rule == DRAIN_SHORT && bytes < sizeof buffer))
            return NEXT_READ;
        budget -= bytes > READ_CHARGE ? (long)bytes : READ_CHARGE;
    }
    return NEXT_AGAIN;
}
