"""Rows 10 to 13: the servers."""
import json
import subprocess
import sys

import numpy as np
import pandas as pd

from tests.validate.bench import BUILD, ROOT, number, scenario
from tests.validate.oracle import Skipped, Wrong, check

MECHANISMS = ["select", "select-wide", "poll", "epoll-lt", "epoll-et"]
SCANS = MECHANISMS[:3]
CONNECTIONS = 50
BUSY, BUSIER = "epoll-lt:spin10", "epoll-lt:spin12"
SPIN_US = 2.0   # what the second spins more


# ---- only the mechanism differs ----------------------------------------------------------------------------

def ping_pong(bench):
    text = scenario(MECHANISMS, {"drain": ["short", "eagain"]}, connections=CONNECTIONS, active=1, window="200ms",
                    slice="50ms")
    return bench.measure("ping-pong", text)


def row_10_reads_and_writes(bench):
    """One read and one write for each request; with the rule `eagain` each read that finds nothing is one more, and how
    many those are depends on who is faster."""
    rows = bench.once(ping_pong).samples()
    odd = [row["sample"] for row in rows
           if not _count(row, "reads") - _count(row, "eagain") == _count(row, "writes") == int(row["requests"])
           or _count(row, "ctl")]
    short = {row["reads_per_request"] for row in rows if row["variant"] == "short"}
    return check(len(rows) == 10 and not odd and len(short) == 1,
                 f"{', '.join(sorted(short))} reads per request in all five (short); one read with bytes and one write "
                 f"in {len(rows) - len(odd)} of {len(rows)} samples {', '.join(odd)}".rstrip())


def row_10_examined(bench):
    examined = {_count(row, "fds") / _count(row, "waits")
                for row in bench.once(ping_pong).samples() if row["mechanism"] in SCANS}
    return check(examined == {CONNECTIONS + 1.0}, f"in a wait {', '.join(map(str, sorted(examined)))}")


def _count(row, name):
    """The whole number that a column per request stands for."""
    return round(number(row, f"{name}_per_request") * int(row["requests"]))


def row_10_strace(_):
    """The tests of the servers hold the ledger against strace's count, call by call."""
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-rs", "tests/test_servers_ledger.py", "-k", "strace"],
                          capture_output=True, text=True, timeout=120, cwd=ROOT)
    said = done.stdout.strip().splitlines() or [done.stderr.strip()]
    if "skipped" in said[-1]:
        raise Skipped(next(line for line in said if line.startswith("SKIPPED")))
    return check(done.returncode == 0 and "5 passed" in said[-1], said[-1])


# ---- the cost of a request ---------------------------------------------------------------------------------

def known_difference(bench):
    """Twelve blocks of a server that spins 10 us and of one that spins 12. Both are busy all the time, so that nothing
    but the 2 us differs. (Beside a plain server in ping-pong +2.16 us came, 2.03 to 2.30 over ten blocks: what it costs
    to fall asleep and to wake varies more than that.)"""
    text = scenario([BUSY, BUSIER], connections=20, active=20, blocks=12, window="1s", slice="50ms",
                    warmup="50ms")
    return bench.measure("known-difference", text, {BUSY: "spin=10us", BUSIER: "spin=12us"})


def row_11_cpu_cost(bench):
    from plots import statistics
    run = bench.once(known_difference)
    more = (run.series(BUSIER, "server_cpu_us_per_request") - run.series(BUSY, "server_cpu_us_per_request")).dropna()
    low, high = statistics.mean_interval(more, 0.95)
    return check(abs(more.mean() - SPIN_US) <= 0.1,
                 f"{more.mean():+.2f} us (95 % interval {low:.2f} to {high:.2f}, {len(more)} blocks)")


def attribution(bench):
    """Two names of a server that is busy all the time, however long the client takes: in ping-pong it would sleep
    longer while the client spins, and to wake from a longer sleep costs more (1.23 times came)."""
    names = ["epoll-lt:near", "epoll-lt:far"]
    text = scenario(names, connections=20, active=20, blocks=6, window="400ms", slice="50ms", warmup="50ms")
    return bench.measure("attribution", text, dict.fromkeys(names, "spin=15us")
                         | {"loadgen": "sender-spin=5us@epoll-lt:far"})


def row_12_attribution(bench):
    from plots import statistics
    run = bench.once(attribution)
    ratios = [statistics.ratio_of(statistics.paired_logs(run.series("epoll-lt:far", column),
                                                         run.series("epoll-lt:near", column)))
              for column in ("server_cpu_us_per_request", "total_cpu_us_per_request")]
    server, total = ratios
    return check(abs(np.log(server.value)) < 0.05 and total.interval95[0] > 1.05,
                 f"ratio of the servers {_words(server)}, of the totals {_words(total)}")


def row_12_sums(bench):
    """In all runs so far: total = server + client."""
    bench.once(ping_pong)
    rows = [row for run in bench.runs for row in run.samples() if row["total_cpu_us_per_request"]]
    odd = [row["sample"] for row in rows
           if abs(number(row, "total_cpu_us_per_request") - number(row, "server_cpu_us_per_request")
                  - number(row, "client_cpu_us_per_request")) > 1e-6 * number(row, "total_cpu_us_per_request")]
    return check(rows and not odd, f"{len(rows) - len(odd)} of {len(rows)} samples {', '.join(odd)}".rstrip())


def _words(ratio):
    return f"{ratio.value:.3f} ({ratio.interval95[0]:.3f} to {ratio.interval95[1]:.3f})"


# ---- the observer ------------------------------------------------------------------------------------------

def row_13_the_observer_costs_nothing(bench, blocks=24):
    from plots import statistics
    costs = [_observed(bench, block) for block in range(1, blocks + 1)]
    logs = statistics.paired_logs(*(pd.Series({block: cost[name] for block, cost in enumerate(costs)}, dtype=float)
                                    for name in ("on", "off")))
    ratio = statistics.ratio_of(logs)
    low, high = ratio.interval90
    return check(1 / 1.01 < low and high < 1.01,
                 f"on / off {ratio.value:.4f} (90 % interval {low:.4f} to {high:.4f}, {ratio.n} blocks; "
                 f"detects {100 * ratio.detectable:.1f} %)")


def _observed(bench, block):
    """Server CPU per request in us, {"on": with a ledger that is read, "off": without one}, driven in turn."""
    from runner import process
    folder = bench.folder / f"observer-{block}"
    folder.mkdir()
    with process.Children(folder) as children:
        targets = []
        for name in ("on", "off") if block % 2 else ("off", "on"):
            ledger = ["--ledger", folder / "ledger"] if name == "on" else []
            server = children.start(f"server-{name}", [BUILD / "bin" / "echo-epoll-lt", "--port", 0, "--cpu",
                                                       bench.server_cpu, *ledger])
            address = process.first_line(server, 10).removeprefix("listening on ")
            watched = f",ledger={folder / 'ledger'}" if ledger else ""
            targets += ["--target", f"{name}={address},pid={server.pid}{watched}"]
        loadgen = children.start("loadgen", [
            BUILD / "bin" / "loadgen", *targets, "--connections", 10, "--active", 10, "--window", "500ms", "--slice",
            "25ms", "--warmup", "50ms", "--cpu", bench.loadgen_cpu, "--seed", block, "--json", folder / "record"],
            stdout=subprocess.DEVNULL)
        if process.wait(loadgen, 60) != 0:
            raise Wrong(process.said(loadgen))
    record = json.loads((folder / "record").read_text(encoding="utf-8"))
    return {target["mechanism"]: target["server_cpu_us_per_request"] for target in record["targets"]}
