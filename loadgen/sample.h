/* What the slices of one target add up to: the generator's columns of samples.csv. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "turns.h"

/* The numbers that may be missing, in the order of the columns; NaN when not measured. */
#define SAMPLE_FIELDS(X)         \
    X(offered_per_s)             \
    X(window_s)                  \
    X(throughput_per_s)          \
    X(response_p50_us)           \
    X(response_p99_us)           \
    X(response_p999_us)          \
    X(service_p50_us)            \
    X(service_p99_us)            \
    X(service_mean_us)           \
    X(lateness_p99_us)           \
    X(late_percent)              \
    X(outstanding_mean)          \
    X(server_cpu_us_per_request) \
    X(client_cpu_us_per_request) \
    X(total_cpu_us_per_request)  \
    X(server_cpu_percent)        \
    X(client_cpu_percent)        \
    X(machine_cpu_percent)       \
    X(waits_per_request)         \
    X(fds_per_request)           \
    X(events_per_wait)           \
    X(reads_per_request)         \
    X(writes_per_request)        \
    X(eagain_per_request)        \
    X(ctl_per_request)           \
    X(steal_percent)             \
    X(others_percent)            \
    X(generator_share_percent)   \
    X(least_served_percent)      \
    X(core_round_trip_ns)

struct sample {
#define X(name) double name;
    SAMPLE_FIELDS(X)
#undef X
    uint64_t requests, errors, cut_off;
    const char *limited_by; /* server, client, offered rate or unclear */
    const char *status;     /* valid, invalid or failed */
    char reason[2 * FAILURE_BYTES];
};

struct sample sample_of(const struct options *o, const struct result *r);

#endif
