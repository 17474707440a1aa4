/*
 * The generator's command line: every argument list is taken, and then keeps the contracts of
 * options.h and check.h, or it is refused with exit status 2 and a message.
 */
#include <err.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../loadgen/options.h"
#include "../../loadgen/units.h"
#include "../../servers/ledger.h"
#include "caught.h"
#include "pages.h"

/* Open files by these numbers: a ledger, and one too short to be one. */
enum { LEDGER_FD = 900, SHORT_FD };
#define LEDGER_FILE "/proc/self/fd/900"
#define SHORT_FILE  "/proc/self/fd/901"

/* clang-format off */
static const char *const words[] = {
    "--port=5000", "--target=", "--address=", "--port=", "--server-pid=", "--ledger=",
    "--connections=", "--active=", "--churn=", "--placement=", "--congestion=", "--arrival=",
    "--rate=", "--depth=", "--think=", "--rtt=", "--dribble=", "--window=", "--slice=",
    "--order=", "--warmup=", "--timeout=", "--seed=", "--cpu=", "--spin", "--no-spin",
    "--threads=", "--json=", "--probe=", "--help", "--message-bytes=", "--allow-remote=",
    "--arrival=uniform", "--arrival=poisson", "--rate=1k", "--rate=0.01", "--rate=1000M",
    "--think=2ms", "--depth=2", "--dribble=7", "--churn=7", "--connections=10", "--active=7",
    "--threads=2", "--cpu=0", "--slice=10s", "a=127.0.0.1:5000", "b=[::1]:5000",
    "c=10.0.0.1:5000", "10.0.0.1", "127.0.0.2", "::1", ",pid=1", ",ledger=", "0", "1", "2", "7",
    "10", "64", "5000", "1k", "1000M", "0.01", "0.1", "ns", "us", "ms", "s", "KiB", "1ns", "2ms",
    "100ms", "10s", "uniform", "poisson", "closed", "max", "rotate", "abba",
    "a_name_that_is_longer_than_the_room_there_is_for_it=127.0.0.1:5000", LEDGER_FILE, SHORT_FILE,
};
/* clang-format on */

static void make_files(void)
{
    static const struct ledger one = {.magic = LEDGER_MAGIC};
    int fd = memfd_create("ledger", MFD_CLOEXEC);
    if (fd < 0 || write(fd, &one, sizeof one) != sizeof one || dup2(fd, LEDGER_FD) < 0)
        err(1, "a ledger in memory");
    int short_fd = memfd_create("short", MFD_CLOEXEC);
    if (short_fd < 0 || write(short_fd, &one, 8) != 8 || dup2(short_fd, SHORT_FD) < 0)
        err(1, "a file in memory");
}

static struct options parsed;

static void parse(void *argument)
{
    struct arguments *a = argument;
    parsed = options_parse(a->argc, a->argv);
}

static void require_at(bool holds, const char *property, int line)
{
    if (holds)
        return;
    fprintf(stderr, "taken, and does not hold (line %d): %s\n", line, property);
    abort();
}
#define require(property) require_at(property, #property, __LINE__)

static bool is_allowed(const struct options *o, const struct address *a)
{
    for (uint32_t i = 0; i < o->allowed_count; i++)
        if (address_equal(a, &o->allowed[i]))
            return true;
    return address_is_loopback(a);
}

static void check_target(const struct options *o, uint32_t i)
{
    const struct target *t = &o->targets[i];
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&t->address.socket;
    bool inet = v4->sin_family == AF_INET;
    require(memchr(t->name, '\0', sizeof t->name) && t->name[0]);
    require(inet || v4->sin_family == AF_INET6);
    require(t->address.bytes == (inet ? sizeof *v4 : sizeof(struct sockaddr_in6)));
    require(t->port > 0 && t->port == ntohs(v4->sin_port)); /* at the same place in sockaddr_in6 */
    require(t->is_loopback4 == (inet && ntohl(v4->sin_addr.s_addr) >> 24 == 127));
    require(is_allowed(o, &t->address));
    require(t->pid >= 0);
    require(!t->ledger || t->ledger->magic == LEDGER_MAGIC);
    for (uint32_t other = 0; other < i; other++)
        require(strcmp(t->name, o->targets[other].name) != 0);
}

static void check_ranges(const struct options *o)
{
    const uint64_t day_ns = 86400ULL * 1000000000, mib = 1024UL * 1024;
    struct rlimit limit;
    require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    require(o->connections >= 1 && o->connections + o->threads < limit.rlim_cur);
    require(o->active >= 1 && o->active <= o->connections);
    require(o->threads >= 1 && o->threads <= 64 && o->threads <= o->active);
    require(o->depth >= 1 && o->depth <= 1024);
    require((uint64_t)o->active * o->depth <= 100000000);
    require(o->message_bytes >= 1 && o->message_bytes <= 64 * mib);
    require(o->dribble_bytes <= 64 * mib);
    require(o->slice_ns >= 1 && o->slice_ns <= o->window_ns && o->window_ns <= day_ns);
    require(o->think_ns <= day_ns && o->rtt_ns <= day_ns && o->warmup_ns <= day_ns);
    require(o->timeout_ns >= 1000000 && o->timeout_ns <= day_ns);
    require(o->seed <= COUNT_MAX);
}

static void check_together(const struct options *o)
{
    bool closed = o->arrival == ARRIVAL_CLOSED;
    require(o->arrival <= ARRIVAL_POISSON && o->placement <= PLACE_ROTATE);
    require(o->order <= ORDER_ABBA && o->spin <= SPIN_NO);
    require(closed == (o->rate_per_s == 0));
    require(closed || (o->rate_per_s >= 0.1 && o->rate_per_s <= 1e8));
    require(closed || o->think_ns + o->rtt_ns == 0);
    require(o->depth == 1 || (o->dribble_bytes == 0 && o->churn == 0));
    require(!o->pinned || CPU_COUNT(&o->cpus) > 0);
    require(!o->pinned || o->spin != SPIN_YES || (uint32_t)CPU_COUNT(&o->cpus) >= o->threads);
}

static void check_taken(const struct options *o)
{
    if (o->probe) {
        require(o->probe_cores[0] >= 0 && o->probe_cores[0] < CPU_SETSIZE);
        require(o->probe_cores[1] >= 0 && o->probe_cores[1] < CPU_SETSIZE);
        return;
    }
    require(o->target_count >= 1 && o->target_count <= TARGETS_MAX);
    for (uint32_t i = 0; i < o->target_count; i++)
        check_target(o, i);
    check_ranges(o);
    check_together(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static bool made;
    if (!made)
        make_files();
    made = true;
    struct arguments a;
    arguments_make(&a, data, bytes, words, sizeof words / sizeof *words);
    optind = 0; /* getopt_long begins anew */
    int status = caught_status(parse, &a);
    caught_check(status);
    if (status == RETURNED)
        check_taken(&parsed);
    arguments_free(&a);
    pages_release();
    return 0;
}
