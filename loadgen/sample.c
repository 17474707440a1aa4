#include "sample.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "units.h"

enum { LATE_NS = 100000 }; /* a request sent later than this is late (METHOD.md, row 5) */

/* Everything that a sample's slices counted. */
struct total {
    struct tally tally;
    struct observation cost;
    uint64_t client_cpu_ns, client_polling_ns;
    uint64_t window_ns, driven_ns;
    bool polled;
    uint32_t cores; /* that cost.core_busy_ns is of */
};

static struct total add_slices(const struct result *r)
{
    struct total sum = {0};
    for (uint32_t i = 0; i < r->slice_count; i++) {
        const struct slice *s = &r->slices[i];
        sum.window_ns += s->end_ns - s->start_ns;
        sum.tally.requests += s->tally.requests;
        sum.tally.errors += s->tally.errors;
        sum.tally.started += s->tally.started;
        sum.tally.lost += s->tally.lost;
        sum.tally.cut_off += s->tally.cut_off;
        sum.tally.outstanding_ns += s->tally.outstanding_ns;
        sum.cost.server_cpu_ns += s->cost.server_cpu_ns;
        sum.client_cpu_ns += s->client_cpu_ns;
        sum.client_polling_ns += s->client_polling_ns;
        sum.driven_ns += s->driven_ns;
        sum.polled = s->polled;
        sum.cores = s->cores;
        sum.cost.busy_ns += s->cost.busy_ns;
        sum.cost.steal_ns += s->cost.steal_ns;
        sum.cost.core_busy_ns += s->cost.core_busy_ns;
#define X(name) sum.cost.ledger.name += s->cost.ledger.name;
        LEDGER_COUNTERS(X)
#undef X
    }
    return sum;
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The median of the probes before the rounds; NaN when there were none. */
static double median_round_trip_ns(const struct result *r)
{
    uint32_t *probes = calloc(r->slice_count + 1, sizeof *probes);
    uint32_t n = 0;
    for (uint32_t i = 0; probes && i < r->slice_count; i++)
        if (r->slices[i].core_round_trip_ns)
            probes[n++] = r->slices[i].core_round_trip_ns;
    if (n)
        qsort(probes, n, sizeof *probes, compare_u32);
    uint32_t median = n ? probes[n / 2] : 0;
    free(probes);
    return n ? (double)median : NAN;
}

static double us_percentile(const struct histogram *h, double q)
{
    return histogram_percentile_ns(h, q) / 1e3;
}

static void set_times(struct sample *s, const struct options *o, const struct result *r)
{
    const struct driver *d = r->driver;
    s->service_p50_us = us_percentile(&d->service, 0.5);
    s->service_p99_us = us_percentile(&d->service, 0.99);
    s->service_mean_us = histogram_mean_ns(&d->service) / 1e3;
    if (o->arrival != ARRIVAL_CLOSED) {
        s->lateness_p99_us = us_percentile(&d->lateness, 0.99);
        s->late_percent = 100 * histogram_share_above(&d->lateness, LATE_NS);
    }
    if (s->cut_off > 0)
        return; /* the queue grew until the slice ended: its times tell the slice's length */
    s->response_p50_us = us_percentile(&d->response, 0.5);
    s->response_p99_us = us_percentile(&d->response, 0.99);
    s->response_p999_us = us_percentile(&d->response, 0.999);
}

/* What neither server nor generator used of their cores; ticks can make it a little less than 0. */
static double others_percent(const struct total *sum)
{
    double ours_ns =
        (double)(sum->cost.server_cpu_ns + sum->client_cpu_ns + sum->client_polling_ns);
    return 100 * ((double)sum->cost.core_busy_ns - ours_ns) /
           ((double)sum->window_ns * (double)sum->cores);
}

static void set_costs(struct sample *s, const struct target *t, const struct total *sum)
{
    double window_ns = (double)sum->window_ns, requests = (double)sum->tally.requests;
    double cores_ns = window_ns * (double)sysconf(_SC_NPROCESSORS_ONLN);
    s->client_cpu_percent = 100 * (double)sum->client_cpu_ns / window_ns;
    s->machine_cpu_percent = 100 * (double)sum->cost.busy_ns / cores_ns;
    s->steal_percent = 100 * (double)sum->cost.steal_ns / (window_ns * (double)sum->cores);
    s->client_cpu_us_per_request = (double)sum->client_cpu_ns / 1e3 / requests;
    s->outstanding_mean = (double)sum->tally.outstanding_ns / window_ns;
    if (sum->polled)
        s->generator_share_percent =
            100 * (double)(sum->client_cpu_ns + sum->client_polling_ns) / (double)sum->driven_ns;
    if (!observe_sees_cpu(t))
        return;
    s->others_percent = others_percent(sum);
    s->server_cpu_percent = 100 * (double)sum->cost.server_cpu_ns / window_ns;
    s->server_cpu_us_per_request = (double)sum->cost.server_cpu_ns / 1e3 / requests;
    s->total_cpu_us_per_request = s->server_cpu_us_per_request + s->client_cpu_us_per_request;
}

static void set_counters(struct sample *s, const struct ledger *l, double requests)
{
    s->waits_per_request = (double)l->waits / requests;
    s->fds_per_request = (double)l->examined / requests;
    s->events_per_wait = (double)l->events / (double)l->waits;
    s->reads_per_request = (double)l->reads / requests;
    s->writes_per_request = (double)l->writes / requests;
    s->eagain_per_request = (double)l->eagain / requests;
    s->ctl_per_request = (double)l->ctl / requests;
}

/* In an open loop the schedule decides how often a connection speaks. */
static void set_fairness(struct sample *s, const struct options *o, const struct driver *d)
{
    bool always_the_same = o->placement != PLACE_RANDOM && o->placement != PLACE_ROTATE;
    if (o->arrival == ARRIVAL_CLOSED && !o->churn && always_the_same)
        s->least_served_percent = d->least_percent;
}

/* What kept the throughput from being higher (METHOD.md, rows 5 and 6). */
static const char *limiter(const struct options *o, const struct sample *s)
{
    if (s->server_cpu_percent >= 95)
        return "server";
    if (o->arrival != ARRIVAL_CLOSED && s->cut_off == 0)
        return "offered rate";
    if (s->client_cpu_percent >= 85.0 * o->threads)
        return "client";
    return "unclear";
}

/* Nothing may be lost or invented on the way (METHOD.md, row 7). */
static void check_conservation(struct sample *s, const struct options *o, const struct result *r,
                               const struct total *sum)
{
    const struct ledger *l = &sum->cost.ledger;
    const struct tally *t = &sum->tally;
    uint64_t bytes = t->requests * o->message_bytes;
    if (t->started != t->requests + t->lost)
        snprintf(s->reason, sizeof s->reason,
                 "%" PRIu64 " requests were sent, %" PRIu64 " came back and %" PRIu64 " were lost",
                 t->started, t->requests, t->lost);
    else if (r->target->ledger && l->bytes_in != bytes)
        snprintf(s->reason, sizeof s->reason,
                 "the server read %" PRIu64 " bytes, %" PRIu64 " were sent to it", l->bytes_in,
                 bytes);
    else if (r->target->ledger && l->bytes_out != bytes)
        snprintf(s->reason, sizeof s->reason,
                 "the server wrote %" PRIu64 " bytes, %" PRIu64 " came back", l->bytes_out, bytes);
    if (*s->reason)
        s->status = "invalid";
}

static void set_status(struct sample *s, const struct options *o, const struct result *r,
                       const struct total *sum)
{
    char errors[GROUPED_BYTES];
    const char *failure = r->driver->failure;
    s->status = "valid";
    if (r->driver->failed || !r->slice_count) {
        s->status = "failed";
        snprintf(s->reason, sizeof s->reason, "%s",
                 *failure ? failure : "not measured, because another server failed first");
    } else if (s->errors) {
        s->status = "invalid";
        snprintf(s->reason, sizeof s->reason, "%s error%s; the first: %s",
                 group_digits(s->errors, errors), s->errors == 1 ? "" : "s", failure);
    } else if (*r->invalid) {
        s->status = "invalid";
        snprintf(s->reason, sizeof s->reason, "%s", r->invalid);
    } else {
        check_conservation(s, o, r, sum);
    }
}

struct sample sample_of(const struct options *o, const struct result *r)
{
    struct total sum = add_slices(r);
    struct sample s = {.requests = sum.tally.requests,
                       .errors = sum.tally.errors + r->warmup_errors,
                       .cut_off = sum.tally.cut_off};
#define X(name) s.name = NAN;
    SAMPLE_FIELDS(X)
#undef X
    if (o->arrival != ARRIVAL_CLOSED)
        s.offered_per_s = o->rate_per_s;
    if (r->slice_count) {
        s.window_s = (double)sum.window_ns / NS_PER_S;
        s.throughput_per_s = (double)s.requests / s.window_s;
        s.core_round_trip_ns = median_round_trip_ns(r);
        set_times(&s, o, r);
        set_costs(&s, r->target, &sum);
        set_fairness(&s, o, r->driver);
        if (r->target->ledger)
            set_counters(&s, &sum.cost.ledger, (double)s.requests);
    }
    s.limited_by = limiter(o, &s);
    set_status(&s, o, r, &sum);
    return s;
}
