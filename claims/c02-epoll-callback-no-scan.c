/*
 * C2 epoll-callback-no-scan
 *
 * Claim: epoll touches only the descriptors that are active: a callback of each puts it on a list,
 * and epoll_wait does not look at the others.
 *
 * Believed because: it is the reason that every text gives for epoll's speed.
 *
 * Experiment: 500 descriptors of a file system of our own, which counts how often the kernel calls
 * their ->poll().  They are watched by level, then by edge, and one of them becomes ready.  More
 * calls than active descriptors would be a scan, and refute the claim.  poll, asked the same, shows
 * what a scan looks like.
 *
 * Read on: fs/eventpoll.c: ep_insert() asks a descriptor once when it is added, and hangs
 * ep_poll_callback() on its wait queue (ep_ptable_queue_proc()); ep_send_events() asks those on the
 * ready list.
 */
#include <poll.h>
#include <sys/epoll.h>

#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { N = 500 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static struct pollfd asked[N];

static int watch_all(uint32_t events)
{
    int epoll = epoll_instance();
    for (int i = 0; i < N; i++)
        epoll_add(epoll, asked[i].fd, events);
    return epoll;
}

/* What the calls since the last look say, if so many descriptors at most had to do with them. */
static long long observe_calls(const char *name, bool as_planned, int active)
{
    long long calls = polls_counted();
    observe_count(name, calls, weigh(as_planned && calls <= active, as_planned && calls > active),
                  text("more than %d: idle descriptors were touched", active));
    picture_bar(calls ? CAME : SILENT, (double)calls, "%s", name);
    return calls;
}

static long long observe_wait(const char *name, int epoll, int timeout_ms, int reported, int active)
{
    int ready = count_events(epoll, timeout_ms);
    return observe_calls(name, ready == reported, active);
}

void try_claim(void)
{
    need_descriptors(N + 50);
    need_poll_counter();
    for (int i = 0; i < N; i++)
        asked[i] = (struct pollfd){.fd = open_counted(), .events = POLLIN};
    int one = asked[N / 2].fd;
    picture_bars(text("How often ->poll() is called, %d descriptors", N), "calls");

    int level = watch_all(EPOLLIN);
    long long added = polls_counted();
    observe_count(text("calls of %d ADDs", N), added, weigh(added == N, added > N),
                  "each ADD asks once; more: idle descriptors were touched");
    picture_bar(CAME, (double)added, "ADD, %d times", N);
    long long idle = observe_wait("level: idle wait, time-out 0", level, 0, 0, 0);
    observe_wait("level: idle wait that sleeps", level, SILENCE_MS, 0, 0);
    send_bytes(one, 8);
    long long woken = observe_wait("level: one is ready", level, EVENT_MS, 1, 1);
    observe_wait("level: again, not read yet", level, EVENT_MS, 1, 1);
    read_bytes(one, 8);
    observe_wait("level: it has been read", level, SILENCE_MS, 0, 1);
    observe_wait("level: once more", level, 0, 0, 0);
    epoll_modify(level, one, EPOLLIN);
    observe_calls("MOD of one", true, 1);
    int error = epoll_error(level, EPOLL_CTL_DEL, one, 0);
    observe_calls("DEL of one", error == 0, 1);

    int edge = watch_all(EPOLLIN | EPOLLET);
    polls_counted();
    send_bytes(one, 8);
    observe_wait("edge: one is ready", edge, EVENT_MS, 1, 1);
    read_bytes(one, 8);
    observe_wait("edge: it has been read", edge, SILENCE_MS, 0, 0);

    poll(asked, N, 0);
    long long scan = polls_counted();
    observe_count("poll of all, for comparison", scan, needs(scan >= N),
                  "what a scan looks like: fewer would be a counter that does not count");
    picture_bar(DONE, (double)scan, "poll of all, for comparison");
    conclude("of %d descriptors an idle epoll_wait asked %lld, one with an event asked %lld, all "
             "ADDs together %lld; one poll asked %lld",
             N, idle, woken, added, scan);
}
