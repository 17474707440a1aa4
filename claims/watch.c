/* epoll and select as the experiments use them. */
#include "watch.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

#include "claim.h"
#include "setup.h"

enum { EVENTS = 64 };

int epoll_instance(void)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        err(1, "epoll_create1");
    return epoll;
}

int epoll_error(int epoll, int what, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    return epoll_ctl(epoll, what, fd, &event) < 0 ? errno : 0;
}

static void epoll_must(int epoll, int what, int fd, uint32_t events)
{
    int error = epoll_error(epoll, what, fd, events);
    if (error)
        errx(1, "epoll_ctl %d of descriptor %d: %s", what, fd, strerror(error));
}

void epoll_add(int epoll, int fd, uint32_t events)
{
    epoll_must(epoll, EPOLL_CTL_ADD, fd, events);
}

void epoll_add_data(int epoll, int fd, uint32_t events, epoll_data_t data)
{
    struct epoll_event event = {.events = events, .data = data};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        err(1, "adding descriptor %d", fd);
}

void epoll_modify(int epoll, int fd, uint32_t events)
{
    epoll_must(epoll, EPOLL_CTL_MOD, fd, events);
}

static int wait_once(int epoll, struct epoll_event *events, int timeout_ms)
{
    int ready;
    do {
        ready = epoll_wait(epoll, events, EVENTS, timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready < 0)
        err(1, "epoll_wait");
    return ready;
}

int count_events(int epoll, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    return wait_once(epoll, events, timeout_ms);
}

uint32_t next_events(int epoll, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    return wait_once(epoll, events, timeout_ms) ? events[0].events : 0;
}

int interest_list(int epoll, int fds[], int most)
{
    char line[256];
    int fd, listed = 0;
    FILE *list = open_proc(text("/proc/self/fdinfo/%d", epoll));
    while (fgets(line, sizeof line, list))
        if (sscanf(line, "tfd: %d", &fd) == 1 && listed++ < most)
            fds[listed - 1] = fd;
    fclose(list);
    return listed;
}

int select_now(const int fds[], int count, int nfds)
{
    enum { WORD = 8 * sizeof(unsigned long) };
    unsigned long set[SELECT_BITS / WORD] = {0};
    struct timeval now = {0};
    int left = 0;
    for (int i = 0; i < count; i++) {
        if (fds[i] >= SELECT_BITS)
            errx(1, "descriptor %d has no place in a set of %d bits", fds[i], SELECT_BITS);
        set[fds[i] / WORD] |= 1UL << fds[i] % WORD;
    }
    int found = select(nfds, (fd_set *)set, NULL, NULL, &now);
    if (found < 0)
        return -errno;
    for (int i = 0; i < count; i++)
        left += (set[fds[i] / WORD] >> fds[i] % WORD & 1) != 0;
    return found == left ? found : 0;
}
