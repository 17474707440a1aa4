/*
 * D6 lt-block-ok
 *
 * Claim: Level triggering supports blocking and non-blocking descriptors alike.
 *
 * Believed because: it is what books set against edge triggering, which is said to need
 * non-blocking ones (D5); and with one read at each event it is true.
 *
 * Experiment: On a blocking and on a non-blocking TCP connection, each in a child that an alarm
 * kills: one read at each event, until there are no more events; then one write of 64 MiB at an
 * EPOLLOUT.  A mode is supported if its child ends by itself.  Nobody reads at the other end.
 *
 * Read on: poll(2), POLLOUT: "a write larger than the available space in a socket or pipe will
 * still block"; select(2), BUGS, on descriptors that are readable and then block all the same; D5.
 * A read shared with another thread blocks too: who comes second finds nothing.
 */
#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "children.h"
#include "claim.h"
#include "setup.h"

enum { SENT = 100, ROOM = 64, BLOCK = 64 << 20, BLOCKED_MS = 200 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static struct pair pair;
static int level;
static bool blocking;
static char block[BLOCK];

static void read_at_each_event(void)
{
    long all = 0;
    while (count_events(level, SILENCE_MS) == 1)
        all += read_bytes(pair.watched, ROOM);
    if (all != SENT)
        errx(1, "%ld of %d bytes came", all, SENT);
}

static void write_at_an_event(void)
{
    if (blocking)
        shorten_alarm(BLOCKED_MS);
    if (write(pair.watched, block, BLOCK) < 0)
        err(1, "write");
}

static const char *end_word(int status)
{
    return is_done(status) ? "done" : is_blocked(status) ? "blocked" : "failed";
}

struct ends {
    int reading, writing; /* wait statuses of the children */
};

static struct ends try_mode(const char *name)
{
    struct ends ends;
    pair = open_pair(KIND_TCP);
    if (blocking)
        set_blocking(pair.watched);
    level = epoll_instance();
    epoll_add(level, pair.watched, EPOLLIN);
    send_bytes(pair.other, SENT);
    await_delivery(pair.other);
    ends.reading = in_child(read_at_each_event, EVENT_MS / 1000);
    epoll_modify(level, pair.watched, EPOLLOUT);
    uint32_t told = next_events(level, EVENT_MS);
    ends.writing = in_child(write_at_an_event, EVENT_MS / 1000);

    observe_text(text("%s: one read at each event", name), end_text(ends.reading),
                 weigh(is_done(ends.reading), is_blocked(ends.reading)),
                 "exit 0: all bytes came, and no read blocked");
    observe_events(text("%s: told before the write", name), told, CONTEXT,
                   "OUT: there is some room, not how much");
    observe_text(text("%s: a write of 64 MiB", name), end_text(ends.writing),
                 weigh(is_done(ends.writing), is_blocked(ends.writing)),
                 "exit 0: it took what there was room for; SIGALRM: it blocked");
    return ends;
}

void try_claim(void)
{
    struct ends without = try_mode("non-blocking");
    blocking = true;
    struct ends with = try_mode("blocking");
    conclude(
        "level-triggered and non-blocking: reads %s, a write of 64 MiB %s; and blocking: reads "
        "%s, the write %s",
        end_word(without.reading), end_word(without.writing), end_word(with.reading),
        end_word(with.writing));
}
