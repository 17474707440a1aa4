/*
 * A7 slab-caches
 *
 * Claim: epoll allocates its watches from slab caches of its own, eventpoll_epi and eventpoll_pwq,
 * which are set up at boot.
 *
 * Believed because: the source says so, in eventpoll_init().
 *
 * Experiment: 10 instances watch the same 500 descriptors: 5000 watches.  /proc/slabinfo counts the
 * objects of each cache that are in use.  If eventpoll_epi gains some 5000, the watches are there;
 * if it gains none, they are elsewhere.  What programs that have ended leave behind is freed a
 * moment later, and would hide a gain: so half of the number is enough, and there are up to 20
 * rounds.
 *
 * Detail: it does not say that memory for watches is set aside at boot.  The caches are made then,
 * and grow with each watch.  The kernel may also merge a cache with others of its objects' size, so
 * that it is counted under another name: that is usual with eventpoll_pwq.
 *
 * Read on: fs/eventpoll.c, eventpoll_init(), and ep_insert(), which allocates; slabinfo(5).
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "claim.h"
#include "setup.h"

enum {
    INSTANCES = 10,
    DESCRIPTORS = 500,
    WATCHES = INSTANCES * DESCRIPTORS,
    ROUNDS = 20,
    PAUSE_MS = 10
};

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

struct cache {
    bool found;
    long in_use, bytes; /* objects; of each */
};

static struct cache look_up(const char *wanted)
{
    char line[512], name[64];
    struct cache cache = {.found = false}, one;
    FILE *caches = open_proc("/proc/slabinfo");
    while (fgets(line, sizeof line, caches))
        if (sscanf(line, "%63s %ld %*d %ld", name, &one.in_use, &one.bytes) == 3 &&
            strcmp(name, wanted) == 0)
            cache = (struct cache){true, one.in_use, one.bytes};
    fclose(caches);
    return cache;
}

/* What eventpoll_epi gains by the watches of new instances. */
static long gain_of_round(const int *fds)
{
    int instances[INSTANCES];
    for (int i = 0; i < INSTANCES; i++)
        instances[i] = epoll_instance();
    long before = look_up("eventpoll_epi").in_use;
    for (int i = 0; i < INSTANCES; i++)
        for (int j = 0; j < DESCRIPTORS; j++)
            epoll_add(instances[i], fds[j], EPOLLIN);
    return look_up("eventpoll_epi").in_use - before;
}

static long gain_of_rounds(void)
{
    int fds[DESCRIPTORS];
    for (int j = 0; j < DESCRIPTORS; j++)
        fds[j] = open_pair(KIND_EVENTFD).watched;
    long gained = gain_of_round(fds);
    for (int round = 1; round < ROUNDS && gained <= WATCHES / 2; round++) {
        poll(NULL, 0, PAUSE_MS);
        gained = gain_of_round(fds);
    }
    return gained;
}

void try_claim(void)
{
    struct cache watches = look_up("eventpoll_epi");
    if (!watches.found)
        not_applicable("the kernel counts eventpoll_epi with another cache: boot it with the "
                       "parameter slab_nomerge");
    need_descriptors(ROUNDS * INSTANCES + DESCRIPTORS + 100);
    long gained = gain_of_rounds();
    bool of_its_own = look_up("eventpoll_pwq").found;
    bool named = of_its_own || access("/sys/kernel/slab/eventpoll_pwq", F_OK) == 0;

    observe_count("eventpoll_epi: objects gained", gained, supports_if(gained > WATCHES / 2),
                  text("of %d watches; they are counted by whole slabs", WATCHES));
    observe_yes_no("a cache is named eventpoll_pwq", named, supports_if(named),
                   "in /proc/slabinfo, or in /sys/kernel/slab if it is merged");
    observe_yes_no("eventpoll_pwq is counted by itself", of_its_own, CONTEXT,
                   "otherwise it is merged with another of its size");
    observe_count("eventpoll_epi: bytes of an object", watches.bytes, CONTEXT,
                  "the kernel does not compile if one would need more than 128");
    conclude(
        "eventpoll_epi gained %ld objects of %ld bytes for %d watches (counted by whole slabs); "
        "eventpoll_pwq is %s",
        gained, watches.bytes, WATCHES,
        of_its_own ? "a cache, too"
        : named    ? "merged with another cache"
                   : "not there");
}
