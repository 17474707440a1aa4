"""Servers under test: started by the name of their mechanism, ended whatever happens.

    with Server("poll", "--drain", "short") as server:
        with server.connect() as client:
            exchange(client, b"hello")

Leaving the block ends the server with SIGTERM and checks its end: exit status 0, and nothing on standard
error that the test has not taken with `errors()`.  Everything that waits is bounded by SECONDS.
"""
import json
import mmap
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections import namedtuple
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("MUXBENCH_BUILD", "build")

# A race must end the process that has it: one of the generator's drivers has no exit status that is looked at.
os.environ.setdefault("TSAN_OPTIONS", "halt_on_error=1")
os.environ.setdefault("ASAN_OPTIONS", "verify_asan_link_order=0")  # tests/faults come before it

MECHANISMS = ["select", "select-wide", "poll", "epoll-lt", "epoll-et"]
RULES = ["eagain", "short", "once"]
MECHANISMS_AND_RULES = [(m, r) for m in MECHANISMS for r in RULES if (m, r) != ("epoll-et", "once")]

SECONDS = 10
MAGIC = 0x315245474445584D
COUNTERS = ("waits examined events reads writes eagain ctl "
            "accepts refusals closes bytes_in bytes_out").split()
Ledger = namedtuple("Ledger", COUNTERS)


def why_no_ipv6():
    """Why nothing can listen on ::1 here, a str; None: it can."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        return f"no IPv6 here: {error.strerror}"
    return None


def binary(mechanism):
    path = BUILD / "bin" / f"echo-{mechanism}"
    assert path.exists(), f"{path} is missing: run make, or name the folder that has it in MUXBENCH_BUILD"
    return path


def is_sanitised(program="echo-poll"):
    """The sanitisers keep memory of their own: what a program needs cannot be seen there."""
    code = (BUILD / "bin" / program).read_bytes()
    return b"__asan_init" in code or b"__tsan_init" in code


def read_ledger(path):
    """The counters in a ledger file, of a server that runs or has ended."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as page:
        magic, *counters = struct.unpack(f"={1 + len(COUNTERS)}Q", page[:])
    assert magic == MAGIC, f"{path} is no ledger"
    return Ledger(*counters)


def change(before, after):
    """What has been counted between two ledgers."""
    return Ledger(*(b - a for a, b in zip(before, after)))


def eventually(condition, what):
    """Waits until condition() holds, where there is no event to wait for."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, f"not within {SECONDS} s: {what}"
        time.sleep(0.0002)


class Server:
    """One echo server on a free port.  `wrapper` is a command that runs it (strace, prlimit), `program` another binary
    than the mechanism's."""

    def __init__(self, mechanism, *options, wrapper=(), port=0, program=None):
        self.mechanism = mechanism
        self.folder = Path(tempfile.mkdtemp(prefix="muxbench-"))
        self.ledger_file = self.folder / "ledger"
        self.stderr_file, self.stderr_read = self.folder / "stderr", 0
        command = ["setpriv", "--pdeathsig", "KILL",  # not even a killed test leaves it behind
                   *wrapper, program or binary(mechanism), "--port", port, "--ledger", self.ledger_file, *options]
        with open(self.stderr_file, "w") as stderr:
            self.process = subprocess.Popen([str(word) for word in command], bufsize=0, stderr=stderr,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        try:
            self.ready_line = self._read_line()
            host, _, port = self.ready_line.removeprefix("listening on ").rpartition(":")
            self.address = (host.strip("[]"), int(port))
        except BaseException:
            self.kill()
            raise

    def _read_line(self):
        """One line of standard output: byte by byte, so that what follows is left for stop()."""
        poll, line = select.poll(), b""
        poll.register(self.process.stdout, select.POLLIN)
        while not line.endswith(b"\n"):
            assert poll.poll(SECONDS * 1000), f"{self.mechanism}: no ready line"
            byte = os.read(self.process.stdout.fileno(), 1)
            assert byte, f"{self.mechanism} ended: {self.errors()}"
            line += byte
        return line.decode().rstrip("\n")

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        try:
            if failure is None and self.process.returncode is None:
                self.stop()
                assert self.errors() == ""
        finally:
            self.kill()

    def stop(self, by=signal.SIGTERM):
        """Ends the server and returns the counters that it prints.  Called at most once."""
        self.process.send_signal(by)
        output, _ = self.process.communicate(timeout=SECONDS)
        assert self.process.returncode == 0, f"exit status {self.process.returncode}: {self.errors()}"
        lines = output.decode().splitlines()
        assert len(lines) == 1, f"one line of JSON expected: {output}"
        return Ledger(**json.loads(lines[0]))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def errors(self):
        """What it has written on standard error since the last call."""
        with open(self.stderr_file) as stderr:
            stderr.seek(self.stderr_read)
            text = stderr.read()
            self.stderr_read = stderr.tell()
        return text

    def connect(self, source=None, receive_bytes=None):
        """A new connection, with time-outs.  receive_bytes: the size of its receive buffer."""
        client = socket.socket(socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET)
        client.settimeout(SECONDS)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_bytes:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if source:
            client.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
            client.bind((source, 0))
        client.connect(self.address)
        return client

    def ledger(self):
        return read_ledger(self.ledger_file)

    def settle(self, **at_least):
        """The ledger, once the named counters have got there and the server sleeps in its wait."""
        def there():
            ledger = self.ledger()
            return all(getattr(ledger, name) >= n for name, n in at_least.items()) and \
                self.state() == "S" and ledger == self.ledger()
        eventually(there, f"{self.mechanism} asleep with {at_least}")
        return self.ledger()

    def _stat(self):
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()

    def state(self):
        """The kernel's letter: R running, S asleep, T stopped."""
        return self._stat()[0]

    def cpu_seconds(self):
        return sum(int(ticks) for ticks in self._stat()[11:13]) / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self, name):
        """A line of /proc/PID/status (VmData) or of smaps_rollup (Anonymous: RssAnon, but exact)."""
        for file in ("status", "smaps_rollup"):
            for line in Path(f"/proc/{self.pid}/{file}").read_text().splitlines():
                if line.startswith(name + ":"):
                    return int(line.split()[1]) * 1024
        raise KeyError(name)

    def descriptors(self):
        """The open ones, once it sleeps in its wait."""
        self.settle(waits=1)
        return sorted(int(name) for name in os.listdir(f"/proc/{self.pid}/fd"))

    @contextmanager
    def paused(self):
        """Stopped: what clients do meanwhile is found all at once."""
        self.process.send_signal(signal.SIGSTOP)
        eventually(lambda: self.state() == "T", "stopped")
        yield
        self.process.send_signal(signal.SIGCONT)


def receive(client, n):
    """Exactly n bytes, or fewer at the end of the stream."""
    data = bytearray(n)
    view = memoryview(data)
    got = 0
    while got < n and (more := client.recv_into(view[got:])):
        got += more
    return bytes(data[:got])


def receive_all(client):
    """All bytes up to the end of the stream."""
    data = bytearray()
    while more := client.recv(1 << 20):
        data += more
    return bytes(data)


@contextmanager
def sending(client, data):
    """Sends in the background; leaving the block means that all was sent."""
    failures = []

    def send():
        try:
            client.sendall(data)
        except OSError as error:
            failures.append(error)
    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    yield
    sender.join(SECONDS)
    assert not sender.is_alive() and not failures, f"could not send {len(data)} bytes: {failures}"


def send_some(client, most=4 << 20):
    """Sends zeros on a non-blocking socket as long as it takes them at once; how many."""
    sent = 0
    try:
        while sent < most:
            sent += client.send(bytes(1 << 18))
    except BlockingIOError:
        pass
    return sent


def exchange(client, data):
    """Sends data and receives the echo, which must be the same bytes."""
    with sending(client, data):
        echo = receive(client, len(data))
    assert echo == data, f"echo differs: {len(echo)} of {len(data)} bytes"


def ping(client, data=b"ping"):
    """A small exchange: no thread."""
    client.sendall(data)
    echo = receive(client, len(data))
    assert echo == data, f"echo of {data!r} is {echo!r}"


def reset(client):
    """Closes without a FIN: the peer gets a reset, and no port stays in TIME_WAIT."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def is_served(client):
    """False: the server has closed it.  Each new client gets either an echo or its end, soon."""
    try:
        client.sendall(b"?")
        return client.recv(1) == b"?"
    except (ConnectionResetError, BrokenPipeError):
        return False


def close_all(clients):
    for client in clients:
        reset(client)
