/* The command line: one table of options, one place for the defaults, then the checks. */
#include "options.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "units.h"
#include "values.h"

enum { DEPTH_MAX = 1024, THREADS_MAX = 64 };

/* The short form of a target, collected until all its parts are there. */
struct parts {
    const char *address, *port, *pid, *ledger;
};

static const char usage[] =
    "Usage: loadgen --target NAME=ADDRESS:PORT[,pid=PID][,ledger=FILE] ... [options]\n"
    "       loadgen --port P [--address A] [--server-pid PID] [--ledger FILE] [options]\n\n"
    "Opens connections to echo servers, drives them in turn and says what each request cost.\n\n"
    "Servers\n"
    "  --allow-remote A      send load to this address too, not only to loopback (for each one).\n"
    "                        Load-testing machines that are not yours is an attack: allow your\n"
    "                        own, or with their owner's consent\n"
    "Connections\n"
    "  --connections N       open to each server (1)\n"
    "  --active A            of them, how many speak (all)\n"
    "  --placement P         which: spread, first, last, random, rotate (spread)\n"
    "  --churn K             a connection is replaced after K requests (never)\n"
    "  --congestion NAME     TCP congestion control (cubic where present)\n"
    "Requests\n"
    "  --arrival A           closed, uniform, poisson (closed)\n"
    "  --rate R              per second over all connections; max with closed arrivals\n"
    "  --depth D             requests outstanding per connection (1)\n"
    "  --think T             closed: pause between an echo and the next request (0s)\n"
    "  --rtt T               closed: the same, as a round trip of a wide-area network\n"
    "  --network-delay T     closed: what the network itself adds to each round trip; the first\n"
    "                        requests are spread over that, too (0s)\n"
    "  --message-bytes B     (64)\n"
    "  --dribble B           send a message in pieces of B, each when the last one is back\n"
    "Measuring\n"
    "  --window T            for each server, what its slices add up to (5s)\n"
    "  --slice T             length of a turn (100ms; with one server the whole window)\n"
    "  --order O             of the servers in a round: random, abba (random)\n"
    "  --warmup T            for each server, before the window (200ms)\n"
    "  --timeout T           an echo that takes longer is an error (5s)\n"
    "  --seed S              of arrivals, placement and order (1)\n"
    "  --cpu LIST            run on these cores only, such as 1 or 1,2\n"
    "  --spin, --no-spin     poll or sleep while waiting (poll with cores of its own)\n"
    "  --threads T           per server (1)\n"
    "  --json FILE           write all results there\n"
    "  --probe A,B           measure nothing but cores A and B and the clock, and print that\n"
    "  --help                this text\n\n"
    "Numbers take k and M, times ns us ms s m, sizes kB KiB MiB. Exit status: 0 fine, 1 the run\n"
    "failed or an echo was wrong, 2 wrong usage.\n";

static const char *const arrivals[] = {"closed", "uniform", "poisson", NULL};
static const char *const placements[] = {"spread", "first", "last", "random", "rotate", NULL};
static const char *const orders[] = {"random", "abba", NULL};

const char *arrival_name(enum arrival arrival)
{
    return arrivals[arrival];
}

static void add_allowed(struct options *o, const char *text)
{
    if (o->allowed_count == TARGETS_MAX)
        errx(2, "--allow-remote: at most %d addresses", TARGETS_MAX);
    if (!address_parse(text, NULL, &o->allowed[o->allowed_count++]))
        errx(2,
             "--allow-remote %s: give a numeric address, without a port and without leading zeros",
             text);
}

static void add_target(struct options *o, const char *text)
{
    if (o->target_count == TARGETS_MAX)
        errx(2, "--target: at most %d servers", TARGETS_MAX);
    struct target t = target_parse(text);
    for (uint32_t i = 0; i < o->target_count; i++)
        if (!strcmp(o->targets[i].name, t.name))
            errx(2, "--target %s: the name is taken; give each server its own", text);
    o->targets[o->target_count++] = t;
}

/* Each option sets one thing. */
enum option_id {
    TARGET = 256,
    ADDRESS,
    PORT,
    SERVER_PID,
    LEDGER,
    ALLOW_REMOTE,
    CONNECTIONS,
    ACTIVE,
    PLACEMENT,
    CHURN,
    CONGESTION,
    ARRIVAL,
    RATE,
    DEPTH,
    THINK,
    RTT,
    NETWORK_DELAY,
    MESSAGE_BYTES,
    DRIBBLE,
    WINDOW,
    SLICE,
    ORDER,
    WARMUP,
    TIMEOUT,
    SEED,
    CPU,
    SPIN,
    NO_SPIN,
    THREADS,
    JSON,
    PROBE,
    HELP,
};

static const struct option option_names[] = {
    {"target", required_argument, NULL, TARGET},
    {"address", required_argument, NULL, ADDRESS},
    {"port", required_argument, NULL, PORT},
    {"server-pid", required_argument, NULL, SERVER_PID},
    {"ledger", required_argument, NULL, LEDGER},
    {"allow-remote", required_argument, NULL, ALLOW_REMOTE},
    {"connections", required_argument, NULL, CONNECTIONS},
    {"active", required_argument, NULL, ACTIVE},
    {"placement", required_argument, NULL, PLACEMENT},
    {"churn", required_argument, NULL, CHURN},
    {"congestion", required_argument, NULL, CONGESTION},
    {"arrival", required_argument, NULL, ARRIVAL},
    {"rate", required_argument, NULL, RATE},
    {"depth", required_argument, NULL, DEPTH},
    {"think", required_argument, NULL, THINK},
    {"rtt", required_argument, NULL, RTT},
    {"network-delay", required_argument, NULL, NETWORK_DELAY},
    {"message-bytes", required_argument, NULL, MESSAGE_BYTES},
    {"dribble", required_argument, NULL, DRIBBLE},
    {"window", required_argument, NULL, WINDOW},
    {"slice", required_argument, NULL, SLICE},
    {"order", required_argument, NULL, ORDER},
    {"warmup", required_argument, NULL, WARMUP},
    {"timeout", required_argument, NULL, TIMEOUT},
    {"seed", required_argument, NULL, SEED},
    {"cpu", required_argument, NULL, CPU},
    {"spin", no_argument, NULL, SPIN},
    {"no-spin", no_argument, NULL, NO_SPIN},
    {"threads", required_argument, NULL, THREADS},
    {"json", required_argument, NULL, JSON},
    {"probe", required_argument, NULL, PROBE},
    {"help", no_argument, NULL, HELP},
    {0},
};

static void set_option(struct options *o, struct parts *parts, int id, const char *name,
                       const char *text)
{
    switch (id) {
    case TARGET:
        add_target(o, text);
        break;
    case ADDRESS:
        parts->address = text;
        break;
    case PORT:
        parts->port = text;
        break;
    case SERVER_PID:
        parts->pid = text;
        break;
    case LEDGER:
        parts->ledger = text;
        break;
    case ALLOW_REMOTE:
        add_allowed(o, text);
        break;
    case CONNECTIONS:
        o->connections = (uint32_t)count_option(name, text, 1, 10000000);
        break;
    case ACTIVE:
        o->active = (uint32_t)count_option(name, text, 1, 10000000);
        break;
    case PLACEMENT:
        o->placement = (enum placement)word_option(name, text, placements);
        break;
    case CHURN:
        o->churn = (uint32_t)count_option(name, text, 1, 1000000000);
        break;
    case CONGESTION:
        o->congestion = text;
        break;
    case ARRIVAL:
        o->arrival = (enum arrival)word_option(name, text, arrivals);
        break;
    case RATE:
        o->rate_per_s = rate_option(text);
        break;
    case DEPTH:
        o->depth = (uint32_t)count_option(name, text, 1, DEPTH_MAX);
        break;
    case THINK:
        o->think_ns = time_option(name, text, 0);
        break;
    case RTT:
        o->rtt_ns = time_option(name, text, 0);
        break;
    case NETWORK_DELAY:
        o->network_delay_ns = time_option(name, text, 0);
        break;
    case MESSAGE_BYTES:
        o->message_bytes = bytes_option(name, text);
        break;
    case DRIBBLE:
        o->dribble_bytes = bytes_option(name, text);
        break;
    case WINDOW:
        o->window_ns = time_option(name, text, 1);
        break;
    case SLICE:
        o->slice_ns = time_option(name, text, 1000000);
        break;
    case ORDER:
        o->order = (enum order)word_option(name, text, orders);
        break;
    case WARMUP:
        o->warmup_ns = time_option(name, text, 0);
        break;
    case TIMEOUT:
        o->timeout_ns = time_option(name, text, 1000000);
        break;
    case SEED:
        o->seed = count_option(name, text, 0, COUNT_MAX);
        break;
    case CPU:
        o->cpus = cpu_option(name, text);
        o->pinned = true;
        break;
    case SPIN:
        o->spin = SPIN_YES;
        break;
    case NO_SPIN:
        o->spin = SPIN_NO;
        break;
    case THREADS:
        o->threads = (uint32_t)count_option(name, text, 1, THREADS_MAX);
        break;
    case JSON:
        o->json = file_option(name, text);
        break;
    case PROBE:
        probe_option(text, o->probe_cores);
        o->probe = true;
        break;
    case HELP:
        fputs(usage, stdout);
        exit(0);
    default:
        errx(2, "see loadgen --help");
    }
}

static void set_short_target(struct options *o, const struct parts *parts)
{
    bool short_form = parts->address || parts->port || parts->pid || parts->ledger;
    if (short_form && o->target_count)
        errx(2, "give --target, or --port with --address, not both");
    if (!short_form && !o->target_count)
        errx(2, "which server? Give --port P, or --target NAME=ADDRESS:PORT. See loadgen --help");
    if (!short_form)
        return;
    if (!parts->port)
        errx(2, "--port is missing");
    o->targets[0] = target_from_parts("server", parts->address ? parts->address : "127.0.0.1",
                                      parts->port, parts->pid, parts->ledger);
    o->target_count = 1;
}

struct options options_parse(int argc, char **argv)
{
    struct options o = {
        .connections = 1,
        .depth = 1,
        .message_bytes = 64,
        .threads = 1,
        .window_ns = 5 * NS_PER_S,
        .warmup_ns = NS_PER_S / 5,
        .seed = 1,
        .timeout_ns = 5 * NS_PER_S,
    };
    struct parts parts = {0};
    for (int id, i = 0; (id = getopt_long(argc, argv, "", option_names, &i)) != -1;)
        set_option(&o, &parts, id, option_names[i].name, optarg);
    if (optind < argc)
        errx(2, "unexpected argument: %s; see loadgen --help", argv[optind]);
    if (o.probe)
        return o;
    set_short_target(&o, &parts);
    check_targets(&o);
    check_load(&o);
    check_limits(&o);
    if (!o.slice_ns)
        o.slice_ns = o.target_count > 1 ? NS_PER_S / 10 : o.window_ns;
    if (o.slice_ns > o.window_ns)
        o.slice_ns = o.window_ns;
    return o;
}
