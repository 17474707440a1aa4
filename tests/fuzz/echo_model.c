/*
 * The echo core under a small event loop of its own, level-triggered like poll.c or edge-triggered
 * like epoll_et.c, on top of fake sockets.  A script moves both: peers that connect, send, take,
 * end and reset at any moment, interrupted calls, descriptors that run out.
 *
 * What is checked.  In every call (fake_sockets.c): what goes out is what came in, in order;
 * nothing is read while an echo is pending; a turn keeps its budget; no descriptor is closed twice
 * or used after that.  After every turn: the answer fits what the calls have said, and the ledger
 * what has been done.  At the end, when all peers take their echoes and then finish: everything
 * that arrived has been echoed, and everything is closed; nothing has stalled.
 */
#include "echo_model.h"

#include <string.h>

#include "../../servers/echo.h"
#include "fake_sockets.h"
#include "script.h"

static enum drain rule;
static bool edge_triggered;
static unsigned connections_max;
static struct fake *undrained[FAKES]; /* as in epoll_et.c */
static size_t undrained_count;

static void check_ledger(void)
{
#define X(name)                                                                          \
    require(ledger->name == fake_counts.name, "the ledger has %llu " #name ", not %llu", \
            (unsigned long long)ledger->name, (unsigned long long)fake_counts.name);
    LEDGER_COUNTERS(X)
#undef X
}

/* Reading may stop when the kernel had no more, and under the other rules a little earlier. */
static bool may_stop_reading(const struct fake *f, enum drain turn_rule)
{
    if (turn_rule == DRAIN_ONCE && f->read != NOTHING)
        return true;
    return f->read == WOULD_BLOCK || (turn_rule == DRAIN_SHORT && f->read == SHORT_DATA);
}

static void check_turn(const struct fake *f, enum drain turn_rule, enum next next)
{
    size_t owed = (size_t)(f->in - f->out);
    bool over = f->read == PEER_ENDED || f->read == FAILED || f->write == FAILED;
    require((next == NEXT_CLOSE) == over, "answers %d, and the connection is %s", (int)next,
            over ? "over" : "alive");
    require(owed <= READ_BYTES, "keeps %zu bytes pending", owed);
    require(turn_rule != DRAIN_ONCE || f->reads <= 1, "reads %ld times by the rule once", f->reads);
    if (over)
        return;
    require(!connection_at(fake_fd(f))->pending == !owed, "keeps nothing of what it owes");
    require((next == NEXT_WRITE) == (owed > 0), "answers %d, and owes %zu", (int)next, owed);
    require(next != NEXT_WRITE || f->write != DATA, "waits, and the peer would take more");
    require(next != NEXT_READ || may_stop_reading(f, turn_rule), "waits, and has not drained");
    require(next != NEXT_AGAIN || f->charged >= TURN_BYTES, "ends its turn before its budget");
}

static bool is_live(const struct fake *f)
{
    return f->open && f->is_connection;
}

static void close_connection(struct fake *f)
{
    fake_counts.closes++;
    connection_close(fake_fd(f));
    require(!is_live(f), "does not close %d", fake_fd(f));
    require(!connection_at(fake_fd(f))->pending, "keeps the echo of a closed connection");
}

/* Registers what the connection waits for.  With edges, what is there already must have been told
 * and not yet heard, or the loop comes back by itself: else this is a stall. */
static void wait_for(struct fake *f, enum next next)
{
    struct connection *connection = connection_at(fake_fd(f));
    connection->writing = next == NEXT_WRITE;
    fake_want(f, connection->writing);
    if (!edge_triggered)
        return;
    connection->undrained = next == NEXT_AGAIN;
    if (connection->undrained)
        undrained[undrained_count++] = f;
    require(connection->undrained || f->queued || !fake_ready(f).any,
            "is not told again of what it has left");
}

static void serve_one(struct fake *f, enum drain turn_rule)
{
    fake_turn_begins(f);
    enum next next = connection_turn(fake_fd(f), turn_rule);
    check_turn(f, turn_rule, next);
    if (next == NEXT_CLOSE)
        close_connection(f);
    else
        wait_for(f, next);
    check_ledger();
}

static void serve_undrained(void)
{
    size_t count = undrained_count;
    undrained_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct fake *f = undrained[i];
        connection_at(fake_fd(f))->undrained = false;
        serve_one(f, DRAIN_EAGAIN);
    }
}

static unsigned count_live(void)
{
    unsigned live = 0;
    for (int i = 0; i < FAKES; i++)
        live += is_live(&fakes[i]);
    return live;
}

/* What a call has refused on the way must have had a reason; and for want of descriptors alone it
 * leaves nobody in the backlog: for that there is the reserve, which is there again afterwards. */
static void check_refusals(int fd, uint64_t refused, unsigned reserves)
{
    require(refused == 0 || fake_starved, "refuses without a reason");
    require(refused <= ACCEPTS_PER_TURN, "refuses %llu in a row", (unsigned long long)refused);
    require(fd >= 0 || fake_backlog == 0 || refused == ACCEPTS_PER_TURN || fake_stormy || !reserves,
            "leaves %u in the backlog", fake_backlog);
    require(fake_reserves() == reserves || fake_stormy, "had %u descriptors in reserve, has %u",
            reserves, fake_reserves());
}

static int accept_one(void)
{
    uint64_t accepts = fake_counts.accepts;
    unsigned live = count_live(), reserves = fake_reserves();
    fake_starved = connections_max && live >= connections_max;
    fake_stormy = false;
    int fd = connection_accept(FAKE_LISTENER);
    uint64_t refused = fake_counts.accepts - accepts - (fd >= 0);
    fake_counts.refusals += refused;
    check_refusals(fd, refused, reserves);
    require(count_live() == live + (fd >= 0), "loses a descriptor");
    check_ledger();
    if (fd < 0)
        return fd;
    const struct connection *connection = connection_at(fd);
    require(!connections_max || live < connections_max, "serves more than the maximum");
    require(!connection->pending && !connection->writing && !connection->undrained,
            "has a new connection with another one's state");
    return fd;
}

static void accept_some(void)
{
    for (int n = 0, fd; n < ACCEPTS_PER_TURN && (fd = accept_one()) >= 0; n++) {
        if (script_byte() < 250)
            continue;
        connection_refuse(fd, "the mechanism cannot watch it"); /* now and then */
        fake_counts.refusals++;
    }
}

static void peer_acts(void);

/* A wait, and a turn for each that it finds, from a place of the script's choice; between wait and
 * turns the peers go on. */
static void wait_and_serve(void)
{
    struct readiness ready[FAKES];
    bool knock = fake_backlog > 0;
    unsigned first = script_byte();
    for (int i = 0; i < FAKES; i++) {
        ready[i] = fake_ready(&fakes[i]);
        ready[i].any = ready[i].any && is_live(&fakes[i]) && (!edge_triggered || fakes[i].queued);
        fakes[i].queued = false;
    }
    for (unsigned n = 0; n < FAKES; n++) {
        unsigned i = (first + n) % FAKES;
        if (!ready[i].any || connection_at(fake_fd(&fakes[i]))->undrained)
            continue;
        if (script_byte() >= 224)
            peer_acts();
        serve_one(&fakes[i], edge_triggered && ready[i].not_once ? DRAIN_EAGAIN : rule);
    }
    serve_undrained();
    if (knock)
        accept_some();
}

/* A connection of the script's choice; NULL: there is none. */
static struct fake *choose(void)
{
    unsigned first = script_byte();
    for (unsigned n = 0; n < FAKES; n++)
        if (is_live(&fakes[(first + n) % FAKES]))
            return &fakes[(first + n) % FAKES];
    return NULL;
}

static void peer_acts(void)
{
    unsigned byte = script_byte();
    struct fake *f = choose();
    if (!f)
        return;
    if (byte < 112)
        peer_sends(f, script_size());
    else if (byte < 208)
        peer_takes(f, script_size());
    else if (byte < 220)
        f->flood_bytes = script_size();
    else if (byte < 232)
        peer_sends_urgent(f, script_size(), script_size());
    else if (byte < 248)
        peer_ends(f);
    else
        peer_resets(f);
}

static void step(void)
{
    unsigned byte = script_byte();
    struct fake *f;
    if (byte < 96)
        wait_and_serve();
    else if (byte < 200)
        peer_acts();
    else if (byte < 240 && fake_backlog < 200)
        fake_backlog += byte < 236 ? 1 : 70; /* more than a turn takes */
    else if (byte < 246 && (f = choose()) && !connection_at(fake_fd(f))->undrained)
        serve_one(f, rule); /* woken for nothing */
    else if (byte < 252)
        fake_limit = 1 + (int)(script_byte() % FAKES);
    else
        fake_system_full = !fake_system_full;
}

static bool is_quiet(void)
{
    for (int i = 0; i < FAKES; i++) {
        const struct fake *f = &fakes[i];
        if (is_live(f) && (f->arrived > f->out || f->ended || f->reset))
            return false;
    }
    return true;
}

/* The peers take all; then, with ending, all of them finish, and those too that still knock. */
static bool settle(bool ending)
{
    enum { ROUNDS = 3 * QUEUE_MAX / READ_BYTES };
    fake_limit = FAKES;
    fake_system_full = false;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < FAKES; i++) {
            fakes[i].flood_bytes = 0;
            peer_takes(&fakes[i], READ_BYTES);
            if (ending && !fakes[i].ended)
                peer_ends(&fakes[i]);
        }
        wait_and_serve();
        if (is_quiet() && (!ending || (count_live() == 0 && fake_backlog == 0)))
            return true;
    }
    return false;
}

void model_run(const uint8_t *script, size_t bytes)
{
    script_begin(script, bytes);
    fake_begin();
    *ledger = fake_counts;
    undrained_count = 0;
    unsigned byte = script_byte();
    edge_triggered = byte & 4;
    rule = (enum drain)(byte % (edge_triggered ? 2 : 3));
    connections_max = script_byte() % 32;
    connections_init(connections_max);
    while (!script_ended())
        step();
    require(settle(false), "lets a connection stall");
    require(settle(true), "does not close a connection at its end");
    fake_end();
}
