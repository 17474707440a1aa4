/*
 * B4 select-count-vs-value
 *
 * Claim: select watches at most 1024 descriptors at once.
 *
 * Believed because: FD_SETSIZE is 1024, and its name and most texts speak of how many.
 *
 * Experiment: An fd_set must have 1024 places if the number is right.  If it limits how many, a
 * single descriptor is always welcome, as one is less than 1024.  Move a ready event counter to
 * several numbers, and look for it there, alone, with select, poll and epoll.  The C library's
 * check says in a child process whether the number may go into an fd_set at all; in a bitmap of our
 * own it may.  And 1100 descriptors in such a bitmap: does one select find more than 1024?
 *
 * Read on: select(2), WARNING; sys/select.h, where descriptor N is bit N; glibc's
 * debug/fdelt_chk.c.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

#include "children.h"
#include "claim.h"
#include "picture.h"
#include "setup.h"

static const int numbers[] = {20, 1023, 1024, 5000};

enum { SAID = 1024, MANY = 1100, REFUSED = -1 };
enum { CASES = sizeof numbers / sizeof numbers[0], LANES = 4 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static int by_fd_set(int fd)
{
    fd_set set;
    struct timeval now = {0};
    if (in_checked_fd_set(fd) != 0)
        return REFUSED;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    return select(fd + 1, &set, NULL, NULL, &now) == 1 && FD_ISSET(fd, &set);
}

static int by_bitmap(int fd)
{
    return select_now(&fd, 1, fd + 1) == 1;
}

static int by_poll(int fd)
{
    struct pollfd asked = {.fd = fd, .events = POLLIN};
    return poll(&asked, 1, 0) == 1 && asked.revents == POLLIN;
}

static int by_epoll(int fd)
{
    int epoll = epoll_instance();
    epoll_add(epoll, fd, EPOLLIN);
    int found = count_events(epoll, 0);
    close(epoll);
    return found;
}

/* How many of MANY ready descriptors one select finds. */
static int find_many(int ready)
{
    int fds[MANY];
    for (int i = 0; i < MANY; i++)
        fds[i] = duplicate_at(ready, 0);
    return select_now(fds, MANY, SELECT_BITS);
}

static int found_by[LANES]; /* how many of the cases */

static void try_number(int fd)
{
    static int (*const look[LANES])(int fd) = {by_fd_set, by_bitmap, by_poll, by_epoll};
    picture_column(text("descriptor %d", fd));
    for (int lane = 0; lane < LANES; lane++) {
        int found = look[lane](fd);
        const char *seen = found == REFUSED ? end_text(in_checked_fd_set(fd))
                           : found          ? "ready"
                                            : "nothing";
        picture_cell(lane, found == REFUSED ? WRONG : found ? CAME : SILENT, "%s", seen);
        found_by[lane] += found == 1;
        if (lane == 0)
            observe_text(text("descriptor %d alone, in an fd_set", fd), seen,
                         weigh(found == 1, found == REFUSED),
                         "a limit of how many would let any single one in");
    }
}

void try_claim(void)
{
    static const char *const lanes[LANES] = {"select, fd_set", "select, own bitmap", "poll",
                                             "epoll"};
    const int places = 8 * (int)sizeof(fd_set);
    need_descriptors(numbers[CASES - 1] + 1);
    if (!has_fd_set_check())
        not_applicable("this C library does not check what is put into an fd_set: try it with "
                       "glibc");
    int ready = ready_counter();
    observe_count("places in an fd_set", places, supports_if(places == SAID),
                  "more than these it can never watch");
    picture_lanes("One ready descriptor, watched alone", LANES, lanes);
    for (int i = 0; i < CASES; i++) {
        int fd = duplicate_as(ready, numbers[i]);
        try_number(fd);
        close(fd);
    }
    for (int lane = 1; lane < LANES; lane++)
        observe_count(text("%s: found, of %d", lanes[lane], CASES), found_by[lane], CONTEXT,
                      text("%d: the number does not matter to it", CASES));
    int found = find_many(ready);
    observe_count(text("one select, own bitmap: found, of %d", MANY), found,
                  supports_if(found <= SAID),
                  text("%d: it watches more than %d at once", MANY, SAID));
    conclude("an fd_set has %d places, and %d of %d numbers do not fit into it, even alone; with a "
             "bitmap of our own one select found %d of %d",
             places, CASES - found_by[0], CASES, found, MANY);
}
