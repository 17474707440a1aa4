/*
 * D9 et-mod-rearm
 *
 * Claim: With edge triggering EPOLL_CTL_MOD to EPOLLIN (or EPOLLOUT) makes epoll_wait tell again if
 * data (or space) is there, without anything new.
 *
 * Believed because: epoll(7) says it: "Modify will reread available I/O".  Frameworks that change
 * the mask for each direction live on it: it hides that they do not read until EAGAIN.
 *
 * Experiment: A TCP connection with data, and a Unix socket with space.  One event, then silence;
 * then MOD with the same mask: is it told again?  The same once more without data, or without
 * space: then MOD should be silent.  At last MOD from EPOLLIN to EPOLLOUT.
 *
 * Read on: fs/eventpoll.c, ep_modify(), which polls the descriptor and queues it if it is ready;
 * epoll(7), questions and answers.
 */
#include <sys/epoll.h>

#include "claim.h"
#include "setup.h"

enum { CHUNK = 100 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

/* A MOD has decided when it returns: no event is on its way, and SILENCE_MS is long enough. */
static int modify_and_count(int epoll, int fd, uint32_t events)
{
    epoll_modify(epoll, fd, events | EPOLLET);
    return count_events(epoll, SILENCE_MS);
}

/* Events of a ready descriptor after MOD; UNREADY is drain or fill. */
static int try_direction(int edge, int fd, uint32_t events, size_t (*unready)(int))
{
    const char *name = events_text(events);
    epoll_add(edge, fd, events | EPOLLET);
    int first = count_events(edge, EVENT_MS), again = count_events(edge, SILENCE_MS);
    int modified = modify_and_count(edge, fd, events);
    (void)unready(fd);
    int without = modify_and_count(edge, fd, events);

    observe_text(text("%s: event, again", name), text("%d, %d", first, again),
                 needs(first == 1 && again == 0), "1, 0: told once, then silent");
    observe_count(text("%s: after MOD, nothing new", name), modified, supports_if(modified == 1),
                  "1: MOD has looked, and told again");
    observe_count(text("%s: after MOD, no longer ready", name), without, supports_if(without == 0),
                  "0: MOD tells only of what is there");
    return modified;
}

void try_claim(void)
{
    struct pair data = open_pair(KIND_TCP), space = open_pair(KIND_SOCKETPAIR);
    int in = epoll_instance(), out = epoll_instance();
    send_bytes(data.other, CHUNK);
    int told_in = try_direction(in, data.watched, EPOLLIN, drain);
    int told_out = try_direction(out, space.watched, EPOLLOUT, fill);

    epoll_modify(in, data.watched, EPOLLOUT | EPOLLET);
    uint32_t turned = next_events(in, SILENCE_MS);
    observe_events("MOD from IN to OUT", turned, supports_if(turned == EPOLLOUT),
                   "OUT: the other direction is looked at as well");
    conclude(
        "after a MOD with nothing new edge told %d times of data, %d times of space; after a MOD "
        "from IN to OUT: %s",
        told_in, told_out, events_text(turned));
}
