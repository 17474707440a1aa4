/* The results for people. */
#include "report.h"

#include <err.h>
#include <math.h>
#include <string.h>

#include "sample.h"
#include "units.h"

static void print_heading(const struct options *o, bool spin)
{
    char connections[GROUPED_BYTES], active[GROUPED_BYTES];
    printf("%s connections, %s active, %u-byte messages, %s",
           group_digits(o->connections, connections), group_digits(o->active, active),
           o->message_bytes, arrival_name(o->arrival));
    if (o->arrival == ARRIVAL_CLOSED)
        printf(" loop, depth %u", o->depth);
    else
        printf(" arrivals at %.0f/s", o->rate_per_s);
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
        if (s.cut_off)
            printf("%s: saturated, %llu requests were due and never sent\n",
                   results[i].target->name, (unsigned long long)s.cut_off);
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
        warnx("%s: %s: %s", results[i].target->name, s.status, s.reason);
        valid = false;
    }
    return valid;
}
