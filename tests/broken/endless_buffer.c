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
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "../../servers/echo.h"
#include "../../servers/ledger.h"

const char *const mechanism_name = "broken-endless-buffer";
const bool mechanism_is_level_triggered = true;

enum { READ_BYTES = 64 * 1024, DESCRIPTORS = 20000 };

static struct queue {
    char *data;
    size_t bytes, size;
    bool ended; /* the peer has sent its last byte */
} queues[DESCRIPTORS];

static int epoll_fd;

static void watch(int fd, int operation, uint32_t what)
{
    struct epoll_event event = {.events = what, .data.fd = fd};
    if (epoll_ctl(epoll_fd, operation, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static uint32_t interest(const struct queue *queue)
{
    uint32_t reading = queue->ended ? 0 : EPOLLIN; /* the fault: with bytes queued, too */
    return reading | (queue->bytes ? EPOLLOUT : 0);
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

static void queue_free(struct queue *queue)
{
    free(queue->data);
    *queue = (struct queue){.ended = queue->ended};
}

/* False: over. */
static bool receive(int fd, struct queue *queue)
{
    if (!queue_grow(queue))
        return false;
    ssize_t n = recv(fd, queue->data + queue->bytes, READ_BYTES, 0);
    if (n < 0)
        return errno == EAGAIN;
    queue->ended = n == 0;
    queue->bytes += (size_t)n;
    ledger->bytes_in += (uint64_t)n;
    return true;
}

/* False: over. */
static bool flush(int fd, struct queue *queue)
{
    ssize_t n = queue->bytes ? send(fd, queue->data, queue->bytes, MSG_NOSIGNAL) : 0;
    if (n < 0)
        return errno == EAGAIN;
    queue->bytes -= (size_t)n;
    if (queue->bytes == 0) {
        queue_free(queue);
        return !queue->ended;
    }
    memmove(queue->data, queue->data + n, queue->bytes);
    return true;
}

static void serve_one(int fd, uint32_t events)
{
    struct queue *queue = &queues[fd];
    if ((!(events & EPOLLIN) || receive(fd, queue)) && flush(fd, queue)) {
        watch(fd, EPOLL_CTL_MOD, interest(queue));
        return;
    }
    queue_free(queue);
    queue->ended = false;
    connection_close(fd);
}

void serve(int listener, enum drain rule)
{
    (void)rule;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, EPOLL_CTL_ADD, EPOLLIN);
    while (!stop) {
        struct epoll_event event;
        int fd;
        if (epoll_wait(epoll_fd, &event, 1, -1) < 1)
            continue;
        if (event.data.fd != listener)
            serve_one(event.data.fd, event.events);
        else if ((fd = connection_accept(listener)) >= DESCRIPTORS)
            connection_refuse(fd, "DESCRIPTORS");
        else if (fd >= 0)
            watch(fd, EPOLL_CTL_ADD, EPOLLIN);
    }
}
