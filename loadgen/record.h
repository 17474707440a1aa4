/* The file of --json: it appears whole or not at all, and an old one stays until then.  What has
 * no content of its own to keep (a pipe, a link such as /proc/PID/fd/N) is written in place, and
 * what standard output goes to behind what is printed there.  All exit 1 and say what to do. */
#ifndef RECORD_H
#define RECORD_H

#include <stdio.h>

struct record {
    const char *file;
    char temporary[4096]; /* beside the file; "": written in place */
    FILE *out;            /* NULL: not begun */
};

/* Before an hour of measuring, not after: can it be written? */
void record_open(struct record *r, const char *file);

/* What it is to be written to; until record_end() nothing is printed. */
FILE *record_begin(struct record *r);

/* Closes it, and puts it in its place. */
void record_end(struct record *r);

#endif
