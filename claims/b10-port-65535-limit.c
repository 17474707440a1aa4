/*
 * B10 port-65535-limit
 *
 * Claim: A port has 16 bits, limited by the IP header, so a server runs out of ports at 65,535
 * connections.
 *
 * Believed because: the 16 bits are true (the field is one of the TCP and UDP headers, not of
 * IP's), and it is thought that accept gives each connection a port of its own.
 *
 * Experiment: A socket is bound to port 65535: has it that port then?  (One more is 0 in 16 bits,
 * and the kernel takes 0 for any port.)  Then 20 clients, each from an address of its own in
 * 127.0.0.0/8, bind the same port and connect to the same port.  If ports are used up, only one
 * gets through.  If a connection is the four-tuple of both addresses and both ports, all do.
 *
 * Detail: what is bounded is the ports of one client address towards one server address and port,
 * by net.ipv4.ip_local_port_range.  A load generator on one machine needs more addresses beyond
 * that.
 *
 * Read on: RFC 9293, "Connection"; net/ipv4/inet_hashtables.c, __inet_check_established(); ip(7).
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "claim.h"
#include "setup.h"

enum { CLIENTS = 20, HIGHEST = 65535 };

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

/* The port that a socket has when it was bound to one, of which the field takes 16 bits. */
static int bound_port(unsigned port)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons((in_port_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof name) == 0;
    if (!bound && errno == EADDRINUSE)
        not_applicable("port %u is taken: end the program that has it (`ss -tanp`)", port);
    if (!bound)
        err(1, "binding port %u", port);
    name = name_of(fd, getsockname);
    close(fd);
    return ntohs(name.sin_port);
}

void try_claim(void)
{
    need_descriptors(2 * CLIENTS + 50);
    struct listener server = listen_tcp(CLIENTS), second = listen_tcp(CLIENTS);
    in_port_t port = 0;
    int alike = 0, highest = bound_port(HIGHEST), beyond = bound_port(HIGHEST + 1);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        int fd = connection(INADDR_LOOPBACK + 1 + i, port, &server);
        if (i == 0)
            port = name_of(fd, getpeername).sin_port;
        alike += fd >= 0 && name_of(fd, getsockname).sin_port == server.address.sin_port &&
                 name_of(fd, getpeername).sin_port == port;
    }
    bool is_reused = connection(INADDR_LOOPBACK + 1, port, &second) >= 0;

    observe_count("port after binding 65535", highest, supports_if(highest == HIGHEST),
                  "65535: a port has 16 bits or more");
    observe_count("port after binding 65536", beyond, CONTEXT,
                  "the field of an address has 16 bits: 0 is left of it, and means any port");
    observe_count(text("connections with the same two ports, of %d", CLIENTS), alike,
                  weigh(alike == 1, alike == CLIENTS), "all: they differ in the client's address");
    observe_yes_no("first client's address and port reach a second server", is_reused, CONTEXT,
                   "a client's port can serve twice, too: the server's port differs");
    conclude(
        "bound to port %d a socket has port %d; %d of %d connections at once had port %d at the "
        "server's end and %d at the client's",
        HIGHEST, highest, alike, CLIENTS, ntohs(server.address.sin_port), ntohs(port));
}
