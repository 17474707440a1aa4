/*
 * E8 wan-idle
 *
 * Claim: With many idle connections and few active ones, as over a WAN, epoll is far better than
 * poll.
 *
 * Believed because: it is what epoll was made for, and what most benchmarks since 2001 have
 * shown.
 *
 * Experiment: 10 of N event counters are ready (TCP would be dearer to poll: its ->poll() does
 * more).  Each side waits, time-out 0, and looks through what came back for the ready ones.  A
 * ratio of poll's time to epoll's above 3 at N = 1,000 and above 20 at N = 10,000 supports the
 * claim.
 *
 * Read on: Banga and Mogul, USENIX 1998; Gammo, Brecht, Shukla and Pariag, OLS 2004; fs/select.c,
 * do_poll().
 */
#include "blocks.h"
#include "claim.h"
#include "picture.h"
#include "setup.h"
#include "waits.h"

enum { ACTIVE = 10, MOST = 10000 };

const enum verdict if_contradicted = REFUTED, if_mixed = DEPENDS;

static int n;
static struct crowd crowd;

static void prepare(void)
{
    crowd = open_crowd(KIND_EVENTFD, n, ACTIVE);
}

static void with_poll(void)
{
    wait_by_poll(&crowd);
}

static void with_epoll(void)
{
    wait_by_epoll(&crowd);
}

static struct ratio try_count(int connections, double threshold)
{
    n = connections;
    struct ratio ratio =
        compare(prepare, (struct side){with_poll, 1}, (struct side){with_epoll, 1});
    observe_ratio(text("poll / epoll, 10 of %d ready", n), ratio, above(ratio, threshold),
                  text("above %g: far better", threshold));
    picture_bar(CAME, ratio.middle, "poll / epoll, 10 of %d", n);
    return ratio;
}

void try_claim(void)
{
    need_descriptors(MOST + 100);
    picture_bars("How many times as long poll takes", "times");
    struct ratio few = try_count(1000, 3), many = try_count(MOST, 20);
    conclude("with 10 ready poll takes %s times as long as epoll among 1,000 descriptors, %s times "
             "among %d (99 %% intervals)",
             ratio_text(few), ratio_text(many), MOST);
}
