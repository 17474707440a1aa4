/*
 * C15 select-portability
 *
 * Claim: select is more portable than poll: some Unix systems lack poll.
 *
 * Believed because: it was so.  select is from 4.2BSD, and poll came to Linux itself only with
 * 2.1.23.
 *
 * Experiment: None: one machine cannot show what others lack.  What settles it is the standard.
 *
 * History: POSIX.1-2001 has both calls.  On Linux before 2.1.23 glibc's poll was made of select.
 * epoll is another matter: it is Linux's alone, and in no standard.
 *
 * Read on: poll(2), VERSIONS and STANDARDS; select(2), STANDARDS; epoll(7), STANDARDS.
 */
#include "claim.h"

const enum verdict if_contradicted = REFUTED, if_mixed = HISTORICAL;

void try_claim(void)
{
    only_documents("HISTORICAL: POSIX.1-2001 and POSIX.1-2008 have poll as well as select; Linux "
                   "lacked poll before 2.1.23, where glibc made it of select (poll(2))");
}
