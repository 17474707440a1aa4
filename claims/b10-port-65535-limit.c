/*
 * B10 port-65535-limit
 *
 * Claim: A port has 16 bits, so a server runs out of ports at 65,535 connections.
 *
 * Believed because: the first half is true (the field is one of the TCP and UDP headers, not of
 * IP's), and it is thought that accept gives each connection a port of its own.
 *
 * Experiment: 20 clients, each from an address of its own in 127.0.0.0/8, bind the same port and
 * connect to the same port.  If ports are used up, only one gets through.  If a connection is the
 * four of both addresses and both ports, all do.
 *
 * What is bounded: the ports of one client address towards one server address and port, by
 * net.ipv4.ip_local_port_range.  A load generator on one machine needs more addresses beyond that.
 *
 * Read on: RFC 9293, "Connection"; net/ipv4/inet_hashtables.c, __inet_check_established(); ip(7).
 */
#include <err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "claim.h"
#include "setup.h"

enum { CLIENTS = 20 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static struct sockaddr_in name_of(int fd, int (*get)(int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_in name = {0};
    socklen_t size = sizeof name;
    if (get(fd, (struct sockaddr *)&name, &size) < 0)
        err(1, "the name of a connection");
    return name;
}

/* The connection at the server's end; -1: it could not be made.  PORT: as in a header; 0: any. */
static int connection(uint32_t address, in_port_t port, const struct listener *server)
{
    struct sockaddr_in from = {
        .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(address)};
    struct pollfd asked = {.fd = server->fd, .events = POLLIN};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    if (client < 0 || setsockopt(client, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
        bind(client, (struct sockaddr *)&from, sizeof from) < 0)
        err(1, "binding port %d of another 127.0.0.x", ntohs(port));
    if (connect(client, (const struct sockaddr *)&server->address, sizeof server->address) < 0 ||
        poll(&asked, 1, EVENT_MS) != 1)
        return -1;
    return accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
}

void try_claim(void)
{
    struct listener server = listen_tcp(CLIENTS), second = listen_tcp(CLIENTS);
    const int bits = 8 * (int)sizeof server.address.sin_port;
    in_port_t port = 0;
    int alike = 0;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        int fd = connection(INADDR_LOOPBACK + 1 + i, port, &server);
        if (i == 0)
            port = name_of(fd, getpeername).sin_port;
        alike += fd >= 0 && name_of(fd, getsockname).sin_port == server.address.sin_port &&
                 name_of(fd, getpeername).sin_port == port;
    }
    bool is_reused = connection(INADDR_LOOPBACK + 1, port, &second) >= 0;

    observe_count("bits of a port", bits, supports_if(bits == 16), "0 to 65535, and 0 means any");
    observe_count(text("connections with the same two ports, of %d", CLIENTS), alike,
                  weigh(alike == 1, alike == CLIENTS), "all: they differ in the client's address");
    observe_yes_no("first client's address and port reach a second server", is_reused, CONTEXT,
                   "a client's port can serve twice, too: the server's port differs");
    conclude(
        "a port has %d bits, and %d of %d connections had the port %d at the server's end and %d "
        "at the client's",
        bits, alike, CLIENTS, ntohs(server.address.sin_port), ntohs(port));
}
