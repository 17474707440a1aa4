/*
 * Broken on purpose: the event's ptr and fd are both set.
 *
 * epoll_data is a union: the kernel hands back 64 bits as they were given, and ptr and fd are two
 * names for them.  Who stores the connection's pointer and later asks for the descriptor gets the
 * lower half of the pointer.  recv() says EBADF, close() as well, and the connection, which is
 * still watched and still ready, is reported again and again.
 * Found by: any_client.
 */
#include <err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-union-pointer";
const bool mechanism_is_level_triggered = true;

static int epoll_fd;

static void watch(int fd, void *connection)
{
    struct epoll_event event = {.events = EPOLLIN};
    event.data.fd = fd;
    if (connection)
        event.data.ptr = connection; /* the fault: this overwrites fd */
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static void serve_one(int fd)
{
    static char buffer[64 * 1024];
    ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0 || send(fd, buffer, (size_t)n, MSG_NOSIGNAL) != n)
        close(fd);
}

void serve(int listener, enum drain rule)
{
    (void)rule;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, NULL);
    while (!stop) {
        struct epoll_event event;
        int fd;
        if (epoll_wait(epoll_fd, &event, 1, -1) < 1)
            continue;
        if (event.data.fd != listener)
            serve_one(event.data.fd);
        else if ((fd = connection_accept(listener)) >= 0)
            watch(fd, connection_at(fd));
    }
}
