/*
 * C12 select-sleeps-until-timeout
 *
 * Claim: If nothing is ready, select sleeps until its time-out and then looks at the descriptors
 * once more.
 *
 * Believed because: the kernel's code is a loop of "scan all, sleep, scan again", and the sleep
 * gets the time-out.  What ends it earlier is out of sight, in another function.
 *
 * Experiment: select waits for a pipe, for 10 seconds at most.  Another thread writes after 40 ms.
 * Is select back after 10 seconds, or long before?  There are two witnesses: a clock, and the time
 * left, which Linux writes into the time-out.
 *
 * Read on: fs/select.c: __pollwait() puts the caller on the wait queue of every descriptor,
 * pollwake() is what the write then calls, do_select() scans again.
 */
#include <err.h>
#include <sys/select.h>

#include "children.h"
#include "claim.h"
#include "picture.h"
#include "setup.h"

enum { TIMEOUT_MS = 10000, WRITE_MS = 40 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static struct pair pair;

static void write_one(void)
{
    send_bytes(pair.other, 1);
}

static void draw(double slept_s, int found)
{
    const char *const lanes[] = {"select", "other thread"};
    picture_lanes(text("A select of at most %d ms", TIMEOUT_MS), 2, lanes);
    picture_column("0 ms");
    picture_cell(0, DONE, "scans, sleeps");
    picture_column(text("%d ms", WRITE_MS));
    picture_cell(1, DONE, "writes");
    picture_column(text("%.0f ms", slept_s * 1000));
    picture_cell(0, found ? CAME : SILENT, "returns %d", found);
}

void try_claim(void)
{
    const double timeout_s = TIMEOUT_MS / 1000.;
    struct timeval left = timeval_of_ms(TIMEOUT_MS);
    fd_set set;
    pair = open_pair(KIND_PIPE);
    FD_ZERO(&set);
    FD_SET(for_fd_set(pair.watched), &set);
    later(WRITE_MS, write_one);
    double start = now_ms();
    int found = select(pair.watched + 1, &set, NULL, NULL, &left);
    double slept_s = (now_ms() - start) / 1000;
    if (found < 0)
        err(1, "select");
    double left_s = (double)left.tv_sec + (double)left.tv_usec / 1e6;

    observe_count("descriptors that select found", found, CONTEXT,
                  "1: it returned with the byte that the other thread wrote");
    observe_amount("select slept", slept_s, "s",
                   weigh(slept_s >= timeout_s, found == 1 && slept_s < timeout_s),
                   text("a sleep until the time-out would take %g s", timeout_s));
    observe_amount("time left of the time-out", left_s, "s",
                   weigh(left_s <= 0, found == 1 && left_s > 0),
                   "nothing is left of a time-out that was slept through");
    draw(slept_s, found);
    conclude("select with a time-out of %g s, a write after %d ms: it returned %d after %.3f s, "
             "with %.3f s left",
             timeout_s, WRITE_MS, found, slept_s, left_s);
}
