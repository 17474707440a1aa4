/*
 * Faults made on purpose, to show that every gate of METHOD.md fires.  This library stands between
 * one of our programs and libc, so that the program under test is the product's own binary:
 *
 *     LD_PRELOAD=build/tests/fault.so FAULT=spin=2us build/bin/echo-poll --port 0
 *
 * One fault at a time (times in ns, us, ms, s); on the right the rows of METHOD.md that it serves:
 *
 *   in a server
 *   stall=20ms/1s         the first 20 ms of each second it does nothing                       1, 2
 *   delay=200us           each request is held so long before it is answered                   3, 6
 *   spin=2us              each request burns so much CPU time                         6, 11, 17, 20
 *   slow=20%@2s           from 2 s after the first request on, each burns a fifth more than
 *                         a request took until then                                              25
 *   corrupt=1/100000      one bit is flipped in every 100,000th byte that is sent                 7
 *   truncate=1/1000       every thousandth write loses its last byte, and reports success         7
 *   close=1/1000          every thousandth request has its connection cut instead of an echo      7
 *   swallow=1/500         every five hundredth request is not answered                            8
 *   die=1000              the thousandth request is its end                                      29
 *   record=FILE           when each request arrives, CLOCK_MONOTONIC in ns, goes to FILE as
 *                         64-bit numbers; epoll servers then poll, as to wake takes 40 us         4
 *   in the generator
 *   missing=1             its last connection leads elsewhere, to an echo of our own              9
 *   sender-spin=20us      each send burns so much CPU time; with @NAME at the end, only those
 *                         to the server that the generator knows by that name                 6, 12
 *
 * A request is what one read returns: true of ping-pong and of any depth 1.  For one thread.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL

enum {
    WRITE_BYTES = 64 * 1024, /* no server of ours sends more at once */
    RECORDS = 4096,          /* kept until they are written */
    SPUN_NS = 100000,        /* the end of a delay: a sleep comes back late */
};

/* The fault: what it is, and its numbers in the order of its text. */
static enum kind {
    NONE,
    STALL,
    DELAY,
    SPIN,
    SLOW,
    CORRUPT,
    TRUNCATE,
    CLOSE,
    SWALLOW,
    DIE,
    RECORD,
    MISSING,
    SENDER_SPIN
} kind;
static uint64_t amount, second; /* ns or counts; second is what stands behind / or @ */
static const char *name;        /* a file's or a server's; NULL: none */

static uint64_t requests, writes, bytes_sent; /* so far */

/* ---- time -------------------------------------------------------------------------------- */

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t end_ns)
{
    struct timespec end = {.tv_sec = (time_t)(end_ns / NS_PER_S),
                           .tv_nsec = (long)(end_ns % NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
        continue;
}

/* What reading the clock costs, in ns. */
static uint64_t clock_cost_ns(void)
{
    enum { READS = 20000 };
    uint64_t start_ns = clock_ns(CLOCK_MONOTONIC), end_ns = start_ns;
    for (int i = 0; i < READS; i++)
        end_ns = clock_ns(CLOCK_MONOTONIC);
    return (end_ns - start_ns) / READS;
}

/* Burns ns of CPU time, on average exactly: what one call took too much is taken from the next. */
static void burn(uint64_t ns)
{
    static uint64_t cost_ns, debt_ns;
    if (!cost_ns)
        cost_ns = clock_cost_ns(); /* of the two readings at the ends, half of each is outside */
    uint64_t start_ns = clock_ns(CLOCK_MONOTONIC), passed_ns;
    do
        passed_ns = clock_ns(CLOCK_MONOTONIC) - start_ns + cost_ns + debt_ns;
    while (passed_ns < ns);
    debt_ns = passed_ns - ns < ns ? passed_ns - ns : 0; /* more: it was not we who ran */
}

static void stall(void)
{
    uint64_t now_ns = clock_ns(CLOCK_MONOTONIC), phase_ns = now_ns % second;
    if (phase_ns < amount)
        sleep_until(now_ns - phase_ns + amount);
}

static void delay(void)
{
    uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + amount;
    if (amount > SPUN_NS)
        sleep_until(end_ns - SPUN_NS);
    while (clock_ns(CLOCK_MONOTONIC) < end_ns)
        continue;
}

/* Burns amount percent of what a request took until `second` ns after the first one. */
static void slow(void)
{
    static uint64_t start_ns, start_cpu_ns, extra_ns;
    if (requests == 1) {
        start_ns = clock_ns(CLOCK_MONOTONIC);
        start_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    } else if (extra_ns) {
        burn(extra_ns);
    } else if (clock_ns(CLOCK_MONOTONIC) - start_ns >= second) {
        uint64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_cpu_ns;
        extra_ns = cpu_ns * amount / 100 / (requests - 1);
    }
}

/* ---- the record of arrivals --------------------------------------------------------------- */

static int record_fd = -1;
static uint64_t records[RECORDS];
static size_t record_count;

static void record_flush(void)
{
    size_t bytes = record_count * sizeof *records;
    if (write(record_fd, records, bytes) != (ssize_t)bytes)
        err(1, "FAULT=record=%s", name);
    record_count = 0;
}

static void record(void)
{
    records[record_count++] = clock_ns(CLOCK_MONOTONIC);
    if (record_count == RECORDS)
        record_flush();
}

/* ---- what the programs call --------------------------------------------------------------- */

static bool is_turn(uint64_t count)
{
    return count % amount == 0;
}

/* The server's read.  (recvfrom and sendto are what libc's recv and send come to.) */
ssize_t recv(int fd, void *buf, size_t n, int flags)
{
    if (kind == STALL)
        stall();
    ssize_t got = recvfrom(fd, buf, n, flags, NULL, NULL);
    if (got <= 0)
        return got;
    requests++;
    if (kind == DELAY)
        delay();
    else if (kind == SPIN)
        burn(amount);
    else if (kind == SLOW)
        slow();
    else if (kind == RECORD)
        record();
    else if (kind == SWALLOW && is_turn(requests))
        return recvfrom(fd, buf, n, flags, NULL, NULL);
    else if (kind == CLOSE && is_turn(requests)) {
        shutdown(fd, SHUT_RDWR);
        return 0;
    } else if (kind == DIE && requests == amount)
        raise(SIGKILL);
    return got;
}

/* A server that sleeps takes tens of microseconds to wake, and finds together what came apart. */
int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)
{
    int ready;
    do
        ready = epoll_pwait(epfd, events, maxevents, kind == RECORD ? 0 : timeout, NULL);
    while (ready == 0 && kind == RECORD && timeout < 0);
    return ready;
}

/* Sends with one bit flipped in each byte whose turn it is. */
static ssize_t send_corrupt(int fd, const void *data, size_t bytes, int flags)
{
    static char copy[WRITE_BYTES];
    uint64_t place = amount - 1 - bytes_sent % amount;
    if (bytes <= sizeof copy) {
        memcpy(copy, data, bytes);
        data = copy;
    }
    for (; place < bytes && bytes <= sizeof copy; place += amount)
        copy[place] ^= 1;
    ssize_t n = sendto(fd, data, bytes, flags, NULL, 0);
    if (n > 0)
        bytes_sent += (uint64_t)n;
    return n;
}

static bool spins_here = true; /* does this process drive the server that @NAME means? */

ssize_t send(int fd, const void *buf, size_t n, int flags)
{
    if (kind == CORRUPT)
        return send_corrupt(fd, buf, n, flags);
    if (kind == SENDER_SPIN && spins_here)
        burn(amount);
    if (kind != TRUNCATE || !is_turn(++writes))
        return sendto(fd, buf, n, flags, NULL, 0);
    ssize_t sent = n > 1 ? sendto(fd, buf, n - 1, flags, NULL, 0) : 0;
    return sent < 0 ? sent : sent + 1;
}

/* ---- the generator's connections ---------------------------------------------------------- */

/* The words of the command line, each ended by a zero byte, and one more zero at the end. */
static const char *command_line(void)
{
    static char words[64 * 1024];
    FILE *file = fopen("/proc/self/cmdline", "re");
    if (!file || fread(words, 1, sizeof words - 1, file) == 0)
        err(1, "FAULT: /proc/self/cmdline");
    fclose(file);
    return words;
}

/* The first word after an option that begins with prefix; exits 2 when there is none. */
static const char *option_value(const char *option, const char *prefix)
{
    for (const char *word = command_line(); *word; word += strlen(word) + 1) {
        const char *value = word + strlen(word) + 1;
        if (!strcmp(word, option) && !strncmp(value, prefix, strlen(prefix)))
            return value + strlen(prefix);
    }
    errx(2, "FAULT: the command line has no %s %s", option, prefix);
}

/* The port in "NAME=ADDRESS:PORT,..." of the server that is called name. */
static uint16_t port_of_target(void)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, "%s=", name);
    const char *address = option_value("--target", prefix);
    const char *end = address + strcspn(address, ",");
    while (end > address && *end != ':')
        end--;
    return (uint16_t)strtol(end + 1, NULL, 10);
}

/* An echo for the connections that the server does not get. */
static void *echo_elsewhere(void *listener)
{
    char data[4096];
    for (int fd; (fd = accept(*(int *)listener, NULL, NULL)) >= 0; close(fd))
        for (ssize_t n; (n = recvfrom(fd, data, sizeof data, 0, NULL, NULL)) > 0;)
            if (sendto(fd, data, (size_t)n, MSG_NOSIGNAL, NULL, 0) < 0)
                break;
    return NULL;
}

static struct sockaddr_in elsewhere(void)
{
    static int listener;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    pthread_t thread;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 16) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        err(1, "FAULT=missing: a listening socket");
    if (pthread_create(&thread, NULL, echo_elsewhere, &listener) != 0)
        errx(1, "FAULT=missing: a thread");
    return address;
}

/* connect() to the linker; <sys/socket.h> declares it with a type of glibc's own. */
int connect_faulty(int fd, const struct sockaddr *address, socklen_t length) __asm__("connect");

int connect_faulty(int fd, const struct sockaddr *address, socklen_t length)
{
    static uint64_t connects;
    struct sockaddr_in other;
    const struct sockaddr_in *asked = (const struct sockaddr_in *)address;
    if (kind == SENDER_SPIN && name)
        spins_here = ntohs(asked->sin_port) == port_of_target();
    if (kind == MISSING && ++connects == strtoull(option_value("--connections", ""), NULL, 10)) {
        other = elsewhere();
        address = (const struct sockaddr *)&other;
        length = sizeof other;
    }
    return (int)syscall(SYS_connect, fd, address, length);
}

/* ---- what FAULT says ---------------------------------------------------------------------- */

static const struct form {
    const char *name, *form; /* in the form, T is a time, N a count, the rest itself */
    enum kind kind;
} forms[] = {
    {"stall", "T/T", STALL},    {"delay", "T", DELAY},       {"spin", "T", SPIN},
    {"slow", "N%@T", SLOW},     {"corrupt", "1/N", CORRUPT}, {"truncate", "1/N", TRUNCATE},
    {"close", "1/N", CLOSE},    {"swallow", "1/N", SWALLOW}, {"die", "N", DIE},
    {"record", "FILE", RECORD}, {"missing", "1", MISSING},   {"sender-spin", "T", SENDER_SPIN},
};

/* A number above 0 from the text, with a unit of time if is_time; NULL: there is none. */
static const char *parse_number(const char *text, bool is_time, uint64_t *number)
{
    static const struct {
        const char *unit;
        uint64_t ns;
    } units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", NS_PER_S}};
    char *end;
    *number = strtoull(text, &end, 10);
    if (end == text || *number == 0 || *number > UINT32_MAX)
        return NULL;
    for (size_t i = 0; is_time && i < sizeof units / sizeof *units; i++)
        if (!strncmp(end, units[i].unit, strlen(units[i].unit))) {
            *number *= units[i].ns;
            return end + strlen(units[i].unit);
        }
    return is_time ? NULL : end;
}

/* Reads amount and second as the form has them, and a server's name behind a sender-spin; false
 * when the text is not of that form. */
static bool parse_form(const char *form, const char *text)
{
    uint64_t *number = &amount;
    for (; *form; form++) {
        if (*form == 'T' || *form == 'N') {
            text = parse_number(text, *form == 'T', number);
            if (!text)
                return false;
            number = &second;
        } else if (*text++ != *form)
            return false;
    }
    if (kind == SENDER_SPIN && *text == '@')
        name = text + 1;
    return name ? *name : !*text;
}

static bool parse(const char *text)
{
    const char *value = strchr(text, '=');
    for (size_t i = 0; value && i < sizeof forms / sizeof *forms; i++) {
        if (strlen(forms[i].name) != (size_t)(value - text) ||
            strncmp(forms[i].name, text, strlen(forms[i].name)) != 0)
            continue;
        kind = forms[i].kind;
        if (kind != RECORD)
            return parse_form(forms[i].form, value + 1);
        name = value + 1;
        return *name;
    }
    return false;
}

__attribute__((constructor)) static void load(void)
{
    const char *text = getenv("FAULT");
    if (!text || !parse(text)) {
        fprintf(stderr,
                "FAULT=%s: choose one of the faults in tests/faults/fault.c:", text ? text : "");
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
            fprintf(stderr, " %s=%s", forms[i].name, forms[i].form);
        fputs("\n", stderr);
        _exit(2);
    }
    if (kind == RECORD)
        record_fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (kind == RECORD && record_fd < 0)
        err(2, "FAULT=record=%s", name);
    if (kind == DELAY || kind == STALL)
        prctl(PR_SET_TIMERSLACK, 1);
}

__attribute__((destructor)) static void unload(void)
{
    if (record_fd >= 0)
        record_flush();
}
