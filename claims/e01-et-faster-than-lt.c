/*
 * E1 et-faster-than-lt
 *
 * Claim: Edge triggering is epoll's high-speed mode: it is more efficient than level triggering.
 *
 * Believed because: an edge is told once, a level again and again, and fewer events sound like less
 * work.
 *
 * Experiment: A client and a server in one thread, over TCP.  With level triggering the server
 * reads once for each event, with edge triggering until EAGAIN, as it must.  First 64 bytes are
 * asked and answered; then 64 KB come in one go, and the server reads 1 KB at a time.  The claim
 * holds where level takes more than 1.05 times as long, the client's part included.  The server's
 * system calls are counted, and explain the times; they weigh nothing, as level triggering saves as
 * many if it, too, is read until EAGAIN (claim E2).
 *
 * Read on: epoll(7), "Do I need to continuously read/write"; Gammo, Brecht, Shukla and Pariag, OLS
 * 2004: edge triggering and the like "only improve performance slightly".
 */
#include <sys/epoll.h>

#include "blocks.h"
#include "calls.h"
#include "claim.h"
#include "setup.h"

enum { SMALL = 64, SMALL_READ = 4096, BIG = 65536, BIG_READ = 1024 };
static const double THRESHOLD = 1.05;

const enum verdict if_contradicted = REFUTED, if_mixed = DEPENDS;

static struct pair level, edge;
static int level_epoll, edge_epoll;

static void prepare(void)
{
    level = open_pair(KIND_TCP);
    edge = open_pair(KIND_TCP);
    level_epoll = epoll_instance();
    edge_epoll = epoll_instance();
    epoll_add(level_epoll, level.watched, EPOLLIN);
    epoll_add(edge_epoll, edge.watched, EPOLLIN | EPOLLET);
}

static void receive_by_level(long bytes, size_t most)
{
    while (bytes > 0) {
        server_wait(level_epoll);
        bytes -= server_read(level.watched, most);
    }
}

static void receive_by_edge(long bytes, size_t most)
{
    while (bytes > 0) {
        long got;
        server_wait(edge_epoll);
        while ((got = server_read(edge.watched, most)) > 0)
            bytes -= got;
    }
}

static void small_by_level(void)
{
    send_bytes(level.other, SMALL);
    receive_by_level(SMALL, SMALL_READ);
    server_write(level.watched, SMALL);
    take_bytes(level.other, SMALL);
}

static void small_by_edge(void)
{
    send_bytes(edge.other, SMALL);
    receive_by_edge(SMALL, SMALL_READ);
    server_write(edge.watched, SMALL);
    take_bytes(edge.other, SMALL);
}

static void big_by_level(void)
{
    send_bytes(level.other, BIG);
    receive_by_level(BIG, BIG_READ);
}

static void big_by_edge(void)
{
    send_bytes(edge.other, BIG);
    receive_by_edge(BIG, BIG_READ);
}

static struct ratio try_size(const char *name, void (*by_level)(void), void (*by_edge)(void),
                             double calls[2])
{
    calls[0] = calls_per_request(by_level);
    calls[1] = calls_per_request(by_edge);
    observe_amount(text("%s: calls, level", name), calls[0], "", CONTEXT,
                   "the server's for one request, reading once for each event");
    observe_amount(text("%s: calls, edge", name), calls[1], "", CONTEXT,
                   "until EAGAIN, which is what the last read gets");
    struct ratio ratio = compare(prepare, (struct side){by_level, 1}, (struct side){by_edge, 1});
    observe_ratio(text("%s: time, level / edge", name), ratio, above(ratio, THRESHOLD),
                  text("above %g: edge is faster", THRESHOLD));
    return ratio;
}

void try_claim(void)
{
    double small[2], big[2];
    prepare();
    struct ratio on_small = try_size("64 B echoed", small_by_level, small_by_edge, small);
    struct ratio on_big = try_size("64 KB by 1 KB", big_by_level, big_by_edge, big);
    conclude("64 B: %.3g calls by level, %.3g by edge, time level / edge %s; 64 KB by 1 KB: %.3g "
             "and %.3g calls, %s (level that drains, too, makes as few: E2)",
             small[0], small[1], ratio_text(on_small), big[0], big[1], ratio_text(on_big));
}
