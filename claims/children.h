/* What may crash or hang is done in a child process; what must come later, in a thread. */
#ifndef CHILDREN_H
#define CHILDREN_H

#include <stdbool.h>
#include <sys/types.h>

/* Runs ACT in a child process for SECONDS at most, then SIGALRM kills it: its wait status. */
int in_child(void (*act)(void), unsigned seconds);
const char *end_text(int status); /* "exit 0", "SIGALRM" */
bool is_done(int status);         /* it has ended by itself, and well */
bool is_blocked(int status);      /* the alarm had to end it */

/* In such a child: SIGALRM comes so soon instead. */
void shorten_alarm(int ms);

/* Runs ACT in a child process that may have so many descriptors (the soft limit): what ACT
 * returned, 0 to 253. */
int in_limited_child(int descriptors, int (*act)(void));

/* The wait status of a child process that puts NUMBER, below 65536, into an fd_set with the C
 * library's check (_FORTIFY_SOURCE), whether or not this program was compiled with it.  Not every
 * library has one. */
int in_checked_fd_set(int number);
bool has_fd_set_check(void);

/* In a child process of PARENT: SIGKILL comes when that ends; at once if it has ended already. */
void end_with_parent(pid_t parent);

/* Runs ACT in a thread of its own after DELAY_MS. */
void later(int delay_ms, void (*act)(void));

#endif
