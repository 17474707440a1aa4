"""A run's folder: what it holds, how a block gets into it whole, and how the rest of a broken one is thrown
away."""
import csv
import io
import json
import os

from runner.errors import UserError

SAMPLES, SLICES, HISTOGRAMS, PLAN = "samples.csv", "slices.csv", "histograms.csv", "plan.json"

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
                  "round_trip_shift_percent", "again")
SLICE_COLUMNS = ("sample", "round", "position", "start_ms", "duration_ms", "requests", "errors", "cut_off",
                 "server_cpu_us", "client_cpu_us", "client_polling_us", "steal_us", "waits", "core_round_trip_ns")
HISTOGRAM_COLUMNS = ("sample", "kind", "lower_ns", "upper_ns", "count")
# Rows of samples.csv that were measured again, because the environment had spoiled their block.
SPOILED = "spoiled.csv"
COLUMNS = {HISTOGRAMS: HISTOGRAM_COLUMNS, SLICES: SLICE_COLUMNS, SAMPLES: SAMPLE_COLUMNS}


def create(folder, scenario_text, environment, plan):
    """Fill the new FOLDER: the scenario as it was asked, the environment, the plan (dicts), and tables
    without rows."""
    folder.mkdir(parents=True)
    (folder / "scenario.toml").write_text(scenario_text, encoding="utf-8")
    write_json(folder / "environment.json", environment)
    for name, columns in COLUMNS.items():
        (folder / name).write_text(_csv([columns]), encoding="utf-8")
    write_json(folder / PLAN, plan)


def write_json(path, data):
    """DATA to PATH, whole or not at all."""
    replace(path, json.dumps(data, indent=1) + "\n")


def replace(path, text):
    """TEXT to PATH, whole or not at all: it is written beside it and renamed."""
    temporary = path.with_name(path.name + ".new")
    with open(temporary, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, path)


def read_json(path):
    """What write_json() wrote to PATH. UserError if it is not there or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise UserError(
            f"{path}: not there, so this is no run to resume; `ls results` shows the runs") from None
    except ValueError:
        raise UserError(f"{path}: damaged; start a new run") from None


def commit(folder, samples, slices, histograms):
    """Add a block to FOLDER: rows as dicts by column. Its samples come last, in one write: with them it is
    done."""
    rows = {HISTOGRAMS: histograms, SLICES: slices, SAMPLES: samples}
    for name, columns in COLUMNS.items():
        _append(folder, name, columns, rows[name])


def keep_spoiled(folder, samples):
    """Add the rows of a block that will be run again to FOLDER's spoiled.csv, which begins with the first."""
    if not (folder / SPOILED).exists():
        replace(folder / SPOILED, _csv([SAMPLE_COLUMNS]))
    _append(folder, SPOILED, SAMPLE_COLUMNS, samples)


def _append(folder, name, columns, rows):
    text = _csv([[_cell(row.get(column)) for column in columns] for row in rows])
    try:
        with open(folder / name, "ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UserError(f"{folder / name}: {error.strerror}; what was measured before is safe: make room, then go "
                        f"on with `./muxbench run --resume {folder}`") from None


def recover(folder, steps):
    """Make FOLDER hold whole blocks only, and return which of STEPS are done, a set of (cell's name, block).
    Rows of a block that was not finished are dropped; a file that has none stays as it is."""
    present = {row[0] for row in _rows(folder / SAMPLES, len(SAMPLE_COLUMNS))}
    done, keep = set(), set()
    for step in steps:
        names = {step.sample(mechanism) for mechanism in step.order}
        if names <= present:
            done.add((step.cell.name, step.block))
            keep |= names
    for name, columns in COLUMNS.items():
        path = folder / name
        text = _csv([columns, *(row for row in _rows(path, len(columns)) if row[0] in keep)])
        _replace_if_other(path, text)
    if (folder / SPOILED).exists():
        _replace_if_other(folder / SPOILED, _csv([SAMPLE_COLUMNS, *_rows(folder / SPOILED, len(SAMPLE_COLUMNS))]))
    return done


def _replace_if_other(path, text):
    if path.read_text(encoding="utf-8", errors="replace") != text:
        replace(path, text)


def spoiled_attempts(folder, step):
    """How often STEP was run and spoiled so far."""
    if not (folder / SPOILED).exists():
        return 0
    names, place = {step.sample(mechanism) for mechanism in step.order}, SAMPLE_COLUMNS.index("attempt")
    return max((int(row[place]) for row in _rows(folder / SPOILED, len(SAMPLE_COLUMNS)) if row[0] in names), default=0)


def statuses(folder):
    """The status of every sample in FOLDER, a list."""
    place = SAMPLE_COLUMNS.index("status")
    return [row[place] for row in _rows(folder / SAMPLES, len(SAMPLE_COLUMNS))]


def _rows(path, width):
    """The rows of a table without its header; one that is not whole (the last, of a torn write) is left
    out."""
    text = path.read_text(encoding="utf-8", errors="replace")
    whole = text[:text.rfind("\n") + 1]
    return [row for row in list(csv.reader(io.StringIO(whole)))[1:] if len(row) == width]


def _csv(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _cell(value):
    """An empty cell for what was not measured, never 0."""
    return "" if value is None else value
