/*
 * A15 memory-space-for-time
 *
 * Claim: epoll trades space for time: it keeps what it watches in the kernel's memory, so that a
 * wait need not be given all of it, nor look at all of it.
 *
 * Believed because: it is the plain difference between epoll_ctl() plus epoll_wait(), and poll().
 *
 * Experiment: 800 descriptors are watched, one is ready.  Space: how many does the instance keep
 * between two waits?  None would refute.  Time: the process's own list is made unreadable.  poll()
 * is given it in each call, and must fail; epoll_wait() must not miss it.  And where /dev/fuse can
 * be used, 100 files count how often the kernel asks them if they are ready: 100 times in a poll(),
 * never in an epoll_wait(), if the sentence holds.
 *
 * The price of a watch: 4 % of memory, divided by max_user_watches.  That is an epitem (at most 128
 * bytes) and an eppoll_entry (64) for each wait queue, as this kernel reckons.
 *
 * Read on: epoll(7), /proc interfaces; fs/eventpoll.c, EP_ITEM_COST and eventpoll_init().
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "claim.h"
#include "setup.h"

enum { WATCHED = 800, FILES = 100, LIST_BYTES = WATCHED * sizeof(struct pollfd) };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

/* What the kernel reckons for a watch. */
static double bytes_of_a_watch(void)
{
    struct sysinfo memory;
    long long watches = proc_number("/proc/sys/fs/epoll/max_user_watches");
    if (sysinfo(&memory) < 0)
        err(1, "sysinfo");
    return (double)memory.totalram * memory.mem_unit * 0.04 / (double)(watches > 0 ? watches : 1);
}

/* How often a wait for nothing asks the files: poll(), then epoll_wait(). */
static void count_questions(void)
{
    char why[200];
    struct pollfd list[FILES];
    if (!start_poll_counter(why, sizeof why)) {
        observe_text("files that a wait asks", "not counted", CONTEXT, text("%s", why));
        return;
    }
    int epoll = epoll_instance();
    for (int i = 0; i < FILES; i++) {
        list[i] = (struct pollfd){.fd = open_counted(), .events = POLLIN};
        epoll_add(epoll, list[i].fd, EPOLLIN);
    }
    (void)polls_counted(); /* those of adding */
    int ready = poll(list, FILES, 0);
    long long by_poll = polls_counted();
    ready += count_events(epoll, 0);
    long long by_epoll = polls_counted();
    observe_count("questions of poll() to idle files", by_poll,
                  weigh(!ready && by_poll >= FILES, !ready && by_poll < FILES),
                  text("%d files: each is asked in each call", FILES));
    observe_count("questions of epoll_wait() to idle files", by_epoll,
                  weigh(!ready && by_epoll == 0, !ready && by_epoll >= FILES),
                  text("%d files: 0 is what the space is paid for", FILES));
}

void try_claim(void)
{
    need_descriptors(WATCHED + FILES + 50);
    int epoll = epoll_instance(), none[1];
    struct pollfd *list =
        mmap(NULL, LIST_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (list == MAP_FAILED)
        err(1, "mmap");
    count_questions();
    for (int i = 0; i < WATCHED; i++) {
        list[i] = (struct pollfd){.fd = open_pair(KIND_EVENTFD).watched, .events = POLLIN};
        epoll_add(epoll, list[i].fd, EPOLLIN);
    }
    send_bytes(list[WATCHED / 2].fd, 8);
    if (mprotect(list, LIST_BYTES, PROT_NONE) < 0)
        err(1, "mprotect");
    int kept = interest_list(epoll, none, 0), events = count_events(epoll, EVENT_MS);
    if (kept == 0 && events == 1)
        not_applicable("/proc/self/fdinfo does not list what an instance watches here");
    int error = poll(list, WATCHED, EVENT_MS) < 0 ? errno : 0;
    double bytes = bytes_of_a_watch();

    observe_count("descriptors kept between two waits", kept, weigh(kept == WATCHED, kept == 0),
                  text("of %d that were added: this is the space", WATCHED));
    observe_amount("memory for a watch, as the kernel reckons", bytes, "bytes", CONTEXT,
                   "4 % of memory for max_user_watches of them, unless that was changed");
    observe_count("epoll_wait() with the list unreadable: events", events,
                  weigh(events == 1, events == 0), "1: it needs no list of the process's");
    observe_error("poll() with the list unreadable", error, supports_if(error == EFAULT),
                  text("EFAULT: it reads the %d bytes in each call", LIST_BYTES));
    conclude("epoll keeps %d of %d watches at %.0f bytes; with the process's list unreadable it "
             "reported %d ready, and poll: %s",
             kept, WATCHED, bytes, events, error_text(error));
}
