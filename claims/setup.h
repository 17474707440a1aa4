/*
 * What the experiments share: descriptors to wait on, and what is done to them.  A call that must
 * work and does not ends the program with a message: then nothing was shown.
 */
#ifndef SETUP_H
#define SETUP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/types.h>

#include "../waitcost/kinds.h"
#include "transfer.h"
#include "watch.h"

/* How long an event that must come may take, and how long none that must not come is waited for. */
enum { EVENT_MS = 5000, SILENCE_MS = 50 };

/* The soft limit to the hard one: done before each claim. */
void raise_descriptor_limit(void);

/* Not applicable, with what to do, unless this process may have so many descriptors. */
void need_descriptors(int most);

/* Not applicable where nothing can be sent to 127.0.0.1.  What opens sockets asks by itself; a
 * claim that opens them in a block asks first. */
void need_loopback(void);

/* The two ends of a pipe, a TCP connection (127.0.0.1), a pair of Unix sockets, or an eventfd (of
 * which other is watched itself).  Non-blocking; closing a socket sends its end, no reset.  What
 * needs 127.0.0.1 is not applicable where it cannot be reached. */
struct pair open_pair(enum kind kind);
const char *pair_name(enum kind kind); /* "pipe", "TCP", "Unix", "eventfd" */
struct pair open_udp_pair(void);       /* two connected UDP sockets */
int ready_counter(void);               /* an eventfd that is ready */
void set_blocking(int fd);

/* A duplicate: the lowest free number from LEAST on. */
int duplicate_at(int fd, int least);

/* A duplicate that has just this number; not applicable where it is taken. */
int duplicate_as(int fd, int number);

void reset(int fd); /* closes a TCP connection with a reset */

/* FD itself; not applicable where it is too high for an fd_set. */
int for_fd_set(int fd);

/* A listening TCP socket on 127.0.0.1, non-blocking, and non-blocking connections to it. */
struct listener {
    int fd;
    struct sockaddr_in address;
};
struct listener listen_tcp(int backlog);
int connect_to(const struct listener *there);

/* Descriptors that count how often the kernel calls their ->poll() (../waitcost/fuse.h): written,
 * they are ready until they are read.  need: not applicable, with the reason, where there are none.
 */
bool start_poll_counter(char *why, size_t why_size); /* false: why not, and what to do */
void need_poll_counter(void);
int open_counted(void);
long long polls_counted(void); /* of all of them since the last look */

/* A file of /proc, to be read.  Not applicable, with what to do, if it cannot be. */
FILE *open_proc(const char *path);

/* The first number in a file of /proc; not applicable if it cannot be read. */
long long proc_number(const char *path);

/* So many bytes of memory, zeros, right before GUARD bytes that must not be accessed. */
enum { GUARD = 65536 }; /* a page of any architecture, or several */
char *before_guard(size_t bytes);

/* Milliseconds since some time in the past. */
double now_ms(void);

/* A time-out for select. */
struct timeval timeval_of_ms(int ms);

#endif
