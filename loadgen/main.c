/* The load generator: options, turns, report. */
#include <err.h>

#include "../servers/standard.h"
#include "options.h"
#include "pattern.h"
#include "probe.h"
#include "record.h"
#include "report.h"
#include "turns.h"

static void pin(const struct options *o)
{
    if (o->pinned && sched_setaffinity(0, sizeof o->cpus, &o->cpus) < 0)
        err(2, "--cpu: choose cores from /sys/devices/system/cpu/online");
}

static void flush_output(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        err(1, "standard output could not be written whole");
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
    flush_output();
    return 0;
}

int main(int argc, char **argv)
{
    static struct result results[TARGETS_MAX];
    standard_fill();
    struct options o = options_parse(argc, argv);
    if (o.probe)
        return probe(&o);
    struct environment environment = {0};
    struct record record;
    pin(&o);
    if (o.json)
        record_open(&record, o.json);
    pattern_init();
    bool spin = o.spin == SPIN_AUTO ? turns_own_core(&o) : o.spin == SPIN_YES;
    bool measured = turns_run(&o, spin, results, &environment);
    if (measured)
        report_summary(&o, spin, results);
    bool valid = report_is_valid(&o, results);
    if (o.json) {
        report_json(record_begin(&record), &o, results, &environment);
        record_end(&record);
    }
    flush_output();
    return measured && valid ? 0 : 1;
}
