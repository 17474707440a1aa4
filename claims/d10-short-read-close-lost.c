/*
 * D10 short-read-close-lost
 *
 * Claim: If the sender closes right after sending, so that data and end are both there before the
 * wait, a reader that stops at a short read loses the close with edge triggering.  EPOLLRDHUP in
 * the mask, or level triggering, saves it.
 *
 * Believed because: servers that follow the short-read rule (D7) leak such connections.
 *
 * Experiment: 100 bytes and a close.  When both have arrived: wait, one read of at most 512 bytes,
 * wait again.  Edge; edge with EPOLLRDHUP; level.  What does each know of the close?  And edge with
 * a close that comes after the read: that should be a new event.
 *
 * Read on: net/ipv4/tcp.c, tcp_poll(), RCV_SHUTDOWN; epoll_ctl(2), EPOLLRDHUP; nginx, pending_eof.
 * To read until EAGAIN or 0 is the other cure.
 */
#include <err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { SENT = 100, ROOM = 512, WAYS = 4, DRAWN = 3 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

struct way {
    const char *name;
    uint32_t mask;
    bool closes_later;     /* after the read */
    uint32_t first, again; /* events of the waits before and after the read */
    long got, then;        /* bytes of the read, and of one more at last */
};

/* The end is sent by shutdown(): a closed descriptor could not tell that it has arrived. */
static void close_and_await(int fd)
{
    if (shutdown(fd, SHUT_WR) < 0)
        err(1, "shutdown");
    await_delivery(fd);
    close(fd);
}

static void try_way(struct way *way)
{
    struct pair pair = open_pair(KIND_TCP);
    int epoll = epoll_instance();
    epoll_add(epoll, pair.watched, way->mask);
    send_bytes(pair.other, SENT);
    if (!way->closes_later)
        close_and_await(pair.other);
    way->first = next_events(epoll, EVENT_MS);
    way->got = read_bytes(pair.watched, ROOM);
    if (way->closes_later)
        close_and_await(pair.other);
    way->again = next_events(epoll, SILENCE_MS);
    way->then = read_bytes(pair.watched, ROOM);
}

static bool is_known(const struct way *way)
{
    return way->first & EPOLLRDHUP || way->again;
}

static const char *fate(const struct way *way)
{
    return is_known(way) ? "known" : "lost";
}

static void weigh_way(const struct way *way, bool should_be_known)
{
    bool begun = way->first && way->got == SENT && way->then == 0;
    observe_text(
        text("%s: told, and after the read", way->name),
        text("%s, %s", events_text(way->first), events_text(way->again)),
        weigh(begun && is_known(way) == should_be_known, begun && is_known(way) != should_be_known),
        "RDHUP at first, or any event after the read, tells of the close");
}

static void draw(const struct way *ways)
{
    const char *const lanes[] = {"peer", ways[0].name, ways[1].name, ways[2].name};
    picture_lanes("A close right after the data, and who hears of it", DRAWN + 1, lanes);
    picture_column("");
    picture_cell(0, DONE, "%d bytes, close", SENT);
    picture_column("wait");
    for (int i = 0; i < DRAWN; i++)
        picture_cell(i + 1, ways[i].first ? CAME : SILENT, "%s", events_text(ways[i].first));
    picture_column("read");
    for (int i = 0; i < DRAWN; i++)
        picture_cell(i + 1, DONE, "%ld of %d", ways[i].got, ROOM);
    picture_column("wait again");
    for (int i = 0; i < DRAWN; i++)
        picture_cell(i + 1, ways[i].again ? CAME : SILENT, "%s", events_text(ways[i].again));
    picture_column("the close");
    for (int i = 0; i < DRAWN; i++)
        picture_cell(i + 1, is_known(&ways[i]) ? CAME : WRONG, "%s", fate(&ways[i]));
}

void try_claim(void)
{
    struct way ways[WAYS] = {
        {.name = "edge", .mask = EPOLLIN | EPOLLET},
        {.name = "edge, RDHUP", .mask = EPOLLIN | EPOLLRDHUP | EPOLLET},
        {.name = "level", .mask = EPOLLIN},
        {.name = "edge, close later", .mask = EPOLLIN | EPOLLET, .closes_later = true},
    };
    for (int i = 0; i < WAYS; i++) {
        try_way(&ways[i]);
        weigh_way(&ways[i], i > 0);
    }
    draw(ways);
    conclude(
        "after a short read the close in the queue is %s with edge alone, %s if the mask also has "
        "EPOLLRDHUP, %s with level; one that comes later is %s",
        fate(&ways[0]), fate(&ways[1]), fate(&ways[2]), fate(&ways[3]));
}
