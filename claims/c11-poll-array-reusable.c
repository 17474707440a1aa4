/*
 * C11 poll-array-reusable
 *
 * Claim: poll's array is filled once and used again, as what is asked (events) and what is answered
 * (revents) are two fields.  And poll wants no "highest descriptor plus one", as select does.
 *
 * Believed because: it is what poll(2) and select(2) say, and every comparison of the two lists it.
 *
 * Experiment: An array asks for two pipes and is not touched again.  One becomes ready, is drained,
 * and then the other becomes ready.  The second answer must name the other alone, and nothing but
 * revents may have changed.  Then select is given the higher descriptor as it is, and plus one.
 *
 * Read on: poll(2); select(2), nfds; fs/select.c, do_sys_poll(), which writes back every revents
 * and nothing else.
 */
#include <err.h>
#include <poll.h>
#include <sys/select.h>

#include "claim.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

/* One poll of the array as it is: "IN, none" are the answers for its two entries. */
static const char *answers(struct pollfd asked[2])
{
    if (poll(asked, 2, EVENT_MS) < 0)
        err(1, "poll");
    return text("%s, %s", events_text((uint32_t)asked[0].revents),
                events_text((uint32_t)asked[1].revents));
}

static int found_by_select(int fd, int nfds)
{
    struct timeval at_once = {0};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(for_fd_set(fd), &set);
    int found = select(nfds, &set, NULL, NULL, &at_once);
    if (found < 0)
        err(1, "select");
    return found;
}

void try_claim(void)
{
    struct pair one = open_pair(KIND_PIPE), two = open_pair(KIND_PIPE);
    struct pollfd asked[] = {{.fd = one.watched, .events = POLLIN},
                             {.fd = two.watched, .events = POLLIN}};
    send_bytes(one.other, 1);
    const char *first = answers(asked);
    bool only_first = asked[0].revents == POLLIN && asked[1].revents == 0;
    drain(one.watched);
    send_bytes(two.other, 1);
    const char *second = answers(asked);
    bool only_second = asked[0].revents == 0 && asked[1].revents == POLLIN;
    int changed = (asked[0].fd != one.watched) + (asked[1].fd != two.watched) +
                  (asked[0].events != POLLIN) + (asked[1].events != POLLIN);
    int without = found_by_select(two.watched, two.watched);
    int with_one = found_by_select(two.watched, two.watched + 1);

    observe_text("poll, the first pipe is ready", first, needs(only_first),
                 "the answers for the array's two entries");
    observe_text("poll again, only the second is", second, supports_if(only_second),
                 "an old answer that stays, or a question lost, would call for a new array");
    observe_count("other fields that poll changed", changed, supports_if(changed == 0),
                  "select overwrites its question with the answer");
    observe_count("select, nfds = the descriptor", without,
                  weigh(with_one == 1 && without == 0, with_one == 1 && without == 1),
                  "0: the descriptor that is ready is not looked at");
    observe_count("select, nfds = the descriptor + 1", with_one, needs(with_one == 1),
                  "it is ready all the time");
    conclude("one array answers \"%s\", then \"%s\"; of the ready descriptor %d select finds %d "
             "with nfds %d, %d with %d",
             first, second, two.watched, without, two.watched, with_one, two.watched + 1);
}
