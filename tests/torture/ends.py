"""Attacks by the way a connection ends: what was sent before is echoed, and the server lets go of it."""
import ctypes
import socket
import struct

from tests.servers import close_all, reset, sending
from tests.torture.attack import ALL_RULES, Skipped, attack
from tests.torture.bench import (BUFFERS, check_served, come_back, descriptors, echo_of, kernel_sockets, quiet,
                                 send_until_stuck, soon)
from tests.torture.healthy import PROMPT_S

READ_BYTES = 64 * 1024                         # a server's read buffer
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27    # Linux; Python has no names for them
BPF_RETURN = 0x06                              # how much of a packet to keep
CLOSING = "0B"                                 # in /proc/net/tcp: both have sent a FIN, neither has seen it confirmed


@attack("F2", "no SIGPIPE handling", broken={"no_sigpipe": r"killed by SIGPIPE"})
def resetter(bench):
    """200 KB are sent, and the connection is reset without reading. Then so while the server is stopped, and with a
    FIN before the reset."""
    with bench.server(kept=BUFFERS) as server:
        client = server.connect(receive_bytes=4096)
        with sending(client, bytes(200_000)):
            pass
        reset(client)
        check_served(server)
        for half_closed in (False, True):
            client = accepted(bench, server)
            with server.paused():
                client.sendall(bytes(20_000))
                if half_closed:
                    client.shutdown(socket.SHUT_WR)
                reset(client)
            check_served(server)
    return "3 resets, and others served"


def accepted(bench, server):
    """A new client that the server watches already."""
    client = server.connect()
    bench.asleep(server)
    return client


@attack("F4", "error flags before the data", rules=ALL_RULES,
        broken={"error_first": r"^0 of 1,000 bytes came back that were sent before a FIN"})
def last_words(bench):
    """1,000 bytes and a FIN, then 1,000 bytes and a reset, all there when the server looks."""
    with bench.server() as server:
        before = descriptors(server)
        with accepted(bench, server) as client:
            with server.paused():
                client.sendall(bytes(1000))
                client.shutdown(socket.SHUT_WR)
            echo = come_back(client, 1000)
        assert echo == bytes(1000), f"{len(echo):,} of 1,000 bytes came back that were sent before a FIN"
        client = accepted(bench, server)
        with quiet(bench):
            counted = server.settle().bytes_in   # nobody is there any more to whom they could come back
            with server.paused():
                client.sendall(bytes(1000))
                reset(client)
            assert soon(lambda: descriptors(server) == before), "a connection that was reset is still open"
            read = server.settle().bytes_in - counted
        assert read == 1000, f"{read:,} of 1,000 bytes were read that were sent before a reset"
    return "2 times 1,000 bytes were read"


@attack("F8", "end of file ignored, MOD per direction", rules=ALL_RULES,
        broken={"eof_ignored": r"^10 of 10 descriptors are still open"})
def leaver(bench):
    """10 clients ping, then close."""
    with bench.server() as server:
        before = descriptors(server)
        for _ in range(10):
            with server.connect() as client:
                assert echo_of(client, b"ping") == b"ping", "no echo"
        gone = soon(lambda: descriptors(server) <= before)
        assert gone, f"{descriptors(server) - before} of 10 descriptors are still open {PROMPT_S} s after their " \
            f"clients have left, and it uses {bench.idle_percent(server):.0f} % of a core"
    return "10 descriptors given back"


@attack("F9", "short-read rule without RDHUP", rules=ALL_RULES,
        broken={"short_read": r"1,000 bytes came back, but the connection never ends"})
def data_and_end(bench):
    """1,000, 0, 1 and 65,536 bytes with a FIN, all there when the server looks: one event may be all it gets."""
    with bench.server(kept=BUFFERS) as server:
        for size in (1000, 0, 1, READ_BYTES):
            with accepted(bench, server) as client:
                with server.paused():
                    client.sendall(bytes(size))
                    client.shutdown(socket.SHUT_WR)
                echo = come_back(client, size)
                assert echo == bytes(size), f"{len(echo):,} of {size:,} bytes came back"
                assert has_ended(client), f"{size:,} bytes came back, but the connection never ends"
    return "4 connections ended"


def has_ended(client):
    """Whether nothing more comes but the end, soon."""
    client.settimeout(PROMPT_S)
    try:
        return client.recv(1) == b""
    except TimeoutError:
        return False


@attack("more", "half-closed connections", rules=ALL_RULES,
        broken={"eof_ignored": r"(\d+) of \1 descriptors are still open"})
def half_closed(bench):
    """100 clients ping, send a FIN, and stay open. Nobody waits for them: the server has closed its side."""
    n = bench.many(100, 30)
    with bench.server(most=n) as server:
        before = descriptors(server)
        clients = [server.connect() for _ in range(n)]
        for client in clients:
            assert echo_of(client, b"ping") == b"ping", "no echo"
            client.shutdown(socket.SHUT_WR)
        assert soon(lambda: descriptors(server) <= before), \
            f"{descriptors(server) - before} of {n} descriptors are still open"
        assert all(has_ended(client) for client in clients), "a client was not told of the end"
        check_served(server)
        close_all(clients)
    return f"{n} descriptors given back at once"


@attack("more", "simultaneous close")
def closes_crossing(bench):
    """The server closes 10 connections that it has no room for, while their clients send a FIN: neither side has seen
    the other's."""
    with bench.server("--max-connections", "1") as server:
        before = descriptors(server)
        with server.paused():
            clients = [server.connect() for _ in range(10)]
            for client in clients:
                hear_nothing(client)
        assert soon(lambda: "refused" in server.errors()), "it had room for more than one connection"
        bench.asleep(server)
        for client in clients:
            client.shutdown(socket.SHUT_WR)
        crossed = [line[3] for line in kernel_sockets(server)].count(CLOSING)
        assert crossed == 10, f"{crossed} of 10 FINs crossed"
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        assert all(has_ended(client) for client in clients), "a client was not told of the end"
        assert descriptors(server) == before, f"{descriptors(server) - before} descriptors are still open"
        close_all(clients)
    return "10 pairs of FINs crossed"


def hear_nothing(client):
    """From now on CLIENT drops all packets that come for it."""
    keep_nothing = ctypes.create_string_buffer(struct.pack("HBBI", BPF_RETURN, 0, 0, 0))
    program = struct.pack("HP", 1, ctypes.addressof(keep_nothing))
    try:
        client.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    except PermissionError:
        raise Skipped("no packet filter is allowed here: try as root") from None


@attack("more", "data and a reset at once", rules=ALL_RULES,
        broken={"eof_ignored": r"(\d+) of \1 connections that were reset are still open"})
def hit_and_run(bench):
    """200 times: connect, send 1,000 bytes, reset."""
    n = bench.many(200, 100)
    with bench.server() as server:
        before = descriptors(server)
        for _ in range(n):
            client = server.connect()
            client.sendall(bytes(1000))
            reset(client)
        check_served(server)   # and so has accepted all that came before: else they are not open yet
        assert soon(lambda: descriptors(server) <= before), \
            f"{descriptors(server) - before} of {n + 1} connections that were reset are still open"
    return f"{n} resets, and others served"


@attack("more", "a peer that shuts its receiving side", broken={"no_sigpipe": r"killed by SIGPIPE"})
def deaf(bench):
    """A client shuts down its receiving side, then sends until the server takes no more; another one sends 100 KB and
    a FIN."""
    with bench.server(kept=BUFFERS) as server:
        before = descriptors(server)
        stuck, brief = server.connect(receive_bytes=4096), server.connect()
        for client in (stuck, brief):
            client.shutdown(socket.SHUT_RD)
        sent, = send_until_stuck([stuck])
        brief.sendall(bytes(100_000))
        brief.shutdown(socket.SHUT_WR)
        assert soon(lambda: descriptors(server) <= before + 1), "the one that has finished is still open"
        check_served(server)
        close_all([stuck, brief])
    return f"{sent:,} bytes taken, and others served"
