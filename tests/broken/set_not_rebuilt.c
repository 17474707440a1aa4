/*
 * Broken on purpose: the set that select() overwrites is handed to it again.
 *
 * select() leaves in the set only those that are ready.  Who does not keep a copy watches only them
 * from then on.  With one client, or with all speaking at once, nobody notices; with several, those
 * that were silent in one wait are never heard again.
 * Found by: second_round.
 */
#include <sys/select.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-set-not-rebuilt";
const bool mechanism_is_level_triggered = true;

static fd_set readers, writers;

static void rewatch(int fd, enum next next)
{
    FD_CLR(fd, &readers);
    FD_CLR(fd, &writers);
    if (next == NEXT_CLOSE)
        connection_close(fd);
    else
        FD_SET(fd, next == NEXT_WRITE ? &writers : &readers);
}

void serve(int listener, enum drain rule)
{
    while (!stop) {
        FD_SET(listener, &readers);
        if (select(FD_SETSIZE, &readers, &writers, NULL, NULL) < 0) /* the fault: no copies */
            continue;
        for (int fd = 0; fd < FD_SETSIZE; fd++)
            if (fd != listener && (FD_ISSET(fd, &readers) || FD_ISSET(fd, &writers)))
                rewatch(fd, connection_turn(fd, rule));
        if (!FD_ISSET(listener, &readers))
            continue;
        for (int fd; (fd = connection_accept(listener)) >= 0;)
            if (fd < FD_SETSIZE)
                FD_SET(fd, &readers);
            else
                connection_refuse(fd, "FD_SETSIZE");
    }
}
