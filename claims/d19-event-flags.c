/*
 * D19 event-flags
 *
 * Claim: EPOLLIN also tells that the peer has closed normally; EPOLLPRI is out-of-band data;
 * EPOLLERR and EPOLLHUP, an error and a hang-up, are told even if nobody asks for them.
 *
 * Believed because: every introduction has this list, taken from epoll_ctl(2).
 *
 * Experiment: Each is made to happen on a connection or pipe that is already watched: a close, then
 * a shutdown of one's own side too, urgent data, a reset where no event is asked for, and a pipe
 * whose writer goes.  The claim is wrong for each flag that does not come.
 *
 * Detail: The lists leave out EPOLLRDHUP (Linux 2.6.17): the peer will send no more.  On TCP
 * EPOLLHUP is told only when both directions are shut, so it does not mean "the peer has closed".
 *
 * Read on: net/ipv4/tcp.c, tcp_poll(), with its comment on EPOLLHUP; epoll_ctl(2); fs/pipe.c,
 * pipe_poll().
 */
#include <err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

struct watch {
    struct pair pair;
    int epoll;
};

static struct watch watch(enum kind kind, uint32_t events)
{
    struct watch watch = {.pair = open_pair(kind), .epoll = epoll_instance()};
    epoll_add(watch.epoll, watch.pair.watched, events);
    return watch;
}

static void step(const char *what, const char *asked, uint32_t told)
{
    picture_column("");
    picture_cell(0, DONE, "%s", what);
    picture_cell(1, DONE, "%s", asked);
    picture_cell(2, told ? CAME : WRONG, "%s", events_text(told));
}

static uint32_t try_urgent(void)
{
    struct watch watched = watch(KIND_TCP, EPOLLPRI);
    if (send(watched.pair.other, "!", 1, MSG_OOB) < 0)
        err(1, "sending urgent data");
    return next_events(watched.epoll, EVENT_MS);
}

static uint32_t try_reset(void)
{
    struct watch watched = watch(KIND_TCP, 0);
    reset(watched.pair.other);
    return next_events(watched.epoll, EVENT_MS);
}

static uint32_t try_pipe(void)
{
    struct watch watched = watch(KIND_PIPE, EPOLLIN);
    send_bytes(watched.pair.other, 1);
    close(watched.pair.other);
    return next_events(watched.epoll, EVENT_MS);
}

void try_claim(void)
{
    const char *const lanes[] = {"what happens", "asked for", "told"};
    struct watch closed = watch(KIND_TCP, EPOLLIN | EPOLLRDHUP);
    close(closed.pair.other);
    uint32_t half = next_events(closed.epoll, EVENT_MS);
    shutdown(closed.pair.watched, SHUT_WR);
    uint32_t both = next_events(closed.epoll, EVENT_MS);
    long got = read_bytes(closed.pair.watched, 1);
    uint32_t urgent = try_urgent(), aborted = try_reset(), writer_gone = try_pipe();

    observe_events("TCP: the peer closes", half, supports_if(half & EPOLLIN),
                   "IN; RDHUP where it is asked for; no HUP yet");
    observe_count("bytes of the read then", got, supports_if(got == 0), "0 is the end of the file");
    observe_events("TCP: its own side is shut too", both, supports_if(both & EPOLLHUP),
                   "HUP needs both directions");
    observe_events("TCP: urgent data", urgent, supports_if(urgent & EPOLLPRI), "PRI");
    observe_events("TCP: a reset, nothing asked for", aborted,
                   supports_if(aborted & EPOLLERR && aborted & EPOLLHUP), "ERR and HUP unasked");
    observe_events("pipe: a byte, then the writer closes", writer_gone,
                   supports_if(writer_gone & EPOLLIN && writer_gone & EPOLLHUP),
                   "HUP and still IN: read first");

    picture_lanes("What happens, and what epoll tells", 3, lanes);
    step("the peer closes", "IN|RDHUP", half);
    step("own side shut too", "IN|RDHUP", both);
    step("urgent data", "PRI", urgent);
    step("reset", "nothing", aborted);
    step("pipe's writer goes", "IN", writer_gone);
    conclude("the peer's close is %s, both sides shut %s, urgent data %s, a reset unasked %s, a "
             "pipe with data and no writer %s",
             events_text(half), events_text(both), events_text(urgent), events_text(aborted),
             events_text(writer_gone));
}
