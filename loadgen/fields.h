/* Fields of a JSON object, each behind a comma: what comes first is the caller's. */
#ifndef FIELDS_H
#define FIELDS_H

#include <stdio.h>

/* null for what is no finite number: it was not measured. */
void field_number(FILE *out, const char *name, double value);

void field_string(FILE *out, const char *name, const char *text);

#endif
