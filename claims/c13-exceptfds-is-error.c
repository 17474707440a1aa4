/*
 * C13 exceptfds-is-error
 *
 * Claim: select's third set, exceptfds, watches for errors on its descriptors.
 *
 * Believed because: "exception" is many languages' word for an error, and the manual page of select
 * says only "exceptional conditions".
 *
 * Experiment: Two errors, a TCP connection that the peer has reset and a pipe without a reader: is
 * the descriptor in the third set?  Then a connection in perfect order with one byte of urgent data
 * (MSG_OOB).  poll says that the error, or the urgent byte, has come before select is asked.
 *
 * Read on: fs/select.c: POLLEX_SET has EPOLLPRI and not EPOLLERR, which is part of POLLIN_SET and
 * POLLOUT_SET; select(2), "Correspondence between select() and poll() notifications".
 */
#include <err.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

struct seen {
    bool error, readable, writable, third;
    const char *words;
};

/* Waits until poll reports SIGN (or of an error, which need not be asked for), then selects. */
static struct seen select_after(int fd, short sign, const char *name)
{
    struct pollfd asked = {.fd = fd, .events = sign};
    struct timeval at_once = {0};
    fd_set sets[3];
    for (int i = 0; i < 3; i++) {
        FD_ZERO(&sets[i]);
        FD_SET(for_fd_set(fd), &sets[i]);
    }
    if (poll(&asked, 1, EVENT_MS) < 0 || select(fd + 1, &sets[0], &sets[1], &sets[2], &at_once) < 0)
        err(1, "poll or select");
    struct seen seen = {.error = asked.revents & POLLERR,
                        .readable = FD_ISSET(fd, &sets[0]),
                        .writable = FD_ISSET(fd, &sets[1]),
                        .third = FD_ISSET(fd, &sets[2])};
    seen.words = text("readfds %s, writefds %s, exceptfds %s", seen.readable ? "yes" : "no",
                      seen.writable ? "yes" : "no", seen.third ? "yes" : "no");
    picture_column(name);
    picture_cell(0, seen.readable ? CAME : SILENT, seen.readable ? "yes" : "no");
    picture_cell(1, seen.writable ? CAME : SILENT, seen.writable ? "yes" : "no");
    picture_cell(2, seen.third ? CAME : SILENT, seen.third ? "yes" : "no");
    return seen;
}

static enum reading of_error(struct seen seen)
{
    return weigh(seen.error && seen.third,
                 seen.error && !seen.third && (seen.readable || seen.writable));
}

void try_claim(void)
{
    const char *const lanes[] = {"readfds", "writefds", "exceptfds"};
    struct pair ended = open_pair(KIND_TCP), sound = open_pair(KIND_TCP);
    struct pair broken = open_pair(KIND_PIPE);
    picture_lanes("In which sets select returns the descriptor", 3, lanes);
    reset(ended.other);
    struct seen after_reset = select_after(ended.watched, 0, "error: reset");
    close(broken.watched);
    struct seen unread = select_after(broken.other, 0, "error: no reader");
    if (send(sound.other, "!", 1, MSG_OOB) != 1)
        err(1, "send MSG_OOB");
    struct seen urgent = select_after(sound.watched, POLLPRI, "urgent data");

    observe_text("sets after a reset", after_reset.words, of_error(after_reset),
                 "a set for errors would hold a connection that has failed");
    observe_text("sets of a pipe without a reader", unread.words, of_error(unread),
                 "a set for errors would hold a pipe that nobody reads");
    observe_text("sets with urgent data", urgent.words, weigh(false, urgent.third && !urgent.error),
                 "no error has happened here, and a set for errors would not hold it");
    conclude("in exceptfds: a reset connection %s, a pipe without a reader %s, urgent data without "
             "any error %s",
             after_reset.third ? "yes" : "no", unread.third ? "yes" : "no",
             urgent.third ? "yes" : "no");
}
