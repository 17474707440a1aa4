/*
 * Broken on purpose: bytes are taken for a string.
 *
 * A stream has no end marks and no forbidden bytes.  strlen() finds the first NUL, which may stand
 * anywhere in a message: what follows it is lost.  Text typed into telnet never shows it.
 * Found by: binary, dribble.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "../../servers/echo.h"

enum next connection_turn(int fd, enum drain rule)
{
    static char buffer[64 * 1024];
    (void)rule;
    ssize_t n = recv(fd, buffer, sizeof buffer - 1, 0);
    if (n < 0 && errno == EAGAIN)
        return NEXT_READ;
    if (n <= 0)
        return NEXT_CLOSE;
    buffer[n] = '\0';
    size_t length = strlen(buffer); /* the fault: recv() has said how many they are */
    if (send(fd, buffer, length, MSG_NOSIGNAL) != (ssize_t)length)
        return NEXT_CLOSE; /* better cut than with a hole in the stream */
    return NEXT_READ;
}
