/* Notes observations, weighs them, and prints the verdict as lines or as JSON. */
#include "claim.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/types.h>
#include <unistd.h>

#include "../loadgen/fields.h"
#include "blocks.h"
#include "picture.h"
#include "setup.h"

enum { MOST = 64 };

struct observation {
    const char *name, *value, *shows;
    double amount;
    enum reading reading;
    bool is_count, is_amount; /* neither: a text */
};

/* All texts, so that none is lost: they last as long as the program. */
static struct kept {
    struct kept *next;
    char *text;
} * kept;

static struct observation observations[MOST];
static int count;
static const char *evidence;
static bool as_json;
static pid_t program; /* not its children */

static const char *const verdicts[] = {
    [CONFIRMED] = "CONFIRMED",
    [REFUTED] = "REFUTED",
    [PARTLY] = "PARTLY",
    [DEPENDS] = "DEPENDS",
    [HISTORICAL] = "HISTORICAL",
    [INCONCLUSIVE] = "INCONCLUSIVE",
    [NOT_APPLICABLE] = "NOT APPLICABLE",
};

static const char *const readings[] = {
    [CONTEXT] = "context",
    [SUPPORTS] = "supports",
    [CONTRADICTS] = "contradicts",
    [UNCLEAR] = "unclear",
};

enum reading supports_if(bool seen)
{
    return seen ? SUPPORTS : CONTRADICTS;
}

enum reading contradicts_if(bool seen)
{
    return seen ? CONTRADICTS : SUPPORTS;
}

enum reading weigh(bool supporting, bool contradicting)
{
    if (supporting == contradicting)
        return UNCLEAR;
    return supporting ? SUPPORTS : CONTRADICTS;
}

enum reading needs(bool seen)
{
    return seen ? CONTEXT : UNCLEAR;
}

const char *text_from(const char *format, va_list arguments)
{
    struct kept *one = malloc(sizeof *one);
    if (!one || vasprintf(&one->text, format, arguments) < 0)
        err(1, "no memory for a text");
    one->next = kept;
    kept = one;
    return one->text;
}

const char *text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *one = text_from(format, arguments);
    va_end(arguments);
    return one;
}

static void observe(struct observation seen)
{
    for (int i = 0; i < count; i++)
        if (strcmp(observations[i].name, seen.name) == 0)
            errx(1, "two observations are called \"%s\"", seen.name);
    if (count == MOST)
        errx(1, "more than %d observations", MOST);
    observations[count++] = seen;
}

void observe_count(const char *name, long long value, enum reading reading, const char *shows)
{
    observe((struct observation){.name = name,
                                 .value = text("%lld", value),
                                 .is_count = true,
                                 .reading = reading,
                                 .shows = shows});
}

void observe_amount(const char *name, double value, const char *unit, enum reading reading,
                    const char *shows)
{
    observe((struct observation){.name = text("%s%s%s", name, *unit ? ", " : "", unit),
                                 .value = text("%.3g", value),
                                 .is_amount = true,
                                 .amount = value,
                                 .reading = reading,
                                 .shows = shows});
}

void observe_text(const char *name, const char *value, enum reading reading, const char *shows)
{
    observe((struct observation){.name = name, .value = value, .reading = reading, .shows = shows});
}

void observe_yes_no(const char *name, bool value, enum reading reading, const char *shows)
{
    observe_text(name, value ? "yes" : "no", reading, shows);
}

void observe_error(const char *name, int error, enum reading reading, const char *shows)
{
    observe_text(name, error_text(error), reading, shows);
}

void observe_events(const char *name, uint32_t events, enum reading reading, const char *shows)
{
    observe_text(name, events_text(events), reading, shows);
}

const char *error_text(int error)
{
    /* By hand: not every libc has their names. */
    static const char *const names[] = {
        [0] = "no error",
        [EPERM] = "EPERM",
        [ENOENT] = "ENOENT",
        [EINTR] = "EINTR",
        [EBADF] = "EBADF",
        [EAGAIN] = "EAGAIN",
        [ENOMEM] = "ENOMEM",
        [EACCES] = "EACCES",
        [EFAULT] = "EFAULT",
        [EEXIST] = "EEXIST",
        [ENODEV] = "ENODEV",
        [EINVAL] = "EINVAL",
        [ENFILE] = "ENFILE",
        [EMFILE] = "EMFILE",
        [ENOSPC] = "ENOSPC",
        [EPIPE] = "EPIPE",
        [ELOOP] = "ELOOP",
        [ENOSYS] = "ENOSYS",
        [EMSGSIZE] = "EMSGSIZE",
        [ENOBUFS] = "ENOBUFS",
        [EADDRINUSE] = "EADDRINUSE",
        [ECONNRESET] = "ECONNRESET",
        [ECONNREFUSED] = "ECONNREFUSED",
        [ETIMEDOUT] = "ETIMEDOUT",
    };
    bool known = error >= 0 && (size_t)error < sizeof names / sizeof names[0] && names[error];
    return known ? names[error] : text("errno %d", error);
}

const char *events_text(uint32_t events)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } bits[] = {{EPOLLIN, "IN"},   {EPOLLPRI, "PRI"},     {EPOLLOUT, "OUT"},
                {EPOLLERR, "ERR"}, {EPOLLRDHUP, "RDHUP"}, {EPOLLHUP, "HUP"}};
    const char *words = "";
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        if (events & bits[i].bit)
            words = text("%s%s%s", words, *words ? "|" : "", bits[i].name);
    return *words ? words : "none";
}

void conclude(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    evidence = text_from(format, arguments);
    va_end(arguments);
}

static enum verdict weigh_all(void)
{
    int of[] = {[CONTEXT] = 0, [SUPPORTS] = 0, [CONTRADICTS] = 0, [UNCLEAR] = 0};
    for (int i = 0; i < count; i++)
        of[observations[i].reading]++;
    if (of[UNCLEAR] || of[SUPPORTS] + of[CONTRADICTS] == 0)
        return INCONCLUSIVE;
    if (of[CONTRADICTS] == 0)
        return CONFIRMED;
    return of[SUPPORTS] ? if_mixed : if_contradicted;
}

static void print_lines(enum verdict verdict)
{
    printf("%s: %s.\n", verdicts[verdict], evidence);
    for (int i = 0; i < count; i++)
        printf("  %s: %s (%s; %s)\n", observations[i].name, observations[i].value,
               readings[observations[i].reading], observations[i].shows);
}

static void print_observation(const struct observation *seen)
{
    printf("{\"reading\": \"%s\"", readings[seen->reading]);
    field_string(stdout, "name", seen->name);
    if (seen->is_count) /* a double could not hold each */
        printf(", \"value\": %s", seen->value);
    else if (seen->is_amount)
        field_number(stdout, "value", seen->amount);
    else
        field_string(stdout, "value", seen->value);
    field_string(stdout, "shows", seen->shows);
    putchar('}');
}

static void print_json(enum verdict verdict)
{
    char *picture = picture_svg();
    printf("{\"verdict\": \"%s\"", verdicts[verdict]);
    field_string(stdout, "evidence", evidence);
    if (picture)
        field_string(stdout, "picture", picture);
    free(picture);
    printf(", \"observations\": [");
    for (int i = 0; i < count; i++) {
        printf("%s", i ? ", " : "");
        print_observation(&observations[i]);
    }
    puts("]}");
}

static _Noreturn void finish(enum verdict verdict)
{
    if (as_json)
        print_json(verdict);
    else
        print_lines(verdict);
    fflush(stdout);
    if (ferror(stdout))
        err(1, "standard output");
    exit(0);
}

void not_applicable(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    evidence = text_from(format, arguments);
    va_end(arguments);
    if (getpid() != program)
        errx(1, "%s", evidence);
    finish(NOT_APPLICABLE);
}

void only_documents(const char *what_they_say)
{
    not_applicable("only documents can settle it: %s", what_they_say);
}

static _Noreturn void usage(FILE *out, int status)
{
    fputs("usage: CLAIM [--json] [--blocks N]\n"
          "  --json      one JSON object instead of lines\n"
          "  --blocks N  blocks of each comparison of times, 2 to 20 (10)\n",
          out);
    exit(status);
}

static void parse(int argc, char **argv)
{
    static const struct option known[] = {{"json", no_argument, NULL, 'j'},
                                          {"blocks", required_argument, NULL, 'b'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) >= 0) {
        if (option == 'h')
            usage(stdout, 0);
        else if (option == 'j')
            as_json = true;
        else if (option != 'b' || !blocks_choose(optarg))
            usage(stderr, 2);
    }
    if (optind < argc)
        usage(stderr, 2);
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    program = getpid();
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    try_claim();
    if (!evidence)
        errx(1, "the claim has come to no conclusion");
    finish(weigh_all());
}
