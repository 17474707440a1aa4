/*
 * B11 listen-backlog
 *
 * Claim: The second argument of listen() is the length of the queue of connections whose handshake
 * is complete.
 *
 * Believed because: listen(2) says so.  Older texts speak of the half-open ones.
 *
 * Experiment: A server listens with 2, another with 5, and does not accept.  Ten clients come one
 * after the other.  How many connections can then be accepted?  The queue takes one more than the
 * argument says: it is full when it is longer.  Another number refutes the claim.
 *
 * History: It changed with Linux 2.2.  Before, the argument was the number of incomplete requests.
 *
 * Read on: listen(2), NOTES; include/net/sock.h, sk_acceptq_is_full(); the cap is
 * /proc/sys/net/core/somaxconn, 4096 since Linux 5.4.
 */
#include <err.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "claim.h"
#include "setup.h"

enum { CLIENTS = 10, FEW = 2, MORE = 5 };

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

static bool is_connected(int client, int timeout_ms)
{
    struct pollfd asked = {.fd = client, .events = POLLOUT};
    return poll(&asked, 1, timeout_ms) == 1 && asked.revents == POLLOUT;
}

/* What the kernel has kept of the argument. */
static int kept(int listener)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    if (getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        err(1, "TCP_INFO");
    return (int)info.tcpi_sacked;
}

/* How many connections wait to be accepted. */
static int queued(int backlog)
{
    struct listener server = listen_tcp(backlog);
    int last = -1, accepted = 0;
    for (int i = 0; i < CLIENTS; i++) {
        last = connect_to(&server);
        if (i <= backlog && !is_connected(last, EVENT_MS))
            errx(1, "client %d could not connect", i);
    }
    bool is_answered = is_connected(last, SILENCE_MS); /* or has come, if the queue takes it */
    while (accept4(server.fd, NULL, NULL, SOCK_CLOEXEC) >= 0)
        accepted++;
    observe_count(text("listen(%d): accepted, of %d", backlog, CLIENTS), accepted,
                  supports_if(accepted == backlog + 1), "the argument, and one more");
    observe_yes_no(text("listen(%d): last client is connected", backlog), is_answered, CONTEXT,
                   "where the queue is full, nobody answers: the client tries again later");
    return accepted;
}

void try_claim(void)
{
    struct listener greedy = listen_tcp(1 << 20);
    int few = queued(FEW), more = queued(MORE);
    observe_count("kept of listen(1048576)", kept(greedy.fd), CONTEXT,
                  "net.core.somaxconn caps it");
    conclude("of %d clients that nobody accepts, listen(%d) queues %d and listen(%d) %d", CLIENTS,
             FEW, few, MORE, more);
}
