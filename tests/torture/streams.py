"""Attacks on one connection's stream of bytes: all of them come back, and nobody else waits for that."""
import random
import socket
import struct
import time

from tests.servers import close_all, exchange, is_sanitised, reset, send_some, sending
from tests.torture.attack import ALL_RULES, attack
from tests.torture.bench import (BUFFERS, check_served, come_back, descriptors, echo_of, fate,
                                 kernel_sockets, quiet, send_until_stuck, soon, state)
from tests.torture.healthy import PROMPT_S

READ_BYTES = 64 * 1024         # a server's read buffer: what one connection may keep pending
TURN_BYTES = 512 * 1024        # no turn takes more: a budget of 256 KiB, and what the last read adds
SO_TIMESTAMPNS = SCM_TIMESTAMPNS = 35   # Linux; Python has no name for it
PROBE_TIMER = "04"             # in /proc/net/tcp: the peer's window is zero, and is probed


def random_bytes(n):
    return random.Random(n).randbytes(n)


@attack("F1", "a short write drops the rest", rules=ALL_RULES, broken={"short_write": r"of 16,777,216 bytes came back"})
def late_reader(bench):
    """16 MB are sent before a byte is read; then all is read."""
    message = random_bytes(16 << 20)
    with bench.server(kept=BUFFERS) as server, server.connect(receive_bytes=64 * 1024) as client:
        with sending(client, message):
            bench.asleep(server)
            echo = come_back(client, len(message))
        assert echo == message, f"{len(echo):,} of {len(message):,} bytes came back"
    return f"{len(echo):,} bytes came back"


@attack("F10", "strlen on binary data", broken={"strlen_echo": r"^6 of 16 bytes came back"})
def binary(bench):
    """Messages with NULs, and with every other byte."""
    messages = [b"before\0after\n\r\xff\0", b"\0", bytes(range(256)), bytes(4096)]
    with bench.server() as server, server.connect() as client:
        for message in messages:
            echo = echo_of(client, message)
            assert echo == message, f"{len(echo)} of {len(message)} bytes came back, of {message[:16]!r}"
    return f"{len(messages)} messages came back"


@attack("F11", "printf of a full buffer", rules=ALL_RULES,
        broken={"printf_full": r"(SIGSEGV|status 1): 0 of 4,096 bytes came back"})
def exact_sizes(bench):
    """Text as long as a buffer may be, a byte less, a byte more: around 1,024, 4,096 and 65,536 bytes."""
    sizes = [size + more for size in (1 << 10, 1 << 12, 1 << 16) for more in (-1, 0, 1)]
    with bench.server(kept=BUFFERS) as server, server.connect() as client:
        for size in sizes:
            message = random_bytes(size).replace(b"\0", b"0")
            echo = echo_of(client, message)
            assert echo == message, f"{fate(server)}: {len(echo):,} of {size:,} bytes came back"
        client.shutdown(socket.SHUT_WR)
        extra = come_back(client, sum(sizes))
        assert not extra, f"{len(extra):,} bytes came back that nobody had sent"
    return f"{len(sizes)} messages came back"


@attack("F12", "sleep and retry on EAGAIN", broken={"sleep_retry": r"a new client got 0 of 256 bytes back"})
def never_reads(bench):
    """One client sends until the server takes no more, and reads nothing; others come meanwhile. Then it reads all."""
    with bench.server(kept=BUFFERS) as server, server.connect(receive_bytes=4096) as client:
        sent, = send_until_stuck([client])
        check_served(server)
        echo = come_back(client, sent)
        assert echo == bytes(sent), f"{len(echo):,} of {sent:,} bytes came back"
    return f"{sent:,} bytes taken, others served, all came back"


@attack("F13", "read until EAGAIN without a budget", rules=ALL_RULES,
        broken={"no_budget": r"bytes of one client were echoed before another one"})
def flood(bench):
    """One client sends and reads as fast as it can, 32 MB. Then it has 2 MB waiting when another one speaks: both
    while the server is stopped. How much of the 2 MB is echoed before the other gets its answer?"""
    message = random_bytes(1 << 20) * bench.many(32, 16)
    with bench.server(kept=BUFFERS) as server, server.connect() as flooder, server.connect() as other:
        for client in (flooder, other):
            client.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        exchange(flooder, message)   # the kernel makes room for so fast a client: all of the 2 MB gets through
        assert soon(lambda: notes_times(other)), "the kernel does not note when bytes come"
        before = max(echoed_before(bench, server, flooder, other) for _ in range(4))
    assert before <= TURN_BYTES, f"{before:,} bytes of one client were echoed before another one had its turn"
    return f"{len(message):,} bytes came back; {before:,} bytes at most before another one's turn"


def echoed_before(bench, server, flooder, other):
    """How much of a flood is echoed before another client's byte, by the time at which each came back: the kernel
    notes it, however late we are to read."""
    bench.asleep(server)   # not within a turn
    with server.paused():
        flooder.setblocking(False)
        n = send_some(flooder, 2 << 20)
        flooder.settimeout(PROMPT_S)
        other.sendall(b"!")
    stamps = stamped_echo(other, 1)
    assert stamps, "the kernel did not note when the other one's byte came"
    return max((got for got, when in stamped_echo(flooder, n) if when < stamps[0][1]), default=0)


def stamped_echo(client, n):
    """The echo of N bytes as it came: (bytes so far, nanoseconds), where the kernel noted the time: it begins a while
    after it was asked to."""
    got, stamps = 0, []
    while got < n:
        data, notes, _, _ = client.recvmsg(READ_BYTES, socket.CMSG_SPACE(16))
        assert data, f"{got:,} of {n:,} bytes came back, then the end"
        got += len(data)
        for _, kind, note in notes:
            if kind == SCM_TIMESTAMPNS:
                seconds, ns = struct.unpack("@qq", note)
                stamps.append((got, 1_000_000_000 * seconds + ns))
    return stamps


def notes_times(client):
    """Whether the kernel notes already when bytes come for CLIENT."""
    client.sendall(b"?")
    return bool(stamped_echo(client, 1))


@attack("F16", "select's sets not rebuilt", broken={"set_not_rebuilt": r"9 of 10 clients got no echo in round 2"})
def second_round(bench):
    """10 clients speak at once, then one of them alone, then all again."""
    with bench.server() as server:
        with server.paused():
            clients = [server.connect() for _ in range(10)]
            for client in clients:
                client.sendall(b"round 0")
        assert not (n := silent(clients, b"round 0")), f"{n} of 10 clients got no echo when all spoke first"
        with quiet(bench):
            for i, speakers in enumerate([clients[:1], clients, clients[1:2], clients], 1):
                message = b"round %d" % i
                for client in speakers:
                    client.sendall(message)
                n = silent(speakers, message)
                assert not n, f"{n} of {len(speakers)} clients got no echo in round {i}"
        close_all(clients)
    return "10 clients were served in 5 rounds"


def silent(clients, message):
    """How many do not get MESSAGE back within PROMPT_S."""
    end, missing = time.monotonic() + PROMPT_S, 0
    for client in clients:
        client.settimeout(max(0.001, end - time.monotonic()))
        try:
            missing += client.recv(len(message)) != message
        except (TimeoutError, ConnectionError):
            missing += 1
    return missing


@attack("F19", "the connection's ptr overwrites fd (a union)", broken={"union_pointer": r"client 1 got b''"})
def any_client(bench):
    """3 clients, one after the other: each gets its own echo."""
    with bench.server() as server:
        clients = [server.connect() for _ in range(3)]
        for i, client in enumerate(clients, 1):
            message = b"I am client %d" % i
            echo = echo_of(client, message)
            assert echo == message, f"{fate(server)}: client {i} got {echo!r} instead of {message!r}"
        close_all(clients)
    return "3 clients got their own echoes"


@attack("more", "a message in pieces", rules=ALL_RULES,
        broken={"strlen_echo": r"the echo stopped after \d+ of 300 bytes"})
def dribble(bench):
    """300 bytes, a segment each, each with its echo; then 300 at once in segments of a byte, and the rest of the
    message never comes."""
    message = random_bytes(300)
    with bench.server() as server, server.connect() as client:
        for i in range(len(message)):
            echo = echo_of(client, message[i:i + 1])
            assert echo == message[i:i + 1], f"the echo stopped after {i} of {len(message)} bytes"
        with server.paused():
            for i in range(len(message)):
                client.send(message[i:i + 1])
        echo = come_back(client, len(message))
        assert echo == message, f"{len(echo)} of {len(message)} bytes came back"
        bench.asleep(server)
        reset(client)
    return "600 bytes came back one by one"


@attack("more", "a window of zero", broken={"short_write": r"of 8,388,608 bytes came back"})
def zero_window(bench):
    """8 MB are sent and nothing read for 1.5 s: the client's window closes, and the server's kernel probes it. Then
    all is read."""
    message = random_bytes(8 << 20)
    with bench.server(kept=BUFFERS) as server, server.connect(receive_bytes=4096) as client:
        with sending(client, message):
            assert soon(lambda: PROBE_TIMER in timers(server)), "the window did not close"
            time.sleep(bench.many(1.5, 0.5))
            check_served(server)
            assert PROBE_TIMER in timers(server), "the window opened although nobody read"
            echo = come_back(client, len(message))
        assert echo == message, f"{len(echo):,} of {len(message):,} bytes came back"
    return f"{len(echo):,} bytes came back"


def timers(server):
    """What the kernel waits for with each of the server's sockets."""
    return [line[5].partition(":")[0] for line in kernel_sockets(server)]


@attack("more", "urgent data is lost", rules=ALL_RULES, broken={"urgent_lost": r"30,012 of 30,013 bytes came back"})
def urgent(bench):
    """Urgent bytes in the middle of a stream: all there when the server looks, and one by one."""
    pieces = [b"abc", b"X", b"def", b"Y", b"Z", random_bytes(30_000), b"!", b"end"]
    message = b"".join(pieces)
    with bench.server() as server, server.connect() as client:
        with server.paused():
            send_urgent(client, pieces)
        echo = come_back(client, len(message))
        assert echo == message, f"{len(echo):,} of {len(message):,} bytes came back, all sent while it was stopped"
        for _ in range(20):
            send_urgent(client, pieces)
            echo = come_back(client, len(message))
            assert echo == message, f"{len(echo):,} of {len(message):,} bytes came back"
        reset(client)
    return f"{21 * len(message):,} bytes came back"


def send_urgent(client, pieces):
    """Every other one of PIECES as urgent data: its last byte is the urgent one."""
    for i, piece in enumerate(pieces):
        client.send(piece, socket.MSG_OOB if i % 2 else 0)


@attack("more", "a buffer without an end", broken={"endless_buffer": r"bytes from a client that reads nothing"})
def many_never_read(bench):
    """One client sends until the server takes no more, reads nothing, and resets. So do then 100 at a time, three
    times."""
    n = bench.many(100, 30)
    with bench.server(most=n, kept=n * READ_BYTES) as server:   # malloc may keep any of them: see below
        readers_of_nothing(bench, server, 1)
        kept = []
        for _ in range(3):
            used = readers_of_nothing(bench, server, n)
            kept.append(state(server)["memory"])
        grown = min(kept[1] - kept[0], kept[2] - kept[1])   # a leak grows each time, malloc's own ends do not
        assert is_sanitised() or grown <= BUFFERS, f"{grown:,} bytes of memory are lost with {n} connections"
    return f"{used / n / 1024:.0f} KiB of memory for each"


def readers_of_nothing(bench, server, n):
    """N clients that do so; how many bytes of memory the server uses for them."""
    before = state(server)
    clients = [server.connect(receive_bytes=4096) for _ in range(n)]
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, READ_BYTES)   # the kernel's memory has an end, too
    send_until_stuck(clients)
    used = state(server)["memory"] - before["memory"]
    allowed = READ_BYTES + n * (READ_BYTES + 8192)   # the shared buffer, and one of their own with its state
    assert is_sanitised() or used <= allowed, f"{used:,} bytes of memory are used for {n} clients"
    check_served(server)
    close_all(clients)
    assert soon(lambda: descriptors(server) <= before["descriptors"]), "clients have gone, but are still open"
    return used


@attack("more", "a reader of one byte at a time", broken={"short_write": r"of 4,194,304 bytes came back"})
def byte_reader(bench):
    """4 MB are sent; of the echo, 20,000 bytes are read one by one, then the rest."""
    message, single = random_bytes(4 << 20), bench.many(20_000, 5_000)
    with bench.server(kept=BUFFERS) as server, server.connect(receive_bytes=4096) as client:
        with sending(client, message):
            echo = b"".join(client.recv(1) for _ in range(single))
            echo += come_back(client, len(message) - single)
        assert echo == message, f"{len(echo):,} of {len(message):,} bytes came back"
    return f"{len(echo):,} bytes came back"
