/* How many system calls a server makes for a request: exact, and the same on every machine. */
#ifndef CALLS_H
#define CALLS_H

#include <stddef.h>
#include <stdint.h>

/* A server's system calls, counted.  The wait must bring an event, and tells its mask; a read, of
 * 64 KB at most, is as read_bytes(); a write must take all. */
struct server_calls {
    long waits, reads, writes, changes;
};
extern struct server_calls server_calls;
uint32_t server_wait(int epoll);
long server_read(int fd, size_t most);
void server_write(int fd, size_t bytes);
void server_modify(int epoll, int fd, uint32_t events);

/* How many of them a request takes, on average of 100 after a first one. */
double calls_per_request(void (*request)(void));

#endif
