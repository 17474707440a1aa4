/*
 * Broken on purpose: a short write drops the rest.
 *
 * send() on a non-blocking socket takes what fits into its buffer, and says how much that was.  Who
 * does not look loses the rest as soon as a peer reads more slowly than it sends.
 * Found by: sigterm_under_load, sigint_under_load, late_reader, zero_window, byte_reader.
 */
#include <errno.h>
#include <sys/socket.h>

#include "../../servers/echo.h"

enum next connection_turn(int fd, enum drain rule)
{
    static char buffer[64 * 1024];
    (void)rule;
    ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EAGAIN)
        return NEXT_READ;
    if (n <= 0)
        return NEXT_CLOSE;
    send(fd, buffer, (size_t)n, MSG_NOSIGNAL); /* the fault: its result is not looked at */
    return NEXT_READ;
}
