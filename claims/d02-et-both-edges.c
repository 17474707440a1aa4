/*
 * D2 et-both-edges
 *
 * Claim: Edge triggering tells of both edges: when a descriptor becomes ready, and also when it
 * ceases to be.
 *
 * Believed because: the name is the hardware's, and there an edge can be a rising or a falling one.
 *
 * Experiment: Seven descriptors are ready, four to read and three to write, and each is watched by
 * an instance of its own with EPOLLET.  When that was told they are made unready: read, or filled,
 * until EAGAIN, and poll() must say so too.  Who is told of it?
 *
 * Read on: fs/eventpoll.c, ep_poll_callback(), which only wake-ups call, and ep_send_events(),
 * which drops what is not ready; epoll(7).
 */
#include <err.h>
#include <poll.h>
#include <sys/epoll.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { WATCHES = 7 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

struct watch {
    const char *name;
    int fd, epoll, first, again;
    short direction;
};

static struct watch watches[WATCHES];
static int watched;

static void watch(const char *name, int fd, short direction, uint32_t events)
{
    int epoll = epoll_instance();
    epoll_add(epoll, fd, events | EPOLLET);
    watches[watched++] =
        (struct watch){.name = name, .fd = fd, .epoll = epoll, .direction = direction};
}

static void watch_kind(enum kind kind)
{
    struct pair full = open_pair(kind);
    send_bytes(full.other, 8);
    watch(text("%s, read until EAGAIN", pair_name(kind)), full.watched, POLLIN, EPOLLIN);
    if (kind == KIND_EVENTFD)
        return;
    struct pair empty = open_pair(kind);
    watch(text("%s, filled until EAGAIN", pair_name(kind)), empty.other, POLLOUT, EPOLLOUT);
}

static void make_unready(struct watch *this)
{
    this->first = count_events(this->epoll, EVENT_MS);
    if (this->direction == POLLIN)
        drain(this->fd);
    else {
        int apart = epoll_instance(); /* fill_up() takes its events, not those that are watched */
        epoll_add(apart, this->fd, EPOLLOUT | EPOLLET);
        fill_up(apart, this->fd);
    }
}

static void judge(struct watch *this)
{
    struct pollfd asked = {.fd = this->fd, .events = this->direction};
    this->again = count_events(this->epoll, 0);
    bool shown = this->first == 1 && poll(&asked, 1, 0) == 0;
    observe_count(this->name, this->again,
                  weigh(shown && this->again == 1, shown && this->again == 0),
                  "events after it ceased to be ready");
}

static void draw(void)
{
    const char *names[WATCHES];
    for (int i = 0; i < WATCHES; i++)
        names[i] = watches[i].name;
    picture_lanes("Events of a descriptor with EPOLLET", WATCHES, names);
    picture_column("becomes ready");
    for (int i = 0; i < WATCHES; i++)
        picture_cell(i, watches[i].first ? CAME : SILENT, "%d", watches[i].first);
    picture_column("ceases to be ready");
    for (int i = 0; i < WATCHES; i++)
        picture_cell(i, watches[i].again ? CAME : SILENT, "%d", watches[i].again);
}

void try_claim(void)
{
    const enum kind kinds[] = {KIND_PIPE, KIND_TCP, KIND_SOCKETPAIR, KIND_EVENTFD};
    int first = 0, again = 0;
    for (int i = 0; i < 4; i++)
        watch_kind(kinds[i]);
    for (int i = 0; i < WATCHES; i++)
        make_unready(&watches[i]);
    if (poll(NULL, 0, SILENCE_MS) < 0) /* an event of any of them has that long to come */
        err(1, "poll");
    for (int i = 0; i < WATCHES; i++) {
        judge(&watches[i]);
        first += watches[i].first;
        again += watches[i].again;
    }
    draw();
    conclude("of %d descriptors %d told of it when they became ready, %d when they ceased to be",
             WATCHES, first, again);
}
