/*
 * select(2) with bitmaps of our own size.  The kernel reads as many bits as its first argument
 * says: FD_SETSIZE is the limit of libc's fd_set, not the kernel's.  What remains is the price of a
 * bitmap: a wait costs the highest descriptor, in both directions, and each one in between that is
 * set is asked whether it is ready.  Compare with select.c: only the sets differ.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

#include "echo.h"
#include "ledger.h"

const char *const mechanism_name = "select-wide";
const bool mechanism_is_level_triggered = true;

enum { WORD_BITS = 8 * sizeof(unsigned long) };

/* The four bitmaps lie one after the other, set_words each: one allocation that grows. */
static unsigned long *readers, *writers;             /* what to wait for */
static unsigned long *ready_readers, *ready_writers; /* what the last wait returned */
static size_t set_words;
static int fd_end; /* one more than the highest descriptor watched */
static uint64_t set_count;

static void set_bit(unsigned long *set, int fd)
{
    set[fd / WORD_BITS] |= 1UL << (fd % WORD_BITS);
}

static void clear_bit(unsigned long *set, int fd)
{
    set[fd / WORD_BITS] &= ~(1UL << (fd % WORD_BITS));
}

static bool has_bit(const unsigned long *set, int fd)
{
    return set[fd / WORD_BITS] >> (fd % WORD_BITS) & 1;
}

static bool grow(int fd)
{
    size_t words = 2 * ((size_t)fd / WORD_BITS + 1);
    unsigned long *larger = calloc(4 * words, sizeof *larger);
    if (!larger)
        return false;
    for (size_t i = 0; i < 4 && set_words; i++)
        memcpy(larger + i * words, readers + i * set_words, set_words * sizeof *larger);
    free(readers);
    readers = larger;
    writers = readers + words;
    ready_readers = writers + words;
    ready_writers = ready_readers + words;
    set_words = words;
    return true;
}

static bool watch(int fd)
{
    if ((size_t)fd >= set_words * WORD_BITS && !grow(fd))
        return false;
    set_bit(readers, fd);
    set_count++;
    if (fd >= fd_end)
        fd_end = fd + 1;
    return true;
}

static void rewatch(int fd, enum next next)
{
    if (next == NEXT_WRITE) {
        clear_bit(readers, fd);
        set_bit(writers, fd);
    } else {
        clear_bit(writers, fd);
        set_bit(readers, fd);
    }
}

static void unwatch(int fd)
{
    clear_bit(readers, fd);
    clear_bit(writers, fd);
    set_count--;
    while (fd_end > 0 && !has_bit(readers, fd_end - 1) && !has_bit(writers, fd_end - 1))
        fd_end--;
}

static int wait_for_events(void)
{
    size_t used_words = ((size_t)fd_end + WORD_BITS - 1) / WORD_BITS;
    memcpy(ready_readers, readers, used_words * sizeof *readers);
    memcpy(ready_writers, writers, used_words * sizeof *writers);
    ledger->waits++;
    ledger->examined += set_count;
    int ready = select(fd_end, (fd_set *)ready_readers, (fd_set *)ready_writers, NULL, NULL);
    if (ready < 0 && errno != EINTR)
        err(1, "select");
    if (ready < 0)
        return 0;
    ledger->events += (uint64_t)ready;
    return ready;
}

void serve(int listener, enum drain rule)
{
    if (!watch(listener))
        err(1, "no memory for the first descriptors");
    while (!stop) {
        int ready = wait_for_events();
        bool knock = ready > 0 && has_bit(ready_readers, listener);
        if (knock)
            ready--;
        for (int fd = 0; ready > 0 && fd < fd_end; fd++) {
            if (fd == listener || (!has_bit(ready_readers, fd) && !has_bit(ready_writers, fd)))
                continue;
            ready--;
            enum next next = connection_turn(fd, rule);
            if (next == NEXT_CLOSE) {
                unwatch(fd);
                connection_close(fd);
                continue;
            }
            rewatch(fd, next);
        }
        if (!knock)
            continue;
        for (int n = 0, fd; n < ACCEPTS_PER_TURN && (fd = connection_accept(listener)) >= 0; n++)
            if (!watch(fd))
                connection_refuse(fd, "no memory to watch it");
    }
    free(readers);
}
