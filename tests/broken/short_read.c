/*
 * Broken on purpose: edge-triggered, stops at a short read, and does not ask for EPOLLRDHUP.
 *
 * A read that does not fill the buffer has taken all data, so it seems that the next can wait for
 * the next edge.  But the end of the stream may be queued behind the data: its edge has been, in
 * the same event.  Nobody reads the 0, and the connection stays for ever.  It happens to clients
 * that send and close in one go, when the server was busy meanwhile: rare on a desk, daily under
 * load. Found by: data_and_end.
 */
#include <err.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-short-read";
const bool mechanism_is_level_triggered = false;

static int epoll_fd;

static void watch(int fd, int operation, uint32_t what)
{
    struct epoll_event event = {.events = what | EPOLLET, .data.fd = fd};
    if (epoll_ctl(epoll_fd, operation, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static void serve_one(int fd)
{
    enum next next = connection_turn(fd, DRAIN_SHORT); /* the fault: nothing tells it of the end */
    if (next == NEXT_CLOSE)
        connection_close(fd);
    else if (next != NEXT_READ) /* MOD reports again what is there already */
        watch(fd, EPOLL_CTL_MOD, next == NEXT_WRITE ? EPOLLIN | EPOLLOUT : EPOLLIN);
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
            serve_one(event.data.fd);
            continue;
        }
        for (int fd; (fd = connection_accept(listener)) >= 0;)
            watch(fd, EPOLL_CTL_ADD, EPOLLIN);
    }
}
