/* The load generator: options, turns, report. */
#include <err.h>

#include "options.h"
#include "pattern.h"
#include "probe.h"
#include "report.h"
#include "turns.h"

static void pin(const struct options *o)
{
    if (o->pinned && sched_setaffinity(0, sizeof o->cpus, &o->cpus) < 0)
        err(2, "--cpu: choose cores from /sys/devices/system/cpu/online");
}

/* One JSON object on standard output: what --probe asks for. */
static int probe(const struct options *o)
{
    struct probe p = probe_cores(o->probe_cores[0], o->probe_cores[1]);
    fputs("{\"probe\": ", stdout);
    probe_print(stdout, &p);
    fputs(", \"clock\": ", stdout);
    probe_print_clock(stdout);
    puts("}");
    return 0;
}

int main(int argc, char **argv)
{
    static struct result results[TARGETS_MAX];
    struct options o = options_parse(argc, argv);
    if (o.probe)
        return probe(&o);
    struct environment environment = {0};
    pin(&o);
    FILE *json = o.json ? fopen(o.json, "we") : NULL;
    if (o.json && !json) /* before an hour of measuring, not after */
        err(1, "--json %s: choose a file that can be written", o.json);
    pattern_init();
    bool spin = o.spin == SPIN_AUTO ? turns_own_core(&o) : o.spin == SPIN_YES;
    bool measured = turns_run(&o, spin, results, &environment);
    if (measured)
        report_summary(&o, spin, results);
    bool valid = report_is_valid(&o, results);
    if (json)
        report_json(json, &o, results, &environment);
    return measured && valid ? 0 : 1;
}
