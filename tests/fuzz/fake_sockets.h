/*
 * A kernel of its own for the echo core: recv, send, accept4, close and open stand before libc's
 * and do what a script (script.h) says.  Each call takes a byte of the script, which decides
 * whether it is interrupted, fails, or finds that the peer has just done something; when the script
 * has ended, the weather is fine.
 *
 * Byte i of a connection's stream is known, so that no stream is stored, and what the core sends
 * is compared in every call.  What the core must not do fails at once.
 */
#ifndef FAKE_SOCKETS_H
#define FAKE_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../../servers/ledger.h"

/* As in echo.c. */
enum { READ_BYTES = 64 * 1024, TURN_BYTES = 4 * READ_BYTES, READ_CHARGE = 1024 };

enum { FAKE_LISTENER = 999, FAKE_FIRST = 1020, FAKES = 24, QUEUE_MAX = 1024 * 1024 };

enum outcome { NOTHING, DATA, SHORT_DATA, WOULD_BLOCK, PEER_ENDED, FAILED };

/* One descriptor: a connection, or something else (the core's reserve). */
struct fake {
    uint64_t arrived;         /* sent by the peer so far */
    uint64_t in, out;         /* read, and sent back, by the core */
    uint64_t mark;            /* with urgent: here a read stops once */
    size_t room;              /* what the send buffer takes now */
    size_t flood_bytes;       /* so many more arrive after every read */
    long charged, reads;      /* in this turn: the price of its reads, those with data */
    enum outcome read, write; /* the last recv's and send's in this turn */
    uint32_t stream;          /* its number: what is in it */
    bool open, is_connection;
    bool ended, reset;   /* by the peer, behind what has arrived */
    bool urgent;         /* an urgent byte, not part of the stream, is there or on its way */
    bool waits_for_room; /* a send took less than all: the next room is an edge */
    bool wants_write;    /* what the mechanism has asked for: write, or read */
    bool queued;         /* something has changed since the last wait (edge-triggered) */
};

extern struct fake fakes[FAKES];
extern struct ledger fake_counts; /* what the core's ledger must say */
extern unsigned fake_backlog;     /* connections to be accepted */
extern int fake_limit;            /* descriptors of this process */
extern bool fake_system_full;     /* nobody gets a descriptor */
extern bool fake_starved;         /* accept4 has failed for want of something since it was reset */
extern bool fake_stormy;          /* ... or for another reason, or one that nothing helps against */

/* Called when the core has done what it must not.  Does not return. */
_Noreturn void model_failed(const char *why);

/* A fresh kernel; from now on, until fake_end(), the calls come here. */
void fake_begin(void);
void fake_end(void);

/* Ends in model_failed() unless it holds; the text is printf's. */
#define require(holds, ...)                             \
    do {                                                \
        if (!(holds)) {                                 \
            char fault[256];                            \
            snprintf(fault, sizeof fault, __VA_ARGS__); \
            fake_stop(fault);                           \
        }                                               \
    } while (0)
_Noreturn void fake_stop(const char *fault);

int fake_fd(const struct fake *f);

/* Descriptors that are no connections, and that this process may have. */
unsigned fake_reserves(void);
void fake_turn_begins(struct fake *f);

/* What the peer does. */
void peer_sends(struct fake *f, size_t bytes);
void peer_sends_urgent(struct fake *f, size_t before, size_t after);
void peer_takes(struct fake *f, size_t bytes);
void peer_ends(struct fake *f);
void peer_resets(struct fake *f);

/* What a wait would find. */
struct readiness {
    bool any;      /* the descriptor is ready for what is wanted */
    bool not_once; /* the end or urgent data are there: a short read says nothing */
};
struct readiness fake_ready(const struct fake *f);

/* The mechanism asks for something else: an edge-triggered one is then told what is there. */
void fake_want(struct fake *f, bool write);

#endif
