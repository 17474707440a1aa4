/*
 * Broken on purpose: a level-triggered listener, and no descriptor left.
 *
 * accept() says EMFILE and leaves the connection in the backlog, so that the listener stays
 * readable: every wait returns at once, and nothing can be done about it.  The server uses a whole
 * core until somebody leaves.  (It waits with the good poll loop: any level-triggered one spins.)
 * Found by: spinning_on_the_backlog, crowd_of_20000, comes_and_goes_at_the_limit.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../servers/echo.h"

int connection_accept(int listener)
{
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); /* the fault: EMFILE is
                                                                           not looked at */
}

enum next connection_turn(int fd, enum drain rule)
{
    static char buffer[16 * 1024];
    (void)rule;
    ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EAGAIN)
        return NEXT_READ;
    if (n <= 0 || send(fd, buffer, (size_t)n, MSG_NOSIGNAL) != n)
        return NEXT_CLOSE; /* gone, or too slow for this small server */
    return NEXT_READ;
}

void connection_close(int fd)
{
    close(fd);
}
