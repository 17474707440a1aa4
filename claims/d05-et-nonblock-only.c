/*
 * D5 et-nonblock-only
 *
 * Claim: Edge triggering only supports non-blocking sockets.
 *
 * Believed because: texts pair the two, and epoll(7) suggests it: with EPOLLET one "should use
 * nonblocking file descriptors".  A rule of use has become a rule of the call.
 *
 * Experiment: Watch a blocking TCP socket with EPOLLET.  Is it refused, are its events missing, can
 * it not be read until EAGAIN with MSG_DONTWAIT?  Then, in a child that an alarm kills, read it
 * until EAGAIN in the plain way: does that ever end?
 *
 * Read on: epoll(7), "should use nonblocking file descriptors"; fs/eventpoll.c, do_epoll_ctl(): it
 * does not ask for O_NONBLOCK; recv(2), MSG_DONTWAIT.
 */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "children.h"
#include "claim.h"
#include "setup.h"

enum { CHUNK = 100, ROOM = 512, BLOCKED_MS = 200 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static struct pair pair;

static long receive(int flags)
{
    char room[ROOM];
    ssize_t got = recv(pair.watched, room, sizeof room, flags);
    return got < 0 ? -errno : got;
}

/* The alarm clock starts after the first read: it is for the second. */
static void read_until_eagain(void)
{
    long got = receive(0);
    shorten_alarm(BLOCKED_MS);
    while (got > 0)
        got = receive(0);
}

void try_claim(void)
{
    int edge = epoll_instance();
    pair = open_pair(KIND_TCP);
    set_blocking(pair.watched);
    int refused = epoll_error(edge, EPOLL_CTL_ADD, pair.watched, EPOLLIN | EPOLLET);

    send_bytes(pair.other, CHUNK);
    int events = count_events(edge, EVENT_MS);
    long got = receive(MSG_DONTWAIT), then = receive(MSG_DONTWAIT);
    send_bytes(pair.other, CHUNK);
    events += count_events(edge, EVENT_MS);
    int status = in_child(read_until_eagain, EVENT_MS / 1000);
    bool emptied = receive(MSG_DONTWAIT) == -EAGAIN;

    observe_error("ADD of a blocking socket with EPOLLET", refused, contradicts_if(refused == 0),
                  "if it were not supported, this would be the place to say so");
    observe_count("events for two chunks", events, weigh(events == 0, events == 2),
                  "2: edges come to a blocking socket as to any other");
    observe_error("MSG_DONTWAIT, after the first chunk", then < 0 ? (int)-then : 0,
                  weigh(then == 0, got == CHUNK && then == -EAGAIN),
                  "EAGAIN: the flag of a call does what O_NONBLOCK does");
    observe_text("plain reads until EAGAIN, in a child", end_text(status),
                 weigh(emptied && is_blocked(status), emptied && is_done(status)),
                 "SIGALRM: the read after the last byte blocks, and a server's whole loop with it");
    conclude(
        "epoll_ctl on a blocking socket: %s, %d events for 2 chunks; reads until EAGAIN: %s with "
        "MSG_DONTWAIT, %s in a child without",
        error_text(refused), events, then == -EAGAIN ? "done" : "not done", end_text(status));
}
