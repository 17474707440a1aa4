/* A server to be measured: where it listens, and what lets us watch it. */
#ifndef TARGET_H
#define TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "address.h"

struct ledger;

enum { TARGET_NAME_BYTES = 48, TARGETS_MAX = 16 };

struct target {
    char name[TARGET_NAME_BYTES];
    struct address address;
    uint16_t port;
    bool is_loopback4;           /* in 127.0.0.0/8: source addresses can be varied */
    pid_t pid;                   /* 0: unknown, its CPU time is not measured */
    const struct ledger *ledger; /* NULL: unknown, its counters are not measured */
};

/* NAME=ADDRESS:PORT[,pid=PID][,ledger=FILE]; an IPv6 address stands in brackets.
 * Exits 2 with a message when it is not that. */
struct target target_parse(const char *text);

/* The short form, for one server. pid and ledger_file may be NULL. */
struct target target_from_parts(const char *name, const char *address, const char *port,
                                const char *pid, const char *ledger_file);

/* How many connections to it the local ports allow. */
uint64_t target_ports(const struct target *t);

/* Source addresses taken in turn towards 127.0.0.0/8: 127.0.0.1 and those after it. */
enum { SOURCE_ADDRESSES = 16 };

#endif
