/*
 * Broken on purpose: a buffer that recv() has filled is printed as a string.
 *
 * There is room for the NUL as long as messages are shorter than the buffer.  One that is as long,
 * or a piece of a longer one, has none, and printf reads on: into the next variable, whoever's
 * password that is.  Here nothing follows the buffer, so that the process dies, as it does with
 * allocators that guard their blocks.
 * Found by: exact_sizes.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../servers/echo.h"

enum { LINE_BYTES = 4096 };

static char *line; /* LINE_BYTES, and what follows cannot be read */
static FILE *log_file;

static void open_log(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    log_file = fopen("/dev/null", "we");
    if (two == MAP_FAILED || mprotect(two + page, page, PROT_NONE) < 0 || !log_file)
        err(1, "log");
    line = two + page - LINE_BYTES;
}

enum next connection_turn(int fd, enum drain rule)
{
    (void)rule;
    if (!line)
        open_log();
    memset(line, 0, LINE_BYTES);
    ssize_t n = recv(fd, line, LINE_BYTES, 0);
    if (n < 0 && errno == EAGAIN)
        return NEXT_READ;
    if (n <= 0)
        return NEXT_CLOSE;
    fprintf(log_file, "%s\n", line); /* the fault: no NUL when n is LINE_BYTES */
    if (send(fd, line, (size_t)n, MSG_NOSIGNAL) != n)
        return NEXT_CLOSE; /* better cut than with a hole in the stream */
    return NEXT_READ;
}
