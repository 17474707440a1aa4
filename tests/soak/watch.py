"""One server under soak: what it has after each window, when all clients have gone and it sleeps."""
import time
from pathlib import Path

from tests.servers import Server, change, close_all, send_some
from tests.soak.load import STEADY

COUNTED = ("accepts", "refusals", "closes", "bytes_in", "bytes_out")   # of the ledger, for each window
STUCK = 16          # clients that do not read: for each of them a server keeps up to 64 KiB
IDLE_S = 0.1        # long enough to see a server that spins: it wakes up at once
IDLE_PERCENT = 2    # of a core, with nothing to do: more is a spin


class Watched:
    """A Server of MECHANISM: its state before the first window, and a sample after each.  `faults`: what is wrong
    whatever comes later, as texts.  WRAPPER: a command that runs the server."""

    def __init__(self, mechanism, wrapper=()):
        # A session of its own: Ctrl-C reaches the soak only, which ends the servers in order.
        self.server = Server(mechanism, wrapper=("setsid", *wrapper))
        self.mechanism, self.faults, self.windows = mechanism, [], []
        try:
            self.server.settle()
            self.before = self._state()
            self._touch_heap()
            self.ledger = self._settled("before window 1")
            self.cpu_ns = cpu_ns(self.server.pid) if self.ledger else None
        except BaseException:
            self.server.kill()
            raise
        self.begin = time.monotonic()

    def _touch_heap(self):
        """The heap grows to more than a window needs, and what malloc keeps of it is touched.  Else pages that are
        touched late look like growth, for the first half hour or so."""
        clients = []
        try:
            for _ in range(STUCK):
                clients.append(self.server.connect(receive_bytes=4096))
                clients[-1].setblocking(False)
                while send_some(clients[-1]):
                    self.server.settle()
        except (OSError, AssertionError) as error:
            self.faults.append(f"before window 1: {error}")
        close_all(clients)

    def _settled(self, when):
        """The ledger of the server asleep.  One that has ended, or does not fall asleep any more, is done with: None
        and a fault."""
        try:
            return self.server.settle()
        except AssertionError:
            status = self.server.process.poll()
            self.faults.append(f"{when}: it did not fall asleep" if status is None else
                               f"{when}: it ended with status {status}")
            self.server.process.kill()
            self.server.process.wait()
            return None

    def is_running(self):
        return self.server.process.poll() is None

    def take(self, results):
        """Takes the sample after a window with the generators' RESULTS, if the server is still there."""
        number = len(self.windows) + 1
        when = f"window {number}"
        self.faults += [f"{when}: {kind} {one['fault']}" for kind, one in results.items() if one["fault"]]
        if ledger := self._settled(when):
            counted, self.ledger = change(self.ledger, ledger), ledger
            self.faults += [f"{when}: {one}" for one in ledger_faults(counted, results.values())]
            self.windows.append({"window": number, **self._sample(counted, results)})

    def _sample(self, counted, results):
        sums = {name: sum(one[name] for one in results.values()) for name in ("requests", "errors", "opened")}
        used_ns, self.cpu_ns = self.cpu_ns, cpu_ns(self.server.pid)
        each_us = (self.cpu_ns - used_ns) / 1000 / sums["requests"] if sums["requests"] else None
        return {"at_s": round(time.monotonic() - self.begin, 3), **sums, "server_cpu_us_per_request": each_us,
                "response_p50_us": results[STEADY]["p50_us"], "response_p99_us": results[STEADY]["p99_us"],
                **{name: getattr(counted, name) for name in COUNTED}, **self._state()}

    def _state(self):
        return {"descriptors": len(list(Path(f"/proc/{self.server.pid}/fd").iterdir())),
                "anonymous_bytes": self.server.memory_bytes("Anonymous"),
                "data_bytes": self.server.memory_bytes("VmData")}

    def end(self):
        """Ends the server as its user does, if it still runs."""
        try:
            if self.is_running():
                self.server.stop()
            if said := self.server.errors():
                self.faults.append(f"it said: {' '.join(said.split())[:300]}")
        except AssertionError as error:
            self.faults.append(f"at the end: {error}")
        finally:
            self.server.kill()


def ledger_faults(counted, results):
    """What does not agree between what the server COUNTED in a window, and the generators' RESULTS.  Nothing is said
    of bytes and connections where a generator has lost some: it cannot know what has arrived."""
    results, found = list(results), []
    left = counted.accepts - counted.refusals - counted.closes
    if left:
        found.append(f"{left} connections are open when all clients have gone")
    if counted.refusals:
        found.append(f"{counted.refusals} connections refused")
    if any(one["errors"] for one in results):
        return found
    opened = sum(one["opened"] for one in results)
    if counted.accepts != opened:
        found.append(f"{counted.accepts} connections accepted, {opened} opened")
    if counted.bytes_in != counted.bytes_out:
        found.append(f"{counted.bytes_in} bytes read, {counted.bytes_out} written")
    least, most = (sum(one[name] for one in results) for name in ("bytes", "bytes_most"))
    if not least <= counted.bytes_in <= most:
        found.append(f"{counted.bytes_in} bytes read, {least} sent")
    return found


def find_spinning(watched):
    """Notes a fault for each of the WATCHED that uses its core while nobody speaks."""
    begin, used = time.monotonic(), [cpu_ns(one.server.pid) for one in watched]
    time.sleep(IDLE_S)
    passed_ns = (time.monotonic() - begin) * 1e9
    for one, before in zip(watched, used):
        percent = 100 * (cpu_ns(one.server.pid) - before) / passed_ns
        if percent > IDLE_PERCENT:
            one.faults.append(f"window {len(one.windows)}: then {percent:.0f} % of a core with nothing to do")


def cpu_ns(pid):
    """The CPU time of a process of one thread: the scheduler's nanoseconds."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
