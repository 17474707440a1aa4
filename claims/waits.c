/* Waits among many descriptors. */
#include "waits.h"

#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static volatile int found; /* so that the look is not optimised away */

static struct pair open_low(enum kind kind)
{
    struct pair pair = open_pair(kind);
    if (pair.other != pair.watched) {
        int moved = duplicate_at(pair.other, FD_SETSIZE);
        close(pair.other);
        pair.other = moved;
    }
    return pair;
}

static void make_ready(struct pair pair)
{
    struct pollfd one = {.fd = pair.watched, .events = POLLIN};
    send_bytes(pair.other, 8);
    if (poll(&one, 1, EVENT_MS) != 1)
        errx(1, "8 bytes did not come");
}

struct crowd open_crowd(enum kind kind, int count, int ready)
{
    struct crowd crowd = {.count = count, .ready = ready, .epoll = epoll_instance()};
    crowd.asked = calloc((size_t)count, sizeof *crowd.asked);
    crowd.told = calloc((size_t)count, sizeof *crowd.told);
    if (!crowd.asked || !crowd.told)
        err(1, "memory for %d descriptors", count);
    for (int i = 0; i < count; i++) {
        struct pair pair = open_low(kind);
        crowd.asked[i] = (struct pollfd){.fd = pair.watched, .events = POLLIN};
        if (pair.watched < FD_SETSIZE)
            FD_SET(pair.watched, &crowd.set);
        if (pair.watched >= crowd.end)
            crowd.end = pair.watched + 1;
        epoll_add(crowd.epoll, pair.watched, EPOLLIN);
        if ((int64_t)i * ready % count < ready) /* evenly spread, the first one included */
            make_ready(pair);
    }
    return crowd;
}

static void check(const char *call, int got, const struct crowd *crowd)
{
    if (got != crowd->ready)
        errx(1, "%s found %d of %d ready ones", call, got, crowd->ready);
}

void wait_by_poll(struct crowd *crowd)
{
    check("poll", poll(crowd->asked, (nfds_t)crowd->count, 0), crowd);
    for (int i = 0; i < crowd->count; i++)
        if (crowd->asked[i].revents)
            found = crowd->asked[i].fd;
}

void wait_by_select(struct crowd *crowd)
{
    fd_set set = crowd->set; /* select writes its answer into what it is asked */
    struct timeval at_once = {0};
    check("select", select(crowd->end, &set, NULL, NULL, &at_once), crowd);
    for (int i = 0; i < crowd->count; i++)
        if (FD_ISSET(crowd->asked[i].fd, &set))
            found = crowd->asked[i].fd;
}

void wait_by_epoll(struct crowd *crowd)
{
    check("epoll", epoll_wait(crowd->epoll, crowd->told, crowd->count, 0), crowd);
    for (int i = 0; i < crowd->ready; i++)
        found = crowd->told[i].data.fd;
}
