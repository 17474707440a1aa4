/* Blocks, and the interval of a ratio, as in METHOD.md's rows 16 and 18.  Row 17 wants a random
 * order; here it is A B B A, begun by turns, which cancels a steady drift. */
#include "blocks.h"

#include <err.h>
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../loadgen/clock.h"
#include "children.h"

enum {
    BLOCKS_MOST = 20,
    SLICES = 8, /* of each side in a block */
    SLICE_NS = 4000000,
    BLOCK_S = 30 /* longer: it hangs */
};
static const double WAITED_MOST = 0.05; /* of a block's time, for the core that others had */

/* Student's t at 99 %, two-sided, by degrees of freedom from 1 on. */
static const double quantiles[BLOCKS_MOST - 1] = {63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499,
                                                  3.355,  3.250, 3.169, 3.106, 3.055, 3.012, 2.977,
                                                  2.947,  2.921, 2.898, 2.878, 2.861};

static int blocks = 10;

/* What a block's process hands over. */
struct block {
    double ns[2];
    double waited; /* for the core: a part of its time */
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

/* How long we have waited for a core; always 0 where the kernel does not say. */
static double waited_ns(void)
{
    double waited = 0;
    FILE *file = fopen("/proc/self/schedstat", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%*s %lf", &waited) != 1)
        waited = 0;
    fclose(file);
    return waited;
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
    alarm(BLOCK_S);
    pin();
    if (prepare)
        prepare();
    for (int side = 0; side < 2; side++)
        runs[side] = runs_of(&sides[side]);
    double waited = waited_ns();
    uint64_t begin = clock_ns();
    for (int i = 0; i < 2 * SLICES; i++) {
        int side = (((i + 1) / 2) + number) % 2; /* A B B A A B B A; the next block B A A B */
        ns[side] += slice(&sides[side], runs[side]);
    }
    block->waited = (waited_ns() - waited) / (double)(clock_ns() - begin);
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
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        end_with_parent(parent);
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

static struct ratio summarise(const struct block *kept, int count)
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
                          .blocks = count};
}

static struct ratio compare_up_to(double most, void (*prepare)(void), struct side a, struct side b)
{
    struct side sides[2] = {a, b};
    struct block kept[BLOCKS_MOST];
    int disturbed = 0, spoiled = 0;
    for (int i = 0; i < blocks; i++) {
        kept[i] = fresh_block(prepare, sides, i);
        while (kept[i].waited > most && disturbed < blocks) {
            disturbed++;
            kept[i] = fresh_block(prepare, sides, i);
        }
        spoiled += kept[i].waited > most;
    }
    struct ratio ratio = summarise(kept, blocks);
    ratio.disturbed = disturbed;
    ratio.spoiled = spoiled;
    return ratio;
}

struct ratio compare(void (*prepare)(void), struct side a, struct side b)
{
    return compare_up_to(WAITED_MOST, prepare, a, b);
}

struct ratio compare_sleeping(void (*prepare)(void), struct side a, struct side b)
{
    return compare_up_to(INFINITY, prepare, a, b);
}

enum reading above(struct ratio ratio, double threshold)
{
    return weigh(ratio.low > threshold, ratio.high <= threshold);
}

enum reading below(struct ratio ratio, double threshold)
{
    return weigh(ratio.high <= threshold, ratio.low > threshold);
}

const char *ratio_text(struct ratio ratio)
{
    return text("%.3g (%.3g to %.3g)", ratio.middle, ratio.low, ratio.high);
}

void observe_ratio(const char *name, struct ratio ratio, enum reading reading, const char *shows)
{
    const char *again =
        ratio.disturbed ? text("; %d disturbed ones run again", ratio.disturbed) : "";
    const char *spoiled =
        ratio.spoiled ? text("; %d of them disturbed each time, so it is unclear", ratio.spoiled)
                      : "";
    observe_text(name,
                 text("%s; %.4g against %.4g ns, %d blocks%s%s", ratio_text(ratio), ratio.a_ns,
                      ratio.b_ns, ratio.blocks, spoiled, again),
                 ratio.spoiled && reading != CONTEXT ? UNCLEAR : reading, shows);
}
