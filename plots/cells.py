"""Cells: the samples of one setting of the swept values, how they are named, and what they come to."""
import re
from dataclasses import dataclass

import pandas as pd

from . import statistics
from .data import SETTINGS, USABLE

SCANNERS = ("poll", "select-wide", "select")  # who looks at every descriptor in each wait
BASES = ("epoll-lt", "epoll-et")  # what a ratio is taken to


@dataclass
class Cell:
    """One setting of the swept values: its samples, all of them and those that may be averaged."""
    values: dict
    rows: pd.DataFrame
    anchor: str

    @property
    def usable(self):
        return self.rows[self.rows["status"].isin(USABLE)]

    @property
    def name(self):
        return name_of(self.values)

    @property
    def saturated(self):
        """The mechanisms that could not keep up with the rate here, in any block."""
        usable = self.usable
        return set(usable["mechanism"][usable["saturated"]])


def split(scenario):
    """The scenario's cells, ascending along the x axis, one setting of the others after the other."""
    along = x_setting(scenario.samples)
    others = [name for name in dict.fromkeys(["connections", *varying(scenario.samples)]) if name != along]
    found = []
    for values, rows in groups(scenario.samples, others + [along]):
        values = {"connections": values.pop("connections"), **values}
        slug = re.sub(r"[^a-z0-9]+", "-", f"{scenario.name} {name_of(values)}".lower().replace(",", ""))
        found.append(Cell(values, rows, slug))
    return found


def x_setting(samples):
    """What figures have from left to right: connections, or the active share if that has more values."""
    return max(("connections", "active_setting"), key=lambda name: samples[name].nunique())


def varying(samples, settings=SETTINGS):
    """The settings that take more than one value in these samples."""
    return [name for name in settings if samples[name].nunique(dropna=False) > 1]


def groups(samples, settings):
    """Yield (values by name, rows) for each combination of the settings that is there, in ascending order.

    `active_setting` is text: it is put in the order of the active share.
    """
    if not settings:
        yield {}, samples
        return
    keys = list(settings)
    order = samples.groupby(keys, dropna=False, as_index=False)["active_percent"].mean()
    by = [key if key != "active_setting" else "active_percent" for key in keys]
    for _, row in order.sort_values(by, kind="stable").iterrows():
        chosen = pd.Series(True, index=samples.index)
        for key in keys:
            chosen &= samples[key].isna() if pd.isna(row[key]) else samples[key] == row[key]
        yield {key: row[key] for key in keys}, samples[chosen]


def spoken(name, value):
    """A setting in words: ("connections", 1000.0) is "1,000 connections"."""
    if name == "connections":
        return f"{value:,.0f} connection" + ("s" if value != 1 else "")
    if name == "active_setting":
        return f"{value} active"
    if name == "offered_per_s":
        return "closed loop" if pd.isna(value) else f"{value:,.0f} requests/s"
    if name == "arrival":
        words = {"closed": "closed loop", "poisson": "Poisson arrivals", "uniform": "even arrivals"}
        return words.get(value, value)
    if name == "message_bytes":
        return f"{value:,.0f} bytes"
    if name == "depth":
        return f"depth {value:,.0f}"
    return f"drain {value}"


def name_of(values):
    """A cell's name from its values by setting, such as "1,000 connections, 10 active"."""
    return ", ".join(spoken(name, value) for name, value in values.items())


def by_block(rows, column):
    """The column's values indexed by block, empty ones left out."""
    return rows.dropna(subset=[column]).groupby("block")[column].mean()


def spread(rows, x, column):
    """The median, lowest and highest block for each x: columns x, median, low, high."""
    rows = rows.dropna(subset=[column])
    table = rows.groupby(x)[column].agg(["median", "min", "max"]).reset_index()
    return table.set_axis(["x", "median", "low", "high"], axis=1)


def pair(samples):
    """The two mechanisms that a comparison is about, (scanner, base), as far as they are there; else None."""
    there = set(samples["mechanism"])
    scanner = next((name for name in SCANNERS if name in there), None)
    base = next((name for name in BASES if name in there), None)
    return (scanner, base) if scanner and base else None


def paired_logs(rows, above, below, column):
    """ln(above / below) of a column by block, within one cell's usable rows."""
    return statistics.paired_logs(by_block(rows[rows["mechanism"] == above], column),
                                  by_block(rows[rows["mechanism"] == below], column))


def ratio(rows, above, below, column="server_cpu_us_per_request"):
    """The paired ratio above / below within one cell's usable rows; None without a common block."""
    return statistics.ratio_of(paired_logs(rows, above, below, column))
