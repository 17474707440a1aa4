/*
 * C16 epoll-since-2.6-centos6
 *
 * Claim: epoll appeared in Linux 2.6; with CentOS one needs CentOS 6 or later.
 *
 * Believed because: 2.6.0 is the first stable release that has it, and CentOS 6 was what many of
 * the texts' authors had before them.
 *
 * Experiment: None: a running kernel does not know when a call came.  The manual page does.
 *
 * History: epoll came with 2.5.45 (epoll(7) says 2.5.44, against which the patch was posted), a
 * development kernel of October 2002, and glibc 2.3.2 has the functions.  CentOS 4, with
 * Linux 2.6.9, already had it.
 *
 * Read on: epoll(7), VERSIONS; epoll_wait(2), VERSIONS, also for the younger epoll_pwait (2.6.19)
 * and epoll_pwait2 (5.11).
 */
#include "claim.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

void try_claim(void)
{
    only_documents("PARTLY: epoll came with Linux 2.5.45 (epoll(7) says 2.5.44), so that 2.6.0 has "
                   "it, and with glibc 2.3.2; but CentOS 4, with Linux 2.6.9, already had it");
}
