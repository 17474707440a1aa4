"""A run's folder: what it holds, how a block gets into it whole, and how the rest of a broken one is thrown
away."""
import csv
import io
import json
import re

from runner.errors import UserError
from runner.files import append, replace, writing

SAMPLES, SLICES, HISTOGRAMS, WAITS = "samples.csv", "slices.csv", "histograms.csv", "waits.csv"
PLAN = "plan.json"

SAMPLE_COLUMNS = ("sample", "block", "position", "scenario", "mechanism", "variant", "connections", "active",
                  "arrival", "offered_per_s", "message_bytes", "depth", "window_s", "requests", "errors",
                  "throughput_per_s", "response_p50_us", "response_p99_us", "response_p999_us",
                  "service_p50_us", "server_cpu_us_per_request", "client_cpu_us_per_request",
                  "total_cpu_us_per_request", "server_cpu_percent", "waits_per_request", "fds_per_request",
                  "events_per_wait", "reads_per_request", "writes_per_request", "eagain_per_request",
                  "ctl_per_request", "steal_percent", "core_round_trip_ns", "limited_by", "status", "reason",
                  "cut_off", "service_p99_us", "lateness_p99_us", "client_cpu_percent", "machine_cpu_percent",
                  "slices", "attempt", "latency", "steady", "outstanding_mean", "service_mean_us", "late_percent",
                  "others_percent", "generator_share_percent", "spin_ns", "spin_shift_percent",
                  "round_trip_shift_percent", "again", "wait_percent", "ctl_percent", "read_percent",
                  "write_percent", "profile_samples")
SLICE_COLUMNS = ("sample", "round", "position", "start_ms", "duration_ms", "requests", "errors", "cut_off",
                 "server_cpu_us", "client_cpu_us", "client_polling_us", "steal_us", "waits", "core_round_trip_ns")
HISTOGRAM_COLUMNS = ("sample", "kind", "lower_ns", "upper_ns", "count")
# Of waitcost: those from `kind` on are the names in its JSON, too, up to the ones that are made here.
WAIT_COLUMNS = ("sample", "block", "position_in_block", "scenario", "mechanism", "variant", "kind", "when",
                "descriptors", "ready", "placement", "place", "highest_descriptor", "writes", "rebuild", "reregister",
                "rounds", "turns", "waits", "events", "slept", "ctl", "build_ns", "wait_ns", "wait_low_ns",
                "wait_high_ns", "wait_cpu_ns", "scan_ns", "turn_ns", "turn_low_ns", "turn_high_ns", "cpu_s",
                "elapsed_s", "kernel_polls", "kernel_polls_per_wait", "kept_awake", "command_elapsed_s",
                "command_cpu_s", "status",
                "reason", "attempt", "again")
# Rows of the samples that were measured again, because the environment had spoiled their block.
SPOILED = "spoiled.csv"
# The tables of a run and their columns. The last one has a row for each sample: with that row the sample is there.
COLUMNS = {HISTOGRAMS: HISTOGRAM_COLUMNS, SLICES: SLICE_COLUMNS, SAMPLES: SAMPLE_COLUMNS}
WAIT_TABLES = {WAITS: WAIT_COLUMNS}


def create(folder, scenario_text, environment, plan, tables):
    """Fill the new FOLDER: the scenario as it was asked, the environment, the plan (dicts), and TABLES (COLUMNS or
    WAIT_TABLES) without rows."""
    with writing(folder):
        folder.mkdir(parents=True)
    replace(folder / "scenario.toml", scenario_text)
    write_json(folder / "environment.json", environment)
    for name, columns in tables.items():
        replace(folder / name, _csv([columns]))
    write_json(folder / PLAN, plan)


def write_json(path, data):
    """DATA to PATH, whole or not at all."""
    replace(path, json.dumps(data, indent=1) + "\n")


def read_json(path):
    """What write_json() wrote to PATH. UserError if it is not there or damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise UserError(
            f"{path}: not there, so this is no run to resume; `ls results` shows the runs") from None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise UserError(f"{path}: damaged; start a new run")
    return data


def commit(folder, tables, rows):
    """Add a block to FOLDER: ROWS as dicts by column, for each of its TABLES. Its samples come last, in one write: with
    them it is done."""
    for name, columns in tables.items():
        _append(folder, name, columns, rows[name])


def keep_spoiled(folder, tables, samples):
    """Add the rows of a block that will be run again to FOLDER's spoiled.csv, which begins with the first."""
    _, columns = _last(tables)
    if not (folder / SPOILED).exists():
        replace(folder / SPOILED, _csv([columns]))
    _append(folder, SPOILED, columns, samples)


def _last(tables):
    """(name, columns) of the table of the samples."""
    return list(tables.items())[-1]


def _append(folder, name, columns, rows):
    append(folder / name, _csv([[_cell(row.get(column)) for column in columns] for row in rows]))


def recover(folder, steps, tables):
    """Make the TABLES in FOLDER hold whole blocks only, and return which of STEPS are done, a set of (cell's name,
    block). Rows of a block that was not finished are dropped; a file that has none stays as it is. UserError if a table
    is not there or not this version's: nothing is dropped then."""
    found = {name: _rows(folder / name, columns) for name, columns in tables.items()}
    samples, sample_columns = _last(tables)
    present = {row[0] for row in found[samples]}
    done, keep = set(), set()
    for step in steps:
        names = {step.sample(mechanism) for mechanism in step.order}
        if names <= present:
            done.add((step.cell.name, step.block))
            keep |= names
    for name, columns in tables.items():
        _replace_if_other(folder / name, _csv([columns, *(row for row in found[name] if row[0] in keep)]))
    if (folder / SPOILED).exists():
        _replace_if_other(folder / SPOILED, _csv([sample_columns, *_rows(folder / SPOILED, sample_columns)]))
    return done


def _replace_if_other(path, text):
    if path.read_bytes() != text.encode():
        replace(path, text)


def spoiled_attempts(folder, step, tables):
    """How often STEP was run and spoiled so far."""
    _, columns = _last(tables)
    if not (folder / SPOILED).exists():
        return 0
    names, place = {step.sample(mechanism) for mechanism in step.order}, columns.index("attempt")
    attempts = [row[place] for row in _rows(folder / SPOILED, columns) if row[0] in names]
    return max((int(text) for text in attempts if re.fullmatch("[0-9]{1,9}", text)), default=0)


def statuses(folder, tables):
    """The status of every sample in FOLDER, a list."""
    name, columns = _last(tables)
    return [row[columns.index("status")] for row in _rows(folder / name, columns)]


def _rows(path, columns):
    """The rows of a table below its COLUMNS. Each is a line: what is none (the last, of a torn write, or a damaged one)
    is left out, and takes no other row along. UserError if the columns are others."""
    try:
        lines = path.read_bytes().decode(errors="replace").split("\n")[:-1]
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; put it back, or start a new run") from None
    if lines[:1] != [",".join(columns)]:
        raise UserError(f"{path}: the first line is not what this version writes; take the version that made it, put "
                        "the line back, or start a new run")
    return [row for row in map(_row, lines[1:]) if len(row) == len(columns)]


def _row(line):
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return []


def _csv(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _cell(value):
    """An empty cell for what was not measured, never 0; a text in one line, as each row is one."""
    if isinstance(value, bool):
        return str(value).lower()   # as TOML and JSON write it
    return "" if value is None else " ".join(value.splitlines()) if isinstance(value, str) else value
