/*
 * D14 et-accept-until-eagain
 *
 * Claim: A listening socket that is edge-triggered needs accept() in a loop until EAGAIN; with
 * level triggering one accept() for each event is enough.
 *
 * Believed because: it is the rule of epoll(7) for all descriptors, applied to the queue of
 * connections.
 *
 * Experiment: Five clients connect, and only then the server looks.  It accepts one connection for
 * each event, by level and by edge, or all until EAGAIN, and stops when no event comes any more.
 * The claim is wrong if level leaves a client waiting, or if edge with one accept() leaves none.
 *
 * Read on: epoll(7), "Level-triggered and edge-triggered"; accept(2), NOTES: the socket must be
 * non-blocking, for a client that has gone again; net/ipv4/tcp.c, tcp_poll(), TCP_LISTEN.
 */
#include <err.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { BURST = 5, ALL = BURST + 1 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

struct served {
    int events, accepted, left;
};

static bool accepts_one(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && errno != EAGAIN)
        err(1, "accept");
    return fd >= 0;
}

/* Clients connect; all of them are in the queue before anybody accepts one. */
static void burst(const struct listener *listener)
{
    int arrivals = epoll_instance();
    epoll_add(arrivals, listener->fd, EPOLLIN | EPOLLET);
    for (int i = 0; i < BURST; i++) {
        connect_to(listener);
        if (count_events(arrivals, EVENT_MS) == 0)
            errx(1, "connection %d has not arrived", i + 1);
    }
}

static struct served serve(uint32_t events, int accepts_per_event)
{
    struct listener listener = listen_tcp(BURST);
    struct served served = {0};
    int epoll = epoll_instance();
    epoll_add(epoll, listener.fd, events);
    burst(&listener);
    while (count_events(epoll, SILENCE_MS) > 0) {
        served.events++;
        for (int i = 0; i < accepts_per_event && accepts_one(listener.fd); i++)
            served.accepted++;
    }
    while (accepts_one(listener.fd))
        served.left++;
    return served;
}

static void draw(const struct served served[3])
{
    const char *const lanes[] = {"level, one accept", "edge, one accept", "edge, until EAGAIN"};
    picture_lanes("Five clients wait: how many does the server take?", 3, lanes);
    picture_column("events");
    for (int i = 0; i < 3; i++)
        picture_cell(i, DONE, "%d", served[i].events);
    picture_column("accepted");
    for (int i = 0; i < 3; i++)
        picture_cell(i, CAME, "%d", served[i].accepted);
    picture_column("left waiting");
    for (int i = 0; i < 3; i++)
        picture_cell(i, served[i].left ? WRONG : SILENT, "%d", served[i].left);
}

void try_claim(void)
{
    struct served level = serve(EPOLLIN, 1);
    struct served edge = serve(EPOLLIN | EPOLLET, 1);
    struct served loop = serve(EPOLLIN | EPOLLET, ALL);
    observe_count("level, one accept per event: accepted", level.accepted,
                  supports_if(level.accepted == BURST), "5: the next wait tells of the next one");
    observe_count("edge, one accept per event: accepted", edge.accepted,
                  weigh(edge.accepted > 0 && edge.left > 0, edge.left == 0),
                  "fewer than 5: no event tells of the others");
    observe_count("edge, one accept per event: left in the queue", edge.left, CONTEXT,
                  "they wait for ever, or until another client comes");
    observe_count("edge, until EAGAIN: accepted", loop.accepted,
                  supports_if(loop.accepted == BURST), "5: the loop needs no further event");
    draw((struct served[]){level, edge, loop});
    conclude("of %d waiting connections level with one accept per event takes %d in %d events, "
             "edge takes %d in %d, edge until EAGAIN %d in %d",
             BURST, level.accepted, level.events, edge.accepted, edge.events, loop.accepted,
             loop.events);
}
