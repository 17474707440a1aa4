/* Descriptors 0, 1 and 2, before anything else is opened. */
#ifndef STANDARD_H
#define STANDARD_H

#include <fcntl.h>
#include <unistd.h>

/* Where standard input, output or error is closed, /dev/null takes its place: else a socket would
 * get its number, and be sent what we print. */
static inline void standard_fill(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

#endif
