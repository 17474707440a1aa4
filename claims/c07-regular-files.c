/*
 * C7 regular-files
 *
 * Claim: epoll can watch any descriptor.
 *
 * Believed because: "everything is a file", and select and poll do take any descriptor.
 *
 * Experiment: ADD a regular file and a directory to an instance, and an event counter to see that
 * the instance works.  No error confirms the claim, EPERM refutes it.  Then give the same two to
 * poll and to select.
 *
 * Read on: epoll_ctl(2), EPERM; fs/eventpoll.c, do_epoll_ctl(), file_can_poll(): a file without a
 * ->poll() has no wait queue on which epoll could hang its callback.  poll and select report such a
 * file as ready, always.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>

#include "claim.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static int ready_for_poll(int file, int directory)
{
    struct pollfd asked[] = {{.fd = file, .events = POLLIN}, {.fd = directory, .events = POLLIN}};
    return poll(asked, 2, 0);
}

static int ready_for_select(int file, int directory)
{
    struct timeval none = {0};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(for_fd_set(file), &set);
    FD_SET(for_fd_set(directory), &set);
    return select(FD_SETSIZE, &set, NULL, NULL, &none);
}

void try_claim(void)
{
    int file = memfd_create("a regular file in memory", MFD_CLOEXEC);
    int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0 || directory < 0)
        err(1, "opening a file and a directory");
    int epoll = epoll_instance();
    int of_counter = epoll_error(epoll, EPOLL_CTL_ADD, open_pair(KIND_EVENTFD).watched, EPOLLIN);
    int of_file = epoll_error(epoll, EPOLL_CTL_ADD, file, EPOLLIN);
    int of_directory = epoll_error(epoll, EPOLL_CTL_ADD, directory, EPOLLIN);
    int by_poll = ready_for_poll(file, directory), by_select = ready_for_select(file, directory);

    observe_error("ADD of an event counter", of_counter, CONTEXT, "the instance itself works");
    observe_error("ADD of a regular file", of_file, weigh(of_file == 0, of_file == EPERM),
                  "EPERM: this descriptor does not support epoll");
    observe_error("ADD of a directory", of_directory,
                  weigh(of_directory == 0, of_directory == EPERM),
                  "EPERM: this descriptor does not support epoll");
    observe_count("ready for poll, of the two", by_poll, CONTEXT, "poll takes them");
    observe_count("ready for select, of the two", by_select, CONTEXT, "select takes them");
    conclude("ADD of a regular file: %s, of a directory: %s, of an event counter: %s; of the "
             "first two poll reports %d as ready, select %d",
             error_text(of_file), error_text(of_directory), error_text(of_counter), by_poll,
             by_select);
}
