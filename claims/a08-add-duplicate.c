/*
 * A8 add-duplicate
 *
 * Claim: epoll_ctl() looks a descriptor up in the tree first: an ADD of one that is there already
 * returns at once, with EEXIST.
 *
 * Believed because: the source reads like that, and epoll_ctl(2) lists EEXIST.
 *
 * Experiment: A socket that can be written, but not read, is watched for reading.  A second ADD
 * asks for writing: EEXIST, and still no event, confirm; an EPOLLOUT event would show that the ADD
 * has changed the watch.  MOD and DEL of a descriptor that was never added must find nothing.
 *
 * Detail: the key of the tree is the file and the descriptor's number.  A dup() of a watched
 * descriptor is another entry, and events then come twice.
 *
 * Read on: epoll(7), Questions and answers, 1 and 2; fs/eventpoll.c, do_epoll_ctl(): ep_find(),
 * then the switch.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "claim.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

void try_claim(void)
{
    struct pair pair = open_pair(KIND_SOCKETPAIR);
    int epoll = epoll_instance(), stranger = open_pair(KIND_EVENTFD).watched;
    epoll_add(epoll, pair.watched, EPOLLIN);
    int again = epoll_error(epoll, EPOLL_CTL_ADD, pair.watched, EPOLLIN | EPOLLOUT);
    int writable = count_events(epoll, SILENCE_MS);
    int modify = epoll_error(epoll, EPOLL_CTL_MOD, stranger, EPOLLIN);
    int remove = epoll_error(epoll, EPOLL_CTL_DEL, stranger, 0);

    int twin = duplicate_at(pair.watched, 0);
    int of_twin = epoll_error(epoll, EPOLL_CTL_ADD, twin, EPOLLIN);
    send_bytes(pair.other, 1);
    int events = count_events(epoll, EVENT_MS);

    observe_error("ADD of a watched descriptor", again, supports_if(again == EEXIST),
                  "EEXIST: it was looked up, and found");
    observe_count("events for writing that the second ADD asked for", writable,
                  supports_if(writable == 0), "0: the watch is as it was before");
    observe_error("MOD of one never added", modify, supports_if(modify == ENOENT),
                  "ENOENT: it was looked up, and not found");
    observe_error("DEL of one never added", remove, supports_if(remove == ENOENT),
                  "the same look-up");
    observe_error("ADD of a dup", of_twin, CONTEXT, "the same file by another number");
    observe_count("events for one byte, with the dup", events, CONTEXT, "one for each entry");
    conclude(
        "a second ADD: %s, and %d events of what it asked for; never added: MOD %s, DEL %s; ADD "
        "of a dup: %s",
        error_text(again), writable, error_text(modify), error_text(remove), error_text(of_twin));
}
