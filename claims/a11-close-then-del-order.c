/*
 * A11 close-then-del-order
 *
 * Claim: At the end of a connection, close its descriptor, then remove it from the epoll instance
 * with EPOLL_CTL_DEL.
 *
 * Believed because: sample servers do it in this order, and nobody looks at what epoll_ctl()
 * returns.
 *
 * Experiment: A TCP peer closes; the server reads the end and closes its own end.  What does the
 * instance watch now, and what does DEL return?  No error would confirm, EBADF refutes.  Then
 * another connection gets the same number, as it often does (the lowest free one is taken), and is
 * watched before the late DEL runs: whose watch does it remove?
 *
 * Detail: do this instead: DEL, then close; or close alone, if no dup or child has the file open,
 * too.
 *
 * Read on: epoll_ctl(2), EBADF; epoll(7), Questions and answers, on closing; fs/eventpoll.c,
 * do_epoll_ctl(), which needs the descriptor's file to find the watch.
 */
#include <err.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "claim.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static void await_end(int epoll, int fd)
{
    int events = count_events(epoll, EVENT_MS);
    long end = read_bytes(fd, 1);
    if (events != 1 || end != 0)
        errx(1, "the peer's close did not arrive");
}

void try_claim(void)
{
    struct pair gone = open_pair(KIND_TCP), next = open_pair(KIND_SOCKETPAIR);
    int epoll = epoll_instance(), none[1];
    epoll_add(epoll, gone.watched, EPOLLIN);
    close(gone.other);
    await_end(epoll, gone.watched);
    int before = interest_list(epoll, none, 0);
    close(gone.watched);
    int left = interest_list(epoll, none, 0);
    int first = epoll_error(epoll, EPOLL_CTL_DEL, gone.watched, 0);

    if (dup2(next.watched, gone.watched) < 0)
        err(1, "dup2");
    epoll_add(epoll, gone.watched, EPOLLIN);
    int late = epoll_error(epoll, EPOLL_CTL_DEL, gone.watched, 0);
    send_bytes(next.other, 1);
    int events = count_events(epoll, SILENCE_MS);
    bool came = read_bytes(next.watched, 1) == 1;

    observe_count("watched before close", before, CONTEXT, "1: the list can be seen");
    observe_count("still watched after close", left, weigh(left == 1, before == 1 && left == 0),
                  "0: there is nothing left to remove");
    observe_error("DEL after close", first, contradicts_if(first == EBADF),
                  "a number without a file cannot be looked up");
    observe_error("late DEL, number in use again", late, CONTEXT,
                  "the kernel takes the file that the number stands for now");
    observe_count("events for the next connection's data", events,
                  weigh(events == 1, events == 0 && came),
                  "0: the late DEL has removed a connection that is alive");
    conclude(
        "after close() the instance watches %d, and DEL gives %s; with the number in use again "
        "DEL gives %s, and %d events come for the new owner's data",
        left, error_text(first), error_text(late), events);
}
