/* The load generator: options, turns, report. */
#include <err.h>

#include "options.h"
#include "pattern.h"
#include "report.h"
#include "turns.h"

static void pin(const struct options *o)
{
    if (o->pinned && sched_setaffinity(0, sizeof o->cpus, &o->cpus) < 0)
        err(2, "--cpu: choose cores from /sys/devices/system/cpu/online");
}

int main(int argc, char **argv)
{
    static struct result results[TARGETS_MAX];
    struct options o = options_parse(argc, argv);
    pin(&o);
    FILE *json = o.json ? fopen(o.json, "we") : NULL;
    if (o.json && !json) /* before an hour of measuring, not after */
        err(1, "--json %s: choose a file that can be written", o.json);
    pattern_init();
    bool spin = o.spin == SPIN_AUTO ? turns_own_core(&o) : o.spin == SPIN_YES;
    bool measured = turns_run(&o, spin, results);
    if (measured)
        report_summary(&o, spin, results);
    bool valid = report_is_valid(&o, results);
    if (json)
        report_json(json, &o, results);
    return measured && valid ? 0 : 1;
}
