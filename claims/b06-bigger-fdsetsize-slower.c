/*
 * B6 bigger-fdsetsize-slower
 *
 * Claim: A larger FD_SETSIZE makes the program slower.
 *
 * Believed because: select copies and scans the sets, so a larger set seems to cost more each time.
 *
 * Experiment: Bytes are counted, not time.  The kernel's part: a set of which only the bytes that
 * nfds = 101 needs can be accessed, as the page behind them is protected.  If select works there,
 * it has not touched the rest, however large that is; EFAULT would mean that it has.  nfds = 1024
 * on the same set is the counter-test.  The program's part: how many bytes FD_ZERO clears, and how
 * many the clearing of a set of 65,536 bits.
 *
 * Read on: fs/select.c, FDS_BYTES() and get_fd_set(); bits/select.h, __FD_ZERO.
 */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>

#include "claim.h"
#include "setup.h"

enum { NFDS = 101, PAGE = 65536 }; /* a page of any architecture, or several */
enum { NUMBER = 100, WORD = 8 * sizeof(unsigned long) };
enum { NEEDED = (NUMBER / WORD + 1) * sizeof(unsigned long) };

struct wide_set {
    unsigned long bits[65536 / WORD];
};

const enum verdict if_contradicted = REFUTED, if_mixed = DEPENDS;

/* Two pages, and only the first can be accessed. */
static unsigned char *half_protected(void)
{
    unsigned char *memory =
        mmap(NULL, 2UL * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + PAGE, PAGE, PROT_NONE) < 0)
        err(1, "mmap");
    return memory;
}

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

static int zeros(const unsigned char *memory)
{
    int count = 0;
    for (int i = 0; i < PAGE; i++)
        count += memory[i] == 0;
    return count;
}

void try_claim(void)
{
    need_descriptors(FD_SETSIZE);
    struct pair pair = open_pair(KIND_EVENTFD);
    int fd = duplicate_at(pair.watched, NUMBER);
    duplicate_at(pair.watched, FD_SETSIZE - 1); /* makes the table of descriptors so large */
    send_bytes(pair.other, 8);
    unsigned char *memory = half_protected(), *set = memory + PAGE - NEEDED;
    set[fd / 8] = (unsigned char)(1 << fd % 8);
    int found = select_there(NFDS, set), whole = select_there(FD_SETSIZE, set);
    memset(memory, 0x5a, PAGE);
    FD_ZERO((fd_set *)(void *)memory);
    int cleared = zeros(memory);
    *(struct wide_set *)(void *)memory = (struct wide_set){0};
    int cleared_wide = zeros(memory);

    observe_text(text("nfds = %d, only %d bytes accessible", NFDS, (int)NEEDED), outcome(found),
                 weigh(found == -EFAULT, found == 1 && whole == -EFAULT),
                 "found: the kernel reads no more of a set than nfds says");
    observe_text(text("nfds = %d on the same set", FD_SETSIZE), outcome(whole),
                 supports_if(whole == -EFAULT), "EFAULT: with the whole size as nfds it reads on");
    observe_count("bytes that clearing an fd_set touches", cleared, CONTEXT,
                  "each round, and so does a copy");
    observe_count("bytes that clearing 65,536 bits touches", cleared_wide,
                  supports_if(cleared_wide > cleared),
                  "the program's own part grows with the type");
    conclude(
        "of a set with %d accessible bytes: %s with nfds = %d, %s with %d; clearing touches %d "
        "bytes of an fd_set, %d of a set of 65,536 bits",
        (int)NEEDED, outcome(found), NFDS, outcome(whole), FD_SETSIZE, cleared, cleared_wide);
}
