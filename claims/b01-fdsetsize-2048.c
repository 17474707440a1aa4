/*
 * B1 fdsetsize-2048
 *
 * Claim: FD_SETSIZE, the limit of select, is 2048 by default.
 *
 * Believed because: texts give the number in passing, some as "1024 or 2048", and leave out of
 * which system they speak.  The next text copies it, and nobody prints the macro.
 *
 * Experiment: Ask three places: the macro, the size of an fd_set, and the C library itself, which
 * checks the numbers that go into an fd_set (_FORTIFY_SOURCE) against the limit with which it was
 * built.  Child processes put 1, 2, 4, 8 ... into a set until one dies; not every library has such
 * a check.  2048 everywhere would confirm the claim.
 *
 * Read on: select(2), WARNING and BUGS; bits/typesizes.h, __FD_SETSIZE; glibc's debug/fdelt_chk.c.
 */
#include <sys/select.h>

#include "children.h"
#include "claim.h"
#include "setup.h"

enum { SAID = 2048, MOST = 65536, BITS = 8 * sizeof(fd_set) };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

/* MOST: the library refuses none. */
static int first_refused(void)
{
    int number = 1;
    while (number < MOST && in_checked_fd_set(number) == 0)
        number *= 2;
    return number;
}

void try_claim(void)
{
    int macro = FD_SETSIZE, refused = first_refused();
    observe_count("FD_SETSIZE", macro, supports_if(macro == SAID),
                  "the limit with which this program was compiled");
    observe_count("bits of an fd_set", BITS, supports_if(BITS == SAID),
                  "one bit for each descriptor from 0 on");
    observe_count("first power of two that the C library refuses", refused,
                  refused < MOST ? supports_if(refused == SAID) : CONTEXT,
                  text("the limit with which the library was built; %d: it does not check", MOST));
    conclude("FD_SETSIZE is %d, an fd_set has %d bits, and the C library's check refuses %d, "
             "where %d is claimed",
             macro, BITS, refused, SAID);
}
