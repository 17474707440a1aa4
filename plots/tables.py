"""The tables of the report: what each mechanism comes to in each cell, and what does not count and why."""
from dataclasses import dataclass

import pandas as pd

from . import cells, histograms, style, text
from .data import STATUSES, USABLE


@dataclass(frozen=True)
class Line:
    """One mechanism in one cell, in words; `samples` are the rows of samples.csv that it comes from."""
    mechanism: str
    samples: list
    blocks: int
    figures: dict
    ratio: object
    total_ratio: object
    limited_by: str
    notes: str


# Column's name, its heading, its unit.
COLUMNS = (
    ("server_cpu_us_per_request", "server CPU", "µs/request"),
    ("server_cpu_percent", "server CPU", "% of a core"),
    ("throughput_per_s", "throughput", "requests/s"),
    ("fds_per_request", "examined", "per request"),
    ("events_per_wait", "events", "per wait"))


def base_of(scenario):
    """The mechanism that ratios are taken to: the first epoll that is there; None without one."""
    there = set(scenario.usable["mechanism"])
    return next((name for name in cells.BASES if name in there), None)


def lines(scenario):
    """[(Cell, its Lines)], mechanisms in their usual order; also those that could not run."""
    histogram, base = histograms.read(scenario.folder), base_of(scenario)
    return [(cell, [_line(cell, name, base, histogram) for name in style.order(cell.rows["mechanism"])])
            for cell in cells.split(scenario)]


def _line(cell, mechanism, base, histogram):
    rows = cell.rows[cell.rows["mechanism"] == mechanism]
    usable = rows[rows["status"].isin(USABLE)]
    samples = sorted(usable["sample"] if len(usable) else rows["sample"])
    shown = {column: _median(usable[column]) for column, _, _ in COLUMNS}
    for name, q in (("p50", 0.5), ("p99", 0.99)):
        shown[name] = text.value(histograms.percentile_us(histogram, usable["sample"], q))
    compare = base is not None and mechanism != base
    return Line(mechanism, samples, usable["block"].nunique(), shown,
                cells.ratio(cell.usable, mechanism, base) if compare else None,
                cells.ratio(cell.usable, mechanism, base, "total_cpu_us_per_request") if compare else None,
                _counts(usable["limited_by"]), _notes(rows, usable))


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


def _notes(rows, usable):
    """What a reader must know of the line: saturation, suspect blocks, rows that were left out."""
    notes = []
    saturated = int(usable["saturated"].sum())
    if saturated:
        notes.append(f"saturated in {saturated} of {len(usable)}")
    for status, count in rows["status"].value_counts().sort_index().items():
        if status != "valid":
            left_out = "" if status in USABLE else " (left out)" if len(usable) else ""
            notes.append(f"{count} {status}{left_out}")
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
    kind = rows["reason"].str.replace(r"[0-9][0-9.,]*", "…", regex=True)   # reasons differ in their numbers only
    gathered = rows.groupby(["status", "mechanism", kind], sort=False)
    found = [(status, mechanism, " … ".join(dict.fromkeys(its["reason"].iloc[[0, -1]])) or "no reason given",
              list(its["sample"])) for (status, mechanism, _), its in gathered]
    order = ("failed", "invalid", "suspect", "unsupported")
    return sorted(found, key=lambda row: (order.index(row[0]), row[1]))


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
    table = scenario.raw.loc[order]
    return list(table.columns), table.to_numpy().tolist()


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
