/* What a mechanism's page supplies: the same five functions in each.  The linker joins one page and
 * the core, so that the timed loop calls it without asking which it is. */
#ifndef WAIT_H
#define WAIT_H

#include <stdbool.h>
#include <stdint.h>

enum reregister { REREGISTER_NONE, REREGISTER_ADD, REREGISTER_MOD };

extern const char *const mechanism_name;

/* Descriptors are named by their place in fds, which the core keeps: fds[0 .. count-1], ascending
 * and without holes.  Watches them for reading; exits 2 where the mechanism cannot. */
void wait_watch(const int *fds, uint32_t count);

/* What user space does before each wait; anew: its set of descriptors is made from nothing. */
void wait_build(bool anew);

/* Tells the kernel of all descriptors again, by DEL and ADD or by MOD; the number of system calls,
 * 0 where the kernel keeps no set. */
uint32_t wait_reregister(enum reregister how);

/* The system call, with a time-out of 0 or -1 (for ever).  How many are ready; -1 and errno. */
int wait_call(int timeout_ms);

/* Finds the ready ones in what the wait returned: writes their places, at most count of them, and
 * returns how many. */
uint32_t wait_scan(int ready, uint32_t *places);

/* What the turn has just made ready.  Only `none`, which asks nobody, looks here. */
struct made {
    const uint32_t *places;
    uint32_t count;
};
extern struct made made;

#endif
