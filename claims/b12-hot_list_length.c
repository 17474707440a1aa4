/*
 * B12 hot_list_length
 *
 * Claim: The pool of packet buffers (skb) is tuned through /proc/sys/net/core/hot_list_length.
 *
 * Believed because: guides to the tuning of servers list it, and lists are copied for decades.
 *
 * Experiment: Is the file there?  A neighbour that is as global must be, or the question is asked
 * in a network namespace that hides such settings.
 *
 * History: It was the length of a list of free packet heads that each processor kept, 128 by
 * default, in Linux 2.4.  "It was just a stop gap solution to get CPU local smp allocation before
 * Linux had cpu local slab caches" (Andi Kleen, linux-kernel, 4 March 2002).  The list has gone,
 * and the setting with it; the name is left in a header.
 *
 * Read on: linux/sysctl.h, NET_CORE_HOT_LIST_LENGTH; net/core/skbuff.c of Linux 2.4, skb_head_pool;
 * Documentation/admin-guide/sysctl/net.rst for the settings of today.
 */
#include <errno.h>
#include <unistd.h>

#include "claim.h"
#include "setup.h"

#define SETTINGS "/proc/sys/net/core/"

const enum verdict if_contradicted = HISTORICAL, if_mixed = PARTLY;

static int access_error(const char *path)
{
    return access(path, F_OK) < 0 ? errno : 0;
}

void try_claim(void)
{
    int error = access_error(SETTINGS "hot_list_length");
    int neighbour = access_error(SETTINGS "netdev_max_backlog");
    if (neighbour)
        not_applicable("the global settings in " SETTINGS
                       " cannot be seen here (%s): run it outside "
                       "of the container or network namespace",
                       error_text(neighbour));
    observe_error("access to netdev_max_backlog", neighbour, CONTEXT,
                  "the settings can be seen here");
    observe_error("access to hot_list_length", error, weigh(error == 0, error == ENOENT),
                  "ENOENT: there is no such setting");
    conclude("access to " SETTINGS "hot_list_length: %s; to its neighbour netdev_max_backlog: %s",
             error_text(error), error_text(neighbour));
}
