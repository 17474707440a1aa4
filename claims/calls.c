/* A server's system calls, each counted where it is made. */
#include "calls.h"

#include <err.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "setup.h"

enum { SERVED = 65536 };

struct server_calls server_calls;
static char served[SERVED];

uint32_t server_wait(int epoll)
{
    struct epoll_event event;
    server_calls.waits++;
    if (epoll_wait(epoll, &event, 1, EVENT_MS) != 1)
        errx(1, "no event came in %d ms", EVENT_MS);
    return event.events;
}

long server_read(int fd, size_t most)
{
    server_calls.reads++;
    ssize_t got = read(fd, served, most < sizeof served ? most : sizeof served);
    return got < 0 ? -errno : got;
}

void server_write(int fd, size_t bytes)
{
    server_calls.writes++;
    if (write(fd, served, bytes) != (ssize_t)bytes)
        err(1, "the answer of %zu bytes did not go out at once", bytes);
}

void server_modify(int epoll, int fd, uint32_t events)
{
    server_calls.changes++;
    epoll_modify(epoll, fd, events);
}

double calls_per_request(void (*request)(void))
{
    enum { REQUESTS = 100 };
    request();
    server_calls = (struct server_calls){0};
    for (int i = 0; i < REQUESTS; i++)
        request();
    return (double)(server_calls.waits + server_calls.reads + server_calls.writes +
                    server_calls.changes) /
           REQUESTS;
}
