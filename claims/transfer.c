/* Bytes in and out of a descriptor. */
#include "transfer.h"

#include <err.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "setup.h"

enum { CHUNK = 4096 };

void send_bytes(int fd, size_t bytes)
{
    /* An eventfd takes numbers: eight bytes, not all of them 0xff. */
    char *data = malloc(bytes);
    if (!data)
        err(1, "no memory for %zu bytes", bytes);
    memset(data, 1, bytes);
    ssize_t sent = write(fd, data, bytes);
    free(data);
    if (sent != (ssize_t)bytes)
        err(1, "only %zd of %zu bytes could be sent", sent, bytes);
}

void await_delivery(int fd)
{
    int unacknowledged = 0;
    double until = now_ms() + EVENT_MS;
    do {
        poll(NULL, 0, 1); /* first: the wake-up may follow the acknowledgement by an instant */
        if (ioctl(fd, SIOCOUTQ, &unacknowledged) < 0)
            err(1, "SIOCOUTQ");
    } while (unacknowledged > 0 && now_ms() < until);
    if (unacknowledged > 0)
        errx(1, "%d bytes are not delivered after %d ms", unacknowledged, EVENT_MS);
}

long read_bytes(int fd, size_t most)
{
    char *data = malloc(most);
    if (!data)
        err(1, "no memory for %zu bytes", most);
    ssize_t got = read(fd, data, most);
    long result = got < 0 ? -errno : got;
    free(data);
    return result;
}

size_t fill(int fd)
{
    char chunk[CHUNK] = {0};
    size_t all = 0;
    ssize_t sent;
    while ((sent = write(fd, chunk, sizeof chunk)) > 0)
        all += (size_t)sent;
    while ((sent = write(fd, chunk, 1)) > 0)
        all += (size_t)sent;
    if (errno != EAGAIN)
        err(1, "filling descriptor %d", fd);
    return all;
}

size_t drain(int fd)
{
    char chunk[CHUNK];
    size_t all = 0;
    ssize_t got;
    while ((got = read(fd, chunk, sizeof chunk)) > 0)
        all += (size_t)got;
    if (got < 0 && errno != EAGAIN)
        err(1, "draining descriptor %d", fd);
    return all;
}

size_t fill_up(int epoll, int fd)
{
    size_t all = 0, more;
    while ((more = fill(fd)) > 0) {
        all += more;
        next_events(epoll, SILENCE_MS);
    }
    return all;
}

uint32_t drain_until_told(int from, int epoll)
{
    double end = now_ms() + EVENT_MS;
    uint32_t told;
    do {
        drain(from);
        told = next_events(epoll, 10);
    } while (!told && now_ms() < end);
    return told;
}

void take_bytes(int fd, size_t bytes)
{
    char chunk[CHUNK];
    for (size_t all = 0; all < bytes;) {
        size_t most = bytes - all < sizeof chunk ? bytes - all : sizeof chunk;
        ssize_t got = read(fd, chunk, most);
        struct pollfd asked = {.fd = fd, .events = POLLIN};
        if (got > 0)
            all += (size_t)got;
        else if (got == 0 || errno != EAGAIN || poll(&asked, 1, EVENT_MS) != 1)
            errx(1, "only %zu of %zu bytes came", all, bytes);
    }
}
