/*
 * Numbers as people write them, against libc's long double: 64 bits of mantissa hold every whole
 * number that a double can be trusted with.  Any text, cut at its first NUL.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../loadgen/units.h"

struct factor {
    const char *name;
    long double factor;
};

static const struct factor counts[] = {{"", 1}, {"k", 1e3L}, {"M", 1e6L}, {0}};
static const struct factor times[] = {{"ns", 1},   {"us", 1e3L}, {"ms", 1e6L},
                                      {"s", 1e9L}, {"m", 60e9L}, {0}};
static const struct factor sizes[] = {
    {"", 1}, {"B", 1}, {"kB", 1e3L}, {"MB", 1e6L}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {0}};

static void require(bool holds, const char *property, const char *text)
{
    if (holds)
        return;
    fprintf(stderr, "'%s': %s\n", text, property);
    abort();
}

/* What the text means; aborts when it has no digit first, or another unit than these. */
static long double meant(const char *text, const struct factor *units)
{
    char *end;
    require(strchr("0123456789.", *text) && *text, "taken without a digit", text);
    long double number = strtold(text, &end);
    for (const struct factor *u = units; u->name; u++)
        if (!strcmp(end, u->name))
            return number * u->factor;
    require(false, "taken with a unit that there is not", text);
    return 0;
}

static void check_whole(const char *text, const struct factor *units, bool taken, uint64_t value)
{
    if (!taken)
        return;
    long double exact = meant(text, units);
    require(value <= COUNT_MAX, "taken beyond what a double holds", text);
    require(fabsl(exact - (long double)value) <= 2e-15L * (long double)value + 1e-300L,
            "taken for another number", text);
    if (text[strspn(text, "0123456789")] == '\0')
        require(strtoull(text, NULL, 10) == value, "digits, and taken for another number", text);
}

static void check_rate(const char *text)
{
    double per_s;
    if (!parse_rate(text, &per_s))
        return;
    long double exact = meant(text, counts);
    require(isfinite(per_s) && per_s >= 0 && per_s < 9e18, "a rate out of range", text);
    require(fabsl(exact - (long double)per_s) <= 2e-15L * exact + 1e-300L, "another rate", text);
}

/* Every third digit from the end follows a comma, and without commas it is the number. */
static void check_grouped(uint64_t number)
{
    char text[GROUPED_BYTES], plain[GROUPED_BYTES], want[GROUPED_BYTES];
    size_t length = strlen(group_digits(number, text)), digits = 0;
    for (size_t i = 0; i < length; i++) {
        bool comma = (length - i) % 4 == 0;
        require((text[i] == ',') == comma, "grouped wrongly", text);
        if (!comma)
            plain[digits++] = text[i];
    }
    plain[digits] = '\0';
    snprintf(want, sizeof want, "%" PRIu64, number);
    require(!strcmp(plain, want), "grouped into another number", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char *text = strndup((const char *)data, bytes); /* its very end is where ASan looks */
    if (!text)
        return 0;
    uint64_t value = 0;
    check_whole(text, counts, parse_count(text, &value), value);
    check_whole(text, times, parse_duration(text, &value), value);
    check_whole(text, sizes, parse_bytes(text, &value), value);
    check_rate(text);
    free(text);
    uint64_t number = 0;
    memcpy(&number, data, bytes < sizeof number ? bytes : sizeof number);
    check_grouped(number);
    return 0;
}
