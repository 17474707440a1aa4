/* What was measured: a line for people, or one JSON object. */
#ifndef WAITCOST_REPORT_H
#define WAITCOST_REPORT_H

#include <stdio.h>

#include "turns.h"

void report_line(FILE *out, const struct options *o, const struct round *rounds);

/* highest: the highest number of a watched descriptor. */
void report_json(FILE *out, const struct options *o, const struct round *rounds, int highest);

#endif
