"""What the figures of the classics show: columns, their units and words, and what is derived from other columns."""
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .. import data


@dataclass(frozen=True)
class Measure:
    """A column of the samples as a figure shows it: `factor` turns the column's unit into the one of the words."""
    words: str
    factor: float = 1

    @property
    def short(self):
        """The words without what they are for: "CPU seconds"."""
        return self.words.partition(" for ")[0]


# What stands on an axis. wait_us is derived, see prepared().
MEASURES = {
    "wait_us": Measure("µs per wait"),
    "turn_ns": Measure("µs per turn (wait, scan, reads)", 1e-3),
    "command_elapsed_s": Measure("elapsed seconds for 100,000 waits"),
    "command_cpu_s": Measure("CPU seconds for 100,000 waits"),
    "kernel_polls_per_wait": Measure("descriptors asked by the kernel, per wait"),
    "throughput_per_s": Measure("requests answered per second"),
    "server_cpu_us_per_request": Measure("server CPU (µs per request)"),
    "server_cpu_percent": Measure("server CPU (% of one core)"),
    "events_per_wait": Measure("events per wait"),
    "response_p50_us": Measure("median response time (µs)"),
    "response_p99_us": Measure("99th percentile of response time (µs)"),
    "response_p999_us": Measure("99.9th percentile of response time (µs)"),
    "descriptors": Measure("descriptors watched"),
    "place": Measure("place of the ready descriptor in the set"),
    "offered_per_s": Measure("requests offered per second"),
    "connections": Measure("open connections"),
}

# The words of a setting's values, in the order in which their panels stand.
VALUES = {
    "when": {"zero": "time-out 0, one is ready", "ready": "blocking, one is ready already",
             "sleeping": "it really sleeps"},
    "reregister": {"none": "registered once", "mod": "MOD of all in each turn",
                   "add": "DEL and ADD of all in each turn"},
}
NAMED = {
    "ready": "{:,.0f} active", "writes": "{:,.0f} further writes", "connections": "{:,.0f} open connections",
    "active": "{:,.0f} active connections", "active_setting": "{} active",
    "offered_per_s": "{:,.0f} requests/s", "kind": "{}", "variant": "drain {}", "highest_descriptor": "up to {:,.0f}",
    "message_bytes": "{:,.0f} bytes", "depth": "depth {:,.0f}", "descriptors": "{:,.0f} descriptors",
    "arrival": "{} arrivals", "placement": "ready: {}", "rebuild": "set rebuilt: {}"}
SETTINGS = {"waitcost": ("kind", "when", "descriptors", "ready", "placement", "place", "writes", "rebuild",
                         "reregister"),
            "servers": data.SETTINGS}


def prepared(scenario):
    """The scenario's samples with the derived columns, as far as what they come from is there: wait_us (a wait
    that sleeps counts by its CPU time) and the keys of the variant."""
    rows = scenario.samples.copy()
    if "wait_ns" in rows:
        sleeping = rows["when"].astype(str) == "sleeping"
        rows["wait_us"] = np.where(sleeping, rows["wait_cpu_ns"], rows["wait_ns"]) / 1000.0
    return with_variant(rows) if "connections" in rows else rows


def with_variant(rows):
    """The rows with a column for each key of their variant ("eagain+churn=1"): numbers as numbers."""
    for text in rows["variant"].astype(str).unique():
        for key, _, value in (part.partition("=") for part in text.split("+")[1:]):
            if key not in rows:
                rows[key] = np.nan
            rows.loc[rows["variant"] == text, key] = pd.to_numeric(value, errors="ignore")
    return rows


def trusted(rows, column):
    """The rows whose number in this column counts: percentiles do not, where the generator limited them or requests
    that were due are missing."""
    if column.startswith(("response_", "service_")):
        rows = rows[(rows["latency"] == "") & ~(rows["cut_off"] > 0)]
    return rows[rows[column].notna()]


def split(rows, settings):
    """[(values by setting, rows)] of each combination that is there: in the order of VALUES, else ascending."""
    if not settings:
        return [({}, rows)]
    keys = {name: rows[name].map(lambda value, name=name: _place(name, value)) for name in settings}
    order = pd.DataFrame(keys).drop_duplicates().sort_values(list(settings))
    found = []
    for _, key in order.iterrows():
        chosen = pd.Series(True, index=rows.index)
        for name in settings:
            chosen &= keys[name] == key[name]
        part = rows[chosen]
        found.append(({name: part[name].iloc[0] for name in settings}, part))
    return found


def _place(name, value):
    """What a value of a setting is ordered by: numbers before words, nothing last."""
    known = list(VALUES.get(name, ()))
    if value in known:
        return known.index(value), ""
    if isinstance(value, (int, float, np.number)):
        return (np.inf if pd.isna(value) else float(value)), ""
    return np.inf, str(value)


def words(values):
    """Settings in words: {"when": "zero"} is "time-out 0, one is ready"."""
    return ", ".join(_word(name, value) for name, value in values.items())


def _word(name, value):
    if name == "churn":
        return "a connection for each request" if value == 1 else "connections that stay"
    if value in VALUES.get(name, {}):
        return VALUES[name][value]
    if isinstance(value, float) and pd.isna(value):
        return "closed loop" if name == "offered_per_s" else f"{name} not given"
    return NAMED.get(name, name + " {}").format(value)
