/* Bytes in and out of a descriptor.  What must work and does not ends the program. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include <stddef.h>
#include <stdint.h>

/* Sends so many bytes in one go. */
void send_bytes(int fd, size_t bytes);

/* Waits until all that was sent over a TCP connection is at its other end, and told of there. */
void await_delivery(int fd);

/* One read of at most so many bytes: how many came, 0 at the end, or minus the errno. */
long read_bytes(int fd, size_t most);

/* Until EAGAIN (or the end): how many bytes went in, or came out. */
size_t fill(int fd);
size_t drain(int fd);

/* fill() until FD stays full: what TCP has sent may be acknowledged a moment later.  EPOLL watches
 * FD for EPOLLOUT. */
size_t fill_up(int epoll, int fd);

/* Reads all that comes to FROM until EPOLL tells something: its mask, 0 after EVENT_MS. */
uint32_t drain_until_told(int from, int epoll);

/* Reads until so many bytes have come, each of which may take EVENT_MS. */
void take_bytes(int fd, size_t bytes);

#endif
