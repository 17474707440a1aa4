/*
 * The ledger: what a server counts, in a page that others may read while it
 * runs.  One writer (the server's only thread), plain 64-bit counters: a
 * reader sees each of them whole, and never slows the writer.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <stdint.h>
#include <stdio.h>

/* Every counter once: the struct, the JSON and the readers grow from this. */
#define LEDGER_COUNTERS(X)                                               \
    X(waits)    /* calls of select, poll or epoll_wait */                \
    X(examined) /* descriptors handed to the kernel; epoll: returned */  \
    X(events)   /* ready descriptors that the waits returned */          \
    X(reads)    /* recv calls */                                         \
    X(writes)   /* send calls */                                         \
    X(eagain)   /* recv and send calls that found nothing to do */       \
    X(ctl)      /* epoll_ctl calls */                                    \
    X(accepts)  /* connections taken from the backlog, refused or not */ \
    X(refusals) /* accepted and closed at once: no room for them */      \
    X(closes)   /* served connections that have ended */                 \
    X(bytes_in)                                                          \
    X(bytes_out)

#define LEDGER_MAGIC 0x315245474445584dULL /* "MXEDGER1" in memory */

struct ledger {
    uint64_t magic; /* LEDGER_MAGIC: the file is a ledger of this layout */
#define X(name) uint64_t name;
    LEDGER_COUNTERS(X)
#undef X
};

/* The process's own ledger; private memory until ledger_open(). */
extern struct ledger *ledger;

/* Puts the ledger into FILE, which is made anew.  Exits with a message when
 * that cannot be. */
void ledger_open(const char *file);

/* Maps another process's ledger for reading.  NULL when FILE is not one
 * (errno says why; EINVAL: some other file). */
const struct ledger *ledger_watch(const char *file);

/* One line of JSON with every counter. */
void ledger_print(const struct ledger *l, FILE *out);

#endif
