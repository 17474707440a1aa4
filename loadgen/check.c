#include "check.h"

#include <err.h>
#include <sys/resource.h>

#include "units.h"

enum { OUTSTANDING_MAX = 100000000 };

static bool is_allowed(const struct options *o, const struct address *a)
{
    bool allowed = address_is_loopback(a);
    for (uint32_t i = 0; i < o->allowed_count; i++)
        allowed = allowed || address_equal(a, &o->allowed[i]);
    return allowed;
}

static bool is_targets(const struct options *o, const struct address *a)
{
    bool found = false;
    for (uint32_t i = 0; i < o->target_count; i++)
        found = found || address_equal(a, &o->targets[i].address);
    return found;
}

void check_targets(const struct options *o)
{
    char text[ADDRESS_TEXT_BYTES];
    for (uint32_t i = 0; i < o->target_count; i++)
        if (!is_allowed(o, &o->targets[i].address))
            errx(2,
                 "target %s is not on loopback, and load-testing machines that are not yours is an "
                 "attack. If it is yours, or its owner has agreed: --allow-remote %s",
                 o->targets[i].name, address_text(&o->targets[i].address, text));
    for (uint32_t i = 0; i < o->allowed_count; i++)
        if (!is_targets(o, &o->allowed[i]))
            errx(2, "--allow-remote %s: no target has that address; correct it or leave it out",
                 address_text(&o->allowed[i], text));
}

void check_load(struct options *o)
{
    if (!o->active)
        o->active = o->connections;
    if (o->active > o->connections)
        errx(2, "--active %u is more than --connections %u: lower the one or raise the other",
             o->active, o->connections);
    if (o->arrival == ARRIVAL_CLOSED && o->rate_per_s > 0)
        errx(2,
             "--rate needs --arrival uniform or poisson: closed arrivals go as fast as the echoes "
             "come back (--rate max)");
    if (o->arrival != ARRIVAL_CLOSED && o->rate_per_s == 0)
        errx(2, "--arrival %s needs --rate with requests per second, such as 1k",
             arrival_name(o->arrival));
    if (o->arrival != ARRIVAL_CLOSED && o->think_ns + o->rtt_ns > 0)
        errx(2, "--think and --rtt go with --arrival closed: the others have a clock of their own");
    if (o->dribble_bytes && o->depth > 1)
        errx(2, "--dribble goes with --depth 1: a piece waits for the echo of the one before");
    if (o->churn && o->depth > 1)
        errx(2, "--churn goes with --depth 1: a connection is replaced when its echo is back");
    if ((uint64_t)o->active * o->depth > OUTSTANDING_MAX)
        errx(2, "--active %u with --depth %u are too many requests at once: lower one of them",
             o->active, o->depth);
    if (o->spin == SPIN_YES && o->pinned && (uint32_t)CPU_COUNT(&o->cpus) < o->threads)
        errx(2,
             "--spin with --threads %u needs as many cores in --cpu: polling threads on one core "
             "take it from each other",
             o->threads);
    if (o->threads > o->active)
        errx(2, "--threads %u is more than --active %u: each needs a connection", o->threads,
             o->active);
}

void check_limits(const struct options *o)
{
    enum { OWN_DESCRIPTORS = 50 }; /* pipes, files, one epoll instance for each thread */
    char need[GROUPED_BYTES], have[GROUPED_BYTES];
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "cannot raise the descriptor limit");
    uint64_t descriptors = o->connections + OWN_DESCRIPTORS + o->threads;
    if (descriptors > limit.rlim_cur)
        errx(2,
             "need %s descriptors, the limit is %s: run `ulimit -Hn %llu` as root, or lower "
             "--connections",
             group_digits(descriptors, need), group_digits(limit.rlim_cur, have),
             (unsigned long long)descriptors);
    for (uint32_t i = 0; i < o->target_count; i++) {
        uint64_t ports = target_ports(&o->targets[i]);
        if (o->connections > ports)
            errx(
                2,
                "need %s local ports towards %s, there are %s: widen net.ipv4.ip_local_port_range, "
                "or lower --connections",
                group_digits(o->connections, need), o->targets[i].name, group_digits(ports, have));
    }
}
