"""One block: the servers of a cell launched afresh, one load generator that drives them, and what they
measured as rows."""
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from runner import estimate, gates, namespace, perf, process, stacks, store
from runner.process import ChildError, Children
from runner.support import program, unsupported
from runner.units import time_option

READY_S = 10
READY_WORDS = "listening on "
TIME_KEYS = ("think", "rtt", "network_delay", "window", "warmup", "slice", "timeout")
PERCENTILES = ("response_p50_us", "response_p99_us", "response_p999_us", "service_p50_us", "service_p99_us")
PLAIN_KEYS = ("connections", "active", "arrival", "rate", "depth", "message_bytes", "dribble", "placement",
              "churn", "threads", "congestion")


@dataclass(frozen=True)
class Bench:
    """What all blocks of a scenario share: its name, whether servers are driven in slices, the folders of the programs
    and of what is measured, the cores of the servers and of the generator, and what to call about every second."""
    scenario: str
    slices: bool
    bin: Path
    folder: Path
    server_cpu: int
    loadgen_cpu: int
    tick: Callable = None


def run(bench, step):
    """Run one Step: the rows of each table, lists of dicts by its name; and whether the environment spoiled it (bool).
    Whatever fails is a row with the reason; nothing is raised but for errors of our own."""
    reasons = {name: unsupported(name, step.cell.settings) for name in step.order}
    able = [name for name in step.order if not reasons[name]]
    samples = [_row(bench, step, name, status="unsupported", reason=reasons[name])
               for name in step.order if reasons[name]]
    slices, histograms, spoiled = [], [], False
    for group in ([able] if bench.slices else [[name] for name in able]) if able else []:
        record, failed = _drive(bench, step, group)
        rows, again = _samples(bench, step, group, record, failed)
        samples += rows
        spoiled |= again
        slices += _details(step, record.get("slices", []))
        histograms += _buckets(step, record.get("histograms", []))
    return {store.HISTOGRAMS: histograms, store.SLICES: slices, store.SAMPLES: samples}, spoiled


# ---- the programs ------------------------------------------------------------------------------------------

def _drive(bench, step, group):
    """Run the servers of GROUP together under one generator. Returns its record (a dict, empty if there is
    none), and {mechanism: why its sample failed}."""
    servers, failed = {}, {}
    with Children() as children, Children() as watchers:   # watchers stay out of a network of the servers' own
        try:
            if step.cell.settings["network_delay"]:
                namespace.enter(children, step.cell.settings["network_delay"])
            for name in group:
                servers[name] = _start_server(bench, step, children, name)
            sampler = _sampler(step, watchers, servers)
            record = _load(bench, step, children, servers)
        except ChildError as error:
            ended = [process.how(child) for child, _, _ in servers.values() if child.poll() is not None]
            return {}, dict.fromkeys(group, "; ".join([*ended, str(error)]))
        for name, (server, _, _) in servers.items():
            try:
                json.loads(process.stop(server))
            except ChildError as error:
                failed[name] = str(error)
            except ValueError:
                failed[name] = f"{server.name} ended without its ledger"
        if sampler:
            _add_profiles(record, servers, sampler)
    return record, failed


def _start_server(bench, step, children, name):
    """Start the server of a mechanism; returns (child, its address, its ledger). ChildError if it is not
    ready."""
    settings = step.cell.settings
    ledger = children.file(f"{name}.ledger")
    argv = [program(bench.bin, name), "--port", "0", "--cpu", bench.server_cpu, "--ledger", ledger,
            "--drain", settings["drain"]]
    if settings["congestion"]:
        argv += ["--congestion", settings["congestion"]]
    server = children.start(f"echo-{name}", argv)
    line = process.first_line(server, READY_S)
    if not line.startswith(READY_WORDS):
        raise ChildError(f"echo-{name} began with {line!r} instead of \"{READY_WORDS}ADDRESS:PORT\"")
    return server, line.removeprefix(READY_WORDS), ledger


def _load(bench, step, children, servers):
    """Run the generator against SERVERS; returns its record. ChildError if it leaves none."""
    output = children.file("loadgen.json")
    argv = [bench.bin / "loadgen", *loadgen_options(bench, step, servers), "--json", output]
    loadgen = children.start("loadgen", argv, stdout=subprocess.DEVNULL)
    planned = estimate.block_seconds(step, len(servers))
    status = process.wait(loadgen, 60 + 5 * planned, bench.tick)
    try:
        record = json.loads(output.read_text(encoding="utf-8"))
    except ValueError:
        raise ChildError(f"loadgen ended with status {status} and no result: "
                         f"{process.said(loadgen) or 'it said nothing'}") from None
    if status != 0:
        record["said"] = process.said(loadgen)
    return record


def loadgen_options(bench, step, servers):
    """The generator's options for STEP; SERVERS: {mechanism: (child, address, ledger)}."""
    settings = step.cell.settings
    options = []
    for name, (server, address, ledger) in servers.items():
        options += ["--target", f"{name}={address},pid={server.pid},ledger={ledger}"]
    paced = settings["arrival"] == "closed" and settings["rate"] != "max"   # by its round trips
    for key in PLAIN_KEYS:
        if settings[key] is not None and not (paced and key == "rate"):
            options += [f"--{key.replace('_', '-')}", settings[key]]
    for key in TIME_KEYS:
        if settings[key] is not None:
            options += [f"--{key.replace('_', '-')}", time_option(settings[key])]
    spin = False if bench.server_cpu == bench.loadgen_cpu else settings["spin"]
    if spin is not None:
        options.append("--spin" if spin else "--no-spin")
    return [*options, "--cpu", bench.loadgen_cpu, "--seed", step.seed, "--order", "random"]


# ---- what perf sees ------------------------------------------------------------------------------------------

def _sampler(step, watchers, servers):
    """What records SERVERS, if STEP asks for it and perf can."""
    if not step.cell.settings.get("profile") or perf.why_not():
        return None
    return perf.Sampler(watchers, [server.pid for server, _, _ in servers.values()])


def _add_profiles(record, servers, sampler):
    """Add to each target in RECORD what perf saw of its server within its slices; or why it saw nothing."""
    try:
        samples = sampler.samples()
    except ChildError as error:
        for target in record["targets"]:
            target["unprofiled"] = str(error)
        return
    for target in record["targets"]:
        name = target["mechanism"]
        windows = [_window(record["began_ns"], one) for one in record["slices"] if one["mechanism"] == name]
        profile = stacks.profile(samples, servers[name][0].pid, windows, f"echo-{name}")
        target |= profile.columns() | {"profile": profile}


def _window(began_ns, one):
    """When a slice began and ended, in ns of the clock that perf's times are from."""
    first = began_ns + one["start_ms"] * 1e6
    return first, first + one["duration_ms"] * 1e6


# ---- the rows ----------------------------------------------------------------------------------------------

def _row(bench, step, name, **measured):
    """A row of samples.csv: what is known without measuring, then MEASURED."""
    settings = step.cell.settings
    rate = settings["rate"]
    known = {key: settings[key] for key in ("connections", "active", "arrival", "message_bytes", "depth")}
    known |= {"sample": step.sample(name), "block": step.block, "scenario": bench.scenario,
              "mechanism": name, "variant": step.cell.variant}
    return known | measured | {"offered_per_s": None if rate == "max" else rate}


def _samples(bench, step, group, record, failed):
    """The rows of the mechanisms in GROUP, in the order of their launch, and whether the environment spoiled them;
    RECORD and FAILED: _drive()'s."""
    targets = {target["mechanism"]: target for target in record.get("targets", [])}
    rows = []
    environment = record.get("environment", {})
    for name in group:
        row = _row(bench, step, name, **targets.get(name, {"status": "failed", "reason": _said(record)}),
                   position=step.order.index(name) + 1) | gates.shifts(environment)
        evidence = gates.Evidence(row, record.get("slices", []), environment,
                                  bench.server_cpu != bench.loadgen_cpu, step.cell.settings)
        if name in failed:
            row |= {"status": "failed", "reason": failed[name]}
        if row["status"] == "valid":
            verdict = gates.judge(evidence)
            row |= verdict | (dict.fromkeys(PERCENTILES) if verdict["latency"] else {})
        elif record:
            row |= {"again": gates.spoiled(evidence)}
        rows.append(row)
    return rows, any(row.get("again") for row in rows)


def _said(record):
    return record.get("said") or "the generator has no result for it"


def _details(step, slices):
    return [one | {"sample": step.sample(one["mechanism"])} for one in slices]


def _buckets(step, histograms):
    """Lateness stays in samples.csv. In a closed loop a request is due as it goes out, so that one kind says all (under
    churn it includes the new connection)."""
    kinds = ("response",) if step.cell.settings["arrival"] == "closed" else ("response", "service")
    return [{"sample": step.sample(one["mechanism"]), "kind": one["kind"], "lower_ns": lower,
             "upper_ns": upper, "count": count}
            for one in histograms if one["kind"] in kinds for lower, upper, count in one["buckets"]]
