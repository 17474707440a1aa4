/* What a run is asked to do. All times in nanoseconds. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "schedule.h"
#include "target.h"

enum placement { PLACE_SPREAD, PLACE_FIRST, PLACE_LAST, PLACE_RANDOM, PLACE_ROTATE };
enum order { ORDER_RANDOM, ORDER_ABBA };
enum spin { SPIN_AUTO, SPIN_YES, SPIN_NO };

struct options {
    struct target targets[TARGETS_MAX];
    uint32_t target_count;
    struct address allowed[TARGETS_MAX]; /* addresses beyond loopback that load may go to */
    uint32_t allowed_count;
    uint32_t connections;
    uint32_t active;
    enum arrival arrival;
    double rate_per_s; /* 0 with closed arrivals: as fast as the echoes come back */
    uint32_t depth;
    uint64_t think_ns;
    uint64_t rtt_ns;           /* a pause like think_ns, on top of it */
    uint64_t network_delay_ns; /* of each echo; made by the network, not by us */
    uint32_t message_bytes;
    uint32_t dribble_bytes; /* 0: whole messages */
    enum placement placement;
    uint32_t churn; /* requests per connection; 0: connections stay */
    uint32_t threads;
    enum spin spin;
    bool pinned;
    cpu_set_t cpus;         /* with pinned: where the generator runs */
    const char *congestion; /* NULL: cubic if the kernel has it */
    uint64_t window_ns;
    uint64_t warmup_ns;
    uint64_t slice_ns;
    enum order order;
    uint64_t seed;
    uint64_t timeout_ns;
    const char *json;
    bool probe; /* only probe these two cores, the server's and the generator's */
    int probe_cores[2];
};

/* Parses and checks everything that can be checked before a connection is made; exits 2 with what
 * to do. Raises the soft descriptor limit to the hard one. */
struct options options_parse(int argc, char **argv);

const char *arrival_name(enum arrival arrival);

#endif
