"""Reading a run: from its folder to tables, with errors that say what to do.

A run's folder holds samples.csv (of the servers) or waits.csv (of waitcost) itself, or one subfolder for each scenario
(`make bench`).
Invalid, unsupported and failed samples stay in the table: `Scenario.usable` is the part that may be averaged.
"""
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from runner.store import WAIT_COLUMNS

from .files import RunError, numbers, read_csv, read_json, read_toml

STANDARD_BLOCKS = 10  # fewer blocks than this: the run is called exploratory
USABLE = ("valid", "suspect")
STATUSES = USABLE + ("invalid", "unsupported", "failed")
FIGURES = ("cpu_percent", "throughput", "cpu_per_request", "share", "examined")

# What DESIGN.md promises of samples.csv: a run without one of them was made by another version.
TEXT_COLUMNS = ("sample", "scenario", "mechanism", "variant", "arrival", "limited_by", "status", "reason")
NUMBER_COLUMNS = (
    "block", "position", "connections", "active", "offered_per_s", "message_bytes", "depth", "window_s", "requests",
    "errors", "throughput_per_s", "response_p50_us", "response_p99_us", "response_p999_us", "service_p50_us",
    "server_cpu_us_per_request", "client_cpu_us_per_request", "total_cpu_us_per_request", "server_cpu_percent",
    "waits_per_request", "fds_per_request", "events_per_wait", "reads_per_request", "writes_per_request",
    "eagain_per_request", "ctl_per_request", "steal_percent", "core_round_trip_ns", "cut_off")
# What came later: where it is missing it counts as empty, and the report says so.
LATER_TEXT = ("latency", "steady", "again")
LATER_NUMBERS = ("attempt", "outstanding_mean", "service_mean_us", "late_percent", "others_percent",
                 "generator_share_percent", "spin_ns", "spin_shift_percent", "round_trip_shift_percent")

# The same of waits.csv.
WAIT_TEXTS = ("sample", "scenario", "mechanism", "variant", "kind", "when", "placement", "rebuild", "reregister",
              "status", "reason", "again", "kept_awake")
WAIT_LATER = ("kernel_polls_per_wait", "attempt")
WAIT_NUMBERS = tuple(name for name in WAIT_COLUMNS if name not in WAIT_TEXTS + WAIT_LATER)
TABLES = {"servers": "samples.csv", "waitcost": "waits.csv"}

# What makes a cell, besides the mechanism. `active_setting` is what the scenario asked for: "10", "1 %" or
# "all".
SETTINGS = ("connections", "active_setting", "arrival", "offered_per_s", "message_bytes", "depth", "variant")

# What figures and reports take from these files must be of these types; the rest is shown as it is.
_TEXT, _TEXTS = {"type": ["string", "null"]}, {"type": "array", "items": {"type": "string"}}
_TABLE, _DAY = {"type": "object"}, {"date": _TEXT, "boot_id": _TEXT}
ENVIRONMENT = {"type": "object", "properties": {
    **_DAY, "kernel": _TEXT, "cores": {"type": ["number", "string", "null"]},
    "command": {"anyOf": [_TEXT, _TEXTS | {"minItems": 1}]},
    "resumed": {"type": "array", "items": {"type": "object", "properties": _DAY}}}}
PLAN = {"type": "object", "properties": {
    "place": {"type": "number"}, "notes": _TEXTS, "reruns": {"type": ["number", "null"]},
    **dict.fromkeys(("connection_limit", "descriptor_limit"),
                    {"type": ["number", "null"], "exclusiveMinimum": 0})}}
DEFINITION = {"type": "object", "properties": {
    "fixed": _TABLE, "sweep": _TABLE | {"additionalProperties": {"type": "array"}},
    "figures": _TABLE | {"properties": {"show": _TEXTS}}}}


@dataclass
class Scenario:
    """One scenario's samples. `samples`: numbers as numbers; `raw`: every cell as it stands in the file; `program`: who
    was measured, "servers" or "waitcost"."""
    name: str
    folder: Path
    samples: pd.DataFrame
    raw: pd.DataFrame
    definition: dict = field(default_factory=dict)
    environment: dict = field(default_factory=dict)
    plan: dict = field(default_factory=dict)
    spoiled: pd.DataFrame = None   # rows of blocks that were run again, as text; None without any
    lacking: tuple = ()            # columns that this version writes and this run has not
    program: str = "servers"

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


def read_run(folder, program=None):
    """Return the Run in `folder`, with the scenarios of `program` ("servers" or "waitcost") or of both. RunError: no
    samples there, or none that may be averaged."""
    folder = Path(folder).resolve()
    if not folder.is_dir():
        raise RunError(f"{folder}: no such folder; `ls results` shows the runs, `./muxbench run` makes one")
    names = [TABLES[program]] if program else list(TABLES.values())
    here = [folder / name for name in names if (folder / name).is_file()]
    tables = here or sorted(path for name in names for path in folder.glob(f"*/{name}"))
    if not tables:
        raise RunError(f"{folder}: no {' or '.join(names)} here or one folder down; give the folder of a run, "
                       "such as results/latest")
    scenarios = [read_scenario(path.parent, path.name) for path in tables]
    scenarios = [scenario for scenario in scenarios if scenario is not None]
    strangers = [one.folder.name for one in scenarios if one.folder not in (folder, folder / one.name)]
    if strangers:
        raise RunError(f"{folder}: holds whole runs ({', '.join(strangers)}), it is none itself; give one of them")
    if not scenarios:
        raise RunError(f"{folder}: {' or '.join(names)} has no rows yet; finish the run: "
                       f"`./muxbench run --resume {folder}`")
    if all(scenario.usable.empty for scenario in scenarios):
        raise RunError(f"{folder}: not one valid sample; " + _first_reason(scenarios))
    scenarios.sort(key=lambda one: (one.plan.get("place", 0), one.name != "cpu", one.name))
    return Run(folder, scenarios)


def read_scenario(folder, table="samples.csv"):
    """Return the Scenario in `folder`, or None when its `table` has no rows."""
    path, waits = folder / table, table == TABLES["waitcost"]
    raw = read_csv(path)
    columns = WAIT_TEXTS + WAIT_NUMBERS if waits else TEXT_COLUMNS + NUMBER_COLUMNS
    missing = [name for name in columns if name not in raw.columns]
    if missing:
        raise RunError(f"{path}: missing columns {', '.join(missing)}; it was written by "
                       "another version of muxbench: run the scenario again, or report it with that version")
    if raw.empty:
        return None
    definition = _definition(folder / "scenario.toml")
    environment = read_json(folder / "environment.json", ENVIRONMENT) or \
        read_json(folder.parent / "environment.json", ENVIRONMENT)
    samples, lacking = _waits(raw, path) if waits else _servers(raw, path, definition)
    return Scenario(raw["scenario"].iloc[0], folder, samples, raw, definition, environment,
                    read_json(folder / "plan.json", PLAN), _spoiled(folder / "spoiled.csv", SPOILED_COLUMNS[table]),
                    lacking,
                    "waitcost" if waits else "servers")


def _servers(raw, path, definition):
    """(the rows of samples.csv with numbers as numbers and what follows from them, the columns it lacks)."""
    samples = raw.copy()
    lacking = tuple(name for name in LATER_TEXT + LATER_NUMBERS if name not in raw.columns)
    samples = samples.assign(**{name: "" for name in lacking})
    for name in NUMBER_COLUMNS + LATER_NUMBERS:
        samples[name] = numbers(samples[name], name, path)
    for name in sorted(set(raw.columns).difference(TEXT_COLUMNS, LATER_TEXT, NUMBER_COLUMNS, LATER_NUMBERS)):
        samples[name] = pd.to_numeric(raw[name].mask(raw[name] == ""), errors="ignore")
    _check(samples, path, ("block", "connections", "active"), NUMBER_COLUMNS)
    samples["active_setting"] = _active_settings(samples, definition)
    samples["active_percent"] = 100 * samples["active"] / samples["connections"]
    samples["saturated"] = _saturated(samples)
    return samples, lacking


def _waits(raw, path):
    """The same of waits.csv."""
    lacking = tuple(name for name in WAIT_LATER if name not in raw.columns)
    samples = raw.assign(**{name: "" for name in lacking})
    for name in WAIT_NUMBERS + WAIT_LATER:
        samples[name] = numbers(samples[name], name, path)
    _check(samples, path, ("block", "descriptors"), WAIT_NUMBERS)
    return samples, lacking


SPOILED_COLUMNS = {"samples.csv": ("block", "connections", "active", "arrival", "offered_per_s", "message_bytes",
                                   "depth", "variant", "attempt", "status", "reason"),
                   "waits.csv": ("block", "descriptors", "variant", "attempt", "status", "reason")}


def _spoiled(path, columns):
    """The rows of spoiled.csv, which must have COLUMNS, as text; or None."""
    table = read_csv(path) if path.is_file() else None
    if table is None or table.empty:
        return None
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise RunError(f"{path}: missing columns {', '.join(missing)}; move it away: the report is then without what "
                       "it says")
    return table


def _check(samples, path, positive, columns):
    """RunError names the first row that cannot be: the numbers POSITIVE are in each, none of COLUMNS is negative."""
    unknown = sorted(set(samples["status"]) - set(STATUSES))
    if unknown:
        raise RunError(
            f"{path}: unknown status {', '.join(map(repr, unknown))}; allowed: {', '.join(STATUSES)}")
    for name in positive:
        _refuse_row(path, samples[name].isna(), f"{name} is empty")
        _refuse_row(path, samples[name] < 1, f"{name} is below 1")
    for name in columns:
        _refuse_row(path, samples[name] < 0, f"{name} is below 0")
    names = sorted(set(samples["scenario"]))
    if len(names) > 1 or names[0] in ("", ".", "..") or not set("/\0").isdisjoint(names[0]):   # it names files
        raise RunError(f"{path}: column scenario: {', '.join(map(repr, names))}; give all rows one scenario's name")
    twice = samples["sample"].duplicated()
    if twice.any():
        raise RunError(
            f"{path}: sample {samples['sample'][twice.idxmax()]} stands there twice; delete one of the rows")


def _refuse_row(path, wrong, what):
    """RunError that names the first row that is WRONG (a bool for each), if there is one."""
    if wrong.any():
        raise RunError(f"{path}: row {wrong.idxmax() + 2}: {what}; mend or delete that row")


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
    rows = pd.concat([scenario.samples for scenario in scenarios])
    wrong = rows["status"].isin(("invalid", "failed"))
    reasons = [*rows["reason"][wrong], *rows["reason"][~wrong]]   # what could not run at all explains least
    return next((f"the first reason given: {reason}" for reason in reasons if reason), "run the scenario again")


def _definition(path):
    """The scenario as it was asked; {} if it is not there."""
    definition = read_toml(path, DEFINITION)
    shown = definition.get("figures", {}).get("show", [])
    unknown = [name for name in shown if name not in FIGURES]
    if unknown:
        raise RunError(f"{path}: [figures] show: unknown figure {', '.join(map(repr, unknown))}; "
                       f"allowed: {', '.join(FIGURES)}")
    if "expect" in definition:
        _check_predictions(path)
    return definition


def _check_predictions(path):
    """The runner checked them before it measured: this is for a file that was changed since."""
    from runner import scenario
    from runner.errors import UserError
    try:
        scenario.load(path)
    except UserError as error:
        raise RunError(f"{error}; mend the file, or copy it again from scenarios/") from error
