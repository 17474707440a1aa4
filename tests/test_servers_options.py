"""A server's start and end: options, messages, addresses, signals."""
import ctypes
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from servers import MECHANISMS, SECONDS, Server, binary, close_all, ping, receive_all, send_some

each_mechanism = pytest.mark.parametrize("mechanism", MECHANISMS)


def run(mechanism, *options):
    return subprocess.run([binary(mechanism), *options], capture_output=True, text=True, timeout=SECONDS)


@each_mechanism
@pytest.mark.parametrize("options, message", [
    ([], "--port is missing; 0 picks a free one"),
    (["--port"], "requires an argument"),
    (["--port", "x"], "--port x: give a whole number from 0 to 65535"),
    (["--port", ""], "give a whole number"),
    (["--port", "65536"], "--port 65536: give a whole number from 0 to 65535"),
    (["--port", "-1"], "--port -1: give a whole number from 0 to 65535"),
    (["--port", "0", "--address", "localhost"], "give a numeric address such as 127.0.0.1 or ::1"),
    (["--port", "0", "--address", "127.0.0.256"], "give a numeric address such as 127.0.0.1 or ::1"),
    (["--port", "0", "--cpu", "1k"], "--cpu 1k: give a whole number from 0"),
    (["--port", "0", "--cpu", "1023"], "choose a core from /sys/devices/system/cpu/online"),
    (["--port", "0", "--drain", "never"], "--drain never: choose eagain, short or once"),
    (["--port", "0", "--max-connections", "0"], "--max-connections 0: give a whole number from 1"),
    (["--port", "0", "--backlog", "-5"], "--backlog -5: give a whole number from 1"),
    (["--port", "0", "--backlog", "9" * 30], "give a whole number from 1"),
    (["--port", "0", "--congestion", "none"], "choose from net.ipv4.tcp_available_congestion_control"),
    (["--port", "0", "--bogus"], "--help"),
    (["--port", "0", "-x"], "--help"),
    (["--port", "0", "7000"], "unexpected argument: 7000"),
])
def test_wrong_usage(mechanism, options, message):
    """Exit status 2, nothing on standard output, and a message that says what to do."""
    ended = run(mechanism, *options)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert ended.stderr.startswith(str(binary(mechanism))) or ended.stderr.startswith(f"echo-{mechanism}: ")


def test_edge_triggered_refuses_one_read():
    ended = run("epoll-et", "--port", "0", "--drain", "once")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "choose eagain or short" in ended.stderr


@each_mechanism
def test_help(mechanism):
    ended = run(mechanism, "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"Usage: echo-{mechanism} --port P")
    for option in ("address", "cpu", "drain", "ledger", "max-connections", "backlog", "congestion", "help"):
        assert f"--{option}" in ended.stdout


@each_mechanism
def test_port_in_use(mechanism):
    with Server(mechanism) as server:
        ended = run(mechanism, "--port", str(server.address[1]))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "choose another with --port, or 0" in ended.stderr


@each_mechanism
def test_address_of_another_machine(mechanism):
    ended = run(mechanism, "--port", "0", "--address", "192.0.2.1")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "192.0.2.1" in ended.stderr and "address of this machine" in ended.stderr


@each_mechanism
def test_ledger_that_cannot_be_written(mechanism, tmp_path):
    ended = run(mechanism, "--port", "0", "--ledger", str(tmp_path / "nowhere" / "ledger"))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "choose a file that can be written" in ended.stderr


@each_mechanism
def test_listens_on_the_loopback_address_only(mechanism):
    with Server(mechanism) as server:
        assert server.ready_line == f"listening on 127.0.0.1:{server.address[1]}"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", server.address[1]), timeout=SECONDS)


@each_mechanism
def test_cpu(mechanism):
    core = max(os.sched_getaffinity(0))
    with Server(mechanism, "--cpu", str(core)) as server:
        assert os.sched_getaffinity(server.pid) == {core}


@each_mechanism
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_ends_when_idle(mechanism, by):
    """At once after the ready line, too: no moment at which the signal is lost."""
    for _ in range(5):
        with Server(mechanism) as server:
            ledger = server.stop(by)
    assert ledger.accepts == ledger.closes == ledger.bytes_in == 0


@each_mechanism
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_ends_under_load(mechanism, by):
    with Server(mechanism) as server:
        clients = [server.connect() for _ in range(10)]
        for client in clients:
            ping(client)
            client.setblocking(False)
            send_some(client)  # it is busy with that, or has an echo pending, when the signal comes
        ledger = server.stop(by)
        assert ledger.accepts == 10 and ledger.bytes_in >= ledger.bytes_out > 0
        close_all(clients)


@each_mechanism
def test_end_closes_connections(mechanism):
    with Server(mechanism) as server, server.connect() as client:
        ping(client)
        server.stop()
        assert receive_all(client) == b""


def accepted_socket(server, before):
    """The server's end of its only connection, in this process (pidfd_getfd(2), Linux 5.6)."""
    descriptor, = set(server.descriptors()) - set(before)
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(server.pid)
    copy = libc.syscall(438, pidfd, descriptor, 0)
    os.close(pidfd)
    if copy < 0:
        pytest.skip(f"cannot look at a server's socket here: {os.strerror(ctypes.get_errno())}")
    return socket.socket(fileno=copy)


@each_mechanism
def test_socket_options(mechanism):
    """No delay, and the congestion control asked for: cubic where present, whatever the system's default."""
    choice = "available" if os.geteuid() == 0 else "allowed"
    available = Path(f"/proc/sys/net/ipv4/tcp_{choice}_congestion_control").read_text().split()
    expected = {(): "cubic", ("--congestion", "reno"): "reno"}
    for options, name in expected.items():
        with Server(mechanism, *options) as server:
            before = server.descriptors()
            with server.connect() as client:
                ping(client)
                with accepted_socket(server, before) as accepted:
                    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
                    control = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
                    if name in available:
                        assert control.rstrip(b"\0").decode() == name
