#include "values.h"

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "units.h"

enum { MESSAGE_MAX = 64 * 1024 * 1024, RATE_MAX = 100000000 };
/* Below, the distances of ten million connections are too long for 63 bits of nanoseconds. */
static const double RATE_MIN = 0.1;

uint64_t count_option(const char *name, const char *text, uint64_t min, uint64_t max)
{
    uint64_t count;
    if (parse_count(text, &count) && count >= min && count <= max)
        return count;
    char low[GROUPED_BYTES], high[GROUPED_BYTES];
    errx(2, "--%s %s: give a number from %s to %s, such as 200 or 10k", name, text,
         group_digits(min, low), group_digits(max, high));
}

uint64_t time_option(const char *name, const char *text, uint64_t min_ns)
{
    uint64_t ns;
    if (!parse_duration(text, &ns) || ns < min_ns || ns > 24ULL * 3600 * NS_PER_S)
        errx(2, "--%s %s: give a time with its unit, such as 2s or 500ms%s, up to a day", name,
             text, min_ns ? ", above 0" : "");
    return ns;
}

uint32_t bytes_option(const char *name, const char *text)
{
    uint64_t bytes;
    if (!parse_bytes(text, &bytes) || bytes == 0 || bytes > MESSAGE_MAX)
        errx(2, "--%s %s: give a size from 1 to 64MiB, such as 64 or 16KiB", name, text);
    return (uint32_t)bytes;
}

const char *file_option(const char *name, const char *text)
{
    if (!*text)
        errx(2, "--%s: give the name of a file", name);
    return text;
}

int word_option(const char *name, const char *text, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(text, words[i]))
            return i;
    fprintf(stderr, "%s: --%s %s: choose one of", program_invocation_short_name, name, text);
    for (int i = 0; words[i]; i++)
        fprintf(stderr, "%s %s", i ? "," : "", words[i]);
    fputs("\n", stderr);
    exit(2);
}

double rate_option(const char *text)
{
    if (!strcmp(text, "max"))
        return 0;
    double per_s;
    if (!parse_rate(text, &per_s) || per_s < RATE_MIN || per_s > RATE_MAX)
        errx(2,
             "--rate %s: give requests per second from 0.1 to 100M, such as 1k; or max with closed "
             "arrivals",
             text);
    return per_s;
}

/* Digits at the start of text, as a core's number; *end is behind them. */
static bool parse_core(const char *text, unsigned long *core, char **end)
{
    bool digits = *text >= '0' && *text <= '9'; /* strtoul alone takes signs and blanks */
    *core = strtoul(text, end, 10);
    return digits && *core < CPU_SETSIZE;
}

cpu_set_t cpu_option(const char *name, const char *text)
{
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    for (const char *at = text;; at++) {
        char *end;
        unsigned long cpu;
        if (!parse_core(at, &cpu, &end) || (*end && *end != ','))
            errx(2, "--%s %s: give cores as numbers with commas, such as 1 or 1,2", name, text);
        CPU_SET(cpu, &cpus);
        if (!*end)
            break;
        at = end;
    }
    return cpus;
}

void probe_option(const char *text, int cores[2])
{
    char *end;
    unsigned long a, b;
    if (!parse_core(text, &a, &end) || *end != ',' || !parse_core(end + 1, &b, &end) || *end)
        errx(2, "--probe %s: give two cores, such as 0,1", text);
    cores[0] = (int)a;
    cores[1] = (int)b;
}
