"""What the servers count: exact, the same where the work is the same, and as strace sees it."""
import subprocess

import pytest

from servers import (MECHANISMS, RULES, Server, binary, change, close_all, exchange, ping, read_ledger,
                     receive_all, reset)
from tracing import system_calls, traced

REQUESTS = 50
SCANS = ["select", "select-wide", "poll"]

# The system calls behind each counter, under all the names that they have on Linux's architectures.
WAIT_CALLS = {"select", "pselect6", "poll", "ppoll", "epoll_wait", "epoll_pwait", "epoll_pwait2"}


def ping_pong(server, client, requests):
    """Each request meets a server that sleeps: what it counts for one is exact."""
    for i in range(requests):
        waits = server.ledger().waits
        ping(client, b"%064d" % i)
        server.settle(waits=waits + 1)


def count_requests(mechanism, rule, connections, requests=REQUESTS):
    """The counters of ping-pong on the last of so many connections, set-up not included."""
    with Server(mechanism, "--drain", rule) as server:
        clients = [server.connect() for _ in range(connections)]
        before = server.settle(accepts=connections)
        ping_pong(server, clients[-1], requests)
        counted = change(before, server.settle())
        close_all(clients)
    return counted


@pytest.mark.parametrize("rule", RULES)
def test_same_reads_and_writes_per_request(rule):
    """One wait, one event, one write; one read, and with the rule `eagain` one more that finds nothing."""
    extra = 1 if rule == "eagain" else 0
    for mechanism in MECHANISMS:
        if (mechanism, rule) == ("epoll-et", "once"):
            continue
        counted = count_requests(mechanism, rule, connections=3)
        per_request = {name: count / REQUESTS for name, count in counted._asdict().items()}
        del per_request["examined"]  # where they differ: see below
        assert per_request == {
            "waits": 1, "events": 1, "reads": 1 + extra, "writes": 1, "eagain": extra, "ctl": 0,
            "accepts": 0, "refusals": 0, "closes": 0, "bytes_in": 64, "bytes_out": 64}, mechanism


@pytest.mark.parametrize("connections", [1, 10, 300])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_examined(mechanism, connections):
    """A scan is handed every connection and the listener at each wait; epoll only what is ready."""
    counted = count_requests(mechanism, "eagain", connections)
    handed = connections + 1 if mechanism in SCANS else 1
    assert counted.waits == REQUESTS
    assert counted.examined == handed * counted.waits


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_printed_ledger_is_the_file(mechanism):
    with Server(mechanism) as server:
        with server.connect() as client:
            exchange(client, bytes(100_000))
        server.settle(closes=1)
        printed = server.stop()
        assert printed == read_ledger(server.ledger_file)
    assert (printed.accepts, printed.refusals, printed.closes) == (1, 0, 1)
    assert printed.bytes_in == printed.bytes_out == 100_000


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_every_connection_is_counted_once(mechanism):
    """However it ends: closed, half-closed, reset."""
    with Server(mechanism) as server:
        ended = [server.connect() for _ in range(3)]
        for client in ended:
            ping(client)
        ended[0].close()
        ended[1].shutdown(1)
        assert receive_all(ended[1]) == b""
        ended[1].close()
        reset(ended[2])
        ledger = server.settle(closes=3)
        assert (ledger.accepts, ledger.closes, ledger.refusals) == (3, 3, 0)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_strace_agrees_with_the_ledger(mechanism, tmp_path):
    with traced(mechanism, tmp_path) as server:
        clients = [server.connect() for _ in range(20)]
        for client in clients:
            ping(client)
        exchange(clients[0], bytes(3 << 20))
        for client in clients:
            client.close()
        server.settle(closes=20)
        ledger = server.stop()
        calls = system_calls(tmp_path)
    assert calls["recvfrom"][0] == ledger.reads
    assert calls["sendto"][0] == ledger.writes
    assert calls["recvfrom"][1] + calls["sendto"][1] == ledger.eagain
    assert calls["accept4"][0] - calls["accept4"][1] == ledger.accepts
    assert calls.get("epoll_ctl", (0, 0))[0] == ledger.ctl
    assert sum(calls[name][0] for name in WAIT_CALLS & set(calls)) == ledger.waits


def test_binaries_differ_in_the_mechanism_only():
    """The wait that a server's name promises is the only one that it can call."""
    calls = {"select": "select", "select-wide": "select", "poll": "poll", "epoll-lt": "epoll_wait",
             "epoll-et": "epoll_wait"}
    for mechanism, call in calls.items():
        symbols = subprocess.run(["nm", "-D", "--undefined-only", binary(mechanism)], capture_output=True,
                                 text=True, check=True).stdout.replace("@", " ").split()
        assert WAIT_CALLS & set(symbols) == {call}, mechanism
