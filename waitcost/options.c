/* The command line: one table of options, one place for the defaults, then the checks. */
#include "options.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../loadgen/clock.h"
#include "../loadgen/values.h"

enum { DESCRIPTORS_MAX = 10000000, ROUNDS_MAX = 10000 };

static const char usage[] =
    "What does one wait cost?  Makes some of N descriptors ready, waits, finds them, reads them: "
    "one\n"
    "turn, timed in its parts, over and over.  There is no network and no server.\n\n"
    "Descriptors\n"
    "  --kind K              pipe, eventfd, socketpair, tcp, or fuse, which counts the kernel's\n"
    "                        own calls of ->poll() (eventfd)\n"
    "  --descriptors N       watched (10)\n"
    "  --ready R             made ready in each turn (1)\n"
    "  --placement P         which: random, first, last, spread (random)\n"
    "  --position K          the one at this place, from 0 on\n"
    "  --high FD             the highest number of a watched descriptor (as low as they go)\n"
    "The wait\n"
    "  --when W              zero: a time-out of 0; ready: a blocking call that finds R ready;\n"
    "                        sleeping: one that sleeps until another thread writes (zero)\n"
    "  --rebuild             make the set of select and poll anew in each turn\n"
    "  --reregister HOW      none, add, mod: tell epoll of all N again in each turn, by DEL and\n"
    "                        ADD or by MOD (none)\n"
    "  --writes W            further ones in a turn: each descriptor that is read makes its\n"
    "                        neighbour ready, so that a turn has several waits (0)\n"
    "Measuring\n"
    "  --turns T             in a round (as many as fit into --round)\n"
    "  --round T             a round's length (20ms)\n"
    "  --rounds M            (5)\n"
    "  --seed S              of the random places (1)\n"
    "  --cpu LIST            run on these cores only; with --when sleeping they are then kept\n"
    "                        awake, so that no idle state is in the number\n"
    "  --partner-cpu LIST    and the thread that wakes us on these\n"
    "  --json FILE           write the results there, for programs\n"
    "  --help                this text\n\n"
    "Exit status: 0 fine, 1 failed, 2 wrong usage or more than this machine allows, 3 --kind fuse\n"
    "is not possible here.\n";

static const char *const kinds[] = {"pipe", "eventfd", "socketpair", "tcp", "fuse", NULL};
static const char *const whens[] = {"zero", "ready", "sleeping", NULL};
static const char *const placements[] = {"random", "first", "last", "spread", NULL};
static const char *const reregisters[] = {"none", "add", "mod", NULL};

const char *kind_name(enum kind kind)
{
    return kinds[kind];
}

const char *when_name(enum when when)
{
    return whens[when];
}

const char *placement_name(enum choice placement)
{
    return placement == CHOICE_POSITION ? "position" : placements[placement];
}

const char *reregister_name(enum reregister how)
{
    return reregisters[how];
}

/* Each option sets one thing. */
enum option_id {
    KIND = 256,
    DESCRIPTORS,
    READY,
    PLACEMENT,
    POSITION,
    WHEN,
    HIGH,
    REBUILD,
    REREGISTER,
    WRITES,
    TURNS,
    ROUND,
    ROUNDS,
    SEED,
    CPU,
    PARTNER_CPU,
    JSON,
    HELP,
};

static const struct option option_names[] = {
    {"kind", required_argument, NULL, KIND},
    {"descriptors", required_argument, NULL, DESCRIPTORS},
    {"ready", required_argument, NULL, READY},
    {"placement", required_argument, NULL, PLACEMENT},
    {"position", required_argument, NULL, POSITION},
    {"when", required_argument, NULL, WHEN},
    {"high", required_argument, NULL, HIGH},
    {"rebuild", no_argument, NULL, REBUILD},
    {"reregister", required_argument, NULL, REREGISTER},
    {"writes", required_argument, NULL, WRITES},
    {"turns", required_argument, NULL, TURNS},
    {"round", required_argument, NULL, ROUND},
    {"rounds", required_argument, NULL, ROUNDS},
    {"seed", required_argument, NULL, SEED},
    {"cpu", required_argument, NULL, CPU},
    {"partner-cpu", required_argument, NULL, PARTNER_CPU},
    {"json", required_argument, NULL, JSON},
    {"help", no_argument, NULL, HELP},
    {0},
};

static void set_option(struct options *o, int id, const char *name, const char *text)
{
    switch (id) {
    case KIND:
        o->kind = (enum kind)word_option(name, text, kinds);
        break;
    case DESCRIPTORS:
        o->descriptors = (uint32_t)count_option(name, text, 1, DESCRIPTORS_MAX);
        break;
    case READY:
        o->ready = (uint32_t)count_option(name, text, 0, DESCRIPTORS_MAX);
        break;
    case PLACEMENT:
        if (o->placement == CHOICE_POSITION)
            errx(2, "--position is a placement of its own: give one of the two");
        o->placement = (enum choice)word_option(name, text, placements);
        break;
    case POSITION:
        if (o->placement != CHOICE_RANDOM)
            errx(2, "--position is a placement of its own: give one of the two");
        o->position = (uint32_t)count_option(name, text, 0, DESCRIPTORS_MAX);
        o->placement = CHOICE_POSITION;
        break;
    case WHEN:
        o->when = (enum when)word_option(name, text, whens);
        break;
    case HIGH:
        o->highest = (int)count_option(name, text, 1, DESCRIPTORS_MAX);
        break;
    case REBUILD:
        o->rebuild = true;
        break;
    case REREGISTER:
        o->reregister = (enum reregister)word_option(name, text, reregisters);
        break;
    case WRITES:
        o->writes = (uint32_t)count_option(name, text, 0, DESCRIPTORS_MAX);
        break;
    case TURNS:
        o->turns = count_option(name, text, 1, 1000000000);
        break;
    case ROUND:
        o->round_ns = time_option(name, text, 1);
        break;
    case ROUNDS:
        o->rounds = (uint32_t)count_option(name, text, 1, ROUNDS_MAX);
        break;
    case SEED:
        o->seed = count_option(name, text, 0, UINT32_MAX);
        break;
    case CPU:
        o->cpus = cpu_option(name, text);
        o->pinned = true;
        break;
    case PARTNER_CPU:
        o->partner_cpus = cpu_option(name, text);
        o->partner_pinned = true;
        break;
    case JSON:
        o->json = file_option(name, text);
        break;
    case HELP:
        fputs(usage, stdout);
        exit(0);
    default:
        errx(2, "see --help");
    }
}

static void check(const struct options *o)
{
    if (o->ready > o->descriptors)
        errx(2, "--ready %u: more than the %u descriptors", o->ready, o->descriptors);
    if (o->placement == CHOICE_POSITION && o->position >= o->descriptors)
        errx(2, "--position %u: give a place from 0 to %u", o->position, o->descriptors - 1);
    if (o->placement == CHOICE_POSITION && o->ready != 1)
        errx(2, "--position is of one descriptor: give --ready 1, or --placement");
    if (o->when == WHEN_READY && o->ready == 0)
        errx(2, "--when ready: with --ready 0 the call would never return");
    if (o->when == WHEN_SLEEPING && o->ready != 1)
        errx(2, "--when sleeping: the first write wakes the caller: give --ready 1");
    if (o->writes && o->when == WHEN_SLEEPING)
        errx(2, "--writes: the caller makes them itself, so that it cannot sleep");
    if (o->writes && o->ready == 0)
        errx(2, "--writes: needs a descriptor to begin with: give --ready from 1 on");
}

struct options options_parse(int argc, char **argv)
{
    struct options o = {
        .kind = KIND_EVENTFD,
        .descriptors = 10,
        .ready = 1,
        .round_ns = NS_PER_S / 50,
        .rounds = 5,
        .seed = 1,
    };
    for (int id, i = 0; (id = getopt_long(argc, argv, "", option_names, &i)) != -1;)
        set_option(&o, id, option_names[i].name, optarg);
    if (optind < argc)
        errx(2, "unexpected argument: %s; see --help", argv[optind]);
    check(&o);
    return o;
}
