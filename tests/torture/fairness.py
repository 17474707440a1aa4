"""Attacks on the others' share: one connection that floods, and a thousand that all want to be served."""
import json
import subprocess
import sys
from contextlib import contextmanager

from tests.servers import BUILD, SECONDS, reset
from tests.torture.attack import ALL_RULES, attack
from tests.torture.bench import BUFFERS

P99_MS = 50           # of 100 ping-pong connections beside a flood; generous: the flood and they may share a core
LEAST_PERCENT = 50    # of the median connection's requests, for the least served one

# Sends and receives as fast as it can, in two threads; what comes back is thrown away by the kernel (MSG_TRUNC).
FLOOD = """
import socket, sys, threading
client = socket.socket(fileno=int(sys.argv[1]))
def send():
    while True:
        client.send(bytes(1 << 20))
threading.Thread(target=send, daemon=True).start()
buffer = bytearray(1 << 22)
while client.recv_into(buffer, 0, socket.MSG_TRUNC):
    pass
"""


@contextmanager
def flood(server):
    """One connection floods SERVER from a process of its own."""
    with server.connect() as client:
        client.settimeout(None)
        process = subprocess.Popen([sys.executable, "-c", FLOOD, str(client.fileno())], pass_fds=[client.fileno()])
        try:
            yield
        finally:
            process.kill()
            process.wait()
            reset(client.dup())


def drive(server, *options):
    """The generator's record of SERVER.  It calls it invalid, as it finds more connections there than its own."""
    host, port = server.address
    command = [BUILD / "bin" / "loadgen", "--address", host, "--port", port, "--json", "/dev/stdout", "--no-spin",
               "--warmup", "50ms", *options]
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=6 * SECONDS)
    start = ended.stdout.find("{")
    assert start >= 0, ended.stderr
    record = json.JSONDecoder().raw_decode(ended.stdout[start:])[0]["targets"][0]
    assert record["requests"] and not record["errors"], record["reason"]
    return record


def p99_ms(record):
    """The time within which 99 % of the echoes came."""
    p99_us = record["service_p99_us"]
    assert p99_us is not None, f"{record['requests']} echoes of 100 connections are too few for a percentile: starved"
    return p99_us / 1e3


@attack("more", "one flooding connection starves 100 ping-pong ones", rules=ALL_RULES, timed=True,
        broken={"first_only": r"ms beside the flood|: starved"})
def flood_beside_ping_pong(bench):
    """One connection sends as fast as it can and reads all that comes back; 100 others play ping-pong."""
    ping_pong = ["--connections", 100, "--window", "1s"]
    with bench.server(most=101, kept=BUFFERS) as server:
        alone = p99_ms(drive(server, *ping_pong))
        before = server.ledger().bytes_in
        with flood(server):
            record = drive(server, *ping_pong)
            beside = p99_ms(record)
        flooded = server.ledger().bytes_in - before - 64 * record["requests"]
        assert beside <= P99_MS, f"99 % of the echoes within {beside:.0f} ms beside the flood, {alone:.1f} without"
        assert flooded > 1 << 20, f"the flood sent {flooded:,} bytes only"
    return f"p99 {beside:.2f} ms beside the flood, {alone:.2f} ms without"


@attack("more", "some of 1,000 active connections get far less than others", rules=ALL_RULES, timed=True,
        broken={"first_only": r"the least served connection got [1-4]?\d %"})
def a_thousand_active(bench):
    """1,000 connections play ping-pong for a second, all at once."""
    with bench.server(most=1000) as server:
        record = drive(server, "--connections", 1000, "--window", "1s", "--timeout", "2s")
        least = record["least_served_percent"]
        assert least >= LEAST_PERCENT, f"the least served connection got {least:.0f} % of the median's requests"
    return f"the least served connection got {least:.0f} % of the median's requests"
