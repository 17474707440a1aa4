/*
 * Broken on purpose: edge-triggered, stops at a short read, and does not look for EPOLLRDHUP.
 *
 * A read that does not fill the buffer has taken all data, so it seems that the next can wait for
 * the next edge.  But the end of the stream may be queued behind the data: its edge has been, in
 * the same event.  Nobody reads the 0, and the connection stays for ever.  It happens to clients
 * that send and close in one go, when the server was busy meanwhile: rare on a desk, daily under
 * load.  The cure has two steps: ask for EPOLLRDHUP wherever EPOLLIN is asked for, and when it
 * comes read until EAGAIN, as is done here for EPOLLPRI (urgent data, where a read stops as well).
 * Found by: data_and_end.
 */
#include <err.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-short-read";
const bool mechanism_is_level_triggered = false;

static int epoll_fd;

/* The fault: EPOLLRDHUP is missing from both. */
enum { READING = EPOLLIN | EPOLLPRI, NOT_DRAINED = EPOLLPRI };

static void watch(int fd, int operation, uint32_t what)
{
    struct epoll_event event = {.events = what | EPOLLET, .data.fd = fd};
    if (epoll_ctl(epoll_fd, operation, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static void serve_one(int fd, uint32_t events)
{
    enum next next = connection_turn(fd, (events & NOT_DRAINED) ? DRAIN_EAGAIN : DRAIN_SHORT);
    if (next == NEXT_CLOSE) {
        connection_close(fd);
        return;
    }
    struct connection *connection = connection_at(fd);
    bool writing = next == NEXT_WRITE;
    if (writing != connection->writing || next == NEXT_AGAIN)
        watch(fd, EPOLL_CTL_MOD, writing ? EPOLLOUT : READING); /* reports again what is there */
    connection->writing = writing;
}

void serve(int listener, enum drain rule)
{
    (void)rule;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, EPOLL_CTL_ADD, EPOLLIN);
    while (!stop) {
        struct epoll_event event;
        if (epoll_wait(epoll_fd, &event, 1, -1) < 1)
            continue;
        if (event.data.fd != listener) {
            serve_one(event.data.fd, event.events);
            continue;
        }
        for (int fd; (fd = connection_accept(listener)) >= 0;)
            watch(fd, EPOLL_CTL_ADD, READING);
    }
}
