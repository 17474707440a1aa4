/*
 * A file that counts how often the kernel asks it whether it is ready: each ->poll() of one of its
 * descriptors is a request to a server of our own, and so an exact integer, the same in every run.
 * A written descriptor is ready (POLLIN) until it is read; each has its own state, as an eventfd
 * has.  One server at a time.
 */
#ifndef FUSE_H
#define FUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts the server, a process of its own.  It dies with the calling thread, however that ends:
 * call this in the main thread, pinned already, as the server leaves the caller's core if there is
 * another.  False where this machine cannot: not a failure, and why says what to do about it. */
bool fuse_start(char *why, size_t why_size);

/* One more descriptor of the file, read-write, close-on-exec; at most FUSE_OPENS after a start.
 * -1 and errno.  It never blocks: read(2) fails with EAGAIN where nothing was written. */
enum { FUSE_OPENS = 1 << 20 };
int fuse_open(void);

/* The calls of ->poll() since the start, of all descriptors.  They outlive the server. */
uint64_t fuse_polls(void);

/* Ends the server that this process has started, if there is one.  Descriptors that are still open
 * stay so: a wait returns them with POLLERR, reading and writing fail. */
void fuse_stop(void);

#endif
