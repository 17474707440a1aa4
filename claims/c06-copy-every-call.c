/*
 * C6 copy-every-call
 *
 * Claim: Each call of select and poll copies the whole list of descriptors to the kernel and back:
 * tens to hundreds of KB with tens of thousands of descriptors.
 *
 * Believed because: it is true of poll, and the sizes are poll's.
 *
 * Experiment: 500 idle descriptors.  The list lies right before a page that must not be read, then
 * before one that must not be written, ever further away from it, until the call does not fail with
 * EFAULT any more.  That distance is what the call reads, or how far it writes, of the list.  If it
 * is not the whole list, the claim is refuted.  How large a list of 10,000 would be follows from
 * it; and whether select can have one at all.
 *
 * Read on: fs/select.c: do_sys_poll(), which reads 8 bytes of each entry and writes 2, ready or
 * not; get_fd_set() and set_fd_set(), a bit for each number up to the highest, in up to three sets.
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>

#include "claim.h"
#include "setup.h"

enum { N = 500, MANY = 10000, STEP = 8 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static struct pollfd asked[N];
static fd_set set;
static int epoll, highest;
static char *guard; /* GUARD bytes, after as many that can be used */

static int with_poll(void *list)
{
    return poll(list, N, 0) < 0 ? errno : 0;
}

static int with_select(void *list)
{
    struct timeval none = {0};
    return select(highest + 1, list, NULL, NULL, &none) < 0 ? errno : 0;
}

static int with_epoll(void *array)
{
    return epoll_wait(epoll, array, N, 0) < 0 ? errno : 0;
}

static void protect(int allowed)
{
    if (mprotect(guard, GUARD, allowed) < 0)
        err(1, "mprotect");
}

/* How many bytes of its list the call needs: with fewer before the guarded page it fails. */
static int reach(int (*call)(void *), const void *list, size_t size, int allowed)
{
    for (int bytes = 0;; bytes += STEP) {
        protect(PROT_READ | PROT_WRITE);
        memcpy(guard - bytes, list, size);
        protect(allowed);
        int error = call(guard - bytes);
        if (error == 0)
            return bytes;
        if (error != EFAULT || bytes + STEP > GUARD)
            errx(1, "a call fails wherever its list is: %s", error_text(error));
    }
}

static void prepare(void)
{
    need_descriptors(N + 50);
    guard = before_guard(GUARD) + GUARD;
    epoll = epoll_instance();
    for (int i = 0; i < N; i++) {
        highest = for_fd_set(open_pair(KIND_EVENTFD).watched);
        asked[i] = (struct pollfd){.fd = highest, .events = POLLIN};
        FD_SET(highest, &set);
        epoll_add(epoll, highest, EPOLLIN);
    }
}

/* WHOLE: the bytes of a list of all descriptors. */
static int observe_list(const char *name, int (*call)(void *), const void *list, size_t size,
                        int whole)
{
    int reads = reach(call, list, size, PROT_NONE), writes = reach(call, list, size, PROT_READ);
    observe_count(text("%s: bytes read", name), reads, supports_if(reads >= whole),
                  text("%d and more: the whole list", whole));
    observe_count(text("%s: bytes to where it writes", name), writes, supports_if(writes >= whole),
                  text("%d and more: for all descriptors, although none is ready", whole));
    return reads;
}

void try_claim(void)
{
    prepare();
    int by_poll = observe_list("poll", with_poll, asked, sizeof asked, (int)sizeof asked);
    int by_select = observe_list("select", with_select, &set, sizeof set, highest / 8 + 1);
    int by_epoll = reach(with_epoll, asked, sizeof asked, PROT_NONE);
    double poll_kb = by_poll / 1e3 / N * MANY, select_kb = 6 * by_select / 1e3 / N * MANY;
    observe_count("epoll_wait: bytes touched", by_epoll, CONTEXT,
                  "it is given no list, and copies only what is ready");
    observe_amount("poll: list of 10,000 at that rate", poll_kb, "KB", supports_if(poll_kb >= 10),
                   "10 and more: tens of KB");
    observe_amount("select: three sets of 10,000, in and out", select_kb, "KB", CONTEXT,
                   "what they would be, a bit for each");
    observe_count("most that an fd_set holds", FD_SETSIZE, supports_if(FD_SETSIZE >= MANY),
                  "with fewer than 10,000 select cannot have such a list");
    conclude("of a list of %d idle descriptors poll copied %d bytes, select %d, epoll_wait %d; "
             "%d would be %g KB for poll, and an fd_set ends at %d",
             N, by_poll, by_select, by_epoll, MANY, poll_kb, FD_SETSIZE);
}
