#include "report.h"

#include <err.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "clock.h"
#include "sample.h"
#include "units.h"

/* A JSON number; null when it was not measured. */
static void print_number(FILE *out, const char *name, double value)
{
    if (isfinite(value))
        fprintf(out, ", \"%s\": %.9g", name, value);
    else
        fprintf(out, ", \"%s\": null", name);
}

static void print_string(FILE *out, const char *name, const char *text)
{
    fprintf(out, ", \"%s\": \"", name);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        if ((unsigned char)*text >= ' ')
            fputc(*text, out);
    }
    fputc('"', out);
}

static void print_target(FILE *out, const struct options *o, const struct result *r)
{
    struct sample s = sample_of(o, r);
    fprintf(out, "  {\"connections\": %u, \"active\": %u", o->connections, o->active);
    print_string(out, "mechanism", r->target->name);
    print_string(out, "arrival", arrival_name(o->arrival));
    fprintf(out, ", \"message_bytes\": %u, \"depth\": %u, \"slices\": %u", o->message_bytes,
            o->depth, r->slice_count);
    fprintf(out, ", \"requests\": %" PRIu64 ", \"errors\": %" PRIu64 ", \"cut_off\": %" PRIu64,
            s.requests, s.errors, s.cut_off);
#define X(name) print_number(out, #name, s.name);
    SAMPLE_FIELDS(X)
#undef X
    print_number(out, "connect_s", (double)r->connect_ns / NS_PER_S);
    print_string(out, "limited_by", s.limited_by);
    print_string(out, "status", s.status);
    print_string(out, "reason", s.reason);
    fputs("}", out);
}

static void print_slice(FILE *out, const struct result *r, const struct slice *s, uint64_t zero_ns)
{
    fprintf(out, "  {\"round\": %u, \"position\": %u", s->round, s->position);
    print_string(out, "mechanism", r->target->name);
    print_number(out, "start_ms", (double)(s->start_ns - zero_ns) / 1e6);
    print_number(out, "duration_ms", (double)(s->end_ns - s->start_ns) / 1e6);
    fprintf(out,
            ", \"requests\": %" PRIu64 ", \"errors\": %" PRIu64 ", \"cut_off\": %" PRIu64
            ", \"sends\": %" PRIu64 ", \"receives\": %" PRIu64 ", \"client_waits\": %" PRIu64
            ", \"opened\": %" PRIu64,
            s->tally.requests, s->tally.errors, s->tally.cut_off, s->tally.sends, s->tally.receives,
            s->tally.waits, s->tally.opened);
    bool sees_cpu = observe_sees_cpu(r->target);
    print_number(out, "server_cpu_us", sees_cpu ? (double)s->cost.server_cpu_ns / 1e3 : NAN);
    print_number(out, "client_cpu_us", (double)s->cost.client_cpu_ns / 1e3);
    print_number(out, "spin_us", (double)s->tally.spin_ns / 1e3);
    print_number(out, "steal_us", (double)s->cost.steal_ns / 1e3);
    print_number(out, "waits", r->target->ledger ? (double)s->cost.ledger.waits : NAN);
    print_number(out, "core_round_trip_ns",
                 s->core_round_trip_ns ? (double)s->core_round_trip_ns : NAN);
    fputs("}", out);
}

static void print_histogram(FILE *out, const char *mechanism, const char *kind,
                            const struct histogram *h)
{
    const char *comma = "";
    fprintf(out, "  {\"kind\": \"%s\"", kind);
    print_string(out, "mechanism", mechanism);
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

void report_json(const struct options *o, const struct result *results)
{
    FILE *out = fopen(o->json, "we");
    if (!out)
        err(1, "--json %s", o->json);
    fputs("{\"version\": 1,\n\"targets\": [\n", out);
    for (uint32_t i = 0; i < o->target_count; i++) {
        fputs(i ? ",\n" : "", out);
        print_target(out, o, &results[i]);
    }
    fputs("\n],\n\"slices\": [\n", out);
    const char *comma = "";
    uint64_t zero_ns = UINT64_MAX;
    for (uint32_t i = 0; i < o->target_count; i++)
        if (results[i].slice_count && results[i].slices[0].start_ns < zero_ns)
            zero_ns = results[i].slices[0].start_ns;
    for (uint32_t i = 0; i < o->target_count; i++)
        for (uint32_t k = 0; k < results[i].slice_count; k++, comma = ",\n") {
            fputs(comma, out);
            print_slice(out, &results[i], &results[i].slices[k], zero_ns);
        }
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
    if (ferror(out) || fclose(out) != 0)
        err(1, "--json %s: could not be written whole", o->json);
}

static void print_heading(const struct options *o, bool spin)
{
    char connections[GROUPED_BYTES], active[GROUPED_BYTES], rate[GROUPED_BYTES];
    printf("%s connections, %s active, %u-byte messages, %s",
           group_digits(o->connections, connections), group_digits(o->active, active),
           o->message_bytes, arrival_name(o->arrival));
    if (o->arrival == ARRIVAL_CLOSED)
        printf(" loop, depth %u", o->depth);
    else
        printf(" arrivals at %s/s", group_digits((uint64_t)o->rate_per_s, rate));
    printf("; the generator %s while it waits\n\n", spin ? "polls" : "sleeps");
    printf("%-12s %11s %11s %12s %10s %10s %10s  %s\n", "server", "requests/s", "server CPU",
           "us/request", "p50 us", "p99 us", "examined", "limited by");
}

/* A number in a column of the table; a dash when it was not measured. */
static void print_cell(int width, const char *format, double value)
{
    char text[32] = "-";
    if (isfinite(value))
        snprintf(text, sizeof text, format, value);
    printf(" %*s", width, text);
}

void report_summary(const struct options *o, bool spin, const struct result *results)
{
    print_heading(o, spin);
    for (uint32_t i = 0; i < o->target_count; i++) {
        struct sample s = sample_of(o, &results[i]);
        char throughput[GROUPED_BYTES] = "-";
        if (isfinite(s.throughput_per_s))
            group_digits((uint64_t)llround(s.throughput_per_s), throughput);
        printf("%-12s %11s", results[i].target->name, throughput);
        print_cell(11, "%.1f %%", s.server_cpu_percent);
        print_cell(12, "%.2f", s.server_cpu_us_per_request);
        print_cell(10, "%.1f", s.response_p50_us);
        print_cell(10, "%.1f", s.response_p99_us);
        print_cell(10, "%.1f", s.fds_per_request);
        printf("  %s\n", s.limited_by);
    }
    printf(
        "\nserver CPU and us/request: the server's own; examined: descriptors handed to the kernel "
        "per request;\np50, p99: %s.\n",
        o->arrival == ARRIVAL_CLOSED ? "from sending to the whole echo (closed loop)"
                                     : "from the time a request was due to its whole echo");
    for (uint32_t i = 0; i < o->target_count; i++) {
        struct sample s = sample_of(o, &results[i]);
        char cut[GROUPED_BYTES];
        if (s.cut_off)
            printf("%s: saturated, %s requests were due and never sent\n", results[i].target->name,
                   group_digits(s.cut_off, cut));
    }
}

bool report_is_valid(const struct options *o, const struct result *results)
{
    bool valid = true;
    for (uint32_t i = 0; i < o->target_count; i++) {
        struct sample s = sample_of(o, &results[i]);
        if (!strcmp(s.status, "valid"))
            continue;
        fflush(stdout);
        warnx("%s is %s: %s", results[i].target->name, s.status, s.reason);
        valid = false;
    }
    return valid;
}
