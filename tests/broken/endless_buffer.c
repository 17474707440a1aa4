/*
 * Broken on purpose: reads on while the echo cannot be sent, and keeps it all.
 *
 * A queue for each connection is the cure for short writes.  But it must push back: who goes on
 * reading from a peer that does not take its echo lets that peer decide how much memory the server
 * uses.  Stop reading until the queue is empty: TCP's window does the rest.
 * Found by: many_never_read.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "../../servers/echo.h"

const char *const mechanism_name = "broken-endless-buffer";
const bool mechanism_is_level_triggered = true;

enum { READ_BYTES = 64 * 1024, DESCRIPTORS = 1024 };

static struct queue {
    char *data;
    size_t bytes, size;
} queues[DESCRIPTORS];

static int epoll_fd;

static void watch(int fd, int operation, const struct queue *queue)
{
    struct epoll_event event = {.events = EPOLLIN,
                                .data.fd = fd}; /* the fault: whatever it holds */
    if (queue->bytes)
        event.events |= EPOLLOUT;
    if (epoll_ctl(epoll_fd, operation, fd, &event) < 0)
        err(1, "epoll_ctl");
}

/* Makes room for one read.  False: no memory. */
static bool queue_grow(struct queue *queue)
{
    if (queue->size - queue->bytes >= READ_BYTES)
        return true;
    size_t size = 2 * queue->size + READ_BYTES;
    char *larger = realloc(queue->data, size);
    if (!larger)
        return false;
    queue->data = larger;
    queue->size = size;
    return true;
}

/* False: over. */
static bool move_bytes(struct queue *queue, int fd)
{
    if (!queue_grow(queue))
        return false;
    ssize_t n = recv(fd, queue->data + queue->bytes, READ_BYTES, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        return false;
    queue->bytes += n > 0 ? (size_t)n : 0;
    n = send(fd, queue->data, queue->bytes, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN;
    queue->bytes -= (size_t)n;
    memmove(queue->data, queue->data + n, queue->bytes);
    return true;
}

static void serve_one(int fd)
{
    struct queue *queue = &queues[fd];
    if (move_bytes(queue, fd)) {
        watch(fd, EPOLL_CTL_MOD, queue);
        return;
    }
    free(queue->data);
    *queue = (struct queue){0};
    connection_close(fd);
}

void serve(int listener, enum drain rule)
{
    (void)rule;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, EPOLL_CTL_ADD, &queues[0]);
    while (!stop) {
        struct epoll_event event;
        int fd;
        if (epoll_wait(epoll_fd, &event, 1, -1) < 1)
            continue;
        if (event.data.fd != listener)
            serve_one(event.data.fd);
        else if ((fd = connection_accept(listener)) >= DESCRIPTORS)
            connection_refuse(fd, "DESCRIPTORS");
        else if (fd >= 0)
            watch(fd, EPOLL_CTL_ADD, &queues[fd]);
    }
}
