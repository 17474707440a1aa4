/*
 * E2 et-fewer-syscalls
 *
 * Claim: Edge triggering gains by reducing system calls: fewer epoll_wait calls are needed.
 *
 * Believed because: an edge is told once, so there is less to ask for.  That it must be read until
 * EAGAIN, which is a call more, is left out.
 *
 * Experiment: Count a server's system calls, exactly, over TCP.  64 bytes come and are answered:
 * level triggering reads once, edge triggering until EAGAIN, or until a read comes back short.
 * Then 64 KB come, are read 1 KB at a time, and answered by 64 bytes: by level with one read for
 * each wait, by edge until EAGAIN, and by level until EAGAIN, too.  The claim holds where edge
 * takes fewer calls than level; it fails where level in the same way takes as few.
 *
 * Read on: epoll(7), "Do I need to continuously read/write a file descriptor until EAGAIN".
 */
#include <err.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "calls.h"
#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { SMALL = 64, SMALL_READ = 4096, BIG = 65536, BIG_READ = 1024, ROOM = 4 * BIG };
static const uint32_t by_level = EPOLLIN, by_edge = EPOLLIN | EPOLLET;

const enum verdict if_contradicted = REFUTED, if_mixed = DEPENDS;

static struct pair pair;
static int epoll;
static long bytes, most; /* of a request, of a read */

/* The ways of reading: each handles one event, and tells how much came. */
static long once(void)
{
    server_wait(epoll);
    return server_read(pair.watched, (size_t)most);
}

static long until_eagain(void)
{
    long all = 0, got;
    server_wait(epoll);
    while ((got = server_read(pair.watched, (size_t)most)) > 0)
        all += got;
    return all;
}

static long until_short(void)
{
    long all = 0, got;
    server_wait(epoll);
    do {
        got = server_read(pair.watched, (size_t)most);
        all += got > 0 ? got : 0;
    } while (got == most);
    return all;
}

static long (*receive)(void);

/* The server begins when all has come, so that the counts are the same each time. */
static void request(void)
{
    int there = 0;
    send_bytes(pair.other, (size_t)bytes);
    for (double late = now_ms() + EVENT_MS; there < bytes;)
        if (ioctl(pair.watched, FIONREAD, &there) < 0 || now_ms() > late)
            errx(1, "only %d of %ld bytes have come", there, bytes);
    for (long left = bytes; left > 0;)
        left -= receive();
    server_write(pair.watched, SMALL);
    take_bytes(pair.other, SMALL);
}

static double count(uint32_t events, long (*way)(void), long size, long read_size)
{
    int room = ROOM;
    pair = open_pair(KIND_TCP);
    if (setsockopt(pair.watched, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) < 0)
        err(1, "SO_RCVBUF");
    epoll = epoll_instance();
    epoll_add(epoll, pair.watched, events);
    bytes = size;
    most = read_size;
    receive = way;
    return calls_per_request(request);
}

static void show(const char *name, double calls, enum reading reading, const char *shows)
{
    observe_amount(name, calls, "calls", reading, shows);
    picture_bar(reading == SUPPORTS ? CAME : DONE, calls, "%s", name);
}

void try_claim(void)
{
    double small = count(by_level, once, SMALL, SMALL_READ);
    double small_edge = count(by_edge, until_eagain, SMALL, SMALL_READ);
    double small_short = count(by_edge, until_short, SMALL, SMALL_READ);
    double big = count(by_level, once, BIG, BIG_READ);
    double big_edge = count(by_edge, until_eagain, BIG, BIG_READ);
    double big_level = count(by_level, until_eagain, BIG, BIG_READ);

    picture_bars("System calls of a server for one request", "calls");
    show("64 B: level, one read", small, CONTEXT, "a wait, a read, a write");
    show("64 B: edge until EAGAIN", small_edge, supports_if(small_edge < small),
         "fewer than level's would be a gain");
    show("64 B: edge until a short read", small_short, supports_if(small_short < small),
         "the same without the read that only gets EAGAIN");
    show("64 KB: level, one read for each wait", big, CONTEXT, "each read has a wait of its own");
    show("64 KB: edge until EAGAIN", big_edge, supports_if(big_edge < big),
         "one wait, and a read more");
    show("64 KB: level until EAGAIN", big_level, contradicts_if(big_level <= big_edge),
         "as few as edge's: then draining has saved the calls, not the edge");
    conclude("calls for 64 B: %.3g by level, %.3g by edge until EAGAIN; for 64 KB by 1 KB: %.3g by "
             "level "
             "with one read, %.3g by edge, %.3g by level until EAGAIN",
             small, small_edge, big, big_edge, big_level);
}
