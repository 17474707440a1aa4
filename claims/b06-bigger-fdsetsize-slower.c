/*
 * B6 bigger-fdsetsize-slower
 *
 * Claim: A larger FD_SETSIZE makes the program slower.
 *
 * Believed because: select copies and scans the sets, so a larger set seems to cost more each time.
 *
 * Experiment: Bytes are counted, not time.  The kernel's part: a set of which only the bytes that
 * nfds = 101 needs can be accessed, as the page behind them is protected.  If select works there,
 * it has not touched the rest, however large that is; EFAULT would mean that it has.  Many
 * programs pass FD_SETSIZE as nfds, though: nfds = 1024 on the same set must then fail if that
 * makes the kernel read on.  The program's part, FD_ZERO and each copy, is as large as the type: it
 * is counted, and weighs nothing.
 *
 * Read on: fs/select.c, FDS_BYTES() and get_fd_set(); bits/select.h, __FD_ZERO.
 */
#include <errno.h>
#include <string.h>
#include <sys/select.h>

#include "claim.h"
#include "setup.h"

enum { NFDS = 101, NUMBER = 100, WORD = 8 * sizeof(unsigned long) };
enum { NEEDED = (NUMBER / WORD + 1) * sizeof(unsigned long) };

const enum verdict if_contradicted = REFUTED, if_mixed = DEPENDS;

/* How many select found, or minus the errno. */
static int select_there(int nfds, unsigned char *set)
{
    struct timeval now = {0};
    int found = select(nfds, (fd_set *)(void *)set, NULL, NULL, &now);
    return found < 0 ? -errno : found;
}

static const char *outcome(int found)
{
    return found < 0 ? error_text(-found) : text("%d found", found);
}

static int bytes_cleared(void)
{
    fd_set set;
    int count = 0;
    memset(&set, 0x5a, sizeof set);
    FD_ZERO(&set);
    for (size_t i = 0; i < sizeof set; i++)
        count += ((unsigned char *)&set)[i] == 0;
    return count;
}

void try_claim(void)
{
    need_descriptors(FD_SETSIZE);
    int ready = ready_counter(), fd = duplicate_as(ready, NUMBER);
    duplicate_at(ready, FD_SETSIZE - 1); /* makes the table of descriptors so large */
    unsigned char *set = (unsigned char *)before_guard(NEEDED);
    set[fd / 8] = (unsigned char)(1 << fd % 8);
    int found = select_there(NFDS, set), whole = select_there(FD_SETSIZE, set);
    int cleared = bytes_cleared();

    observe_text(text("nfds = %d, only %d bytes accessible", NFDS, (int)NEEDED), outcome(found),
                 weigh(found == -EFAULT, found == 1 && whole == -EFAULT),
                 "found: the kernel reads no more of a set than nfds says");
    observe_text(text("nfds = %d on the same set", FD_SETSIZE), outcome(whole),
                 supports_if(whole == -EFAULT), "EFAULT: with the whole size as nfds it reads on");
    observe_count("bytes that FD_ZERO clears", cleared, CONTEXT,
                  "in each round, or a copy of as many: this grows with the type");
    conclude("of a set with %d accessible bytes: %s with nfds = %d, %s with %d; FD_ZERO clears %d "
             "bytes",
             (int)NEEDED, outcome(found), NFDS, outcome(whole), FD_SETSIZE, cleared);
}
