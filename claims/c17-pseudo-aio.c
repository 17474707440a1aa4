/*
 * C17 pseudo-aio
 *
 * Claim: epoll is a kind of asynchronous I/O that the kernel drives.
 *
 * Believed because: the kernel does report by itself, and an event-driven program looks like one
 * with asynchronous I/O.
 *
 * Experiment: A buffer is full of 0x5a, and 512 bytes come while the process sleeps in epoll_wait.
 * It must be woken: so far the claim holds.  Asynchronous I/O would also have moved the bytes by
 * then: are they in the buffer, or still in the kernel?  POSIX AIO does the same beside it, to show
 * what completion looks like.
 *
 * Read on: fs/eventpoll.c, ep_poll_callback(), which knows a descriptor and no buffer; epoll(7);
 * aio(7): glibc's AIO is made in user space, by threads; io_uring(7) for a kernel's own.
 */
#include <aio.h>
#include <err.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "children.h"
#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { BYTES = 512, WRITE_MS = 10, OLD = 0x5a };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static struct pair pair;
static unsigned char buffer[BYTES];

static void write_bytes(void)
{
    send_bytes(pair.other, BYTES);
}

static int wait_epoll(int fd)
{
    int epoll = epoll_instance();
    epoll_add(epoll, fd, EPOLLIN);
    return count_events(epoll, EVENT_MS);
}

/* 1: it has completed. */
static int wait_aio(int fd)
{
    static struct aiocb request = {.aio_buf = buffer, .aio_nbytes = BYTES};
    const struct aiocb *const requests[] = {&request};
    struct timespec most = {.tv_sec = EVENT_MS / 1000};
    request.aio_fildes = fd;
    if (aio_read(&request) < 0)
        err(1, "aio_read");
    return aio_suspend(requests, 1, &most) == 0 && aio_error(&request) == 0;
}

static int new_in_buffer(void)
{
    int count = 0;
    for (int i = 0; i < BYTES; i++)
        count += buffer[i] != OLD;
    return count;
}

/* What there is when the wait returns. */
struct seen {
    int events, in_buffer, in_kernel;
};

static struct seen see(int (*wait)(int fd), const char *name)
{
    struct seen seen;
    pair = open_pair(KIND_PIPE);
    set_blocking(pair.watched); /* a non-blocking aio_read would end with EAGAIN */
    memset(buffer, OLD, sizeof buffer);
    later(WRITE_MS, write_bytes);
    seen.events = wait(pair.watched);
    seen.in_buffer = new_in_buffer();
    if (ioctl(pair.watched, FIONREAD, &seen.in_kernel) < 0)
        err(1, "FIONREAD");
    picture_column(name);
    picture_cell(0, seen.in_buffer ? CAME : SILENT, "%d bytes", seen.in_buffer);
    picture_cell(1, seen.in_kernel ? CAME : SILENT, "%d bytes", seen.in_kernel);
    return seen;
}

void try_claim(void)
{
    const char *const lanes[] = {"in the buffer", "in the kernel"};
    picture_lanes("Where 512 bytes are when the wait returns", 2, lanes);
    struct seen aio = see(wait_aio, "AIO: aio_suspend");
    struct seen epoll = see(wait_epoll, "epoll_wait");
    if (epoll.in_kernel > 0 && read(pair.watched, buffer, BYTES) < 0)
        err(1, "read");
    int after_read = new_in_buffer();

    observe_count("AIO: bytes in the buffer", aio.in_buffer,
                  needs(aio.events == 1 && aio.in_buffer == BYTES),
                  "it has completed: the bytes were moved while the process waited");
    observe_count("epoll: events while it slept", epoll.events, supports_if(epoll.events == 1),
                  "1: the kernel reported by itself");
    observe_count("epoll: bytes in the buffer", epoll.in_buffer,
                  weigh(epoll.events == 1 && epoll.in_buffer == BYTES,
                        epoll.events == 1 && epoll.in_buffer == 0 && epoll.in_kernel == BYTES),
                  "asynchronous I/O would have put them there by now");
    observe_count("bytes in it after read()", after_read, CONTEXT, "the process itself moves them");
    conclude("when epoll_wait returns, %d of %d bytes are in the buffer, after read() %d; with AIO "
             "%d when it completes",
             epoll.in_buffer, BYTES, after_read, aio.in_buffer);
}
