/*
 * Broken on purpose: FD_SET of a descriptor beyond FD_SETSIZE.
 *
 * An fd_set has 1,024 bits, and FD_SET() does not look: descriptor 1,024 sets a bit in whatever
 * stands behind it in memory.  It needs a thousand connections to happen, so it happens in
 * production.  With -D_FORTIFY_SOURCE the C library ends the server instead.
 * Found by: beyond_fd_setsize.
 */
#include <sys/select.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-fd-set-overflow";
const bool mechanism_is_level_triggered = true;

static fd_set readers, writers;

static void serve_one(int fd, enum drain rule)
{
    enum next next = connection_turn(fd, rule);
    FD_CLR(fd, &readers);
    FD_CLR(fd, &writers);
    if (next == NEXT_CLOSE)
        connection_close(fd);
    else
        FD_SET(fd, next == NEXT_WRITE ? &writers : &readers);
}

void serve(int listener, enum drain rule)
{
    int fd_end = listener + 1;
    FD_SET(listener, &readers);
    while (!stop) {
        fd_set ready_readers = readers, ready_writers = writers;
        if (select(fd_end, &ready_readers, &ready_writers, NULL, NULL) < 0)
            continue;
        for (int fd = 0; fd < fd_end; fd++)
            if (fd != listener && (FD_ISSET(fd, &ready_readers) || FD_ISSET(fd, &ready_writers)))
                serve_one(fd, rule);
        if (!FD_ISSET(listener, &ready_readers))
            continue;
        for (int fd; (fd = connection_accept(listener)) >= 0;) {
            FD_SET(fd, &readers); /* the fault: fd may be FD_SETSIZE or more */
            if (fd >= fd_end)
                fd_end = fd + 1;
        }
    }
}
