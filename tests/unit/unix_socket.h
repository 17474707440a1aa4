/*
 * AF_UNIX sockets for tests of the echo core: accept works on them as it does on TCP, and nothing
 * of the network stands between the two ends.  Non-blocking; a failure fails the test.
 */
#ifndef UNIX_SOCKET_H
#define UNIX_SOCKET_H

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

static inline int listen_unix(int type)
{
    int listener = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_un any = {.sun_family = AF_UNIX}; /* no path: the kernel picks a name */
    assert_return_code(bind(listener, (struct sockaddr *)&any, sizeof any.sun_family), errno);
    assert_return_code(listen(listener, 128), errno);
    return listener;
}

static inline int connect_unix(int listener, int type)
{
    struct sockaddr_un address;
    socklen_t length = sizeof address;
    int peer = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_return_code(getsockname(listener, (struct sockaddr *)&address, &length), errno);
    assert_return_code(connect(peer, (struct sockaddr *)&address, length), errno);
    return peer;
}

#endif
