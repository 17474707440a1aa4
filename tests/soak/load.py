"""The load of one window: for each server three of the product's own generators, which check every echo."""
import json
import math
import subprocess
import time

from tests.servers import BUILD

LOADGEN = BUILD / "bin" / "loadgen"

# No window has so many requests.  A generator that may replace its connections does not count the server's, which are
# not all its own here.
NEVER = 1_000_000

# Modest rates: all servers and generators together need about 0.4 of a core, and nothing waits for anything.  The
# connections are few enough for select, and stay clear of 448 and 512, where tables of the servers grow.
LOADS = {
    "idle and active": {"connections": 350, "active": 50, "churn": NEVER, "arrival": "poisson", "rate": 100},
    "churning": {"connections": 40, "churn": 2, "arrival": "poisson", "rate": 150},
    # 8 MiB do not fit between a server and its client: the server keeps what is not taken, and lets go of it.
    "bulk": {"connections": 4, "churn": NEVER, "message-bytes": 8 << 20, "arrival": "uniform", "rate": 1},
}
STEADY = "idle and active"   # whose response times are shown
ECHO_S = 10                  # an echo that takes longer is an error
BATCH = 100                  # BATCH_UNKNOWN in loadgen/drive.c
PATIENCE_S = 60              # a generator that takes so much longer than its window is ended


class Load:
    """The generators of a window.  Use with `with`: at its end all of them are gone."""

    def __init__(self, servers, window_s, seed, folder):
        self.folder, self.end = folder, time.monotonic() + window_s + PATIENCE_S
        self.running = {}
        self.starting = [(server, kind) for server in servers for kind in LOADS]
        self.words = {"warmup": "0s", "window": f"{round(1000 * window_s)}ms", "seed": seed, "timeout": f"{ECHO_S}s"}

    def __enter__(self):
        try:
            for server, kind in self.starting:
                self.running[server.mechanism, kind] = self._start(server, kind)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for generator in self.running.values():
            generator.kill()
        for generator in self.running.values():
            generator.communicate()

    def _start(self, server, kind):
        host, port = server.address
        # Without the server's ledger: with three generators none of them can say how many bytes it should be.
        words = ["--target", f"{server.mechanism}={host}:{port}", "--no-spin", "--json", self._file(server, kind)]
        for name, value in {**LOADS[kind], **self.words}.items():
            words += [f"--{name}", value]
        return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", LOADGEN, *map(str, words)], text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                start_new_session=True)   # Ctrl-C reaches the soak only, which ends them in order

    def _file(self, server, kind):
        return self.folder / f"{server.mechanism} {kind}.json"

    def wait(self, tick):
        """Until all generators have ended.  TICK() is called about every second."""
        ticked = time.monotonic()
        while any(generator.poll() is None for generator in self.running.values()) and ticked < self.end:
            time.sleep(0.05)
            if time.monotonic() >= ticked + 1:
                ticked = time.monotonic()
                tick()

    def results(self, server):
        """What the generators of SERVER measured, a dict by kind: requests, errors, opened (connections), bytes
        (at least, and bytes_most), response times, and `fault`, what went wrong as a text, or ""."""
        return {kind: self._result(server, kind) for kind in LOADS}

    def _result(self, server, kind):
        generator, file = self.running[server.mechanism, kind], self._file(server, kind)
        if generator.poll() is None:
            return nothing("has not ended in time")
        try:
            record = json.loads(file.read_text())
        except (OSError, ValueError):
            said = " ".join(generator.stderr.read().split())
            return nothing(f"ended with status {generator.returncode} and no result: {said or 'it said nothing'}")
        finally:
            file.unlink(missing_ok=True)
        return read_record(record)


def nothing(fault):
    """The result of a generator that has none, as one error."""
    return {"requests": 0, "errors": 1, "opened": 0, "bytes": 0, "bytes_most": 0, "p50_us": None, "p99_us": None,
            "fault": fault}


def read_record(record):
    """The result in a generator's RECORD."""
    target = record["targets"][0]
    # Beside what it counts: the echoes that show, at the start, that all connections are accepted; one, or one for
    # each BATCH of them where the kernel does not tell the generator how many may wait.
    least, most = 1, math.ceil(target["connections"] / BATCH)
    return {"requests": target["requests"], "errors": target["errors"],
            "opened": target["connections"] + sum(one["opened"] for one in record["slices"]),
            "bytes": (target["requests"] + least) * target["message_bytes"],
            "bytes_most": (target["requests"] + most) * target["message_bytes"],
            "p50_us": target["response_p50_us"], "p99_us": target["response_p99_us"],
            "fault": "" if target["status"] == "valid" else f"{target['status']}: {target['reason']}"}
