/* The results for programs.  Written by hand: it is only ever output, and every name is ours. */
#include "report.h"

#include <inttypes.h>
#include <math.h>

#include "clock.h"
#include "fields.h"
#include "sample.h"

/* A JSON number; null when it was not measured. */
static void print_target(FILE *out, const struct options *o, const struct result *r)
{
    struct sample s = sample_of(o, r);
    fprintf(out, "  {\"connections\": %u, \"active\": %u", o->connections, o->active);
    field_string(out, "mechanism", r->target->name);
    field_string(out, "arrival", arrival_name(o->arrival));
    fprintf(out, ", \"message_bytes\": %u, \"depth\": %u, \"slices\": %u", o->message_bytes,
            o->depth, r->slice_count);
    fprintf(out, ", \"requests\": %" PRIu64 ", \"errors\": %" PRIu64 ", \"cut_off\": %" PRIu64,
            s.requests, s.errors, s.cut_off);
#define X(name) field_number(out, #name, s.name);
    SAMPLE_FIELDS(X)
#undef X
    field_number(out, "connect_s", (double)r->connect_ns / NS_PER_S);
    field_string(out, "limited_by", s.limited_by);
    field_string(out, "status", s.status);
    field_string(out, "reason", s.reason);
    fputs("}", out);
}

static void print_slice(FILE *out, const struct result *r, const struct slice *s, uint64_t zero_ns)
{
    fprintf(out, "  {\"round\": %u, \"position\": %u", s->round, s->position);
    field_string(out, "mechanism", r->target->name);
    field_number(out, "start_ms", (double)(s->start_ns - zero_ns) / 1e6);
    field_number(out, "duration_ms", (double)(s->end_ns - s->start_ns) / 1e6);
    fprintf(out,
            ", \"requests\": %" PRIu64 ", \"errors\": %" PRIu64 ", \"cut_off\": %" PRIu64
            ", \"sends\": %" PRIu64 ", \"receives\": %" PRIu64 ", \"client_waits\": %" PRIu64
            ", \"opened\": %" PRIu64,
            s->tally.requests, s->tally.errors, s->tally.cut_off, s->tally.sends, s->tally.receives,
            s->tally.waits, s->tally.opened);
    bool sees_cpu = observe_sees_cpu(r->target);
    field_number(out, "server_cpu_us", sees_cpu ? (double)s->cost.server_cpu_ns / 1e3 : NAN);
    field_number(out, "client_cpu_us", (double)s->client_cpu_ns / 1e3);
    field_number(out, "client_polling_us", (double)s->client_polling_ns / 1e3);
    field_number(out, "driven_us", (double)s->driven_ns / 1e3);
    field_number(out, "steal_us", (double)s->cost.steal_ns / 1e3);
    field_number(out, "waits", r->target->ledger ? (double)s->cost.ledger.waits : NAN);
    field_number(out, "core_round_trip_ns",
                 s->core_round_trip_ns ? (double)s->core_round_trip_ns : NAN);
    fputs("}", out);
}

/* When the first slice of all began. */
static uint64_t beginning_ns(const struct options *o, const struct result *results)
{
    uint64_t first_ns = UINT64_MAX;
    for (uint32_t i = 0; i < o->target_count; i++)
        if (results[i].slice_count && results[i].slices[0].start_ns < first_ns)
            first_ns = results[i].slices[0].start_ns;
    return first_ns;
}

static void print_slices(FILE *out, const struct options *o, const struct result *results)
{
    uint64_t zero_ns = beginning_ns(o, results);
    bool first = true;
    for (uint32_t i = 0; i < o->target_count; i++)
        for (uint32_t k = 0; k < results[i].slice_count; k++) {
            fputs(first ? "" : ",\n", out);
            print_slice(out, &results[i], &results[i].slices[k], zero_ns);
            first = false;
        }
}

static void print_histogram(FILE *out, const char *mechanism, const char *kind,
                            const struct histogram *h)
{
    const char *comma = "";
    fprintf(out, "  {\"kind\": \"%s\"", kind);
    field_string(out, "mechanism", mechanism);
    fputs(", \"buckets\": [", out);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (!h->counts[i])
            continue;
        fprintf(out, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", comma, histogram_lower_ns(i),
                histogram_lower_ns(i + 1), h->counts[i]);
        comma = ",";
    }
    fputs("]}", out);
}

static void print_environment(FILE *out, const struct environment *e)
{
    fputs("{\"before\": ", out);
    probe_print(out, &e->before);
    fputs(", \"after\": ", out);
    probe_print(out, &e->after);
    fputs("}", out);
}

void report_json(FILE *out, const struct options *o, const struct result *results,
                 const struct environment *e)
{
    fputs("{\"version\": 1,\n\"environment\": ", out);
    print_environment(out, e);
    fprintf(out, ",\n\"began_ns\": %" PRIu64 ",\n\"targets\": [\n", beginning_ns(o, results));
    for (uint32_t i = 0; i < o->target_count; i++) {
        fputs(i ? ",\n" : "", out);
        print_target(out, o, &results[i]);
    }
    fputs("\n],\n\"slices\": [\n", out);
    print_slices(out, o, results);
    fputs("\n],\n\"histograms\": [\n", out);
    for (uint32_t i = 0; i < o->target_count; i++) {
        const char *name = results[i].target->name;
        fputs(i ? ",\n" : "", out);
        print_histogram(out, name, "response", &results[i].driver->response);
        fputs(",\n", out);
        print_histogram(out, name, "service", &results[i].driver->service);
        fputs(",\n", out);
        print_histogram(out, name, "lateness", &results[i].driver->lateness);
    }
    fputs("\n]}\n", out);
}
