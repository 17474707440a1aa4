/*
 * E7 epoll-constant-in-n
 *
 * Claim: epoll does not become slower as the number of watched descriptors grows.
 *
 * Believed because: epoll_wait only handles what is on its ready list.
 *
 * Experiment: One of 100 event counters is ready, and one of 10,000, each set in an instance of its
 * own: the second wait takes at most 1.5 times as long, or the claim is false.  Adding a descriptor
 * costs O(log N), as the instance is a tree: fill an instance with 100 and with 10,000, and close
 * it; the time for a descriptor grows at most threefold, or the claim is false.
 *
 * Read on: fs/eventpoll.c, ep_send_events() and ep_rbtree_insert(); claim E12 for more descriptors,
 * and for what caches do to them.
 */
#include <unistd.h>

#include "blocks.h"
#include "claim.h"
#include "setup.h"
#include "waits.h"

enum { FEW = 100, MANY = 10000 };
static const double WAIT_MOST = 1.5, ADD_MOST = 3;

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static struct crowd few, many;

static void prepare(void)
{
    few = open_crowd(KIND_EVENTFD, FEW, 1);
    many = open_crowd(KIND_EVENTFD, MANY, 1);
}

static void wait_few(void)
{
    wait_by_epoll(&few);
}

static void wait_many(void)
{
    wait_by_epoll(&many);
}

static void add(const struct crowd *crowd)
{
    int epoll = epoll_instance();
    for (int i = 0; i < crowd->count; i++)
        epoll_add(epoll, crowd->asked[i].fd, EPOLLIN);
    close(epoll);
}

static void add_few(void)
{
    add(&few);
}

static void add_many(void)
{
    add(&many);
}

void try_claim(void)
{
    need_descriptors(MANY + FEW + 100);
    struct ratio wait = compare(prepare, (struct side){wait_many, 1}, (struct side){wait_few, 1});
    struct ratio adding =
        compare(prepare, (struct side){add_many, MANY}, (struct side){add_few, FEW});
    observe_ratio("epoll_wait, 10,000 / 100", wait, below(wait, WAIT_MOST),
                  text("at most %g: as good as constant", WAIT_MOST));
    observe_ratio("ADD of a descriptor, 10,000 / 100", adding, below(adding, ADD_MOST),
                  text("with its share of the close; at most %g: a tree, no list", ADD_MOST));
    conclude(
        "with one ready, epoll_wait among 10,000 takes %s times as long as among 100; to add a "
        "descriptor takes %s times as long",
        ratio_text(wait), ratio_text(adding));
}
