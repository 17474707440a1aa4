/*
 * Broken on purpose: sleeps and tries again when the peer takes no more.
 *
 * EAGAIN from send() means that the peer does not read as fast as the echo is written.  To sleep a
 * millisecond and try again is the shortest code that loses no byte.  But there is one loop for
 * all: a single client that sends and never reads, and everybody waits, for ever.
 * Found by: never_reads.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../servers/echo.h"

/* In place of libc's: the core never hears of EAGAIN. */
ssize_t send(int fd, const void *buf, size_t n, int flags)
{
    ssize_t sent;
    while ((sent = sendto(fd, buf, n, flags, NULL, 0)) < 0 && errno == EAGAIN && !stop)
        usleep(1000); /* the fault: nobody else is served meanwhile */
    return sent;
}
