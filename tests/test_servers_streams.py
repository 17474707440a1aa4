"""What a server does with a stream of bytes: all of it comes back, however it is sent, however it ends."""
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from servers import (MECHANISMS, MECHANISMS_AND_RULES, SECONDS, Server, close_all, eventually, exchange,
                     is_sanitised, ping, receive, receive_all, send_some, sending)

READ_BYTES = 64 * 1024  # the size of a server's read buffer: what one connection may keep pending
MOST_BYTES = 256 << 20  # more than all buffers between two programs hold

each_mechanism = pytest.mark.parametrize("mechanism", MECHANISMS)
each_rule = pytest.mark.parametrize("mechanism, rule", MECHANISMS_AND_RULES)


def random_bytes(n):
    return random.Random(n).randbytes(n)


def send_until_blocked(client):
    """Sends without reading until the peer takes no more; how many bytes that were."""
    client.setblocking(False)
    sent, moved = 0, time.monotonic()
    while time.monotonic() - moved < 0.1:
        if more := send_some(client):
            moved = time.monotonic()
        sent += more
        assert sent <= MOST_BYTES, "the server takes all and echoes to nobody"
        time.sleep(0.001)
    client.settimeout(SECONDS)
    return sent


@each_rule
@pytest.mark.parametrize("size", [1, READ_BYTES - 1, READ_BYTES, READ_BYTES + 1, 1 << 20])
def test_message_sizes(mechanism, rule, size):
    with Server(mechanism, "--drain", rule) as server, server.connect() as client:
        for _ in range(3):
            exchange(client, random_bytes(size))


@each_rule
def test_half_close(mechanism, rule):
    """What came before the end of the stream is echoed, then the server closes."""
    message = random_bytes(300_000)
    with Server(mechanism, "--drain", rule) as server:
        before = server.descriptors()
        with server.connect() as client:
            ping(client)
            with sending(client, message):
                assert receive(client, 1000) == message[:1000]
            client.shutdown(socket.SHUT_WR)
            assert receive_all(client) == message[1000:]
            server.settle(closes=1)
            assert server.descriptors() == before


@each_rule
def test_late_reader(mechanism, rule):
    """16 MiB to a client that reads nothing until the server is stuck: all of it comes back, in order."""
    message = random_bytes(16 << 20)
    with Server(mechanism, "--drain", rule) as server, server.connect(receive_bytes=READ_BYTES) as client:
        with sending(client, message):
            eventually(lambda: server.settle().bytes_in > server.ledger().bytes_out, "stuck")
            assert receive(client, len(message)) == message
        ledger = server.settle(bytes_out=len(message))
        assert ledger.bytes_in == ledger.bytes_out == len(message)


@each_mechanism
def test_peer_that_never_reads(mechanism):
    """The server stops reading from it, keeps at most one buffer for it, sleeps, and serves the others."""
    with Server(mechanism) as server, server.connect() as other:
        ping(other)
        memory = server.memory_bytes("VmData")
        client = server.connect(receive_bytes=4096)
        sent = send_until_blocked(client)
        ledger = server.settle()
        kept = ledger.bytes_in - ledger.bytes_out
        assert 0 < kept <= READ_BYTES
        for _ in range(100):
            ping(other)
        assert server.settle().bytes_in == ledger.bytes_in + 400, "it read on from a peer that takes nothing"
        if not is_sanitised():
            assert server.memory_bytes("VmData") - memory <= 1 << 20
        assert receive(client, sent) == bytes(sent)
        ping(client)
        close_all([client])


@each_mechanism
def test_many_peers_that_never_read(mechanism):
    """A bounded buffer each: 100 cost at most 100 buffers."""
    with Server(mechanism) as server, server.connect() as other:
        stuck = [server.connect(receive_bytes=4096) for _ in range(100)]
        memory = server.settle(accepts=101) and server.memory_bytes("Anonymous")
        for client in stuck:
            client.setblocking(False)
        eventually(lambda: not any([send_some(client) for client in stuck]), "100 peers stuck")
        ping(other)
        ledger = server.settle()
        assert ledger.bytes_in - ledger.bytes_out <= 100 * READ_BYTES
        if not is_sanitised():
            assert server.memory_bytes("Anonymous") - memory <= 100 * (READ_BYTES + 8192)
        close_all(stuck)
        server.settle(closes=100)
        ping(other)


@each_rule
def test_flood(mechanism, rule):
    """One client sends as fast as it can; 20 others still get their echoes; the flood loses no byte."""
    message = random_bytes(1 << 20) * 32
    with (Server(mechanism, "--drain", rule) as server, server.connect() as flooder,
          ThreadPoolExecutor() as pool):
        others = [server.connect() for _ in range(20)]
        flood = pool.submit(exchange, flooder, message)
        for _ in range(20):
            for client in others:
                ping(client)
        flood.result()
        assert server.ledger().bytes_in == len(message) + 20 * 20 * len(b"ping")
        close_all(others)
