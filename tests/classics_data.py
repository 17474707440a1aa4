"""A run of classics, made up: every scenario of scenarios/classics, or some of them, with numbers that follow simple
formulas and a little noise, in the files that the runner writes."""
import csv
import itertools
import json
import shutil
import tomllib
from pathlib import Path

import numpy as np

from runner import store

SCENARIOS = Path(__file__).parent.parent / "scenarios" / "classics"
NAMES = sorted(path.stem for path in SCENARIOS.glob("*.toml"))
SCANS = ("select", "select-wide", "poll", "ppoll")
ENVIRONMENT = {"date": "2026-01-02T03:04:05+00:00", "kernel": "6.18.0-made-up", "cpu": "Made-up CPU", "cores": 2,
               "mitigations": {"spectre_v2": "Mitigation: made up"}, "boot_options": ["quiet"],
               "virtualisation": "none", "boot_id": "0"}
MOST = 19_000


def count(value):
    """A count as a scenario writes it."""
    if not isinstance(value, str):
        return value
    return float(value[:-1]) * {"k": 1000, "M": 1_000_000}[value[-1]] if value[-1] in "kM" else float(value)


def make(folder, names=NAMES, blocks=3, quick=False):
    """Write the scenarios NAMES as a run with so many blocks into `folder`; returns it."""
    for name in names:
        definition = tomllib.loads((SCENARIOS / f"{name}.toml").read_text())
        its = folder / name
        its.mkdir(parents=True)
        shutil.copy(SCENARIOS / f"{name}.toml", its / "scenario.toml")
        (its / "environment.json").write_text(json.dumps(ENVIRONMENT))
        (its / "plan.json").write_text(json.dumps({"place": NAMES.index(name)}))
        waits = definition.get("program") == "waitcost"
        rows = list(rows_of(name, definition, blocks, quick, wait_row if waits else server_row))
        table = "waits.csv" if waits else "samples.csv"
        write(its / table, store.WAIT_COLUMNS if waits else store.SAMPLE_COLUMNS, rows)
        if "runs" in definition["fixed"]:
            hyperfine(its, rows, definition["fixed"]["runs"])
    return folder


def rows_in(folder, name):
    """(the path of a scenario's table, its rows as dicts of texts)."""
    table = next((folder / name).glob("*s.csv"))
    with open(table, newline="") as file:
        return table, list(csv.DictReader(file))


def change(folder, name, row_of):
    """Change the rows of a scenario's table: row_of(a row) is the new one, or None."""
    table, rows = rows_in(folder, name)
    write(table, list(rows[0]), [row for row in map(row_of, rows) if row])


def write(path, columns, rows):
    """The rows, dicts by column, as a CSV file."""
    with open(path, "w", newline="") as file:
        table = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def rows_of(name, definition, blocks, quick, make_row):
    """A row for each block, cell and mechanism."""
    fixed, sweep = dict(definition["fixed"]), dict(definition["sweep"])
    for key, value in definition["quick"].items() if quick else ():
        (sweep if isinstance(value, list) else fixed)[key] = value
    swept = [key for key in sweep if len(sweep[key]) > 1 and key != "mechanism"]
    random = np.random.default_rng(7)
    for block in range(1, blocks + 1):
        for values in itertools.product(*sweep.values()):
            its = fixed | dict(zip(sweep, values))
            cell = "-".join(str(its[key]) for key in swept)
            row = {"sample": f"{name}-{cell}-b{block}-{its['mechanism']}", "block": block, "scenario": name,
                   "mechanism": its["mechanism"], "status": "valid"}
            made = make_row(row, its, swept, float(random.lognormal(0, 0.05)))
            if made:
                yield made


def wait_row(row, its, swept, noise):
    """A row of waits.csv; None where the cell cannot be."""
    size = MOST if its["descriptors"] == "max" else its["descriptors"]
    ready = size if its["ready"] == "all" else its["ready"]
    if ready > size or its.get("position", 0) >= size:
        return None
    scans, sleeps = its["mechanism"] in SCANS, its["when"] == "sleeping"
    row |= {key: its.get(key, "") for key in ("kind", "when", "placement", "reregister", "rounds")}
    row |= {"descriptors": size, "ready": ready, "place": its.get("position", ""), "rebuild": "false", "writes": 0}
    if its["mechanism"] == "select" and size > 1000:
        return row | {"status": "unsupported", "reason": "select cannot watch <1,024> descriptors & more"}
    asked = {"none": 0, "epoll-et": 1, "epoll-lt": 2}.get(its["mechanism"], size * (1 + sleeps))
    wait_ns = noise * (24 if its["mechanism"] == "none" else 400 + (25 * asked if scans else 0))
    turn_ns = 1000 * ready + wait_ns + (900 * size if its.get("reregister") == "add" and not scans else 0)
    row |= {"turns": 100, "waits": 100, "events": 100, "wait_ns": wait_ns, "turn_ns": turn_ns,
            "wait_cpu_ns": wait_ns * 2 if sleeps else "", "scan_ns": 10, "build_ns": 10, "ctl": 0, "slept": 0}
    if its["kind"] == "fuse":
        row |= {"kernel_polls": 100 * asked, "kernel_polls_per_wait": asked}
    if "runs" in its:
        row |= {"command_elapsed_s": wait_ns / 1e4, "command_cpu_s": wait_ns / 1.2e4}
    return row


def server_row(row, its, swept, noise):
    """A row of samples.csv."""
    connections = MOST if its["connections"] == "max" else its["connections"]
    share = its["active"]
    active = connections if share == "all" else share if not isinstance(share, str) else \
        max(1, round(float(share[:-1]) / 100 * connections))
    rate = "" if its.get("rate", "max") == "max" or its["arrival"] == "closed" else count(its["rate"])
    others = {"churn": count(its.get("churn", 0)), "network_delay": {"0s": "0", "100ms": "0.1"}.get(
        its.get("network_delay"))}
    row |= {"connections": connections, "active": active, "arrival": its["arrival"], "offered_per_s": rate,
            "variant": "+".join(["eagain", *(f"{key}={others[key]:.0f}" if key == "churn" else f"{key}={others[key]}"
                                             for key in swept if key in others)]),
            "message_bytes": its.get("message_bytes", 64), "depth": 1, "window_s": 1}
    if active > connections or others["network_delay"] == "0.1":
        return row | {"status": "unsupported", "reason": "this kernel has no netem"} if active <= connections else None
    if row["mechanism"] == "select" and connections > 1000:
        return row | {"status": "unsupported", "reason": "select cannot watch descriptors from FD_SETSIZE (1,024) on"}
    found = max(1, active / 4) if its["arrival"] == "closed" else max(1, min(active, (rate or 0) / 20_000))
    examined = connections / found if row["mechanism"] in SCANS else 1
    cost = noise * (6 + 0.03 * examined + 2 / found)
    peak = 1e6 / cost
    answered = min(rate or peak, peak)
    row |= {"requests": 100_000, "errors": 0, "cut_off": 0, "throughput_per_s": answered,
            "limited_by": "server" if answered < (rate or 0) else "offered rate",
            "server_cpu_us_per_request": cost, "client_cpu_us_per_request": 5, "total_cpu_us_per_request": cost + 5,
            "server_cpu_percent": min(100, answered * cost / 1e4), "waits_per_request": 1 / found,
            "fds_per_request": examined, "events_per_wait": found, "reads_per_request": 2, "writes_per_request": 1,
            "eagain_per_request": 1, "ctl_per_request": float("epoll" in row["mechanism"] and its.get("churn") == 1)}
    row |= {f"response_{name}_us": cost * many / max(0.02, 1 - answered / peak)
            for name, many in (("p50", 2), ("p99", 8), ("p999", 20))}
    if its.get("profile"):
        row |= {"wait_percent": 13 * noise, "ctl_percent": 15 * row["ctl_per_request"], "read_percent": 20,
                "write_percent": 40, "profile_samples": 1000}
    return row


def hyperfine(folder, rows, runs):
    """The files that hyperfine would have written."""
    (folder / "hyperfine").mkdir()
    for (block, size), its in itertools.groupby(sorted(rows, key=lambda one: (one["block"], one["descriptors"])),
                                                lambda one: (one["block"], one["descriptors"])):
        results = [{"command": "made up", "mean": one["command_elapsed_s"], "user": 0.1,
                    "system": one["command_cpu_s"] - 0.1, "times": [one["command_elapsed_s"]] * runs,
                    "parameters": {"mechanism": one["mechanism"], "descriptors": str(size)}} for one in its]
        (folder / "hyperfine" / f"c{size}-b{block}.json").write_text(json.dumps({"results": results}))
