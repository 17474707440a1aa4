/*
 * Where they stand.  A set is watched by number: the watched ones take places base, base + 1, ...
 * without holes, as low as they go or up to --high.  The other ends of pipes and sockets stand
 * beside them as far as the descriptor limit allows; what does not fit is kept open by another
 * process, and then only some can be made ready.
 */
#include "descriptors.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../loadgen/units.h"
#include "keeper.h"
#include "kinds.h"

/* Below stand standard input and output, the epoll descriptor and what opening takes for a moment;
 * so many are left free above, too. */
enum { LOWEST = 16 };

struct room {
    int base, limit;       /* the watched ones begin here; all are below the limit */
    int writers_from;      /* the other ends stand from here on */
    uint32_t writers_most; /* how many of them fit */
};

static int raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "setrlimit: raising the descriptor limit to the hard one");
    return limit.rlim_cur < INT32_MAX ? (int)limit.rlim_cur : INT32_MAX;
}

static _Noreturn void refuse(const char *what, uint64_t needed, int limit)
{
    char need[GROUPED_BYTES], have[GROUPED_BYTES];
    errx(2, "%s: needs %s descriptors, the limit is %s: run `ulimit -n` with more, or lower it",
         what, group_digits(needed, need), group_digits((uint64_t)limit, have));
}

static struct room find_room(const struct options *o)
{
    struct room r = {.base = LOWEST, .limit = raise_limit()};
    int64_t count = o->descriptors, end = LOWEST + count;
    if (o->highest) {
        r.base = o->highest + 1 - (int)o->descriptors;
        end = (int64_t)o->highest + 1;
    }
    if (r.base < LOWEST)
        errx(2, "--high %d: %u descriptors need numbers up to %d at least", o->highest,
             o->descriptors, LOWEST - 1 + (int)o->descriptors);
    if (end + LOWEST > r.limit)
        refuse(o->highest ? "--high" : "--descriptors", (uint64_t)end + LOWEST, r.limit);
    int64_t above = r.limit - LOWEST - end, below = r.base - LOWEST;
    r.writers_from = above >= below ? (int)end : LOWEST;
    r.writers_most = (uint32_t)(above >= below ? above : below);
    return r;
}

static int place_descriptor(int fd, int number)
{
    if (fcntl(number, F_GETFD) >= 0)
        errx(2, "descriptor %d is taken: start this with fewer open descriptors", number);
    if (dup3(fd, number, O_CLOEXEC) < 0)
        err(1, "descriptor %d", number);
    close(fd);
    return number;
}

/* The other end: beside the watched ones if it will be written to, or else where there is room. */
static int place_writer(int fd, const struct room *r, bool used)
{
    if (!used) {
        keeper_take(fd);
        return -1;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, r->writers_from);
    if (moved < 0)
        err(1, "a descriptor from %d on", r->writers_from);
    close(fd);
    return moved;
}

static void open_one(struct descriptors *d, const struct options *o, const struct room *r,
                     uint32_t place, bool used)
{
    struct pair pair = kind_open(o->kind);
    if (pair.watched < 0)
        err(1, "opening %s number %u of %u", kind_name(o->kind), place + 1, d->count);
    d->watched[place] = place_descriptor(pair.watched, r->base + (int)place);
    d->writers[place] = pair.other < 0 ? d->watched[place] : place_writer(pair.other, r, used);
}

void descriptors_open(struct descriptors *d, struct places *p, const struct options *o)
{
    closefrom(LOWEST); /* what the caller has left open */
    struct room r = find_room(o);
    bool twice = kind_has_two_ends(o->kind);
    bool all = !twice || r.writers_most >= o->descriptors;
    if (!all && (o->writes || o->ready > r.writers_most))
        refuse(o->writes ? "--writes" : "--ready",
               LOWEST + LOWEST + (uint64_t)o->descriptors + (o->writes ? o->descriptors : o->ready),
               r.limit);
    places_choose(p, o, all ? o->descriptors : r.writers_most);
    d->count = o->descriptors;
    d->watched = calloc(d->count, sizeof *d->watched);
    d->writers = calloc(d->count, sizeof *d->writers);
    bool *used = calloc(d->count, sizeof *used);
    if (!d->watched || !d->writers || !used)
        err(1, "no memory for %u descriptors", d->count);
    for (uint32_t i = 0; i < p->count; i++)
        used[p->order[i]] = true;
    if (!all)
        keeper_start();
    kind_begin(o->kind);
    for (uint32_t place = 0; place < d->count; place++)
        open_one(d, o, &r, place, all || used[place]);
    kind_end(o->kind);
    free(used);
}

/* Eight bytes: what an eventfd asks for, and what one read takes from any of them. */
void descriptor_make_ready(const struct descriptors *d, uint32_t place)
{
    static const uint64_t one = 1;
    if (write(d->writers[place], &one, sizeof one) != sizeof one)
        err(1, "making descriptor %d ready", d->watched[place]);
}

void descriptor_drain(const struct descriptors *d, uint32_t place)
{
    uint64_t what;
    if (read(d->watched[place], &what, sizeof what) != sizeof what)
        err(1, "reading descriptor %d, which was said to be ready", d->watched[place]);
}
