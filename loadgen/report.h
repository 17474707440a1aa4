/* Results as numbers, as JSON for programs, and as a table for people. */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include "turns.h"

/* The JSON record: targets (named as the columns of samples.csv), slices, histograms, and the
 * environment before and after. The caller checks out for errors. */
void report_json(FILE *out, const struct options *o, const struct result *results,
                 const struct environment *e);

/* A few lines on standard output. */
void report_summary(const struct options *o, bool spin, const struct result *results);

/* Every echo was right, and every number can be used. */
bool report_is_valid(const struct options *o, const struct result *results);

#endif
