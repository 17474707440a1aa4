"""Rows 26 to 30: integrity."""
import dataclasses
import hashlib
import html.parser
import subprocess
import sys

import numpy as np
import pandas as pd

from tests.validate.bench import ROOT, scenario
from tests.validate.oracle import check

PREDICTIONS = """
[[expect]]
claim = "poll examines ten times as many descriptors"
metric = "fds_per_request"
compare = ["poll", "epoll-lt"]
where = { connections = 200 }
above = 10

[[expect]]
claim = "poll examines no more than twice as many"
metric = "fds_per_request"
compare = ["poll", "epoll-lt"]
where = { connections = 200 }
below = 2
"""
REPORT = "import sys\nfrom plots import report\nreport.write(sys.argv[1])"


def reported(bench):
    """A run of three blocks in a closed loop, with its report."""
    text = scenario(["poll", "epoll-lt"], {"connections": [20, 200]}, PREDICTIONS, blocks=3, active=5, window="200ms",
                    slice="50ms", warmup="50ms")
    run = bench.measure("reported", text)
    report(run)
    return run


def report(run):
    """Draw the report of a run; {file: checksum} of all that was drawn."""
    subprocess.run([sys.executable, "-c", REPORT, run.folder], cwd=ROOT, check=True, capture_output=True, timeout=120)
    drawn = [run.folder / "report.html", *sorted((run.folder / "figures").iterdir())]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in drawn}


def page(run):
    """The text of a run's report."""
    return (run.folder / "report.html").read_text(encoding="utf-8")


# ---- predictions -------------------------------------------------------------------------------------------

def row_26_predictions(bench):
    """Two that stood in the scenario, on exact counters; three thresholds around what was measured."""
    from plots import data, expect
    run = bench.once(reported)
    (found,) = data.read_run(run.folder).scenarios
    before = [one.verdict for one in expect.verdicts(found)]
    about = {"claim": "poll needs more CPU", "metric": "server_cpu_us_per_request", "compare": ["poll", "epoll-lt"],
             "where": {"connections": 200}}
    measured = _verdicts(found, [about | {"above": 0.001}])[0].finding.value
    after = [one.verdict for one in _verdicts(found, [about | {"above": measured * factor}
                                                      for factor in (0.1, 1.0, 10.0)])]
    shown = page(run)
    return check(before == ["supported", "refuted"] and after == ["supported", "inconclusive", "refuted"]
                 and all(f">{word}<" in shown for word in before),
                 f"counters: {', '.join(before)}; bounds at 0.1, 1 and 10 times what came: {', '.join(after)}")


def _verdicts(found, predictions):
    from plots import expect
    return expect.verdicts(dataclasses.replace(found, definition=found.definition | {"expect": predictions}))


# ---- the report --------------------------------------------------------------------------------------------

class _Page(html.parser.HTMLParser):
    """A page's ids, where its links within the page lead, and the rows of tables that hold a number in a cell, but
    neither a link nor an id: such a number leads nowhere. Tables of class "keys" say what is no measurement."""

    def __init__(self):
        super().__init__()
        self.ids, self.targets, self.unlinked = set(), [], []
        self.keys = self.cell = self.leads = False
        self.text = ""

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        if tag == "table":
            self.keys = "keys" in attributes.get("class", "").split()
        elif tag == "tr":
            self.leads, self.text = "id" in attributes, ""
        elif tag == "td":
            self.cell = True
        elif tag == "a":
            self.leads = True
            if attributes.get("href", "").startswith("#"):
                self.targets.append(attributes["href"][1:])

    def handle_endtag(self, tag):
        if tag == "td":
            self.cell = False
        elif tag == "tr" and not (self.leads or self.keys) and any(letter.isdigit() for letter in self.text):
            self.unlinked.append(" ".join(self.text.split())[:40])

    def handle_data(self, data):
        self.text += data if self.cell else ""


def row_27_the_same_bytes(bench):
    run = bench.once(reported)
    first, second = report(run), report(run)
    differ = [name for name in first if first[name] != second.get(name)]
    return check(len(first) > 3 and not differ,
                 f"{len(first)} files, {len(differ)} differ {', '.join(differ)}".rstrip())


def row_27_links(bench):
    seen = _Page()
    seen.feed(page(bench.once(reported)))
    lost = sorted({one for one in seen.targets if one not in seen.ids})
    return check(len(seen.targets) > 10 and not lost and not seen.unlinked,
                 f"{len(seen.targets)} links, {len(lost)} lead nowhere {', '.join(lost[:3])}".rstrip()
                 + f"; {len(seen.unlinked)} rows without a link {', '.join(seen.unlinked[:3])}".rstrip())


# ---- the cost model ----------------------------------------------------------------------------------------

FIXED_NS, EACH_NS = 4000.0, 25.0


def _made_up(chance, blocks=5):
    """Rows of a scanner whose requests cost 4 us and 25 ns for each descriptor examined; 2 % noise, and each block at
    its own speed within 3 %."""
    rows = []
    for block in range(1, blocks + 1):
        speed = np.exp(chance.normal(0, 0.03))
        for connections in (100, 300, 1000, 3000, 10_000):
            cost = (FIXED_NS + EACH_NS * connections) * speed * np.exp(chance.normal(0, 0.02))
            rows.append({"sample": f"c{connections}-b{block}", "block": block, "mechanism": "poll", "active": 10,
                         "connections": connections, "fds_per_request": float(connections), "saturated": False,
                         "server_cpu_us_per_request": cost / 1000, "status": "valid"})
    return pd.DataFrame(rows)


def row_28_cost_model(_, sets=200):
    from plots import costs
    chance = np.random.default_rng(28)
    held = {"a": 0, "b": 0}
    for _ in range(sets):
        fit = costs.fit(_made_up(chance), "poll")
        held["a"] += fit.fixed.interval[0] <= FIXED_NS <= fit.fixed.interval[1]
        held["b"] += fit.each.interval[0] <= EACH_NS <= fit.each.interval[1]
    shares = {name: 100 * count / sets for name, count in held.items()}
    return check(all(90 <= share <= 99 for share in shares.values()),
                 f"the intervals hold a in {shares['a']:.1f} %, b in {shares['b']:.1f} % of {sets}")


# ---- rows, not gaps ----------------------------------------------------------------------------------------

def row_29_unsupported_and_failed(bench):
    text = scenario(["select", "epoll-lt:die", "epoll-lt"], connections=1100, active=10, slices=False, window="200ms",
                    slice="100ms")
    run = bench.measure("failed", text, {"epoll-lt:die": "die=1000"}, status=(0, 1))
    rows = {row["mechanism"]: row for row in run.table("samples.csv")}
    came = {name: row["status"] for name, row in rows.items()}
    return check(came["select"] == "unsupported" and "FD_SETSIZE" in rows["select"]["reason"]
                 and came["epoll-lt:die"] == "failed" and rows["epoll-lt:die"]["reason"]
                 and came["epoll-lt"] in ("valid", "suspect"),
                 "; ".join(f"{name}: {status}" for name, status in came.items())
                 + f" ({rows['epoll-lt:die']['reason']})")


def row_30_no_silent_caps(bench):
    text = scenario(["epoll-lt"], connections=1000, active=10)
    low = bench.measure("few-descriptors", text, prefix=["prlimit", "--nofile=64:64"], status=(2,))
    said = " ".join(low.said.split())
    high = bench.measure("many-descriptors", text, options=["--dry-run"])
    return check(not low.folder.exists() and "1,000 connections left out" in said and "ulimit" in said
                 and high.status == 0, said)
