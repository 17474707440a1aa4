/*
 * A13 epolllt-constant
 *
 * Claim: create_epoll() makes an instance, and EPOLLLT asks for level triggering.
 *
 * Believed because: there is an EPOLLET, so people expect its counterpart; and the name of the call
 * is written down from memory.
 *
 * Experiment: Ask the preprocessor for EPOLLLT (and for EPOLLET, to see that asking works), and the
 * dynamic linker for create_epoll (and for epoll_create).  Then watch a ready descriptor with no
 * flag but EPOLLIN: if it is reported twice, level triggering needs no flag.
 *
 * Read on: epoll(7) and epoll_create(2): level triggering is the absence of EPOLLET; sys/epoll.h.
 */
#include <dlfcn.h>
#include <sys/epoll.h>

#include "claim.h"
#include "setup.h"

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static bool has_level(void)
{
#ifdef EPOLLLT
    return true;
#else
    return false;
#endif
}

static bool has_edge(void)
{
#ifdef EPOLLET
    return true;
#else
    return false;
#endif
}

static bool has_function(const char *name)
{
    return dlsym(RTLD_DEFAULT, name) != NULL;
}

void try_claim(void)
{
    bool level = has_level(), edge = has_edge();
    bool call = has_function("create_epoll"), real_call = has_function("epoll_create");
    int epoll = epoll_instance();
    epoll_add(epoll, ready_counter(), EPOLLIN);
    int first = count_events(epoll, EVENT_MS), again = count_events(epoll, SILENCE_MS);

    observe_yes_no("EPOLLLT is defined", level, weigh(level, !level && edge),
                   "by sys/epoll.h, as this claim was compiled");
    observe_yes_no("EPOLLET is defined", edge, CONTEXT, "yes: asking works");
    observe_yes_no("there is a create_epoll()", call, weigh(call, !call && real_call),
                   "a function of libc, or of another library of this program");
    observe_yes_no("there is an epoll_create()", real_call, CONTEXT, "yes: asking works");
    observe_count("reported again without a flag", again,
                  weigh(first == 1 && again == 0, first == 1 && again == 1),
                  "1: level triggering is what there is without EPOLLET");
    conclude("EPOLLLT is %s, create_epoll() %s; with EPOLLIN alone a ready descriptor was reported "
             "%d times in 2 waits",
             level ? "defined" : "not defined", call ? "exists" : "does not exist", first + again);
}
