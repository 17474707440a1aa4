/*
 * E9 poll-faster-than-select-sparse
 *
 * Claim: poll is faster than select for high or sparse descriptors, as select checks every bit up
 * to the highest; poll handles its array more efficiently.
 *
 * Believed because: select is told the highest number, poll only the descriptors it is about.
 *
 * Experiment: A ready descriptor, time-out 0.  Within an fd_set: select takes more than 1.3 times
 * as long for number 1,000 as for a low one, or the claim is wrong there.  Beyond it, with bitmaps
 * of our own: select takes more than twice as long as poll for number 15,000, or it is wrong.
 * Dense: for 1,000 descriptors, 10 of them ready, with the look through what came back, select
 * takes more than 1.1 times as long as poll, or it is wrong.
 *
 * Read on: fs/select.c, do_select(), which skips a word of 64 bits that is 0 in all three sets;
 * core_sys_select(), which copies three sets in and three out, and allocates them where they are
 * larger than SELECT_STACK_ALLOC (from number 320 on); do_sys_poll().
 */
#include <err.h>
#include <poll.h>
#include <sys/select.h>

#include "blocks.h"
#include "claim.h"
#include "picture.h"
#include "setup.h"
#include "waits.h"

enum { LOW = 3, HIGH = 1000, FAR = 15000, DENSE = 1000, ACTIVE = 10 };
enum { WORD = 64, WORDS = FAR / WORD + 2 };
static const double WITHIN = 1.3, BEYOND = 2, IN_DENSE = 1.1;

const enum verdict if_contradicted = REFUTED, if_mixed = DEPENDS;

static int low, high, far; /* one ready event counter by three numbers */
static uint64_t low_set[WORDS], high_set[WORDS], far_set[WORDS];
static struct crowd dense;

static bool is_in(const uint64_t *set, int fd)
{
    return set[fd / WORD] >> (fd % WORD) & 1;
}

static void put_in(uint64_t *set, int fd)
{
    set[fd / WORD] |= (uint64_t)1 << (fd % WORD);
}

/* FD_SET() would not do it: fortified, it aborts beyond FD_SETSIZE. */
static int select_bits(int number, uint64_t *set)
{
    struct timeval at_once = {0};
    return select(number, (fd_set *)(void *)set, NULL, NULL, &at_once);
}

static void prepare(void)
{
    struct pair pair = open_pair(KIND_EVENTFD);
    send_bytes(pair.other, 8);
    low = duplicate_at(pair.watched, LOW);
    high = duplicate_at(pair.watched, HIGH);
    far = duplicate_at(pair.watched, FAR);
}

static void select_one(int fd, uint64_t *set)
{
    put_in(set, fd);
    if (select_bits(fd + 1, set) != 1 || !is_in(set, fd))
        errx(1, "select did not find descriptor %d", fd);
}

static void select_low(void)
{
    select_one(low, low_set);
}

static void select_high(void)
{
    select_one(high, high_set);
}

static void select_far(void)
{
    select_one(far, far_set);
}

static void poll_far(void)
{
    struct pollfd one = {.fd = far, .events = POLLIN};
    if (poll(&one, 1, 0) != 1 || !one.revents)
        errx(1, "poll did not find descriptor %d", far);
}

static void prepare_dense(void)
{
    dense = open_crowd(KIND_EVENTFD, DENSE, ACTIVE);
}

static void select_dense(void)
{
    wait_by_select(&dense);
}

static void poll_dense(void)
{
    wait_by_poll(&dense);
}

static struct ratio try_case(const char *name, struct ratio ratio, double threshold)
{
    observe_ratio(name, ratio, above(ratio, threshold),
                  text("above %g: as the claim says", threshold));
    picture_bar(CAME, ratio.middle, "%s", name);
    return ratio;
}

void try_claim(void)
{
    need_descriptors(FAR + 100);
    for_fd_set(epoll_instance() + DENSE + 1); /* the lowest numbers that are free */
    picture_bars("How many times as long select takes", "times");
    struct side at_low = {select_low, 1}, at_high = {select_high, 1}, at_far = {select_far, 1};
    struct ratio within_set =
        try_case("select of 1,000 / of a low one", compare(prepare, at_high, at_low), WITHIN);
    struct ratio beyond = try_case("select / poll of 15,000",
                                   compare(prepare, at_far, (struct side){poll_far, 1}), BEYOND);
    struct ratio within_dense = try_case(
        "select / poll, dense 1,000",
        compare(prepare_dense, (struct side){select_dense, 1}, (struct side){poll_dense, 1}),
        IN_DENSE);
    conclude(
        "select of 1,000 / of a low one: %s; select / poll of 15,000: %s, of a dense 1,000: %s",
        ratio_text(within_set), ratio_text(beyond), ratio_text(within_dense));
}
