/*
 * A server's life: options, limits, the listening socket, the ready line, serve(), the ledger.
 * SIGTERM and SIGINT shut the listening socket down: that makes it readable, so that whichever call
 * the mechanism waits in returns.  A flag alone could be set just before the wait, and a pipe would
 * be one more descriptor in every set that is measured.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"
#include "ledger.h"
#include "standard.h"

volatile sig_atomic_t stop;
static volatile sig_atomic_t listener_fd = -1;

struct options {
    const char *address;
    const char *port;
    const char *ledger;
    const char *congestion; /* NULL: cubic if the kernel has it, else the system's default */
    enum drain drain;
    long cpu; /* -1: any */
    long backlog;
    long connections_max; /* 0: as many as there are descriptors */
};

static void print_usage(void)
{
    printf(
        "Usage: echo-%s --port P [options]\n\n"
        "An echo server that waits with %s.\n\n"
        "  --port P              listen here; 0 picks a free port\n"
        "  --address A           numeric IPv4 or IPv6 address (127.0.0.1)\n"
        "  --cpu K               run on this core only\n"
        "  --drain RULE          a socket is drained when a read says EAGAIN (eagain), comes back\n"
        "                        short (short), or after one read (once; not edge-triggered)\n"
        "  --ledger FILE         keep the counters in FILE, for others to watch\n"
        "  --max-connections N   refuse more than N at a time (as many as descriptors allow)\n"
        "  --backlog N           connections that may wait to be accepted (4096)\n"
        "  --congestion NAME     TCP congestion control (cubic where present)\n"
        "  --help                this text\n\n"
        "The first line of output says where it listens. SIGTERM or SIGINT ends it; it then "
        "prints\n"
        "its counters as one line of JSON.\n",
        mechanism_name, mechanism_name);
}

static long parse_number(const char *option, const char *text, long min, long max)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < min || value > max)
        errx(2, "--%s %s: give a whole number from %ld to %ld", option, text, min, max);
    return value;
}

static enum drain parse_drain(const char *text)
{
    if (!strcmp(text, "eagain"))
        return DRAIN_EAGAIN;
    if (!strcmp(text, "short"))
        return DRAIN_SHORT;
    if (strcmp(text, "once") != 0)
        errx(2, "--drain %s: choose eagain, short or once", text);
    if (!mechanism_is_level_triggered)
        errx(2,
             "--drain once: %s is not told again of what one read leaves; choose eagain or short",
             mechanism_name);
    return DRAIN_ONCE;
}

static struct options parse_options(int argc, char **argv)
{
    enum { ADDRESS, PORT, CPU, DRAIN, LEDGER, MAX_CONNECTIONS, BACKLOG, CONGESTION, HELP };
    static const struct option names[] = {
        {"address", required_argument, NULL, ADDRESS},
        {"port", required_argument, NULL, PORT},
        {"cpu", required_argument, NULL, CPU},
        {"drain", required_argument, NULL, DRAIN},
        {"ledger", required_argument, NULL, LEDGER},
        {"max-connections", required_argument, NULL, MAX_CONNECTIONS},
        {"backlog", required_argument, NULL, BACKLOG},
        {"congestion", required_argument, NULL, CONGESTION},
        {"help", no_argument, NULL, HELP},
        {0},
    };
    struct options o = {.address = "127.0.0.1", .drain = DRAIN_EAGAIN, .cpu = -1, .backlog = 4096};
    for (int c, i = 0; (c = getopt_long(argc, argv, "", names, &i)) != -1;) {
        if (c == ADDRESS)
            o.address = optarg;
        else if (c == PORT)
            parse_number(names[i].name, o.port = optarg, 0, 65535);
        else if (c == CPU)
            o.cpu = parse_number(names[i].name, optarg, 0, CPU_SETSIZE - 1);
        else if (c == DRAIN)
            o.drain = parse_drain(optarg);
        else if (c == LEDGER)
            o.ledger = optarg;
        else if (c == MAX_CONNECTIONS)
            o.connections_max = parse_number(names[i].name, optarg, 1, INT32_MAX);
        else if (c == BACKLOG)
            o.backlog = parse_number(names[i].name, optarg, 1, INT32_MAX);
        else if (c == CONGESTION)
            o.congestion = optarg;
        else if (c == HELP) {
            print_usage();
            exit(0);
        } else
            errx(2, "see echo-%s --help", mechanism_name);
    }
    if (optind < argc)
        errx(2, "unexpected argument: %s; see echo-%s --help", argv[optind], mechanism_name);
    if (!o.port)
        errx(2, "--port is missing; 0 picks a free one. See echo-%s --help", mechanism_name);
    return o;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        warn("cannot raise the descriptor limit: run `ulimit -n` with a higher number");
}

static void pin_to_cpu(long cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        err(2, "--cpu %ld: choose a core from /sys/devices/system/cpu/online", cpu);
}

/* Accepted sockets inherit these from the listener: no system call per connection. */
static void set_tcp_options(int fd, const char *congestion)
{
    int on = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        err(1, "TCP_NODELAY");
    if (setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on) < 0) /* echo urgent bytes, too */
        err(1, "SO_OOBINLINE");
    const char *name = congestion ? congestion : "cubic";
    if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) < 0 &&
        congestion)
        err(2, "--congestion %s: choose from net.ipv4.tcp_%s_congestion_control", congestion,
            errno == EPERM ? "allowed" : "available");
}

static int open_listener(const struct options *o)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *info;
    int error = getaddrinfo(o->address, o->port, &hints, &info);
    if (error)
        errx(2, "--address %s: %s; give a numeric address such as 127.0.0.1 or ::1", o->address,
             gai_strerror(error));
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        err(1, "socket for %s", o->address);
    int on = 1; /* restart at once although connections of the last run linger */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        err(1, "SO_REUSEADDR");
    set_tcp_options(fd, o->congestion);
    if (bind(fd, info->ai_addr, info->ai_addrlen) < 0) {
        if (errno == EADDRNOTAVAIL)
            errx(1, "--address %s: choose an address of this machine from `ip address`",
                 o->address);
        err(1, "bind %s port %s: choose another with --port, or 0", o->address, o->port);
    }
    if (listen(fd, (int)o->backlog) < 0)
        err(1, "listen on %s port %s", o->address, o->port);
    freeaddrinfo(info);
    return fd;
}

static void print_ready_line(int listener)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    char host[64], port[8];
    if (getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        err(1, "getsockname");
    int error = getnameinfo((struct sockaddr *)&address, length, host, sizeof host, port,
                            sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    if (error)
        errx(1, "the listener's own address: %s", gai_strerror(error));
    printf(address.ss_family == AF_INET6 ? "listening on [%s]:%s\n" : "listening on %s:%s\n", host,
           port);
    if (fflush(stdout))
        err(1, "standard output: nobody can learn where it listens");
}

/* Who does not read it any more does not want it: that is no failure of the server. */
static void print_ledger(void)
{
    ledger_print(ledger, stdout);
    if (fflush(stdout))
        warn("standard output: the ledger cannot be printed");
}

static void handle_stop(int signal_number)
{
    (void)signal_number;
    int saved = errno; /* of the call that it interrupts */
    stop = 1;
    shutdown(listener_fd, SHUT_RDWR);
    errno = saved;
}

static void handle_signals(void)
{
    struct sigaction action = {.sa_handler = handle_stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* standard output may be a pipe that nobody reads any more */
}

int main(int argc, char **argv)
{
    standard_fill();
    struct options o = parse_options(argc, argv);
    raise_descriptor_limit();
    if (o.cpu >= 0)
        pin_to_cpu(o.cpu);
    if (o.ledger)
        ledger_open(o.ledger);
    connections_init(o.connections_max);
    int listener = open_listener(&o);
    listener_fd = listener;
    handle_signals();
    print_ready_line(listener);
    serve(listener, o.drain);
    print_ledger();
    return 0;
}
