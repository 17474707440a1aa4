/*
 * select(2) with bitmaps of our own size: FD_SETSIZE is the limit of libc's fd_set, not the
 * kernel's, which reads as many bits as its first argument says.  Compare with select.c: only the
 * sets differ.  A wait costs the highest descriptor, in bits that are copied both ways, and each
 * one that is set in between.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

#include "wait.h"

const char *const mechanism_name = "select-wide";

enum { WORD_BITS = 8 * sizeof(unsigned long) };

static const int *watched;
static uint32_t watched_count;
static int fd_end; /* one more than the highest descriptor */
static size_t set_bytes;
static unsigned long *readers, *ready_readers;

static void fill(void)
{
    memset(readers, 0, set_bytes);
    for (uint32_t i = 0; i < watched_count; i++)
        readers[watched[i] / WORD_BITS] |= 1UL << (watched[i] % WORD_BITS);
}

void wait_watch(const int *fds, uint32_t count)
{
    fd_end = fds[count - 1] + 1;
    set_bytes = ((size_t)fd_end + WORD_BITS - 1) / WORD_BITS * sizeof *readers;
    readers = malloc(set_bytes);
    ready_readers = malloc(set_bytes);
    if (!readers || !ready_readers)
        err(1, "no memory for %d bits", fd_end);
    watched = fds;
    watched_count = count;
    fill();
}

void wait_build(bool anew)
{
    if (anew)
        fill();
    memcpy(ready_readers, readers, set_bytes);
}

uint32_t wait_reregister(enum reregister how)
{
    (void)how;
    return 0;
}

int wait_call(int timeout_ms)
{
    struct timeval at_once = {0};
    return select(fd_end, (fd_set *)ready_readers, NULL, NULL, timeout_ms < 0 ? NULL : &at_once);
}

uint32_t wait_scan(int ready, uint32_t *places)
{
    uint32_t found = 0;
    for (uint32_t i = 0; found < (uint32_t)ready && i < watched_count; i++)
        if (ready_readers[watched[i] / WORD_BITS] >> (watched[i] % WORD_BITS) & 1)
            places[found++] = i;
    return found;
}
