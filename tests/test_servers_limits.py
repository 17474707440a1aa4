"""Many connections, and more than there is room for: nobody is lost, nothing spins, nothing leaks."""
import resource
import time
from contextlib import contextmanager

import pytest

from servers import (MECHANISMS, Server, close_all, is_sanitised, is_served, ping, reset)
from tracing import system_calls, traced

FD_SETSIZE = 1024

each_mechanism = pytest.mark.parametrize("mechanism", MECHANISMS)


@contextmanager
def descriptors_for(connections):
    """Room for that many sockets in this process; skips where there is none."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < connections + 100:
        pytest.skip(f"needs {connections + 100} descriptors: raise the hard limit of {hard}, `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, connections + 100), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect_many(server, n):
    """From several addresses, so that ports do not run out."""
    return [server.connect(source=f"127.0.0.{2 + i % 4}") for i in range(n)]


def limit_to(descriptors):
    return ["prlimit", f"--nofile={descriptors}:{descriptors}"]


def limited(mechanism, descriptors):
    return Server(mechanism, wrapper=limit_to(descriptors))


@each_mechanism
def test_close_leaves_no_descriptor(mechanism):
    with Server(mechanism) as server:
        before = server.descriptors()
        clients = [server.connect() for _ in range(50)]
        for client in clients:
            ping(client)
        assert len(server.descriptors()) == len(before) + 50
        for client in clients:
            client.close()
        server.settle(closes=50)
        assert server.descriptors() == before


def test_select_refuses_descriptor_1024():
    """Those that it cannot watch are closed and counted, and logged once; a place that gets free is taken."""
    with descriptors_for(1100), Server("select") as server:
        room = FD_SETSIZE - len(server.descriptors())
        clients = connect_many(server, 1100)
        served = [is_served(client) for client in clients]
        assert served == [True] * room + [False] * (1100 - room)
        ledger = server.settle()
        assert (ledger.accepts, ledger.refusals, ledger.closes) == (1100, 1100 - room, 0)
        log = server.errors()
        assert log.count("\n") == 1 and "FD_SETSIZE" in log
        for client in clients[:room]:
            ping(client)
        reset(clients.pop(500))
        server.settle(closes=1)
        with server.connect() as client:
            ping(client)
        close_all(clients)


@each_mechanism
def test_descriptors_exhausted(mechanism):
    """More clients than descriptors: each is served or closed, none waits; then the server sleeps."""
    with limited(mechanism, 64) as server:
        room = 64 - len(server.descriptors())
        clients = [server.connect() for _ in range(100)]
        served = [is_served(client) for client in clients]
        assert served == [True] * room + [False] * (100 - room)
        ledger = server.settle()
        assert (ledger.accepts, ledger.refusals) == (100, 100 - room)
        log = server.errors()
        assert log.count("\n") == 1 and "ulimit -n" in log
        close_all(clients)


@each_mechanism
def test_exhausted_server_does_not_spin(mechanism):
    """Nothing happens, so it counts nothing and uses no CPU time; who is served still is."""
    with limited(mechanism, 64) as server:
        clients = [server.connect() for _ in range(100)]
        served = [client for client in clients if is_served(client)]
        before, cpu_seconds = server.settle(), server.cpu_seconds()
        time.sleep(0.2)  # long enough to see a loop: there is no event that says "nothing happened"
        assert server.ledger() == before
        assert server.cpu_seconds() - cpu_seconds <= 0.1
        for client in served:
            ping(client)
        server.errors()
        close_all(clients)


@each_mechanism
def test_exhausted_server_does_not_make_others_wait(mechanism, tmp_path):
    """Whoever is refused, it never sleeps but in its wait: accept's EMFILE may mean an empty backlog."""
    with traced(mechanism, tmp_path, wrapper=limit_to(64)) as server:
        clients = [server.connect() for _ in range(80)]
        assert not all(is_served(client) for client in clients)
        assert server.stop().accepts == 80
        assert not {"nanosleep", "clock_nanosleep"} & set(system_calls(tmp_path))
        close_all(clients)


@each_mechanism
def test_max_connections(mechanism):
    with Server(mechanism, "--max-connections", "5") as server:
        clients = [server.connect() for _ in range(8)]
        assert [is_served(client) for client in clients] == [True] * 5 + [False] * 3
        assert server.settle().refusals == 3
        assert "--max-connections" in server.errors()
        clients.pop(0).close()
        server.settle(closes=1)
        newcomers = [server.connect() for _ in range(2)]
        assert [is_served(client) for client in newcomers] == [True, False]
        for client in clients[:4]:
            ping(client)
        close_all(clients + newcomers)


@each_mechanism
@pytest.mark.skipif(is_sanitised(), reason="the sanitisers keep memory of their own")
def test_idle_connection_costs_64_bytes(mechanism):
    connections = 1000 if mechanism == "select" else 10_000
    with descriptors_for(connections), Server(mechanism) as server:
        with server.connect() as client:
            ping(client)
            memory = [server.memory_bytes(name) for name in ("VmData", "Anonymous")]
            clients = connect_many(server, connections)
            server.settle(accepts=connections + 1)
            grown = [server.memory_bytes(name) - b for name, b in zip(("VmData", "Anonymous"), memory)]
            assert max(grown) <= 64 * connections, f"{max(grown) / connections} bytes per connection"
            ping(clients[-1])
            close_all(clients)
