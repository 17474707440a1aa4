/*
 * The servers' command line: every argument list is taken, and then each value is in its range, or
 * it is refused with exit status 2 and a message.  The parser is main.c's own, so main.c is
 * compiled into this file; nothing of it but the parser is called.
 */
#include <limits.h>
#include <stdbool.h>

#include "../../servers/echo.h"

static bool level_triggered; /* both kinds in one program */
#define mechanism_is_level_triggered level_triggered
#define main                         server_main
#include "../../servers/main.c" /* NOLINT(*-suspicious-include): its parser is static */
#undef main

#include "caught.h"

const char *const mechanism_name = "fuzz";

void serve(int listener, enum drain rule)
{
    (void)listener;
    (void)rule;
}

/* clang-format off */
static const char *const words[] = {
    "--port=5000", "--port=", "--address=", "--cpu=", "--drain=", "--ledger=", "--max-connections=",
    "--backlog=", "--help", "--congestion=", "0", "1", "5000", "65535", "2147483647", "-",
    "eagain", "short", "once",
};
/* clang-format on */

static struct options parsed;

static void parse(void *argument)
{
    struct arguments *a = argument;
    parsed = parse_options(a->argc, a->argv);
}

static bool in(long low, long value, long high)
{
    return low <= value && value <= high;
}

static bool in_range(const struct options *o)
{
    return o->address && o->port && in(0, strtol(o->port, NULL, 10), 65535) &&
           in(-1, o->cpu, CPU_SETSIZE - 1) && in(1, o->backlog, INT_MAX) &&
           in(0, o->connections_max, INT_MAX) && in(DRAIN_EAGAIN, o->drain, DRAIN_ONCE) &&
           (level_triggered || o->drain != DRAIN_ONCE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct arguments a;
    level_triggered = bytes > 0 && data[0] & 2;
    arguments_make(&a, data, bytes, words, sizeof words / sizeof *words);
    optind = 0; /* getopt_long begins anew */
    int status = caught_status(parse, &a);
    caught_check(status);
    if (status == RETURNED && !in_range(&parsed)) {
        fprintf(stderr, "taken, and out of range\n");
        abort();
    }
    arguments_free(&a);
    return 0;
}
