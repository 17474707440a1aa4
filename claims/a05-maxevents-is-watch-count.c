/*
 * A5 maxevents-is-watch-count
 *
 * Claim: maxevents is the number of all the sockets that are watched.
 *
 * Believed because: select() takes the highest descriptor and poll() the number of all entries, so
 * the number in epoll_wait() is taken for the same thing.
 *
 * Experiment: 10 descriptors are ready, and epoll_wait() is asked four times with a maxevents of 3.
 * Nothing is read meanwhile.  If the sentence held, the call would fail, or the other 7 would never
 * be reported: "with less, some are missed", as is added.  If maxevents is only the room in the
 * array, later calls report the rest.  This is done by level and by edge, and then a maxevents of
 * 64 is tried.
 *
 * Read on: epoll_wait(2), NOTES ("round robin"); fs/eventpoll.c, ep_send_events(): what had no room
 * goes back to the head of the ready list, what was reported and is level-triggered to its tail.
 */
#include <sys/epoll.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { WATCHED = 10, ROOM = 3, CALLS = 4, PLENTY = 64 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

struct reports {
    const char *calls[CALLS]; /* "0 1 2" */
    const char *order;        /* "0 1 2, 3 4 5" and so on */
    int first, different;
};

static int watch_ready(uint32_t trigger)
{
    int epoll = epoll_instance();
    for (uint32_t i = 0; i < WATCHED; i++) {
        const epoll_data_t number = {.u32 = i};
        epoll_add_data(epoll, ready_counter(), EPOLLIN | trigger, number);
    }
    return epoll;
}

static struct reports ask_often(int epoll)
{
    struct reports reports = {.order = ""};
    bool seen[WATCHED] = {false};
    for (int call = 0; call < CALLS; call++) {
        struct epoll_event events[ROOM];
        int count = epoll_wait(epoll, events, ROOM, call == 0 ? EVENT_MS : 0);
        reports.calls[call] = "";
        for (int i = 0; i < count; i++) {
            uint32_t which = events[i].data.u32;
            reports.calls[call] = text("%s%s%u", reports.calls[call], i ? " " : "", which);
            reports.different += !seen[which];
            seen[which] = true;
        }
        reports.order = text("%s%s%s", reports.order, call ? ", " : "", reports.calls[call]);
        if (call == 0)
            reports.first = count;
    }
    return reports;
}

static struct reports try_trigger(const char *name, uint32_t trigger)
{
    struct reports reports = ask_often(watch_ready(trigger));
    observe_count(text("%s: events of the first call", name), reports.first,
                  weigh(reports.first == -1 || reports.first == WATCHED, reports.first == ROOM),
                  text("with room for %d; -1 would be an error", ROOM));
    observe_count(text("%s: different ones reported", name), reports.different,
                  weigh(reports.different == ROOM, reports.different == WATCHED),
                  text("of %d, in %d calls", WATCHED, CALLS));
    observe_text(text("%s: which were reported", name), reports.order, CONTEXT,
                 "a comma for each call");
    return reports;
}

void try_claim(void)
{
    need_descriptors(3 * (WATCHED + 1) + 50);
    struct reports level = try_trigger("level", 0), edge = try_trigger("edge", EPOLLET);
    struct epoll_event events[PLENTY];
    int more = epoll_wait(watch_ready(0), events, PLENTY, EVENT_MS);
    observe_count(text("events with maxevents %d", PLENTY), more,
                  weigh(more == -1, more == WATCHED),
                  text("room for more than the %d; -1 would be an error", WATCHED));

    const char *const lanes[] = {"by level", "by edge"};
    picture_lanes("Ten ready descriptors, 0 to 9, and room for three: which are reported", 2,
                  lanes);
    for (int call = 0; call < CALLS; call++) {
        picture_column(text("call %d", call + 1));
        picture_cell(0, *level.calls[call] ? CAME : SILENT, "%s", level.calls[call]);
        picture_cell(1, *edge.calls[call] ? CAME : SILENT, "%s", edge.calls[call]);
    }
    conclude("%d calls with room for %d reported %d of %d ready: level %s; edge %s", CALLS, ROOM,
             level.different, WATCHED, level.order, edge.order);
}
