#include "target.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../servers/ledger.h"

static pid_t parse_pid(const char *text)
{
    char *end;
    long pid = strtol(text, &end, 10);
    if (end == text || *end || pid <= 0 || pid > INT32_MAX)
        errx(2, "server pid %s: give the process id of the server", text);
    if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
        errx(2, "server pid %s: there is no such process; leave it out if you do not know it",
             text);
    return (pid_t)pid;
}

struct target target_from_parts(const char *name, const char *address, const char *port,
                                const char *pid, const char *ledger_file)
{
    struct target t = {.pid = pid ? parse_pid(pid) : 0};
    if (strlen(name) >= sizeof t.name)
        errx(2, "target %s: choose a name of less than %zu letters", name, sizeof t.name);
    snprintf(t.name, sizeof t.name, "%s", name);
    char *end;
    long number = strtol(port, &end, 10);
    if (end == port || *end || number < 1 || number > 65535)
        errx(2, "target %s: port %s: give a number from 1 to 65535", name, port);
    if (!address_parse(address, port, &t.address))
        errx(2,
             "target %s at %s: give a numeric address, such as 127.0.0.1 or ::1, without leading "
             "zeros",
             name, address);
    if (address_is_any(&t.address))
        errx(2, "target %s: %s is not an address to send to: give 127.0.0.1 or ::1", name, address);
    t.port = (uint16_t)number;
    t.is_loopback4 = t.address.socket.ss_family == AF_INET && address_is_loopback(&t.address);
    if (ledger_file && !(t.ledger = ledger_watch(ledger_file)))
        err(2, "target %s: %s is not the ledger of a running server", name, ledger_file);
    return t;
}

/* Cuts [V6]:PORT or V4:PORT; false when there is no port. */
static bool split_address(char *text, char **address, char **port)
{
    char *colon = strrchr(text, ':');
    if (!colon || colon == text)
        return false;
    *colon = '\0';
    *port = colon + 1;
    *address = text;
    if (*text == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        *address = text + 1;
    }
    return true;
}

struct target target_parse(const char *text)
{
    static const char form[] = "NAME=ADDRESS:PORT[,pid=PID][,ledger=FILE]";
    char copy[4096];
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        errx(2, "--target is too long; its form is %s", form);
    char *equals = strchr(copy, '=');
    if (!equals || equals == copy)
        errx(2, "--target %s: its form is %s", text, form);
    *equals = '\0';
    char *rest = equals + 1, *address, *port, *pid = NULL, *ledger_file = NULL;
    char *where = strsep(&rest, ",");
    for (char *part; (part = strsep(&rest, ",")) != NULL;) {
        if (!strncmp(part, "pid=", 4))
            pid = part + 4;
        else if (!strncmp(part, "ledger=", 7))
            ledger_file = part + 7;
        else
            errx(2, "--target %s: %s is neither pid=PID nor ledger=FILE", text, part);
    }
    if (!split_address(where, &address, &port))
        errx(2, "--target %s: its form is %s, with an IPv6 address in brackets", text, form);
    return target_from_parts(copy, address, port, pid, ledger_file);
}

uint64_t target_ports(const struct target *t)
{
    unsigned low = 32768, high = 60999; /* the kernel's defaults */
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    if (file) {
        if (fscanf(file, "%u %u", &low, &high) != 2 || high < low)
            errx(1, "/proc/sys/net/ipv4/ip_local_port_range cannot be read");
        fclose(file);
    }
    return (uint64_t)(high - low + 1) * (t->is_loopback4 ? SOURCE_ADDRESSES : 1);
}
