/*
 * Broken on purpose: what a connection had is not freed with it.
 *
 * close() gives back the descriptor; the memory behind it is the program's own affair.  Here it is
 * the peer's name, for a log.  A kilobyte is nothing on a desk; at a hundred connections per second
 * it is 8 GiB a day.  No test of bytes or descriptors sees it.
 * Found by: connects_and_resets.
 */
#include <err.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-leaked-state";
const bool mechanism_is_level_triggered = true;

enum { DESCRIPTORS = 4096, NAME_BYTES = 1024 };

static int epoll_fd;
static char *names[DESCRIPTORS];

static void set_interest(int operation, int fd, unsigned int what)
{
    struct epoll_event event = {.events = what, .data.fd = fd};
    if (epoll_ctl(epoll_fd, operation, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static void admit(int fd)
{
    struct sockaddr_storage peer;
    socklen_t bytes = sizeof peer;
    if (fd >= DESCRIPTORS || !(names[fd] = calloc(1, NAME_BYTES))) {
        connection_refuse(fd, "no room for its name");
        return;
    }
    if (getpeername(fd, (struct sockaddr *)&peer, &bytes) == 0)
        getnameinfo((struct sockaddr *)&peer, bytes, names[fd], NAME_BYTES, NULL, 0,
                    NI_NUMERICHOST);
    set_interest(EPOLL_CTL_ADD, fd, EPOLLIN);
}

static void serve_one(int fd, enum drain rule)
{
    enum next next = connection_turn(fd, rule);
    if (next == NEXT_CLOSE)
        connection_close(fd); /* the fault: names[fd] is not freed */
    else
        set_interest(EPOLL_CTL_MOD, fd, next == NEXT_WRITE ? EPOLLOUT : EPOLLIN);
}

void serve(int listener, enum drain rule)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    set_interest(EPOLL_CTL_ADD, listener, EPOLLIN);
    while (!stop) {
        struct epoll_event event;
        int fd;
        if (epoll_wait(epoll_fd, &event, 1, -1) < 1)
            continue;
        if (event.data.fd != listener)
            serve_one(event.data.fd, rule);
        else if ((fd = connection_accept(listener)) >= 0)
            admit(fd);
    }
}
