/*
 * A2 create-hash-rbtree
 *
 * Claim: epoll_create() and epoll_create1() are built differently: the first keeps what it watches
 * in a hash table, the second in a red-black tree.
 *
 * Believed because: the first epoll in a kernel (2.5.45, October 2002) did keep its items in a hash
 * table, and epoll_create() is the older of the two names.
 *
 * Experiment: Each of the two calls makes an instance that watches 64 descriptors of one file,
 * added out of order.  /proc/self/fdinfo lists what an instance watches, in its own order.  A tree
 * that compares file and descriptor gives them ascending; a plain list would keep the order of
 * adding, and a hash table would scatter them.  Two structures would give two orders.
 *
 * History: The hash table stayed for two years; the size was its hint.  Since 2.6.8 (August 2004),
 * which ignores the size, there is a tree, and epoll_create1() came with 2.6.27.
 *
 * Read on: fs/eventpoll.c: both system calls end in do_epoll_create(); ep_cmp_ffd() compares,
 * ep_rbtree_insert() puts in.  glibc's epoll_create() calls epoll_create1() itself where a machine
 * has only the new call (aarch64, riscv).
 */
#include <err.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "claim.h"
#include "setup.h"

enum { WATCHED = 64, STRIDE = 37 }; /* no common factor: each is added once */

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static bool is_ascending(const int *fds)
{
    for (int i = 1; i < WATCHED; i++)
        if (fds[i] < fds[i - 1])
            return false;
    return true;
}

static int list_of(int epoll, const int *fds, int *listed)
{
    if (epoll < 0)
        err(1, "making an instance");
    for (int i = 0; i < WATCHED; i++)
        epoll_add(epoll, fds[i * STRIDE % WATCHED], EPOLLIN);
    return interest_list(epoll, listed, WATCHED);
}

void try_claim(void)
{
#ifndef SYS_epoll_create
    not_applicable("this architecture has no epoll_create: the library makes it of epoll_create1");
#endif
    need_descriptors(WATCHED + 50);
    int one = open_pair(KIND_EVENTFD).watched, fds[WATCHED], older[WATCHED], newer[WATCHED];
    for (int i = 0; i < WATCHED; i++)
        fds[i] = duplicate_at(one, 0);
    int listed = list_of(epoll_create(1), fds, older) + list_of(epoll_create1(0), fds, newer);
    bool all = listed == 2 * WATCHED, same = memcmp(older, newer, sizeof older) == 0;
    bool older_ascends = is_ascending(older), newer_ascends = is_ascending(newer);

    observe_count("descriptors listed, both instances", listed, CONTEXT,
                  text("each was given %d, in the order 0, %d, %d ...", WATCHED, STRIDE,
                       2 * STRIDE % WATCHED));
    observe_yes_no("epoll_create1: ascending", newer_ascends, CONTEXT,
                   "yes: the order of a tree that is walked from left to right");
    observe_yes_no("epoll_create: ascending", older_ascends,
                   weigh(all && !older_ascends, all && older_ascends),
                   "a hash table would scatter its descriptors");
    observe_yes_no("both in the same order", same, weigh(all && !same, all && same),
                   "two structures would give two orders");
    conclude("%d descriptors added out of order are listed %s with epoll_create, %s with "
             "epoll_create1; the two lists are %s",
             WATCHED, older_ascends ? "ascending" : "in no order",
             newer_ascends ? "ascending" : "in no order", same ? "the same" : "different");
}
