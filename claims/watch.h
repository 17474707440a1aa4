/* Waits, without a line for each error: a call that must work and does not ends the program. */
#ifndef CLAIMS_WATCH_H
#define CLAIMS_WATCH_H

#include <stdint.h>
#include <sys/epoll.h>

/* The data of each event is its descriptor, but for epoll_add_data(). */
int epoll_instance(void);
void epoll_add(int epoll, int fd, uint32_t events);
void epoll_add_data(int epoll, int fd, uint32_t events, epoll_data_t data);
void epoll_modify(int epoll, int fd, uint32_t events);
int epoll_error(int epoll, int what, int fd, uint32_t events); /* epoll_ctl's errno, or 0 */

/* One epoll_wait: how many events (64 at most), or the mask of the first, 0 if there is none. */
int count_events(int epoll, int timeout_ms);
uint32_t next_events(int epoll, int timeout_ms);

/* What an instance watches, in the order in which /proc lists it: how many descriptors.  The first
 * MOST are put into FDS.  Not applicable where there is no /proc. */
int interest_list(int epoll, int fds[], int most);

/* select, for reading, with a time-out of 0: how many of COUNT descriptors it finds, and leaves in
 * its set; or minus the errno.  The set is a bitmap of SELECT_BITS, with a place for each below. */
enum { SELECT_BITS = 8192 };
int select_now(const int fds[], int count, int nfds);

#endif
