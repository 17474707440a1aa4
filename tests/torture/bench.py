"""Where an attack is tried: a server, a healthy client beside it, and what must hold when the attack is over."""
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from tests.servers import BUILD, SECONDS, Server, eventually, is_sanitised, reset, send_some
from tests.torture.healthy import PROMPT_S

IDLE_PERCENT = 2          # of a core, with nothing to do
IDLE_S = 0.2              # long enough for that: a wait that wakes up for nothing does so at once
# What stays when all have gone: pages touched for the first time, the table and the mechanism's own set, which do not
# shrink (under 40 bytes for each of the most that were open).  Where echoes were long the shared read buffer of 64 KiB
# is touched to its end, and free() keeps up to 128 KiB of the buffers that connections had.
MEMORY_BYTES = 64 << 10
MEMORY_BYTES_EACH = 40
BUFFERS = (64 + 128) << 10
STUCK_S = 0.1             # a server that takes nothing for so long takes no more
MOST_BYTES = 64 << 20     # more than all buffers between two programs hold


def broken_server(name):
    """The path of a server in tests/broken/."""
    return BUILD / "tests" / "broken" / f"echo-{name}"


class Bench:
    """One mechanism with one drain rule, or a broken server (BROKEN: its name in tests/broken/).  SHORT: the form for
    CI.  HEALTHY: the process of the healthy client."""

    def __init__(self, mechanism, rule, healthy, short, broken=None):
        self.mechanism, self.rule, self.healthy, self.short = mechanism, rule, healthy, short
        self.program = broken_server(broken) if broken else None
        self.beside = []    # what the healthy client saw, for each server
        self.after = []     # how each server was left

    def many(self, full, short):
        """How many: FULL, or SHORT in the short form."""
        return short if self.short else full

    def start(self, *options, **how):
        """A Server without anything beside it; HOW: its keywords."""
        rule = ["--drain", self.rule] if self.rule != "eagain" else []
        return Server(self.mechanism, *rule, *options, program=self.program, **how)

    @contextmanager
    def server(self, *options, most=0, kept=0, **how):
        """A Server with a healthy client, for an attack that ends with all its own connections closed.  MOST: how many
        of them were open at a time.  KEPT: bytes that may stay besides (BUFFERS).  When the block is left: no echo was
        wrong or late, every descriptor is back, it sleeps, its memory is back, and it ends as it should."""
        with self.start(*options, **how) as server:
            self.healthy("connect", *server.address)
            try:
                before = state(server)
                yield server
                self._left_clean(server, before, kept + MEMORY_BYTES + MEMORY_BYTES_EACH * most)
            finally:
                seen = self.healthy("end")
                self.beside.append(seen)
            assert not seen["wrong"], seen["wrong"]

    def _left_clean(self, server, before, allowed):
        eventually(lambda: descriptors(server) <= before["descriptors"], "every descriptor given back")
        idle = self.idle_percent(server)
        kept = state(server)["memory"] - before["memory"]
        self.after.append({"idle_percent": idle, "memory_kept": kept})
        assert idle < IDLE_PERCENT, f"it spins: {idle:.0f} % of a core with nothing to do"
        assert is_sanitised() or kept <= allowed, f"{kept:,} bytes of memory are not given back"

    def asleep(self, server):
        """Waits until SERVER has done all that it can do now."""
        self.healthy("pause")
        server.settle()
        self.healthy("resume")

    def idle_percent(self, server):
        """The share of a core that SERVER uses while nobody speaks."""
        self.healthy("pause")
        time.sleep(0.02)    # what is on its way
        begin, used = time.monotonic(), cpu_seconds(server.pid)
        time.sleep(IDLE_S)
        percent = 100 * (cpu_seconds(server.pid) - used) / (time.monotonic() - begin)
        self.healthy("resume")
        return percent


def cpu_seconds(pid):
    """The CPU time of a process of one thread, in the scheduler's nanoseconds: ticks are too coarse for 0.2 s."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def come_back(client, n):
    """What comes back of N bytes, until nothing has come for PROMPT_S."""
    data = bytearray()
    client.settimeout(PROMPT_S)
    try:
        while len(data) < n and (more := client.recv(min(n - len(data), 1 << 20))):
            data += more
    except (TimeoutError, ConnectionError):
        pass
    client.settimeout(SECONDS)
    return bytes(data)


def descriptors(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def state(server):
    """What must be the same again afterwards."""
    return {"descriptors": descriptors(server), "memory": server.memory_bytes("Anonymous")}


# What several attacks ask.

def soon(condition):
    """Whether CONDITION() comes to hold within PROMPT_S."""
    end = time.monotonic() + PROMPT_S
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


def fate(server):
    """What has become of SERVER's process, in words."""
    try:
        status = server.process.wait(0.5)
    except subprocess.TimeoutExpired:
        return "the server still runs"
    return f"the server was killed by {signal.Signals(-status).name}" if status < 0 else \
        f"the server ended with status {status}"


def echo_of(client, message):
    """What comes back of a MESSAGE that the socket's buffers hold."""
    try:
        client.sendall(message)
    except ConnectionError:
        return b""
    return come_back(client, len(message))


def check_served(server):
    """A new client gets its echo, promptly."""
    message, echo = bytes(range(256)), b""
    try:
        with server.connect() as client:
            echo = echo_of(client, message)
            reset(client)
    except ConnectionError:
        pass
    assert echo == message, f"{fate(server)}: a new client got {len(echo)} of {len(message)} bytes back"


def send_until_stuck(clients):
    """Sends zeros without reading, until the server takes no more of any; how many bytes each has sent."""
    sent, moved = [0] * len(clients), time.monotonic()
    for client in clients:
        client.setblocking(False)
    while time.monotonic() - moved < STUCK_S:
        more = [send_some(client) for client in clients]
        sent = [a + b for a, b in zip(sent, more)]
        assert max(sent) <= MOST_BYTES, f"it took {max(sent):,} bytes from a client that reads nothing"
        if any(more):
            moved = time.monotonic()
        time.sleep(0.001)
    for client in clients:
        client.settimeout(SECONDS)
    return sent


@contextmanager
def quiet(bench):
    """The healthy client is silent meanwhile."""
    bench.healthy("pause")
    yield
    bench.healthy("resume")


def kernel_sockets(server):
    """Those with SERVER's port, closed ones too that the kernel still has: their lines of /proc/net/tcp, split."""
    port = f":{server.address[1]:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [line for line in lines if line[1].endswith(port)]


def check(holds, server, what):
    """Unless HOLDS an AssertionError: WHAT, and how SERVER has ended if it has."""
    if not holds:
        end = fate(server)
        raise AssertionError(what if end == "the server still runs" else f"{end}: {what}")
