/*
 * E3 lt-is-faster-poll
 *
 * Claim: Level-triggered epoll is simply a faster poll: the same meaning, and less work when many
 * descriptors are watched.
 *
 * Believed because: epoll(7) says so: "simply a faster poll(2)", usable wherever that is (but see
 * C7 on regular files).
 *
 * Experiment: The meaning: 2 KB come through a pipe, half of them are read, then the rest; poll and
 * epoll must tell the same each time.  The work: each side waits, time-out 0, and looks through
 * what came back, with one of N event counters ready.  A ratio of poll's time to epoll's above 1.05
 * at N = 100 and above 3 at N = 1,000 supports the claim.  The crossover, and the case without idle
 * descriptors (all of 10 ready), are shown, and weigh nothing.
 *
 * Read on: epoll(7); fs/select.c, do_poll(), visits all; fs/eventpoll.c, ep_send_events(), visits
 * what is on the ready list.
 */
#include <poll.h>
#include <sys/epoll.h>

#include "blocks.h"
#include "claim.h"
#include "picture.h"
#include "setup.h"
#include "waits.h"

enum { MOST = 1000 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static int n, active;
static struct crowd crowd;

static void prepare(void)
{
    crowd = open_crowd(KIND_EVENTFD, n, active);
}

static void with_poll(void)
{
    wait_by_poll(&crowd);
}

static void with_epoll(void)
{
    wait_by_epoll(&crowd);
}

static struct ratio try_count(int watched, int ready, double threshold)
{
    n = watched;
    active = ready;
    struct ratio ratio =
        compare(prepare, (struct side){with_poll, 1}, (struct side){with_epoll, 1});
    observe_ratio(text("poll / epoll, %d of %d ready", active, n), ratio,
                  threshold > 0 ? above(ratio, threshold) : CONTEXT,
                  threshold > 0 ? text("above %g: faster", threshold) : "1: as fast");
    picture_bar(CAME, ratio.middle, "%d of %d ready", active, n);
    return ratio;
}

static void try_meaning(void)
{
    static const char *const steps[] = {"2 KB came", "half is read", "all is read"};
    struct pair pair = open_pair(KIND_PIPE);
    struct pollfd one = {.fd = pair.watched, .events = POLLIN};
    int level = epoll_instance();
    epoll_add(level, pair.watched, EPOLLIN);
    send_bytes(pair.other, 2048);
    for (int i = 0; i < 3; i++) {
        int by_poll = poll(&one, 1, 0), by_epoll = count_events(level, 0);
        observe_text(text("%s: ready by poll, by epoll", steps[i]),
                     text("%d, %d", by_poll, by_epoll), supports_if(by_poll == by_epoll),
                     "the same from both: the same meaning");
        read_bytes(pair.watched, 1024);
    }
}

static int crossover(void)
{
    int least = 0;
    for (int watched = 1; watched <= 32; watched *= 2)
        if (try_count(watched, 1, 0).low > 1 && !least)
            least = watched;
    return least;
}

void try_claim(void)
{
    need_descriptors(MOST + 100);
    try_meaning();
    picture_bars("How many times as long poll takes as epoll", "times");
    struct ratio busy = try_count(10, 10, 0);
    int least = crossover();
    struct ratio few = try_count(100, 1, 1.05), many = try_count(MOST, 1, 3);
    observe_count("least N at which epoll is faster", least, CONTEXT,
                  "one ready; of 1, 2, 4 ... 32; the whole interval above 1; 0: at none");
    conclude("poll / epoll: %s with 1 ready of 100, %s of 1,000, and %s with 10 of 10 ready",
             ratio_text(few), ratio_text(many), ratio_text(busy));
}
