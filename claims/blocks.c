/* See METHOD.md's rows 16 to 18: blocks, their order, and the interval of a ratio. */
#include "blocks.h"

#include <err.h>
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../loadgen/clock.h"

enum {
    BLOCKS_MOST = 20,
    SLICES = 8, /* of each side in a block */
    SLICE_NS = 4000000,
    BLOCK_S = 30, /* longer: it hangs */
    AGAIN_MOST = 3
};
static const double CORE_SHARE = 0.95; /* of the time must be ours, or others had the core */

/* Student's t at 99 %, two-sided, by degrees of freedom from 1 on. */
static const double quantiles[BLOCKS_MOST - 1] = {63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499,
                                                  3.355,  3.250, 3.169, 3.106, 3.055, 3.012, 2.977,
                                                  2.947,  2.921, 2.898, 2.878, 2.861};

static int blocks = 10;

/* What a block's process hands over. */
struct block {
    double ns[2];
    double share;
};

bool blocks_choose(const char *option)
{
    char *end;
    long chosen = strtol(option, &end, 10);
    if (*end || chosen < 2 || chosen > BLOCKS_MOST)
        return false;
    blocks = (int)chosen;
    return true;
}

static double process_ns(void)
{
    struct timespec self;
    struct rusage children;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    return 1e9 * ((double)self.tv_sec + (double)children.ru_utime.tv_sec +
                  (double)children.ru_stime.tv_sec) +
           (double)self.tv_nsec +
           1e3 * ((double)children.ru_utime.tv_usec + (double)children.ru_stime.tv_usec);
}

static uint64_t slice(const struct side *side, uint32_t runs)
{
    uint64_t begin = clock_ns();
    for (uint32_t i = 0; i < runs; i++)
        side->run();
    return clock_ns() - begin;
}

/* How many runs fill a slice; warms up, too. */
static uint32_t runs_of(const struct side *side)
{
    uint32_t runs = 1;
    uint64_t took;
    while ((took = slice(side, runs)) < SLICE_NS / 4 && runs < 1U << 24)
        runs *= 2;
    double needed = (double)runs * SLICE_NS / (double)(took ? took : 1);
    return needed > 1 ? (uint32_t)needed : 1;
}

/* All processes of a block on the last core that we may use: the first has most interrupts. */
static void pin(void)
{
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
        return;
    size_t core = CPU_SETSIZE - 1;
    while (core > 0 && !CPU_ISSET(core, &allowed))
        core--;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    (void)sched_setaffinity(0, sizeof one, &one); /* unpinned it is noisier, not wrong */
}

static void run_block(void (*prepare)(void), const struct side sides[2], int number,
                      struct block *block)
{
    uint32_t runs[2];
    uint64_t ns[2] = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(BLOCK_S);
    pin();
    if (prepare)
        prepare();
    for (int side = 0; side < 2; side++)
        runs[side] = runs_of(&sides[side]);
    double busy = process_ns();
    uint64_t begin = clock_ns();
    for (int i = 0; i < 2 * SLICES; i++) {
        int side = (((i + 1) / 2) + number) % 2; /* A B B A A B B A; the next block B A A B */
        ns[side] += slice(&sides[side], runs[side]);
    }
    block->share = (process_ns() - busy) / (double)(clock_ns() - begin);
    for (int side = 0; side < 2; side++)
        block->ns[side] = (double)ns[side] / (SLICES * (double)runs[side] * sides[side].operations);
}

static struct block fresh_block(void (*prepare)(void), const struct side sides[2], int number)
{
    struct block *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    if (shared == MAP_FAILED)
        err(1, "mmap");
    pid_t child = fork();
    if (child == 0) {
        run_block(prepare, sides, number, shared);
        _exit(0);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    struct block block = *shared;
    munmap(shared, sizeof *shared);
    if (child < 0 || status != 0 || block.ns[0] <= 0 || block.ns[1] <= 0)
        errx(1, "block %d did not come to its end (wait status %d)", number, status);
    return block;
}

static struct ratio summarise(const struct block *kept, int count, int disturbed)
{
    double sum = 0, squares = 0, a = 0, b = 0;
    if (count < 2)
        errx(1, "an interval needs two blocks");
    for (int i = 0; i < count; i++) {
        sum += log(kept[i].ns[0] / kept[i].ns[1]);
        a += log(kept[i].ns[0]);
        b += log(kept[i].ns[1]);
    }
    double mean = sum / count;
    for (int i = 0; i < count; i++)
        squares += pow(log(kept[i].ns[0] / kept[i].ns[1]) - mean, 2);
    double half = quantiles[count - 2] * sqrt(squares / (count - 1) / count);
    return (struct ratio){.middle = exp(mean),
                          .low = exp(mean - half),
                          .high = exp(mean + half),
                          .a_ns = exp(a / count),
                          .b_ns = exp(b / count),
                          .blocks = count,
                          .disturbed = disturbed};
}

static struct ratio compare_from(void (*prepare)(void), struct side a, struct side b,
                                 double least_share)
{
    struct side sides[2] = {a, b};
    struct block kept[BLOCKS_MOST];
    int disturbed = 0;
    for (int i = 0; i < blocks; i++) {
        kept[i] = fresh_block(prepare, sides, i);
        for (int again = 0; kept[i].share < least_share && again < AGAIN_MOST; again++) {
            disturbed++;
            kept[i] = fresh_block(prepare, sides, i);
        }
    }
    return summarise(kept, blocks, disturbed);
}

struct ratio compare(void (*prepare)(void), struct side a, struct side b)
{
    return compare_from(prepare, a, b, CORE_SHARE);
}

struct ratio compare_sleeping(void (*prepare)(void), struct side a, struct side b)
{
    return compare_from(prepare, a, b, 0);
}

enum reading above(struct ratio ratio, double threshold)
{
    return weigh(ratio.low > threshold, ratio.high <= threshold);
}

enum reading below(struct ratio ratio, double threshold)
{
    return weigh(ratio.high <= threshold, ratio.low > threshold);
}

enum reading within(struct ratio ratio, double least, double most)
{
    return weigh(ratio.low >= least && ratio.high <= most, ratio.high < least || ratio.low > most);
}

const char *ratio_text(struct ratio ratio)
{
    return text("%.3g (%.3g to %.3g)", ratio.middle, ratio.low, ratio.high);
}

void observe_ratio(const char *name, struct ratio ratio, enum reading reading, const char *shows)
{
    const char *again =
        ratio.disturbed ? text("; %d disturbed ones run again", ratio.disturbed) : "";
    observe_text(name,
                 text("%s; %.4g against %.4g ns, %d blocks%s", ratio_text(ratio), ratio.a_ns,
                      ratio.b_ns, ratio.blocks, again),
                 reading, shows);
}
