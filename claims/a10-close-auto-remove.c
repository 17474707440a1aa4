/*
 * A10 close-auto-remove
 *
 * Claim: Closing a descriptor removes it from every epoll instance that watches it.
 *
 * Believed because: it is what happens nearly always: a connection mostly has one descriptor.
 *
 * Experiment: Two eventfds are watched, and ready.  The first has one descriptor, and closes it: no
 * more events confirm.  The second has a dup() as well (as after a fork, or when a descriptor was
 * sent to another process), and closes the one that was added: events that still come refute.
 * Nobody can remove them then: DEL needs the number and its file, and they no longer go together.
 * Only when the dup is closed, too, is there silence.
 *
 * Read on: epoll(7), Questions and answers, "Will closing a file descriptor cause it to be
 * removed"; fs/file_table.c, __fput(), which runs when the last descriptor of a file is closed, and
 * calls eventpoll_release().
 */
#include <err.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

/* A ready eventfd that a new instance watches, and has reported. */
static int watch_ready(int *epoll)
{
    int fd = ready_counter();
    *epoll = epoll_instance();
    epoll_add(*epoll, fd, EPOLLIN);
    if (count_events(*epoll, EVENT_MS) != 1)
        errx(1, "a ready eventfd was not reported");
    return fd;
}

static void draw(int twin, int events, int removed, int at_end)
{
    const char *const lanes[] = {"process", "instance reports"};
    picture_lanes("A watched file with two descriptors", 2, lanes);
    picture_column("");
    picture_cell(0, DONE, "ADD fd");
    picture_cell(1, CAME, "1 event");
    picture_column("");
    picture_cell(0, DONE, "twin = dup(fd), close(fd)");
    picture_cell(1, events ? WRONG : SILENT, "%d events", events);
    picture_column("");
    picture_cell(0, removed || twin ? WRONG : DONE, "DEL fd: %s, DEL twin: %s", error_text(removed),
                 error_text(twin));
    picture_column("");
    picture_cell(0, DONE, "close(twin)");
    picture_cell(1, at_end ? WRONG : SILENT, "%d events", at_end);
}

void try_claim(void)
{
    int alone, shared, only = watch_ready(&alone), fd = watch_ready(&shared);
    int twin = duplicate_at(fd, 0);
    close(only);
    int after_only = count_events(alone, SILENCE_MS);
    close(fd);
    struct epoll_event event = {0};
    int after_one = epoll_wait(shared, &event, 1, SILENCE_MS);
    int by_number = epoll_error(shared, EPOLL_CTL_DEL, fd, 0);
    int by_twin = epoll_error(shared, EPOLL_CTL_DEL, twin, 0);
    close(twin);
    int after_both = count_events(shared, SILENCE_MS);

    observe_count("events after closing the only descriptor", after_only,
                  supports_if(after_only == 0), "0: it was removed");
    observe_count("events after closing one of two", after_one,
                  weigh(after_one == 0, after_one == 1),
                  "above 0: the file is open, and so the watch lives on");
    observe_yes_no("the events carry the closed descriptor's data",
                   after_one > 0 && event.data.fd == fd, CONTEXT,
                   "if so, a server takes them for events of the number's next owner");
    observe_error("DEL by the closed number", by_number, CONTEXT, "EBADF: no such descriptor");
    observe_error("DEL by the dup", by_twin, CONTEXT, "ENOENT: that number was never added");
    observe_count("events after closing both", after_both, supports_if(after_both == 0),
                  "0: the last one to close removes");
    draw(by_twin, after_one, by_number, after_both);
    conclude("events after close: %d with one descriptor, %d with a dup (DEL by its number: %s, by "
             "the dup's: %s), %d when that is closed",
             after_only, after_one, error_text(by_number), error_text(by_twin), after_both);
}
