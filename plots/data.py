"""Reading a run: from its folder to tables, with errors that say what to do.

A run's folder holds samples.csv itself (one scenario) or one subfolder for each scenario (`make bench`).
Invalid, unsupported and failed samples stay in the table: `Scenario.usable` is the part that may be averaged.
"""
import csv
import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

STANDARD_BLOCKS = 10  # fewer blocks than this: the run is called exploratory
USABLE = ("valid", "suspect")
STATUSES = USABLE + ("invalid", "unsupported", "failed")
FIGURES = ("cpu_percent", "throughput", "cpu_per_request", "share", "examined")

TEXT_COLUMNS = ("sample", "scenario", "mechanism", "variant", "arrival", "limited_by", "status", "reason")
NUMBER_COLUMNS = (
    "block", "connections", "active", "offered_per_s", "message_bytes", "depth", "throughput_per_s",
    "server_cpu_us_per_request", "total_cpu_us_per_request", "server_cpu_percent", "waits_per_request",
    "fds_per_request", "events_per_wait", "cut_off")

# What makes a cell, besides the mechanism. `active_setting` is what the scenario asked for: "10", "1 %" or
# "all".
SETTINGS = ("connections", "active_setting", "arrival", "offered_per_s", "message_bytes", "depth", "variant")


class RunError(Exception):
    """A run that cannot be drawn; the message says what to do next."""


@dataclass
class Scenario:
    """One scenario's samples. `samples`: numbers as numbers; `raw`: every cell as it stands in the file."""
    name: str
    folder: Path
    samples: pd.DataFrame
    raw: pd.DataFrame
    definition: dict = field(default_factory=dict)
    environment: dict = field(default_factory=dict)
    plan: dict = field(default_factory=dict)

    @property
    def usable(self):
        """The samples that may be averaged: valid and suspect ones."""
        return self.samples[self.samples["status"].isin(USABLE)]

    @property
    def blocks(self):
        """The number of different blocks that hold a usable sample."""
        return self.usable["block"].nunique()

    @property
    def exploratory(self):
        return self.blocks < STANDARD_BLOCKS

    @property
    def figures(self):
        """The figures that the scenario asks for, by name; without a word from it, those that suit its arrivals: a
        closed loop does not give each mechanism the same work per second."""
        closed = (self.samples["arrival"] == "closed").all()
        suitable = ("throughput" if closed else "cpu_percent", "cpu_per_request", "examined")
        return tuple(self.definition.get("figures", {}).get("show", suitable))


@dataclass
class Run:
    """A run's folder and its scenarios, in the order in which they were asked for."""
    folder: Path
    scenarios: list


def read_run(folder):
    """Return the Run in `folder`. RunError: no samples there, or none that may be averaged."""
    folder = Path(folder).resolve()
    if not folder.is_dir():
        raise RunError(f"{folder}: no such folder; `ls results` shows the runs, `./muxbench run` makes one")
    if (folder / "samples.csv").is_file():
        folders = [folder]
    else:
        folders = sorted(path.parent for path in folder.glob("*/samples.csv"))
    if not folders:
        raise RunError(f"{folder}: no samples.csv here or one folder down; give the folder of a run, "
                       "such as results/latest")
    scenarios = [read_scenario(path) for path in folders]
    scenarios = [scenario for scenario in scenarios if scenario is not None]
    strangers = [one.folder.name for one in scenarios if one.folder not in (folder, folder / one.name)]
    if strangers:
        raise RunError(f"{folder}: holds whole runs ({', '.join(strangers)}), it is none itself; give one of them")
    if not scenarios:
        raise RunError(f"{folder}: samples.csv has no rows yet; finish the run: "
                       f"`./muxbench run --resume {folder}`")
    if all(scenario.usable.empty for scenario in scenarios):
        raise RunError(f"{folder}: not one valid sample; " + _first_reason(scenarios))
    scenarios.sort(key=lambda one: (one.plan.get("place", 0), one.name != "cpu", one.name))
    return Run(folder, scenarios)


def read_scenario(folder):
    """Return the Scenario in `folder`, or None when its samples.csv has no rows."""
    raw = _read_csv(folder / "samples.csv")
    missing = [name for name in TEXT_COLUMNS + NUMBER_COLUMNS if name not in raw.columns]
    if missing:
        raise RunError(f"{folder / 'samples.csv'}: missing columns {', '.join(missing)}; it was written by "
                       "another version of muxbench: run the scenario again, or report it with that version")
    if raw.empty:
        return None
    samples = raw.copy()
    for name in raw.columns:
        if name not in TEXT_COLUMNS:
            samples[name] = _numbers(raw[name], name, folder / "samples.csv")
    _check(samples, folder / "samples.csv")
    definition = _read_toml(folder / "scenario.toml")
    samples["active_setting"] = _active_settings(samples, definition)
    samples["active_percent"] = 100 * samples["active"] / samples["connections"]
    samples["saturated"] = _saturated(samples)
    environment = _read_json(folder / "environment.json") or _read_json(folder.parent / "environment.json")
    return Scenario(raw["scenario"].iloc[0], folder, samples, raw, definition, environment,
                    _read_json(folder / "plan.json"))


def _read_csv(path):
    """The file's cells as text, "" where empty."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    header = rows[0] if rows else []
    rows = [row for row in rows[1:] if row]
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise RunError(f"{path}: row {number} has {len(row)} cells, the header {len(header)}; delete "
                           "the row, or finish a run that was cut short with `./muxbench run --resume`")
    return pd.DataFrame(rows, columns=header, dtype=str)


def _numbers(column, name, path):
    """Text to numbers; an empty cell, and the rate "max" of closed arrivals, is not a number (NaN)."""
    text = column.mask(column == "")
    if name == "offered_per_s":
        text = text.mask(text == "max")
    numbers = pd.to_numeric(text, errors="coerce")
    wrong = text.notna() & numbers.isna()
    if wrong.any():
        row = wrong.idxmax()
        raise RunError(
            f"{path}: row {row + 2}, column {name}: {column[row]!r} is no number; mend or delete that row")
    return numbers.astype(float)


def _check(samples, path):
    unknown = sorted(set(samples["status"]) - set(STATUSES))
    if unknown:
        raise RunError(
            f"{path}: unknown status {', '.join(map(repr, unknown))}; allowed: {', '.join(STATUSES)}")
    for name in ("block", "connections", "active"):
        if samples[name].isna().any():
            raise RunError(
                f"{path}: row {samples[name].isna().idxmax() + 2}: {name} is empty; mend or delete that row")
    twice = samples["sample"].duplicated()
    if twice.any():
        raise RunError(
            f"{path}: sample {samples['sample'][twice.idxmax()]} stands there twice; delete one of the rows")


BUSY_PERCENT = 80


def _saturated(samples):
    """Which samples could not keep up with the rate: the server's core was full, or it was busy and requests were left
    unsent. Unsent ones alone may be a disturbance of the generator. An unknown CPU time counts as busy."""
    unsent = (samples["cut_off"].fillna(0) > 0) & ~(samples["server_cpu_percent"] < BUSY_PERCENT)
    return (samples["arrival"] != "closed") & ((samples["limited_by"] == "server") | unsent)


def _active_settings(samples, definition):
    """What the scenario asked for: a count ("10"), a share ("1 %"), or "all"."""
    asked = [definition.get("fixed", {}).get("active"), *definition.get("sweep", {}).get("active", [])]
    shares = any(isinstance(value, str) for value in asked)
    every = samples["active"] == samples["connections"]
    if not shares and every.all() and samples["connections"].nunique() > 1:
        return pd.Series("all", index=samples.index)

    def setting(row):
        if not shares:
            return f"{row['active']:,.0f}"
        share = row["active"] / row["connections"]
        return "all" if share == 1 else f"{100 * share:.2g} %"
    return samples.apply(setting, axis=1)


def _first_reason(scenarios):
    reasons = [reason for scenario in scenarios for reason in scenario.samples["reason"] if reason]
    return f"the first reason given: {reasons[0]}" if reasons else "run the scenario again"


def _read_toml(path):
    if not path.is_file():
        return {}
    try:
        definition = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RunError(f"{path}: {error}; mend the file, or copy it again from scenarios/") from error
    shown = definition.get("figures", {}).get("show", [])
    unknown = [name for name in shown if name not in FIGURES]
    if unknown:
        raise RunError(f"{path}: [figures] show: unknown figure {', '.join(map(repr, unknown))}; "
                       f"allowed: {', '.join(FIGURES)}")
    return definition


def _read_json(path):
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise RunError(f"{path}: {error}; mend the file, or move it away: the report is then without what it "
                       "says") from error
