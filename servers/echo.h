/*
 * The core that all servers share: accept, echo, close.  It knows no mechanism.
 *
 * A mechanism is one file with one function, serve().  It waits in its own way,
 * then calls the core for each descriptor that is ready:
 *
 *     connection_accept   the listening socket is readable
 *     connection_turn     a connection is ready; the answer says what to wait for next
 *     connection_close    when that answer was NEXT_CLOSE
 */
#ifndef ECHO_H
#define ECHO_H

#include <signal.h>
#include <stdbool.h>

/* When does a turn take a socket for drained? */
enum drain {
    DRAIN_EAGAIN, /* read until the kernel says EAGAIN: safe everywhere */
    DRAIN_SHORT,  /* stop at a read that did not fill the buffer */
    DRAIN_ONCE,   /* one read per readiness: level-triggered mechanisms only */
};

/* What a connection waits for after its turn. */
enum next {
    NEXT_READ,  /* drained: wait until it is readable */
    NEXT_WRITE, /* its peer does not take the echo: wait until it is writable, do not read */
    NEXT_AGAIN, /* not drained, its budget is used up: wait for readable, and edge-triggered
                   mechanisms must come back by themselves */
    NEXT_CLOSE, /* over: the peer has finished or vanished */
};

struct connection {
    struct pending *pending; /* echo that the peer does not take yet; NULL most of the time */
    bool writing;            /* the mechanism's own: interest is registered as NEXT_WRITE */
    bool undrained;          /* the mechanism's own: epoll-et will come back by itself */
};

/* How many connections are taken in a row before those that wait get their turn. */
enum { ACCEPTS_PER_TURN = 64 };

/* The mechanism's file defines these three. */
extern const char *const mechanism_name;
extern const bool mechanism_is_level_triggered;

/* Runs the event loop on the listening socket until stop is set.  Setting it also makes the
 * listener readable, so that every wait returns. */
void serve(int listener, enum drain rule);

extern volatile sig_atomic_t stop;

/* Prepares the core.  connections_max: serve no more than that at a time (0: no limit). */
void connections_init(long connections_max);

/* The next pending connection, non-blocking, ready to be watched; -1 when none is left to serve,
 * or after ACCEPTS_PER_TURN refusals in a row; then the listener is still readable.
 * Those that descriptors or connections_max leave no room for are refused on the way: accepted,
 * closed, counted. */
int connection_accept(int listener);

/* Does all the input and output that the connection allows now, up to a bounded number of bytes:
 * no connection may starve the others. */
enum next connection_turn(int fd, enum drain rule);

/* The state of an open connection.  The pointer is good until the next connection_accept. */
struct connection *connection_at(int fd);

/* Ends a connection.  The mechanism must have forgotten the descriptor. */
void connection_close(int fd);

/* Gives back a connection that the mechanism cannot watch; logs the reason once. */
void connection_refuse(int fd, const char *why);

#endif
