/* What can be seen of a server, of ourselves and of the machine, at one moment. */
#ifndef OBSERVE_H
#define OBSERVE_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "../servers/ledger.h"
#include "target.h"

struct observation {
    uint64_t server_cpu_ns; /* of all its threads, to the nanosecond; 0 when unknown */
    uint64_t busy_ns;       /* of all cores: neither idle nor stolen, in ticks of 10 ms */
    uint64_t core_busy_ns;  /* as busy_ns, of the server's and the generator's cores only, without
                               the kernel's own work on packets there (ksoftirqd) */
    uint64_t steal_ns;      /* of those cores: taken by the hypervisor, in ticks of 10 ms */
    struct ledger ledger;   /* zeroes when unknown */
};

/* cores: the server's and the generator's (observe_cores). */
struct observation observe(const struct target *t, const cpu_set_t *cores);

/* Where the target's server and this process may run. */
cpu_set_t observe_cores(const struct target *t);

/* The CPU time of this process, all its threads. */
uint64_t observe_own_cpu_ns(void);

/* Waits until the server sleeps: its last echo may arrive before it has gone back to its wait, and
 * what it does on the way belongs to the requests before.  At most 10 ms. */
void observe_await_sleep(const struct target *t);

/* The difference of two, field by field. */
struct observation observation_since(const struct observation *end,
                                     const struct observation *start);

/* Can the server's CPU time be read? */
bool observe_sees_cpu(const struct target *t);

/* The core that a process is pinned to, or else ran on last; -1 when unknown. */
int observe_core(pid_t pid);

/* How many connections to the target the kernel holds at the server's end: established, accepted or
 * not. -1 when the kernel's table cannot be read, or the server is on another machine. */
long observe_established(const struct target *t);

/* How many connections may wait until the server accepts them; -1 when unknown. */
long observe_backlog(const struct target *t);

#endif
