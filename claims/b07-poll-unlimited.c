/*
 * B7 poll-unlimited
 *
 * Claim: poll has no limit on the number of descriptors.
 *
 * Believed because: its array has the length that the caller gives it, and so it is always set
 * against select's 1024.
 *
 * Experiment: Two parts.  5000 ready descriptors in one call: does poll find them all?  And a child
 * process whose limit of descriptors (RLIMIT_NOFILE) is 16 asks for 16 and for 17 entries, all of
 * them empty (fd = -1): EINVAL for the seventeenth would be a limit.
 *
 * Read on: fs/select.c, do_sys_poll(), its first lines; poll(2), ERRORS, EINVAL.
 */
#include <errno.h>
#include <poll.h>

#include "children.h"
#include "claim.h"
#include "setup.h"

enum { MANY = 5000, LIMIT = 16 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static struct pollfd entries[MANY];
static int asked;

static int poll_error(void)
{
    return poll(entries, (nfds_t)asked, 0) < 0 ? errno : 0;
}

static int error_with_limit(int count)
{
    asked = count;
    for (int i = 0; i < count; i++)
        entries[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    return in_limited_child(LIMIT, poll_error);
}

void try_claim(void)
{
    need_descriptors(MANY + 100);
    int fit = error_with_limit(LIMIT), more = error_with_limit(LIMIT + 1);
    int ready = ready_counter();
    for (int i = 0; i < MANY; i++)
        entries[i] = (struct pollfd){.fd = duplicate_at(ready, 0), .events = POLLIN};
    int found = poll(entries, MANY, 0);

    observe_count(text("found, of %d ready", MANY), found, supports_if(found == MANY),
                  "it goes beyond 1024, and nothing had to be compiled for it");
    observe_error(text("limit %d, %d empty entries", LIMIT, LIMIT), fit, CONTEXT,
                  "so many it takes");
    observe_error(text("limit %d, %d empty entries", LIMIT, LIMIT + 1), more,
                  weigh(fit == 0 && more == 0, fit == 0 && more == EINVAL),
                  "EINVAL: RLIMIT_NOFILE bounds the entries, even those without a descriptor");
    conclude("poll found %d of %d; where a process may have %d descriptors, %d entries give %s and "
             "%d give %s",
             found, MANY, LIMIT, LIMIT, error_text(fit), LIMIT + 1, error_text(more));
}
