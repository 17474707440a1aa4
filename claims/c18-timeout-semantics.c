/*
 * C18 timeout-semantics
 *
 * Claim: With a time-out of 0 epoll_wait returns at once; with -1 it blocks for ever, unless an
 * event comes.
 *
 * Believed because: it is what epoll_wait(2) says.  A widely copied text adds that -1 is "not
 * certain".
 *
 * Experiment: A child asks with 0 where nothing is ready: an alarm kills it if the call does not
 * return.  Then -1 on an instance that watches nothing at all; 30 ms later another thread adds a
 * descriptor that is ready.  A call that ends before that has given up; one that ends with that
 * event has waited for it: nothing else could have ended it.
 * For ever cannot be waited for: that no time-out is armed is for the kernel's code to say.
 *
 * Read on: epoll_wait(2); fs/eventpoll.c, ep_timeout_to_timespec(): negative is no time-out at all;
 * ep_poll().
 */
#include <stdatomic.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "children.h"
#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { ADD_MS = 30 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static int epoll;
static struct pair pair;
static atomic_bool added;

static void ask_idle(void)
{
    _exit(count_events(epoll, 0));
}

static void add_ready(void)
{
    added = true;
    epoll_add(epoll, pair.watched, EPOLLIN);
}

void try_claim(void)
{
    const char *const lanes[] = {"epoll_wait", "other thread"};
    struct pair idle = open_pair(KIND_PIPE);
    epoll = epoll_instance();
    epoll_add(epoll, idle.watched, EPOLLIN);
    int end = in_child(ask_idle, EVENT_MS / 1000);

    pair = open_pair(KIND_PIPE);
    send_bytes(pair.other, 1);
    epoll = epoll_instance();
    later(ADD_MS, add_ready);
    double start = now_ms();
    int events = count_events(epoll, -1);
    double waited_ms = now_ms() - start;
    bool was_added = added;

    observe_text("child that asks with 0, nothing ready", end_text(end), supports_if(end == 0),
                 "exit 0: it returned, without any event");
    observe_count("-1, nothing watched: events", events, supports_if(events == 1),
                  "1: it stayed until there was something; 0: it gave up");
    observe_yes_no("the other thread had added by then", was_added, supports_if(was_added),
                   "a call that ends before that does not wait for ever");
    observe_amount("-1 waited", waited_ms, "ms", CONTEXT, "how long it stayed");

    picture_lanes("A time-out of -1, and nothing to watch", 2, lanes);
    picture_column("0 ms");
    picture_cell(0, DONE, "-1: sleeps");
    picture_column(text("%d ms", ADD_MS));
    picture_cell(1, DONE, "adds a ready descriptor");
    picture_column(text("%.0f ms", waited_ms));
    picture_cell(0, events ? CAME : WRONG, "events: %d", events);
    conclude("time-out 0, nothing ready: the child ended with %s; time-out -1, nothing watched: %d "
             "event after %.0f ms, with the descriptor added: %s",
             end_text(end), events, waited_ms, was_added ? "yes" : "no");
}
