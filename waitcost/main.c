/* What one wait costs: options, descriptors, the timed loop, report. */
#include <err.h>
#include <stdlib.h>

#include "../loadgen/record.h"
#include "../servers/standard.h"
#include "fuse.h"
#include "keeper.h"
#include "report.h"

static void pin(const struct options *o)
{
    if (o->pinned && sched_setaffinity(0, sizeof o->cpus, &o->cpus) < 0)
        err(2, "--cpu: choose cores from /sys/devices/system/cpu/online");
}

int main(int argc, char **argv)
{
    standard_fill();
    struct options o = options_parse(argc, argv);
    struct record record;
    static struct descriptors descriptors; /* the partner's thread outlives us */
    static struct places places;
    struct round *rounds = calloc(o.rounds, sizeof *rounds);
    if (!rounds)
        err(1, "no memory for %u rounds", o.rounds);
    pin(&o);
    if (o.json)
        record_open(&record, o.json);
    descriptors_open(&descriptors, &places, &o);
    turns_run(&o, &descriptors, &places, rounds);
    report_line(stdout, &o, rounds);
    if (o.json) {
        report_json(record_begin(&record), &o, rounds, descriptors.watched[descriptors.count - 1]);
        record_end(&record);
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        err(1, "standard output could not be written whole");
    keeper_stop();
    if (o.kind == KIND_FUSE)
        fuse_stop();
    free(rounds);
    return 0;
}
