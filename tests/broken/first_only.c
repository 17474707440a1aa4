/*
 * Broken on purpose: after each wait only the first that is ready is served.
 *
 * A connection that ends is taken out of the set while it is being looked through; so it seems safe
 * to serve one, leave the loop and wait again.  But the next look begins at the start of the set,
 * too: as long as somebody in front has something to say, those behind are never heard.
 * Found by: flood_beside_ping_pong, a_thousand_active.
 */
#include <sys/select.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-first-only";
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

static void accept_all(int listener)
{
    for (int fd; (fd = connection_accept(listener)) >= 0;)
        if (fd < FD_SETSIZE)
            FD_SET(fd, &readers);
        else
            connection_refuse(fd, "FD_SETSIZE");
}

void serve(int listener, enum drain rule)
{
    FD_SET(listener, &readers);
    while (!stop) {
        fd_set ready_readers = readers, ready_writers = writers;
        if (select(FD_SETSIZE, &ready_readers, &ready_writers, NULL, NULL) < 0)
            continue;
        if (FD_ISSET(listener, &ready_readers))
            accept_all(listener);
        for (int fd = listener + 1; fd < FD_SETSIZE; fd++)
            if (FD_ISSET(fd, &ready_readers) || FD_ISSET(fd, &ready_writers)) {
                serve_one(fd, rule);
                break; /* the fault: others are ready, too */
            }
    }
}
