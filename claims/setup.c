/* Descriptors for the experiments.  They end with the program: nobody closes them for tidiness. */
#include "setup.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../loadgen/clock.h"
#include "../waitcost/fuse.h"
#include "claim.h"

static int descriptor_limit;

void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* fails above fs.nr_open: the old one will do */
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "getrlimit");
    descriptor_limit = limit.rlim_cur > INT32_MAX ? INT32_MAX : (int)limit.rlim_cur;
}

void need_descriptors(int most)
{
    if (descriptor_limit < most)
        not_applicable("it needs %d descriptors, and the hard limit is %d: raise it (`ulimit -Hn`, "
                       "/etc/security/limits.conf)",
                       most, descriptor_limit);
}

static struct sockaddr_in loopback(void)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Asks with UDP: a socket that is connected to itself, and sends nothing. */
void need_loopback(void)
{
    struct sockaddr_in address = loopback();
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0 ||
        connect(fd, (struct sockaddr *)&address, size) < 0)
        not_applicable("127.0.0.1 cannot be reached (%s): `ip link set lo up`", strerror(errno));
    close(fd);
}

struct pair open_pair(enum kind kind)
{
    static bool begun[KIND_FUSE + 1];
    struct linger none = {0};
    if (kind == KIND_TCP && !begun[kind])
        need_loopback();
    if (!begun[kind])
        kind_begin(kind);
    begun[kind] = true;
    struct pair pair = kind_open(kind);
    if (pair.watched < 0)
        err(1, "opening a %s", pair_name(kind));
    if (pair.other < 0)
        pair.other = pair.watched;
    if (kind == KIND_TCP &&
        (setsockopt(pair.watched, SOL_SOCKET, SO_LINGER, &none, sizeof none) < 0 ||
         setsockopt(pair.other, SOL_SOCKET, SO_LINGER, &none, sizeof none) < 0))
        err(1, "SO_LINGER");
    return pair;
}

const char *pair_name(enum kind kind)
{
    static const char *const names[] = {[KIND_PIPE] = "pipe",
                                        [KIND_EVENTFD] = "eventfd",
                                        [KIND_SOCKETPAIR] = "Unix",
                                        [KIND_TCP] = "TCP",
                                        [KIND_FUSE] = "FUSE"};
    return names[kind];
}

static int bound_socket(int type, struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    *address = loopback();
    if (fd < 0 || bind(fd, (struct sockaddr *)address, size) < 0 ||
        getsockname(fd, (struct sockaddr *)address, &size) < 0)
        err(1, "binding a socket to 127.0.0.1");
    return fd;
}

struct pair open_udp_pair(void)
{
    struct sockaddr_in one, two;
    need_loopback();
    struct pair pair = {.watched = bound_socket(SOCK_DGRAM, &one)};
    pair.other = bound_socket(SOCK_DGRAM, &two);
    if (connect(pair.watched, (struct sockaddr *)&two, sizeof two) < 0 ||
        connect(pair.other, (struct sockaddr *)&one, sizeof one) < 0)
        err(1, "connecting UDP sockets");
    return pair;
}

int ready_counter(void)
{
    int fd = open_pair(KIND_EVENTFD).watched;
    send_bytes(fd, sizeof(uint64_t));
    return fd;
}

void set_blocking(int fd)
{
    if (fcntl(fd, F_SETFL, 0) < 0)
        err(1, "fcntl");
}

int duplicate_at(int fd, int least)
{
    int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, least);
    if (duplicate < 0)
        err(1, "a duplicate at %d or above", least);
    return duplicate;
}

int duplicate_as(int fd, int number)
{
    int duplicate = duplicate_at(fd, number);
    if (duplicate != number)
        not_applicable("descriptor %d is taken: start it with fewer open", number);
    return duplicate;
}

void reset(int fd)
{
    struct linger hard = {.l_onoff = 1};
    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard) < 0 || close(fd) < 0)
        err(1, "resetting a connection");
}

int for_fd_set(int fd)
{
    if (fd >= FD_SETSIZE)
        not_applicable("descriptor %d is too high for an fd_set: start it with fewer open", fd);
    return fd;
}

struct listener listen_tcp(int backlog)
{
    struct listener listener;
    need_loopback();
    listener.fd = bound_socket(SOCK_STREAM, &listener.address);
    if (listen(listener.fd, backlog) < 0)
        err(1, "listen");
    return listener;
}

int connect_to(const struct listener *there)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 ||
        (connect(fd, (const struct sockaddr *)&there->address, sizeof there->address) < 0 &&
         errno != EINPROGRESS))
        err(1, "connecting to 127.0.0.1");
    return fd;
}

static void refuse_proc(const char *path, int error)
{
    const char *advice = access("/proc/self", F_OK) < 0      ? ": mount /proc"
                         : error == EACCES || error == EPERM ? ": run this claim as root (sudo)"
                                                             : "";
    not_applicable("%s cannot be read (%s)%s", path, strerror(error), advice);
}

FILE *open_proc(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        refuse_proc(path, errno);
    return file;
}

bool start_poll_counter(char *why, size_t why_size)
{
    if (!fuse_start(why, why_size))
        return false;
    if (atexit(fuse_stop) != 0)
        errx(1, "atexit");
    struct pollfd asked = {.fd = open_counted()};
    (void)polls_counted();
    if (poll(&asked, 1, 0) != 0 || polls_counted() != 1)
        errx(1, "the FUSE file does not count its ->poll()");
    close(asked.fd);
    return true;
}

void need_poll_counter(void)
{
    char why[200];
    if (!start_poll_counter(why, sizeof why))
        not_applicable("the kernel's calls cannot be counted: %s", why);
}

int open_counted(void)
{
    int fd = fuse_open();
    if (fd < 0)
        err(1, "opening a descriptor that counts");
    return fd;
}

long long polls_counted(void)
{
    static uint64_t before;
    uint64_t now = fuse_polls();
    long long since = (long long)(now - before);
    before = now;
    return since;
}

long long proc_number(const char *path)
{
    long long number;
    FILE *file = open_proc(path);
    if (fscanf(file, "%lld", &number) != 1)
        not_applicable("%s does not begin with a number here", path);
    fclose(file);
    return number;
}

char *before_guard(size_t bytes)
{
    size_t room = (bytes + GUARD - 1) / GUARD * GUARD;
    char *memory =
        mmap(NULL, room + GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + room, GUARD, PROT_NONE) < 0)
        err(1, "memory before a guarded page");
    return memory + room - bytes;
}

double now_ms(void)
{
    return (double)clock_ns() / 1e6;
}

struct timeval timeval_of_ms(int ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000L};
}
