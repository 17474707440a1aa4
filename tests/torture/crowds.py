"""Attacks by many clients, and by more than there is room for."""
import resource
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.servers import close_all, ping, reset
from tests.torture.attack import Skipped, attack
from tests.torture.bench import check, descriptors
from tests.torture.clients import (CLOSED, SERVED, WAITING, churn, crowd, fates, gone, idle, newcomer_is_served,
                                   nobody_waits, tell)


def limit_to(limit):
    """A command that runs a server with no more than LIMIT descriptors."""
    return ["prlimit", f"--nofile={limit}:{limit}"]


def come_until_full(server, n):
    """N clients at once, more than there are descriptors: (served clients, their fates)."""
    clients = [server.connect() for _ in range(n)]
    fate = fates(clients)
    for client, what in zip(clients, fate):
        if what == CLOSED:
            client.close()
    return [client for client in clients if client.fileno() >= 0], fate


@attack("F3", "the event array shrinks on each disconnect",
        broken={"shrinking_events": r"after 16 connects and closes it uses \d+ % of a core"})
def connects_and_closes(bench):
    """16 connect and close, one after the other."""
    with bench.server() as server:
        for _ in range(16):
            server.connect().close()
        idle(bench, server, "after 16 connects and closes")
        newcomer_is_served(server, "after 16 connects and closes")
    return "16 came and went, the next is served"


@attack("F5", "ET listener, one accept per event",
        broken={"one_accept": r"of 5 who connected at once: 1 served, 4 waiting"})
def burst(bench):
    """5, then 200 connect while the server is stopped."""
    with bench.server(most=200) as server:
        for n in (5, 200):
            with server.paused():
                clients = [server.connect() for _ in range(n)]
            fate = fates(clients)
            check(set(fate) == {SERVED}, server, f"of {n} who connected at once: {tell(fate)}")
            close_all(clients)
    return "5 and 200 at once are served"


@attack("F6", "ET listener, descriptors exhausted",
        broken={"exhausted_et_listener": r"have gone, and of the others: \d+ waiting"})
def stranded_in_the_backlog(bench):
    """60 connect to a server with 32 descriptors; those who are served leave, and nobody new comes."""
    with bench.server(wrapper=limit_to(32)) as server:
        before = descriptors(server)
        clients = [server.connect() for _ in range(60)]
        fate = fates(clients)
        waiting = [client for client, what in zip(clients, fate) if what == WAITING]
        close_all(client for client, what in zip(clients, fate) if what == SERVED)
        left = fates(waiting)
        nobody_waits(server, left, f"{fate.count(SERVED)} of 60 were served and have gone, and of the others")
        close_all(client for client in clients if client.fileno() >= 0)
        gone(server, before, 60)
        newcomer_is_served(server, "after they have gone")
        server.errors()
    return f"of 60: {tell(fate)}"


@attack("F7", "LT listener, descriptors exhausted", broken={"exhausted_lt_listener": r"it uses \d+ % of a core"})
def spinning_on_the_backlog(bench):
    """60 connect to a server with 32 descriptors, and stay."""
    with bench.server(wrapper=limit_to(32)) as server:
        clients, fate = come_until_full(server, 60)
        idle(bench, server, f"with 32 descriptors and 60 clients ({tell(fate)})")
        nobody_waits(server, fate, "of 60 clients of 32 descriptors")
        close_all(clients)
        server.errors()
    return f"of 60: {tell(fate)}; it sleeps"


@attack("F14", "close before DEL, or a dup keeps the description alive",
        broken={"copied_descriptor": r"20 descriptors are still open"})
def pings_and_closes(bench):
    """20 connect, ping and close."""
    with bench.server() as server:
        before = descriptors(server)
        clients = [server.connect() for _ in range(20)]
        for client in clients:
            ping(client)
        for client in clients:
            client.close()
        gone(server, before, 20)
        idle(bench, server, "after 20 clients have gone")
    return "20 came and went, and left nothing"


@attack("F15", "FD_SET beyond FD_SETSIZE", broken={"fd_set_overflow": r"of 1,100 clients: 1,0\d\d served"})
def beyond_fd_setsize(bench):
    """1,100 are connected at a time: more than an fd_set has bits."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 1200:
        raise Skipped(f"needs 1,200 descriptors, the hard limit is {hard:,}: raise it with `ulimit -Hn`")
    with bench.server(most=1100) as server:
        with crowd(server, 1100) as fate:
            nobody_waits(server, fate, "of 1,100 clients")
            check(server.process.poll() is None, server, f"of 1,100 clients: {tell(fate)}")
            refuses = bench.mechanism == "select"
            check(refuses or fate[SERVED] == 1100, server, f"of 1,100 clients: {tell(fate)}")
            told = tell(fate)
        check(server.errors().count("\n") == refuses, server, "it does not say just once that it refuses")
    return f"of 1,100: {told}"


@attack("more", "a connection that is gone before it is served",
        broken={"eof_ignored": r"(\d+,001) clients have gone, \1 descriptors are still open",
                "leaked_state": r"memory are not given back|LeakSanitizer"})
def connects_and_resets(bench):
    """10,000 connect and reset, one after the other."""
    n = bench.many(10_000, 1000)
    with bench.server(most=100) as server:
        before = descriptors(server)
        for i in range(n):
            reset(server.connect(source=f"127.0.0.{2 + i % 4}"))
        newcomer_is_served(server, f"after {n:,} resets")   # and so has accepted all that came before
        gone(server, before, n + 1)
    return f"{n:,} came and went, the next is served"


@attack("more", "clients that say nothing cost others their service",
        broken={"one_accept": r"with 500 who say nothing a new client is waiting"})
def silent(bench):
    """500 connect and send nothing; at last they speak."""
    with bench.server(most=500) as server:
        before = descriptors(server)
        clients = [server.connect() for _ in range(500)]
        newcomer_is_served(server, "with 500 who say nothing")
        idle(bench, server, "with 500 who say nothing")
        kept = descriptors(server) - before
        check(kept == 500, server, f"{kept} of 500 connections that say nothing are still open")
        fate = fates(clients)
        check(set(fate) == {SERVED}, server, f"of 500 who spoke late: {tell(fate)}")
        close_all(clients)
    return "500 say nothing, it sleeps; all are served when they speak"


@attack("more", "more clients than descriptors, by the thousand",
        broken={"exhausted_lt_listener": r"descriptors: [\d,]+ served, [\d,]+ waiting"})
def crowd_of_20000(bench):
    """20,000 connect and ping, and the server may have 19,000 descriptors; they leave, and a new one comes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = min(bench.many(19_000, 1900), hard)
    n = limit + limit // 19
    with bench.server(wrapper=limit_to(limit), most=limit) as server:
        before = descriptors(server)
        with crowd(server, n) as fate:
            nobody_waits(server, fate, f"of {n:,} clients of {limit:,} descriptors")
            told = tell(fate)
            most = 1024 if bench.mechanism == "select" else limit
            check(fate[SERVED] > most - 20, server, f"of {n:,} clients of {limit:,} descriptors: {told}")
        gone(server, before, n)
        newcomer_is_served(server, f"after {n:,} have gone")
        server.errors()
    return f"of {n:,} with {limit:,} descriptors: {told}"


@attack("more", "what was refused once is refused for ever",
        broken={"exhausted_lt_listener": r"of 60 clients of 32 descriptors: \d+ served, \d+ waiting"})
def comes_and_goes_at_the_limit(bench):
    """60 connect to a server with 32 descriptors; three times 10 of those served leave, and 20 come."""
    with bench.server(wrapper=limit_to(32)) as server:
        before = descriptors(server)
        clients, fate = come_until_full(server, 60)
        nobody_waits(server, fate, "of 60 clients of 32 descriptors")
        for _ in range(3):
            close_all(clients[:10])
            gone(server, before + len(clients) - 10, 10)
            stayed, fate = come_until_full(server, 20)
            clients = clients[10:] + stayed
            check(fate.count(SERVED) == 10, server, f"10 have left, and of 20 new ones: {tell(fate)}")
        check(set(fates(clients)) == {SERVED}, server, "those who stayed are no longer served")
        close_all(clients)
        server.errors()
    return "as many new ones are served as have left"


@contextmanager
def lowered(server, limit):
    """SERVER may have LIMIT descriptors, until the block is left: the soft limit, which anybody can raise again."""
    soft, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, hard))
    yield
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (soft, hard))


@attack("more", "the descriptor limit is taken for a constant",
        broken={"exhausted_et_listener": r"of 20 new clients: 20 waiting"})
def limit_lowered(bench):
    """100 are connected when the limit is lowered to 32; they speak, and 20 more come; then it is raised again."""
    with bench.server(most=120) as server:
        clients = [server.connect() for _ in range(100)]
        check(set(fates(clients)) == {SERVED}, server, "100 clients are not served")
        with lowered(server, 32):
            idle(bench, server, "with 100 clients and 32 descriptors")
            fate = fates(clients)
            told = tell(fate)
            nobody_waits(server, fate, "the limit is lowered, and of 100 old clients")
            # poll(2) takes no more entries than the limit: 30, the healthy client and the listener
            least = 30 if bench.mechanism == "poll" else 100
            check(fate.count(SERVED) >= least, server, f"the limit is lowered, and of 100 old clients: {told}")
            stayed, fate = come_until_full(server, 20)
            check(set(fate) == {CLOSED}, server, f"the limit is lowered, and of 20 new clients: {tell(fate)}")
            idle(bench, server, "with 20 more clients")
        newcomer_is_served(server, "after the limit is raised again")
        close_all(clients + stayed)
        server.errors()
    return f"of 100: {told}; 20 more refused; raised again, the next is served"


@attack("more", "a connection's number is used again at once",
        broken={"eof_ignored": r"([\d,]+) clients have gone, \1 descriptors are still open"})
def churning(bench):
    """2,000 connect, ping and close, 4 at a time."""
    n = bench.many(2000, 400)
    with bench.server() as server, ThreadPoolExecutor(4) as pool:
        before = descriptors(server)
        for turn in [pool.submit(churn, server, n // 4, f"127.0.0.{2 + i}") for i in range(4)]:
            turn.result()
        gone(server, before, n)
    return f"{n:,} came, were served and went"
