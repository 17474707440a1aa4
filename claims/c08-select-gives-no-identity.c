/*
 * C8 select-gives-no-identity
 *
 * Claim: select only says that something is ready, not which; the program must loop over all
 * descriptors, 10,000 of them, to find it.
 *
 * Believed because: its return value is a mere number, and the loop with FD_ISSET is in every
 * example.
 *
 * Experiment: 500 descriptors, and each in turn is the one that is ready.  If select says which,
 * only its bit is left in the set.  The loop with FD_ISSET counts its tests until it finds the bit:
 * more than one for each event is the search that the claim speaks of.  epoll_wait is asked the
 * same: how often is the first entry of its array the right one?
 *
 * Read on: select(2); fs/select.c, do_select(), which fills res_in, res_out and res_ex; poll(2),
 * whose array must be searched in the same way.  10,000 is more than an fd_set holds.
 */
#include <sys/epoll.h>
#include <sys/select.h>

#include "claim.h"
#include "setup.h"

enum { N = 500 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static int fds[N], epoll;
static fd_set all;
static int alone, by_epoll; /* rounds in which just the right one was given */
static long long tests;

static void prepare(void)
{
    need_descriptors(N + 50);
    epoll = epoll_instance();
    for (int i = 0; i < N; i++) {
        fds[i] = for_fd_set(open_pair(KIND_EVENTFD).watched);
        FD_SET(fds[i], &all);
        epoll_add(epoll, fds[i], EPOLLIN);
    }
}

static int bits_in(const fd_set *set)
{
    int bits = 0;
    for (int i = 0; i < N; i++)
        bits += FD_ISSET(fds[i], set) != 0;
    return bits;
}

static void try_round(int ready)
{
    struct timeval timeout = {.tv_sec = EVENT_MS / 1000};
    struct epoll_event event = {.data.fd = -1};
    fd_set set = all;
    send_bytes(ready, 8);
    int count = select(FD_SETSIZE, &set, NULL, NULL, &timeout);
    alone += count == 1 && FD_ISSET(ready, &set) && bits_in(&set) == 1;
    for (int i = 0; i < N; i++) {
        tests++;
        if (FD_ISSET(fds[i], &set))
            break;
    }
    by_epoll += epoll_wait(epoll, &event, 1, EVENT_MS) == 1 && event.data.fd == ready;
    read_bytes(ready, 8);
}

void try_claim(void)
{
    prepare();
    for (int i = 0; i < N; i++)
        try_round(fds[i]);
    double for_each = (double)tests / N;
    observe_count("rounds of 500 in which only the ready bit was left", alone,
                  weigh(alone == 0, alone == N), "all: the set says which");
    observe_amount("tests with FD_ISSET for each event", for_each, "", supports_if(for_each > 1),
                   "more than one: the program must search");
    observe_count("rounds of 500 in which epoll's first entry was it", by_epoll, CONTEXT,
                  "all: nothing to search");
    conclude("in %d of %d rounds select left just the bit of the ready one; to find it took %.1f "
             "tests on average; epoll's first entry was it in %d",
             alone, N, for_each, by_epoll);
}
