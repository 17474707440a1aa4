/*
 * C4 lt-requeue
 *
 * Claim: When epoll_wait has reported a descriptor, a level-triggered one goes back on the ready
 * list while there is something left; an edge-triggered one does not.
 *
 * Believed because: it is how level triggering is made, and a comment in the kernel says so.
 *
 * Experiment: A descriptor that counts how often the kernel calls its ->poll().  What is on the
 * ready list is asked at the next wait, and nothing else is: so one call shows that it was on the
 * list, none that it was not.  After the first event there are three more waits: before the data is
 * read, after, and once more.  It shows the detail, too: the item is put back at once, and only the
 * next wait finds out that nothing is left.
 *
 * Read on: fs/eventpoll.c, ep_send_events(), the comment "If this file has been added with Level
 * Trigger mode, we need to insert back".
 */
#include <sys/epoll.h>

#include "claim.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

/* Calls of ->poll() in the waits after the first. */
struct calls {
    long long unread, read, once_more;
};

static long long calls_in_wait(int epoll)
{
    polls_counted();
    count_events(epoll, SILENCE_MS);
    return polls_counted();
}

static struct calls try_trigger(const char *name, uint32_t mode)
{
    struct calls calls;
    int fd = open_counted(), epoll = epoll_instance();
    epoll_add(epoll, fd, EPOLLIN | mode);
    send_bytes(fd, 8);
    int first = count_events(epoll, EVENT_MS);
    calls.unread = calls_in_wait(epoll);
    read_bytes(fd, 8);
    calls.read = calls_in_wait(epoll);
    calls.once_more = calls_in_wait(epoll);
    observe_count(text("%s: first events", name), first, needs(first == 1),
                  "it must be reported before it can be put back");
    return calls;
}

void try_claim(void)
{
    need_poll_counter();
    struct calls level = try_trigger("level", 0), edge = try_trigger("edge", EPOLLET);
    observe_count("level: calls, data not read yet", level.unread,
                  weigh(level.unread == 1, level.unread == 0), "1: it was on the list");
    observe_count("level: calls, data read", level.read, weigh(level.read == 1, level.read == 0),
                  "1: it was on the list still, from the wait before");
    observe_count("level: calls, once more", level.once_more,
                  weigh(level.read == 1 && level.once_more == 0, level.once_more > 0),
                  "0: the wait before has taken it off, as nothing was left");
    observe_count("edge: calls, data not read yet", edge.unread, supports_if(edge.unread == 0),
                  "0: it was not on the list, although there is data");
    observe_count("edge: calls, data read", edge.read, supports_if(edge.read == 0),
                  "0: it was not on the list");
    conclude("in three waits after the event (unread, read, once more) the kernel called ->poll() "
             "%lld, %lld and %lld times by level, %lld, %lld and %lld by edge",
             level.unread, level.read, level.once_more, edge.unread, edge.read, edge.once_more);
}
