#include "observe.h"

#include <dirent.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

/* A process's CPU clock counts what its threads have run up to now, in nanoseconds; the ticks of
 * /proc/PID/stat are 10 ms. */
static uint64_t process_cpu_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) < 0)
        return 0;
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

uint64_t observe_own_cpu_ns(void)
{
    return process_cpu_ns(getpid());
}

bool observe_sees_cpu(const struct target *t)
{
    return t->pid && process_cpu_ns(t->pid) > 0;
}

/* A line of /proc/stat: "cpu" and the sums, or "cpuN" and those of core N. */
static void add_line(struct observation *o, const char *line, const cpu_set_t *cores)
{
    uint64_t user, nice, kernel, idle, iowait, irq, softirq, steal;
    char name[16];
    if (sscanf(line,
               "%15s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
               " %" SCNu64 " %" SCNu64,
               name, &user, &nice, &kernel, &idle, &iowait, &irq, &softirq, &steal) != 9)
        return;
    uint64_t tick_ns = NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
    uint64_t busy_ns = (user + nice + kernel + irq + softirq) * tick_ns;
    if (!strcmp(name, "cpu")) {
        o->busy_ns = busy_ns;
    } else if (CPU_ISSET(strtoul(name + 3, NULL, 10), cores)) {
        o->core_busy_ns += busy_ns;
        o->steal_ns += steal * tick_ns;
    }
}

/* The process of a name, by /proc/PID/comm; 0 if it is not there or not ours to see. */
static pid_t process_named(const char *name)
{
    pid_t found = 0;
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes && !found && (entry = readdir(processes)) != NULL;) {
        char path[300], comm[32] = "";
        snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        FILE *file = strtol(entry->d_name, NULL, 10) > 0 ? fopen(path, "re") : NULL;
        if (file && fgets(comm, sizeof comm, file) && !strncmp(comm, name, strlen(name)) &&
            comm[strlen(name)] == '\n')
            found = (pid_t)strtol(entry->d_name, NULL, 10);
        if (file)
            fclose(file);
    }
    if (processes)
        closedir(processes);
    return found;
}

/* What ksoftirqd did on these cores: packets of ours that the kernel charges to neither side (seen
 * with 10,000 active connections). */
static uint64_t softirq_ns(const cpu_set_t *cores)
{
    static pid_t pids[CPU_SETSIZE];
    static bool looked[CPU_SETSIZE];
    uint64_t sum_ns = 0;
    for (size_t core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, cores))
            continue;
        if (!looked[core]) {
            char name[32];
            snprintf(name, sizeof name, "ksoftirqd/%zu", core);
            pids[core] = process_named(name);
            looked[core] = true;
        }
        sum_ns += pids[core] ? process_cpu_ns(pids[core]) : 0;
    }
    return sum_ns;
}

static void observe_machine(struct observation *o, const cpu_set_t *cores)
{
    char line[512];
    FILE *file = fopen("/proc/stat", "re");
    if (!file)
        return;
    while (fgets(line, sizeof line, file) && !strncmp(line, "cpu", 3))
        add_line(o, line, cores);
    fclose(file);
    o->core_busy_ns -= softirq_ns(cores);
}

cpu_set_t observe_cores(const struct target *t)
{
    cpu_set_t own, server;
    if (sched_getaffinity(0, sizeof own, &own) < 0)
        CPU_ZERO(&own);
    if (t->pid && sched_getaffinity(t->pid, sizeof server, &server) == 0)
        CPU_OR(&own, &own, &server);
    return own;
}

struct observation observe(const struct target *t, const cpu_set_t *cores)
{
    struct observation o = {0};
    observe_machine(&o, cores);
    if (t->pid)
        o.server_cpu_ns = process_cpu_ns(t->pid);
    if (t->ledger)
        o.ledger = *t->ledger;
    return o;
}

struct observation observation_since(const struct observation *end, const struct observation *start)
{
    struct observation d = {
        .server_cpu_ns = end->server_cpu_ns - start->server_cpu_ns,
        .busy_ns = end->busy_ns - start->busy_ns,
        .steal_ns = end->steal_ns - start->steal_ns,
        .core_busy_ns = end->core_busy_ns - start->core_busy_ns,
    };
#define X(name) d.ledger.name = end->ledger.name - start->ledger.name;
    LEDGER_COUNTERS(X)
#undef X
    return d;
}

/* A field of /proc/PID/stat from the third on, in a static buffer; NULL when there is no such
 * process. The second, the name, may hold anything, but ends at the last ")". */
static const char *process_field(pid_t pid, int number)
{
    static char line[1024];
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    const char *at = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    fclose(file);
    for (int field = 2; at && field < number; field++)
        at = strchr(at + 1, ' ');
    return at ? at + 1 : NULL;
}

void observe_await_sleep(const struct target *t)
{
    enum { LOOKS = 200, PAUSE_US = 50 };
    for (int look = 0; t->pid && look < LOOKS; look++) {
        const char *state = process_field(t->pid, 3);
        if (!state || *state != 'R')
            return;
        usleep(PAUSE_US);
    }
}

static int last_core(pid_t pid)
{
    const char *core = process_field(pid, 39);
    return core ? (int)strtol(core, NULL, 10) : -1;
}

int observe_core(pid_t pid)
{
    cpu_set_t set;
    if (sched_getaffinity(pid, sizeof set, &set) < 0)
        return -1;
    if (CPU_COUNT(&set) != 1)
        return last_core(pid);
    int core = 0;
    while (!CPU_ISSET((size_t)core, &set))
        core++;
    return core;
}

/* What the kernel's table says of the sockets that match a question. */
struct found {
    long sockets; /* -1: the table cannot be read */
    long backlog; /* of the last one, if it listens */
};

/* Adds the sockets in one datagram of the answer; false after the last one, or an error. */
static bool add_sockets(const char *data, ssize_t bytes, struct found *found)
{
    unsigned left = (unsigned)bytes;
    for (const struct nlmsghdr *h = (const void *)data; NLMSG_OK(h, left);
         h = NLMSG_NEXT(h, left)) {
        if (h->nlmsg_type == NLMSG_DONE)
            return false;
        if (h->nlmsg_type == NLMSG_ERROR) {
            found->sockets = -1;
            return false;
        }
        found->sockets++;
        found->backlog = ((const struct inet_diag_msg *)NLMSG_DATA(h))->idiag_wqueue;
    }
    return true;
}

/* Asks for all sockets of a family on the target's port that are in a TCP state (sock_diag(7)). */
static struct found ask_kernel(const struct target *t, int family, int state)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 request;
    } ask = {
        .header = {.nlmsg_len = sizeof ask,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .request = {.sdiag_family = (uint8_t)family,
                    .sdiag_protocol = IPPROTO_TCP,
                    .idiag_states = 1U << state,
                    .id.idiag_sport = htons(t->port)},
    };
    struct found found = {0};
    struct timeval patience = {.tv_sec = 5}; /* bounds the loop below */
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    bool more = fd >= 0 &&
                setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
                send(fd, &ask, sizeof ask, 0) == (ssize_t)sizeof ask;
    if (!more)
        found.sockets = -1;
    while (more) {
        _Alignas(struct nlmsghdr) char data[32 * 1024];
        ssize_t bytes = recv(fd, data, sizeof data, 0);
        if (bytes <= 0) {
            found.sockets = -1;
            break;
        }
        more = add_sockets(data, bytes, &found);
    }
    if (fd >= 0)
        close(fd);
    return found;
}

/* A server that listens on :: has IPv6 sockets for connections that come by IPv4. */
static struct found find_sockets(const struct target *t, int state)
{
    struct found found = ask_kernel(t, t->address.socket.ss_family, state);
    if (found.sockets == 0 && t->address.socket.ss_family == AF_INET)
        found = ask_kernel(t, AF_INET6, state);
    return found;
}

long observe_established(const struct target *t)
{
    struct found found = find_sockets(t, TCP_ESTABLISHED);
    return found.sockets > 0 || t->is_loopback4 ? found.sockets : -1;
}

long observe_backlog(const struct target *t)
{
    struct found found = find_sockets(t, TCP_LISTEN);
    return found.sockets > 0 ? found.backlog : -1;
}
