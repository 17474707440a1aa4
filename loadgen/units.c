/* Numbers as people write them.  A table of units for each kind; one parser for all. */
#include "units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    double factor;
};

static const struct unit count_units[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}, {0}};

static const struct unit time_units[] = {{"ns", 1},  {"us", 1e3}, {"ms", 1e6},
                                         {"s", 1e9}, {"m", 60e9}, {0}};

static const struct unit byte_units[] = {
    {"", 1}, {"B", 1}, {"kB", 1e3}, {"MB", 1e6}, {"KiB", 1024}, {"MiB", 1024.0 * 1024}, {0}};

static bool parse(const char *text, const struct unit *units, double *result)
{
    size_t digits = strspn(text, "0123456789."); /* strtod alone takes signs, blanks, hex, "inf" */
    char *end;
    double number = strtod(text, &end);
    if (digits == 0 || end != text + digits)
        return false;
    for (const struct unit *u = units; u->name; u++) {
        if (strcmp(end, u->name) != 0)
            continue;
        double value = number * u->factor;
        if (!isfinite(value) || value >= 9e18)
            return false;
        *result = value;
        return true;
    }
    return false;
}

/* The same, as a whole number.  A fraction has its rounding errors: 1.1s is not quite 11e8. */
static bool parse_whole(const char *text, const struct unit *units, uint64_t *result)
{
    double value;
    if (!parse(text, units, &value) || value > COUNT_MAX ||
        fabs(value - round(value)) > 1e-15 * value)
        return false;
    *result = (uint64_t)llround(value);
    return true;
}

bool parse_count(const char *text, uint64_t *count)
{
    return parse_whole(text, count_units, count);
}

bool parse_rate(const char *text, double *per_s)
{
    return parse(text, count_units, per_s);
}

bool parse_duration(const char *text, uint64_t *duration_ns)
{
    return parse_whole(text, time_units, duration_ns);
}

bool parse_bytes(const char *text, uint64_t *bytes)
{
    return parse_whole(text, byte_units, bytes);
}

char *group_digits(uint64_t number, char text[GROUPED_BYTES])
{
    char digits[GROUPED_BYTES];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    char *to = text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}
