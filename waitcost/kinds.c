/*
 * Pipes are what the published tables were measured with; an event counter needs one descriptor
 * instead of two; a TCP socket is what a server watches, and its ->poll() is the dearest of them.
 * All are non-blocking, so that a mistake shows as EAGAIN and never hangs.
 */
#include "kinds.h"

#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuse.h"

/* Source addresses in turn, 127.0.0.1 and following: with one, its 28,232 ephemeral ports would run
 * out, and the search for a free one grows long before (200 us a connection, on average of 19,000).
 */
enum { ADDRESSES = 64 };

static int listener = -1;
static uint32_t connected;

bool kind_has_two_ends(enum kind kind)
{
    return kind == KIND_PIPE || kind == KIND_SOCKETPAIR || kind == KIND_TCP;
}

static void listen_here(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&any, sizeof any) < 0 ||
        listen(listener, 1) < 0)
        err(1, "listening on 127.0.0.1");
}

void kind_begin(enum kind kind)
{
    char why[200];
    if (kind == KIND_TCP)
        listen_here();
    if (kind == KIND_FUSE && !fuse_start(why, sizeof why))
        errx(3, "%s", why);
}

void kind_end(enum kind kind)
{
    if (kind == KIND_TCP)
        close(listener);
}

/* Closed by a reset, so that no port is left in TIME_WAIT; each message goes out at once. */
static int prepare_socket(int fd)
{
    int on = 1;
    struct linger reset = {.l_onoff = 1};
    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        return -1;
    return fd;
}

static int connect_to_listener(void)
{
    int on = 1;
    uint32_t address = INADDR_LOOPBACK + connected++ % ADDRESSES;
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)}, there;
    socklen_t size = sizeof there;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&own, sizeof own) < 0 ||
        getsockname(listener, (struct sockaddr *)&there, &size) < 0 ||
        connect(fd, (struct sockaddr *)&there, size) < 0)
        return -1;
    return prepare_socket(fd);
}

static struct pair open_tcp(void)
{
    struct pair pair = {.watched = -1, .other = connect_to_listener()};
    if (pair.other < 0)
        return pair;
    int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    pair.watched = accepted < 0 ? -1 : prepare_socket(accepted);
    return pair;
}

static struct pair as_pair(int result, const int ends[2])
{
    return result < 0 ? (struct pair){-1, -1} : (struct pair){.watched = ends[0], .other = ends[1]};
}

struct pair kind_open(enum kind kind)
{
    int ends[2];
    switch (kind) {
    case KIND_PIPE:
        return as_pair(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ends);
    case KIND_SOCKETPAIR:
        return as_pair(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
                       ends);
    case KIND_TCP:
        return open_tcp();
    case KIND_FUSE:
        return (struct pair){.watched = fuse_open(), .other = -1};
    case KIND_EVENTFD:
        break;
    }
    return (struct pair){.watched = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .other = -1};
}
