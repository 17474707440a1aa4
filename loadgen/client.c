#include "client.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pattern.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { PIECE_BYTES = 64 * 1024 };

static _Thread_local char scratch[PIECE_BYTES];

/* Towards 127.0.0.0/8 the connections take 127.0.0.1 and the addresses after it in turn: each has
 * ports of its own, so that ports do not limit the count.  The port is chosen at connect, when the
 * kernel knows the other end. */
static int bind_source(int fd, uint32_t id)
{
    struct sockaddr_in source = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK + id % SOURCE_ADDRESSES),
    };
    int on = 1;
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0)
        return -1;
    return bind(fd, (struct sockaddr *)&source, sizeof source);
}

static int set_tcp_options(int fd, const char *congestion)
{
    int on = 1;
    struct linger no_time_wait = {.l_onoff = 1, .l_linger = 0};
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &no_time_wait, sizeof no_time_wait) < 0)
        return -1;
    const char *name = congestion ? congestion : "cubic";
    if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) < 0 &&
        congestion)
        return -1;
    return 0;
}

static bool fail(char why[FAILURE_BYTES], const struct client *c, const char *what)
{
    snprintf(why, FAILURE_BYTES, "connection %" PRIu32 ": %s: %s", c->id, what, strerror(errno));
    return false;
}

bool client_open(struct client *c, const struct options *o, const struct target *t,
                 char why[FAILURE_BYTES])
{
    c->fd = socket(t->address.socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return fail(why, c, "socket");
    c->started = c->sent = c->received; /* message numbers go on; nothing is on the way */
    c->send_offset = c->receive_offset = 0;
    c->churn_left = o->churn;
    c->writing = false;
    if (set_tcp_options(c->fd, o->congestion) < 0)
        return fail(why, c, "TCP options (is the congestion control available?)");
    if (t->is_loopback4 && bind_source(c->fd, c->id) < 0)
        return fail(why, c, "bind to a source address");
    if (connect(c->fd, (const struct sockaddr *)&t->address.socket, t->address.bytes) == 0 ||
        errno == EINPROGRESS)
        return true;
    return fail(why, c, "connect");
}

void client_close(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

/* How far the request being sent may go now. */
static uint32_t send_end(const struct client *c, const struct options *o)
{
    if (!o->dribble_bytes || o->message_bytes - c->receive_offset <= o->dribble_bytes)
        return o->message_bytes;
    return c->receive_offset / o->dribble_bytes * o->dribble_bytes + o->dribble_bytes;
}

enum progress client_send(struct client *c, const struct options *o, char why[FAILURE_BYTES])
{
    while (c->sent < c->started) {
        size_t bytes = send_end(c, o) - c->send_offset;
        if (bytes == 0)
            return PROGRESS_DONE; /* this piece is out; the next one waits for its echo */
        if (bytes > PIECE_BYTES)
            bytes = PIECE_BYTES;
        pattern_fill(scratch, c->id, c->sent, c->send_offset, bytes);
        ssize_t n = send(c->fd, scratch, bytes, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return PROGRESS_BLOCKED;
        if (n < 0) {
            fail(why, c, "send");
            return PROGRESS_FAILED;
        }
        c->send_offset += (uint32_t)n;
        if (c->send_offset == o->message_bytes) {
            c->send_offset = 0;
            c->sent++;
        }
    }
    return PROGRESS_DONE;
}

static int wrong_byte(const struct client *c, const struct options *o, size_t offset, char got,
                      char why[FAILURE_BYTES])
{
    snprintf(why, FAILURE_BYTES,
             "connection %" PRIu32 ", request %" PRIu64 ": byte %zu of %" PRIu32
             " was sent as 0x%02x and came back as 0x%02x",
             c->id, c->received, offset, o->message_bytes, pattern_byte(c->id, c->received, offset),
             (unsigned char)got);
    return -1;
}

/* Compares what came with what was sent. */
static int verify(struct client *c, const struct options *o, const char *got, size_t bytes,
                  char why[FAILURE_BYTES])
{
    int complete = 0;
    while (bytes > 0) {
        uint64_t was_sent = c->received < c->sent ? o->message_bytes : c->send_offset;
        if (c->receive_offset >= was_sent) {
            snprintf(why, FAILURE_BYTES,
                     "connection %" PRIu32 ": %zu bytes came back that were never sent", c->id,
                     bytes);
            return -1;
        }
        size_t n = (size_t)was_sent - c->receive_offset;
        if (n > bytes)
            n = bytes;
        size_t right = pattern_check(got, c->id, c->received, c->receive_offset, n);
        if (right < n)
            return wrong_byte(c, o, c->receive_offset + right, got[right], why);
        got += n;
        bytes -= n;
        c->receive_offset += (uint32_t)n;
        if (c->receive_offset == o->message_bytes) {
            c->receive_offset = 0;
            c->received++;
            complete++;
        }
    }
    return complete;
}

int client_receive(struct client *c, const struct options *o, char why[FAILURE_BYTES])
{
    ssize_t n = recv(c->fd, scratch, sizeof scratch, 0);
    if (n > 0)
        return verify(c, o, scratch, (size_t)n, why);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0) {
        fail(why, c, "receive");
        return -1;
    }
    snprintf(why, FAILURE_BYTES,
             "connection %" PRIu32 ": the server closed it after %" PRIu64 " requests, %" PRIu64
             " on the way",
             c->id, c->received, client_outstanding(c));
    return -1;
}
