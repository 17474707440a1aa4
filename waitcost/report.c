/*
 * Each round gives one number: its nanoseconds divided by its waits, or by its turns.  What is
 * reported is the median of the rounds, with the lowest and the highest.
 */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "../loadgen/fields.h"
#include "../loadgen/units.h"
#include "partner.h"

enum { BASE_MAX = 16 };

/* In nanoseconds. */
struct spread {
    double median, low, high;
};

typedef double per_round(const struct round *r);

static double build_ns(const struct round *r)
{
    return (double)r->build_ns / (double)r->waits;
}

static double wait_ns(const struct round *r)
{
    return (double)r->wait_ns / (double)r->waits;
}

static double wait_cpu_ns(const struct round *r)
{
    return (double)r->wait_cpu_ns / (double)r->waits;
}

static double scan_ns(const struct round *r)
{
    return (double)r->scan_ns / (double)r->waits;
}

static double turn_ns(const struct round *r)
{
    return (double)r->elapsed_ns / (double)r->turns;
}

static int ascending(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

static struct spread spread(const struct options *o, const struct round *rounds, per_round *value)
{
    double *values = calloc(o->rounds, sizeof *values);
    if (!values)
        return (struct spread){NAN, NAN, NAN};
    for (uint32_t i = 0; i < o->rounds; i++)
        values[i] = value(&rounds[i]);
    qsort(values, o->rounds, sizeof *values, ascending);
    struct spread s = {.median = (values[(o->rounds - 1) / 2] + values[o->rounds / 2]) / 2,
                       .low = values[0],
                       .high = values[o->rounds - 1]};
    free(values);
    return s;
}

static struct round total(const struct options *o, const struct round *rounds)
{
    struct round sum = {0};
    for (uint32_t i = 0; i < o->rounds; i++) {
        sum.turns += rounds[i].turns;
        sum.waits += rounds[i].waits;
        sum.events += rounds[i].events;
        sum.slept += rounds[i].slept;
        sum.ctl += rounds[i].ctl;
        sum.kernel_polls += rounds[i].kernel_polls;
        sum.cpu_ns += rounds[i].cpu_ns;
        sum.elapsed_ns += rounds[i].elapsed_ns;
    }
    return sum;
}

static void print_spread(FILE *out, const char *what, struct spread s)
{
    fprintf(out, "%s %.3g us (%.3g to %.3g)", what, s.median / 1e3, s.low / 1e3, s.high / 1e3);
}

void report_line(FILE *out, const struct options *o, const struct round *rounds)
{
    char count[GROUPED_BYTES];
    struct round sum = total(o, rounds);
    fprintf(out, "%s, %s %s, %u ready (%s), %s: ", mechanism_name,
            group_digits(o->descriptors, count), kind_name(o->kind), o->ready,
            placement_name(o->placement), when_name(o->when));
    if (o->when == WHEN_SLEEPING)
        print_spread(out, "wait", spread(o, rounds, wait_cpu_ns));
    else
        print_spread(out, "wait", spread(o, rounds, wait_ns));
    fputs(o->when == WHEN_SLEEPING ? " of CPU, " : ", ", out);
    print_spread(out, "scan", spread(o, rounds, scan_ns));
    fputs(", ", out);
    print_spread(out, "whole turn", spread(o, rounds, turn_ns));
    fprintf(out, "; %u rounds, %" PRIu64 " waits, %" PRIu64 " events, CPU %.3g s, elapsed %.3g s",
            o->rounds, sum.waits, sum.events, (double)sum.cpu_ns / 1e9,
            (double)sum.elapsed_ns / 1e9);
    if (o->kind == KIND_FUSE)
        fprintf(out, "; the kernel asked %.6g descriptors in each wait",
                (double)sum.kernel_polls / (double)sum.waits);
    fputc('\n', out);
}

static void json_options(FILE *out, const struct options *o, int highest)
{
    field_string(out, "kind", kind_name(o->kind));
    field_string(out, "when", when_name(o->when));
    field_number(out, "descriptors", o->descriptors);
    field_number(out, "ready", o->ready);
    field_string(out, "placement", placement_name(o->placement));
    field_number(out, "place", o->placement == CHOICE_POSITION ? (double)o->position : NAN);
    field_number(out, "highest_descriptor", highest);
    field_number(out, "writes", o->writes);
    fprintf(out, ", \"rebuild\": %s", o->rebuild ? "true" : "false");
    field_string(out, "reregister", reregister_name(o->reregister));
    field_number(out, "rounds", o->rounds);
}

static void json_spread(FILE *out, const char *what, struct spread s)
{
    static const char *const ends[] = {"ns", "low_ns", "high_ns"};
    const double values[] = {s.median, s.low, s.high};
    char name[BASE_MAX + 16];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s_%s", what, ends[i]);
        field_number(out, name, values[i]);
    }
}

void report_json(FILE *out, const struct options *o, const struct round *rounds, int highest)
{
    struct round sum = total(o, rounds);
    fputs("{\"version\": 1", out);
    field_string(out, "mechanism", mechanism_name);
    json_options(out, o, highest);
    field_number(out, "turns", (double)sum.turns);
    field_number(out, "waits", (double)sum.waits);
    field_number(out, "events", (double)sum.events);
    field_number(out, "slept", o->kind == KIND_FUSE ? NAN : (double)sum.slept);
    field_number(out, "ctl", (double)sum.ctl);
    field_number(out, "build_ns", spread(o, rounds, build_ns).median);
    json_spread(out, "wait", spread(o, rounds, wait_ns));
    field_number(out, "wait_cpu_ns",
                 o->when == WHEN_SLEEPING ? spread(o, rounds, wait_cpu_ns).median : NAN);
    field_number(out, "scan_ns", spread(o, rounds, scan_ns).median);
    json_spread(out, "turn", spread(o, rounds, turn_ns));
    field_number(out, "cpu_s", (double)sum.cpu_ns / 1e9);
    field_number(out, "elapsed_s", (double)sum.elapsed_ns / 1e9);
    field_number(out, "kernel_polls", o->kind == KIND_FUSE ? (double)sum.kernel_polls : NAN);
    if (o->when == WHEN_SLEEPING)
        fprintf(out, ", \"kept_awake\": %s", partner_keeps_awake() ? "true" : "false");
    else
        fputs(", \"kept_awake\": null", out);
    field_string(out, "status", "valid");
    field_string(out, "reason", "");
    fputs("}\n", out);
}
