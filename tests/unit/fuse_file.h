/*
 * For tests with the file that counts: starting it, writing and reading, its server.  A failure
 * fails the test.
 */
#ifndef FUSE_FILE_H
#define FUSE_FILE_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "../../waitcost/fuse.h"

enum { BOUND_MS = 10000 };

/* Skips the test where this machine has no FUSE for us. */
static inline void start_or_skip(void)
{
    char why[200] = "";
    if (fuse_start(why, sizeof why))
        return;
    assert_string_not_equal(why, "");
    print_message("no FUSE here: %s\n", why);
    skip();
}

static inline void make_ready(int fd)
{
    uint64_t one = 1;
    assert_int_equal(write(fd, &one, sizeof one), sizeof one);
}

static inline int drain(int fd)
{
    uint64_t number;
    return (int)read(fd, &number, sizeof number);
}

/* A thread that writes eight bytes when the kernel has made so many calls of ->poll(). */
struct writer {
    pthread_t thread;
    uint64_t polls, bytes;
    int fd;
};

static inline void *write_after_polls(void *argument)
{
    struct writer *w = argument;
    for (int ms = 0; ms < BOUND_MS && fuse_polls() < w->polls; ms++)
        usleep(1000);
    return write(w->fd, &w->bytes, sizeof w->bytes) < 0 ? w : NULL;
}

static inline void writer_start(struct writer *w)
{
    assert_int_equal(pthread_create(&w->thread, NULL, write_after_polls, w), 0);
}

static inline void writer_join(struct writer *w)
{
    void *failed;
    assert_int_equal(pthread_join(w->thread, &failed), 0);
    assert_null(failed);
}

/* The only child of a process; it has one thread, or else its children are the first one's. */
static inline pid_t server_of(pid_t caller)
{
    char path[64], text[32] = "";
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", caller, caller);
    FILE *file = fopen(path, "re");
    if (!file)
        skip(); /* a kernel without CONFIG_PROC_CHILDREN */
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    return (pid_t)strtol(text, NULL, 10);
}

#endif
