/*
 * B5 select-overflow-corrupts
 *
 * Claim: A descriptor of FD_SETSIZE or more with select means a write out of bounds, or a core
 * dump.
 *
 * Believed because: FD_SET turns a number into an address and does not look at it.
 *
 * Experiment: Put descriptor 1024 into an fd_set that lies in a larger piece of memory, and look at
 * the word behind the set.  Fill that word, call select, and look again: the kernel writes its
 * results as far as nfds reaches.  Then the same number with the check that _FORTIFY_SOURCE brings,
 * in a child process; 1023 must get through.  Words that stay as they were, or a quiet refusal,
 * would refute it.
 *
 * Read on: select(2), NOTES: "undefined behavior"; bits/select2.h and debug/fdelt_chk.c of glibc;
 * fs/select.c, set_fd_set().
 */
#undef _FORTIFY_SOURCE /* FD_SET as it is without the check */

#include <signal.h>
#include <sys/select.h>
#include <sys/wait.h>

#include "children.h"
#include "claim.h"
#include "setup.h"

enum { WORD = 8 * sizeof(unsigned long), WORDS = sizeof(fd_set) / sizeof(unsigned long) };

static unsigned long memory[2 * WORDS]; /* a set, and what lies behind it */

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

/* Not for the sanitisers: the write past the set is what is to be seen. */
__attribute__((noinline, no_sanitize("bounds"))) static void put(int fd, fd_set *set)
{
    FD_SET(fd, set);
}

void try_claim(void)
{
    need_descriptors(FD_SETSIZE + 1);
    int fd = duplicate_as(open_pair(KIND_EVENTFD).watched, FD_SETSIZE);
    unsigned long *behind = memory + WORDS;
    struct timeval now = {0};
    put(fd, (fd_set *)memory);
    unsigned long written = *behind;
    *behind = ~0UL << fd % WORD; /* the descriptor's bit, and all above */
    int before = __builtin_popcountl(*behind);
    int result = select(fd + 1, (fd_set *)memory, NULL, NULL, &now);
    int left = __builtin_popcountl(*behind);
    int within = in_checked_fd_set(fd - 1), checked = in_checked_fd_set(fd);
    bool is_aborted = WIFSIGNALED(checked) && WTERMSIG(checked) == SIGABRT;

    observe_text(text("word behind the set, after FD_SET(%d)", fd), text("%#lx", written),
                 supports_if(written != 0), "it was 0, and belongs to somebody else");
    observe_count(text("of %d bits that were 1 there, left by select", before), left,
                  weigh(result == 0 && left < before, result == 0 && left == before),
                  "the kernel writes results as far as nfds reaches");
    observe_text(text("FD_SET(%d) with the check", fd - 1), end_text(within), CONTEXT,
                 "exit 0: the check lets through what fits");
    observe_text(text("FD_SET(%d) with the check", fd), end_text(checked),
                 has_fd_set_check() ? weigh(within == 0 && is_aborted, within == 0 && checked == 0)
                                    : CONTEXT,
                 "SIGABRT ends the program, with a core dump where that is allowed");
    conclude("FD_SET(%d) writes %#lx behind the set, select leaves %d of %d bits there; with the "
             "check the program ends with %s",
             fd, written, left, before, end_text(checked));
}
