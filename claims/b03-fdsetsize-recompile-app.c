/*
 * B3 fdsetsize-recompile-app
 *
 * Claim: To watch more descriptors with select, define FD_SETSIZE larger and compile the server
 * again.
 *
 * Believed because: it is true elsewhere: on Windows, on BSD and on macOS the header takes the
 * program's value.
 *
 * Experiment: This file defines FD_SETSIZE before its first #include.  Has it the value that was
 * asked for once <sys/select.h> was read, and has fd_set so many bits?  And does the C library's
 * check (_FORTIFY_SOURCE), which is not compiled again, let descriptor 1024 in?
 *
 * For comparison the header is read once more after a trick with the C library's own macro, under
 * other names.  The type grows then, but it is documented nowhere, and the check stays as it was.
 *
 * Read on: sys/select.h, which defines FD_SETSIZE whatever it was before; bits/typesizes.h,
 * __FD_SETSIZE; glibc's debug/fdelt_chk.c.
 */
#define FD_SETSIZE 4096

#include <sys/select.h>

enum { WANTED = 4096, GOT = FD_SETSIZE, BITS = 8 * sizeof(fd_set) };

/* The trick.  NOLINTBEGIN(*-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): on purpose */
#undef _SYS_SELECT_H
#undef __FD_SETSIZE
#define __FD_SETSIZE 65536
#define fd_set       tricked_fd_set
#define select       tricked_select
#define pselect      tricked_pselect
#include <sys/select.h>
#undef fd_set
#undef select
#undef pselect
/* NOLINTEND(*-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

#include "children.h"
#include "claim.h"
#include "setup.h"

enum { TRICKED_BITS = 8 * sizeof(tricked_fd_set), BEYOND = 1024 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

void try_claim(void)
{
    int status = in_checked_fd_set(BEYOND);
    observe_count(text("FD_SETSIZE, defined as %d", WANTED), GOT, supports_if(GOT == WANTED),
                  "what the header has left of it");
    observe_count("bits of an fd_set", BITS, supports_if(BITS == WANTED),
                  "the type would have to grow with it");
    observe_text(text("descriptor %d, with the library's check", BEYOND), end_text(status),
                 has_fd_set_check() ? supports_if(status == 0) : CONTEXT,
                 "the library was not compiled again");
    observe_count("bits after the trick with __FD_SETSIZE", TRICKED_BITS, CONTEXT,
                  "the header uses this macro, of which no document speaks");
    conclude(
        "FD_SETSIZE was defined as %d: it is %d after the header, an fd_set has %d bits, and the "
        "library's check of descriptor %d ends with %s",
        WANTED, GOT, BITS, BEYOND, end_text(status));
}
