/*
 * A5 maxevents-is-watch-count
 *
 * Claim: maxevents is the number of all the sockets that are watched; with less, some are missed.
 *
 * Believed because: select() takes the highest descriptor and poll() the number of all entries, so
 * the number in epoll_wait() is taken for the same thing.
 *
 * Experiment: 10 descriptors are ready, and epoll_wait() is asked four times with a maxevents of 3.
 * Nothing is read meanwhile.  If the sentence held, the call would fail, or the other 7 would not
 * be told.  If maxevents is only the room in the array, later calls tell the rest.  This is done by
 * level and by edge, and then a maxevents of 64 is tried.
 *
 * Read on: epoll_wait(2), NOTES ("round robin"); fs/eventpoll.c, ep_send_events(): what had no room
 * goes back to the head of the ready list, what was told and is level-triggered to its tail.
 */
#include <err.h>
#include <sys/epoll.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { WATCHED = 10, ROOM = 3, CALLS = 4, PLENTY = 64 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

struct told {
    const char *calls[CALLS]; /* "0 1 2" */
    const char *order;        /* "0 1 2, 3 4 5" and so on */
    int first, different;
};

static int watch_ready(uint32_t trigger)
{
    int epoll = epoll_instance();
    for (uint32_t i = 0; i < WATCHED; i++) {
        int fd = open_pair(KIND_EVENTFD).watched;
        struct epoll_event event = {.events = EPOLLIN | trigger, .data.u32 = i};
        send_bytes(fd, 8);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            err(1, "epoll_ctl");
    }
    return epoll;
}

static struct told ask_often(int epoll)
{
    struct told told = {.order = ""};
    bool seen[WATCHED] = {false};
    for (int call = 0; call < CALLS; call++) {
        struct epoll_event events[ROOM];
        int count = epoll_wait(epoll, events, ROOM, call == 0 ? EVENT_MS : 0);
        told.calls[call] = "";
        for (int i = 0; i < count; i++) {
            uint32_t which = events[i].data.u32;
            told.calls[call] = text("%s%s%u", told.calls[call], i ? " " : "", which);
            told.different += !seen[which];
            seen[which] = true;
        }
        told.order = text("%s%s%s", told.order, call ? ", " : "", told.calls[call]);
        if (call == 0)
            told.first = count;
    }
    return told;
}

static struct told try_trigger(const char *name, uint32_t trigger)
{
    struct told told = ask_often(watch_ready(trigger));
    observe_count(text("%s: events of the first call", name), told.first,
                  weigh(told.first == -1 || told.first == WATCHED, told.first == ROOM),
                  text("with room for %d; -1 would be an error", ROOM));
    observe_count(text("%s: different ones told", name), told.different,
                  weigh(told.different == ROOM, told.different == WATCHED),
                  text("of %d, in %d calls", WATCHED, CALLS));
    observe_text(text("%s: who was told", name), told.order, CONTEXT, "a comma for each call");
    return told;
}

void try_claim(void)
{
    struct told level = try_trigger("level", 0), edge = try_trigger("edge", EPOLLET);
    struct epoll_event events[PLENTY];
    int more = epoll_wait(watch_ready(0), events, PLENTY, EVENT_MS);
    observe_count(text("events with maxevents %d", PLENTY), more,
                  weigh(more == -1, more == WATCHED),
                  text("room for more than the %d; -1 would be an error", WATCHED));

    const char *const lanes[] = {"by level", "by edge"};
    picture_lanes("Ten ready descriptors, 0 to 9, and room for three: who is told", 2, lanes);
    for (int call = 0; call < CALLS; call++) {
        picture_column(text("call %d", call + 1));
        picture_cell(0, *level.calls[call] ? CAME : SILENT, "%s", level.calls[call]);
        picture_cell(1, *edge.calls[call] ? CAME : SILENT, "%s", edge.calls[call]);
    }
    conclude("%d calls with room for %d told of %d of %d ready: level %s; edge %s", CALLS, ROOM,
             level.different, WATCHED, level.order, edge.order);
}
