"""Many clients at once, and what becomes of each.

Run as a program it is N clients of one server, in a process of its own, as one process cannot have descriptors for all:
it prints how many were served, closed or left waiting, keeps its connections until its standard input ends, then
resets them.
"""
import json
import resource
import select
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager

from tests.servers import ROOT, close_all, ping
from tests.torture.bench import IDLE_PERCENT, check, descriptors, soon
from tests.torture.healthy import PROMPT_S

SERVED, CLOSED, WAITING = "served", "closed", "waiting"
EACH = 10_000           # clients in one process
AT_ONCE = 1000          # fewer than fit into a backlog, for two processes
SOURCES = 4             # source addresses: each has about 28,000 ports for one server


def fates(clients):
    """What becomes of each client that sends a byte: SERVED, CLOSED, or WAITING after PROMPT_S."""
    fate, poll, numbers = [WAITING] * len(clients), select.poll(), {}
    for number, client in enumerate(clients):
        try:
            client.sendall(b"?")
        except ConnectionError:
            pass            # the end is there to be read
        poll.register(client, select.POLLIN)
        numbers[client.fileno()] = number
    end = time.monotonic() + PROMPT_S
    while numbers and (left := end - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(1e3 * left):
            poll.unregister(descriptor)
            number = numbers.pop(descriptor)
            fate[number] = fate_of(clients[number])
    return fate


def fate_of(client):
    try:
        answer = client.recv(64)
    except ConnectionError:
        return CLOSED
    assert not answer.strip(b"?"), f"{answer!r} came back for a question mark"
    return SERVED if answer else CLOSED


def tell(fate):
    """How many had which fate, in words."""
    counts = Counter(fate)
    return ", ".join(f"{counts[name]:,} {name}" for name in (SERVED, CLOSED, WAITING) if counts[name])


def nobody_waits(server, fate, when):
    """Each client was SERVED or CLOSED, in plain words if not."""
    check(WAITING not in fate, server, f"{when}: {tell(fate)}")


def newcomer_is_served(server, when):
    """With an echo, soon."""
    with server.connect() as client:
        fate, = fates([client])
    check(fate == SERVED, server, f"{when} a new client is {fate}")


def idle(bench, server, when):
    """SERVER sleeps while nobody speaks."""
    percent = bench.idle_percent(server)
    check(percent < IDLE_PERCENT, server, f"{when} it uses {percent:.0f} % of a core with nothing to do")


def gone(server, before, n):
    """SERVER has closed its side of N clients that have closed theirs: it has as many descriptors as BEFORE."""
    soon(lambda: descriptors(server) <= before)
    kept = descriptors(server) - before
    check(kept <= 0, server, f"{n:,} clients have gone, {kept:,} descriptors are still open for them")


@contextmanager
def crowd(server, n):
    """N clients in other processes, connected until the block is left; yields a Counter of their fates."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    each = min(EACH, hard - 100)
    sizes = [min(each, n - begin) for begin in range(0, n, each)]
    with ExitStack() as stack:
        members = [stack.enter_context(member(server.address, size)) for size in sizes]
        yield sum((Counter(json.loads(line_of(process))) for process in members), Counter())


@contextmanager
def member(address, n):
    """One process with N clients."""
    command = [sys.executable, "-m", "tests.torture.clients", address[0], str(address[1]), str(n)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.stdin.close()
            try:
                process.wait(2 * PROMPT_S)
            finally:
                process.kill()


def line_of(process):
    """What it prints; it needs 2 s, and stops at the first who waits."""
    readable, _, _ = select.select([process.stdout], [], [], 10 * PROMPT_S)
    line = process.stdout.readline() if readable else ""
    assert line, "a process of clients could not do its part"
    return line


def connect(address, number):
    client = socket.socket()
    client.settimeout(PROMPT_S)
    client.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
    client.bind((f"127.0.0.{2 + number % SOURCES}", 0))
    client.connect(address)
    return client


def come(address, n, clients):
    """N clients come, AT_ONCE of them at a time, into CLIENTS; returns their fates, up to the first who waits."""
    fate = []
    while len(fate) < n and WAITING not in fate:
        try:
            fresh = [connect(address, number) for number in range(min(AT_ONCE, n - len(fate)))]
        except (ConnectionError, TimeoutError):     # nobody takes it
            fate += [WAITING]
            break
        clients += fresh
        fate += fates(fresh)
    return fate


def main():
    host, port, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = []
    print(json.dumps(Counter(come((host, port), n, clients))), flush=True)
    sys.stdin.read()
    close_all(clients)


def churn(server, n, source):
    """N clients come from SOURCE one after the other: each pings and closes."""
    for _ in range(n):
        with server.connect(source=source) as client:
            ping(client)


if __name__ == "__main__":
    main()
