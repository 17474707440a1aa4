"""The tables of the report: what each mechanism comes to in each cell, and what does not count and why."""
import re
from dataclasses import dataclass

import pandas as pd

from . import cells, histograms, statistics, style, text
from .data import STATUSES, USABLE


@dataclass(frozen=True)
class Compared:
    """A mechanism's ratios to the base in one cell, of the server's CPU and of both sides' (None without a common
    block), and what may be said of each: corrected for all such ratios of the scenario's table (Holm), "" without."""
    ratio: object = None
    total_ratio: object = None
    verdict: str = ""
    total_verdict: str = ""


@dataclass(frozen=True)
class Line:
    """One mechanism in one cell, in words; `samples` are the rows of samples.csv that it comes from. The ratios and the
    verdict are those of Compared."""
    mechanism: str
    samples: list
    blocks: int
    figures: dict
    ratio: object
    total_ratio: object
    limited_by: str
    notes: str
    verdict: str


# Column's name, its heading, its unit.
COLUMNS = (
    ("server_cpu_us_per_request", "server CPU", "µs/request"),
    ("server_cpu_percent", "server CPU", "% of a core"),
    ("throughput_per_s", "throughput", "requests/s"),
    ("fds_per_request", "examined", "per request"),
    ("events_per_wait", "events", "per wait"))
# What tells the blocks of a scenario apart.
BLOCK = ("block", "connections", "active", "arrival", "offered_per_s", "message_bytes", "depth", "variant")
ENOUGH_BLOCKS = 5   # fewer have no spread that an outlier could be far from
PERCENTILES = (("p50", 0.5), ("p99", 0.99))
# What the gates of the environment say, in runs that have no column for it (`again`).
ENVIRONMENT = (r"\(steal\)|the cores' speed changed|the distance between the cores changed|other programs used|"
               "the polling generator got")


def base_of(scenario):
    """The mechanism that ratios are taken to: the first epoll that is there; None without one."""
    there = set(scenario.usable["mechanism"])
    return next((name for name in cells.BASES if name in there), None)


def lines(scenario):
    """[(Cell, its Lines)], mechanisms in their usual order; also those that could not run."""
    histogram, compared = histograms.read(scenario.folder), ratios(scenario)
    return [(cell, [_line(cell, name, compared.get((cell.anchor, name), Compared()), histogram, scenario.blocks)
                    for name in style.order(cell.rows["mechanism"])]) for cell in cells.split(scenario)]


def ratios(scenario):
    """{(a cell's anchor, mechanism): Compared}, for each mechanism but the base: {} without one."""
    base = base_of(scenario)
    keys = [(cell, name) for cell in cells.split(scenario) for name in style.order(cell.rows["mechanism"])
            if base is not None and name != base]
    sides = []
    for column in ("server_cpu_us_per_request", "total_cpu_us_per_request"):
        its = [cells.ratio(cell.usable, name, base, column) for cell, name in keys]
        corrected = statistics.holm([one and one.p for one in its])
        sides.append([(one, statistics.judge(one, p) if one else "") for one, p in zip(its, corrected)])
    return {(cell.anchor, name): Compared(ratio, total, verdict, total_verdict)
            for (cell, name), (ratio, verdict), (total, total_verdict) in zip(keys, *sides)}


def _timed(usable):
    """Which rows' response times may be merged: the generator did not limit them, and no request that was due is
    missing from them."""
    return (usable["latency"] == "") & ~(usable["cut_off"] > 0)


def _line(cell, mechanism, compared, histogram, blocks):
    rows = cell.rows[cell.rows["mechanism"] == mechanism]
    usable = rows[rows["status"].isin(USABLE)]
    timed = usable[_timed(usable)]
    samples = sorted(usable["sample"] if len(usable) else rows["sample"])
    shown = {column: _median(usable[column]) for column, _, _ in COLUMNS}
    for name, q in PERCENTILES:
        shown[name] = text.value(histograms.percentile_us(histogram, timed["sample"], q)), ""
    return Line(mechanism, samples, usable["block"].nunique(), shown, compared.ratio, compared.total_ratio,
                _counts(usable["limited_by"]), _notes(rows, usable, blocks), compared.verdict)


def _median(column):
    """Two texts: the median, and "lowest … highest" block ("" where they are equal)."""
    column = column.dropna()
    low, high = text.value(column.min()), text.value(column.max())
    return text.value(column.median()), f"{low} … {high}" if low != high else ""


def _counts(column):
    """The one value, or each with its count where blocks differ: "server 2, client 1"."""
    counts = column[column != ""].value_counts()
    counts = counts.sort_index().sort_values(ascending=False, kind="stable")
    if len(counts) == 1:
        return str(counts.index[0])
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _notes(rows, usable, blocks):
    """What a reader must know of the line: fewer blocks than the others, saturation, what was left out or flagged."""
    notes = []
    if 0 < usable["block"].nunique() < blocks:
        notes.append(f"{usable['block'].nunique()} of {blocks} blocks")
    saturated = int(usable["saturated"].sum())
    if saturated:
        notes.append(f"saturated in {saturated} of {len(usable)}")
    for status, count in rows["status"].value_counts().sort_index().items():
        if status != "valid":
            left_out = "" if status in USABLE else " (left out)" if len(usable) else ""
            notes.append(f"{count} {status}{left_out}")
    late = int((~_timed(usable)).sum())
    if late:
        notes.append(f"percentiles without {late} of {len(usable)}")
    unsteady = int(usable["steady"].str.startswith("not stationary").sum())
    if unsteady:
        notes.append(f"not stationary in {unsteady} of {len(usable)}")
    far = usable["block"][statistics.flag_outliers(usable["server_cpu_us_per_request"])]
    if len(far) and len(usable) >= ENOUGH_BLOCKS:
        notes.append(f"outlier: block {', '.join(f'{block:.0f}' for block in sorted(far))}")
    return ", ".join(notes)


def counts(run):
    """How many samples there are of each status: "120 samples: 110 valid, 4 suspect, 6 unsupported"."""
    found = pd.concat([scenario.samples["status"] for scenario in run.scenarios]).value_counts()
    parts = [f"{found[status]:,} {status}" for status in STATUSES if status in found]
    return f"{found.sum():,} samples: {', '.join(parts)}"


def disturbed(run):
    """How many of the samples that are averaged are suspect: "12 of 40", or "" if that is less than a tenth."""
    status = pd.concat([scenario.usable["status"] for scenario in run.scenarios])
    suspect = int((status == "suspect").sum())
    return f"{suspect:,} of {len(status):,}" if suspect >= 0.1 * len(status) else ""


def excluded(run):
    """The rows that are not plainly valid, gathered: [(status, mechanism, reason, samples)]."""
    rows = pd.concat([scenario.samples for scenario in run.scenarios])
    rows = rows[rows["status"] != "valid"].sort_values("connections", kind="stable")
    gathered = rows.groupby(["status", "mechanism", _kind(rows["reason"])], sort=False)
    found = [(status, mechanism, _first_and_last(its["reason"]) or "no reason given",
              list(its["sample"])) for (status, mechanism, _), its in gathered]
    order = ("failed", "invalid", "suspect", "unsupported")
    return sorted(found, key=lambda row: (order.index(row[0]), row[1]))


def untimed(run):
    """The averaged samples whose percentiles may not be quoted, gathered: [(mechanism, reason, samples)]."""
    rows = pd.concat([scenario.usable for scenario in run.scenarios])
    rows = rows[rows["latency"] != ""].sort_values("connections", kind="stable")
    gathered = rows.groupby(["mechanism", _kind(rows["latency"])], sort=True)
    return [(mechanism, _first_and_last(its["latency"]), list(its["sample"])) for (mechanism, _), its in gathered]


def reruns(run):
    """What was run again, in words, one for each scenario: [(its name, "2 blocks were run again …")]."""
    found = []
    for scenario in run.scenarios:
        if scenario.spoiled is None:
            continue
        spoiled = scenario.spoiled
        blocks = spoiled.groupby(list(BLOCK)).ngroups
        attempts = spoiled.groupby([*BLOCK, "attempt"]).ngroups
        whose = "again" if "again" in spoiled.columns else "reason"
        reasons = spoiled[whose][(spoiled[whose] != "") & (spoiled["status"] != "unsupported")]
        kinds = "; ".join(_first_and_last(its) for _, its in reasons.groupby(_kind(reasons), sort=False))
        were = "block was" if blocks == 1 else "blocks were"
        times = f", {attempts} times in all" if attempts > blocks else ""
        found.append((scenario.name, f"{blocks} {were} run again{times} ({kinds or 'no reason given'})"))
    return found


def remarks(run):
    """What the environment did to the blocks that count, and what was not judged: [(scenario's name, words)]."""
    found = []
    for scenario in run.scenarios:
        found += [(scenario.name, words) for words in _kept(scenario)]
        usable = scenario.usable
        if len(usable) and "steady" not in scenario.lacking and (usable["steady"] == "").all():
            found.append((scenario.name, "steadiness was not judged: fewer than ten slices"))
    return found


def _kept(scenario):
    """Sentences on the blocks that count although the environment spoiled them, by why they were not run again."""
    usable = scenario.usable
    disturbed = usable["reason"].str.contains(ENVIRONMENT) if "again" in scenario.lacking else usable["again"] != ""
    attempts = usable[disturbed & (usable["status"] == "suspect")].groupby(list(BLOCK), dropna=False)["attempt"].max()
    reruns = scenario.plan.get("reruns")
    ended = attempts > (float("inf") if reruns is None else reruns)
    for count, words in (((~ended).sum(), "spoiled and not run again" + (
            "" if reruns is None else " (the time for reruns was used up)")),
                         (ended.sum(), f"spoiled, and not run again (the limit is {reruns} reruns of a block)")):
        if count:
            yield f"{count} block{'s were' if count > 1 else ' was'} {words}"


def lacking(run):
    """The columns that this version writes and the run has not, in words; "" if it has them all."""
    missing = list(dict.fromkeys(name for scenario in run.scenarios for name in scenario.lacking))
    return ", ".join(missing)


def gates():
    """The gates that a sample had to pass: [(name, its rows of METHOD.md, what is asked, threshold, what follows,
    source)]."""
    from runner.gates import GATES
    follows = {"invalid": "invalid: never averaged", "suspect": "suspect: averaged, marked",
               "again": "the block is run again, up to three times, and until the reruns took a tenth of the run's "
                        "time; then suspect",
               "latency": "its percentiles do not count"}
    return [(gate.name, re.findall(r"\d+", gate.rows), gate.asks, gate.threshold, follows.get(gate.what, gate.what),
             gate.source) for gate in GATES]


def _kind(reasons):
    """Reasons without their numbers: those that are alike in the rest are gathered."""
    return reasons.str.replace(r"[0-9][0-9.,]*", "…", regex=True)


def _first_and_last(reasons):
    return " … ".join(dict.fromkeys(reasons.iloc[[0, -1]]))


def limits(run):
    """Where sweeps stopped and what was left out: ["cpu, idle: connections stop at 19,000: …"]."""
    found = {}
    for scenario in run.scenarios:
        for note in scenario.plan.get("notes", []):
            found.setdefault(note, []).append(scenario.name)
    return [f"{', '.join(names)}: {line}" for line, names in found.items()]


def environment(run):
    """[(key, value)] of environment.json, nested keys joined by dots; each scenario's where they differ."""
    flat = {scenario.name: dict(_flat(scenario.environment)) for scenario in run.scenarios}
    keys = list(dict.fromkeys(key for values in flat.values() for key in values))
    found = []
    for key in keys:
        values = {name: values.get(key, "–") for name, values in flat.items()}
        same = len(set(values.values())) == 1
        found.append((key, next(iter(values.values())) if same else
                      "; ".join(f"{name}: {value}" for name, value in values.items())))
    return found


def _flat(values, prefix=""):
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            yield prefix + key, " ".join(map(str, value)) or "none"
        else:
            yield prefix + key, "not known" if value is None else str(value)


def raw(scenario):
    """(column names, rows as text) of samples.csv, the rows of one cell and mechanism together."""
    by = ["offered_per_s", "connections", "active", "variant", "mechanism", "block"]
    order = scenario.samples.sort_values(by, kind="stable").index
    return as_text(scenario.raw.loc[order])


def as_text(table):
    """(column names, rows) of a table of texts; None without one."""
    return None if table is None else (list(table.columns), table.to_numpy().tolist())


def missing_metadata(run):
    """The names of scenarios without an environment.json: their numbers belong to no known machine."""
    return [scenario.name for scenario in run.scenarios if not scenario.environment]


def constants(scenario):
    """What all cells share, in words: "10 active, closed loop, 64 bytes, depth 1, drain eagain"."""
    samples, varies = scenario.samples, cells.varying(scenario.samples)
    shared = {name: samples[name].iloc[0] for name in cells.SETTINGS
              if name not in varies and name != "connections"}
    if shared.get("arrival") == "closed":
        shared.pop("offered_per_s", None)
    return cells.name_of({name: value for name, value in shared.items() if not pd.isna(value)})
