"""One block of waitcost: the mechanisms of a cell one after the other, each a fresh process, as rows.

A process that never sleeps uses its core all the time. One that got less than SHARE of it was disturbed: it is suspect,
and its block is run again, as in row 24 of docs/method.md. One that sleeps is woken at once, so that its CPU time is
most of the time that passed. Where it is not, the machine was busy, or has not counted it: a virtual machine takes the
steal time of an idle core from the next process to run there (a half of it was seen to be missing).
"""
import json
import subprocess

from runner import estimate, hyperfine, process, store
from runner.process import ChildError, Children
from runner.support import wait_unsupported
from runner.units import time_option

PLAIN_KEYS = ("kind", "descriptors", "ready", "when", "high", "reregister", "writes", "turns", "rounds")
SHARE = 0.95          # of its core that a process must get,
BEGINNING_S = 0.005   # but for its beginning and its end where hyperfine times all of it
ASLEEP_SHARE = 0.8    # and of its waits where it sleeps, but for WAKING_NS of each
WAKING_NS = 50_000    # to be seen asleep, to be written to, to wake up
IMPOSSIBLE_HERE = 3   # waitcost's exit status where /dev/fuse cannot be used


def run(bench, step):
    """Run one Step: ({store.WAITS: rows}, whether the environment spoiled it). Whatever fails is a row with the
    reason."""
    rows = {name: _sample(bench, step, name) for name in step.order}
    able = [name for name in step.order if rows[name]["status"] in ("valid", "suspect")]
    if step.cell.settings["runs"] and able:
        words = command(bench, step, "{mechanism}")
        words[words.index("--descriptors") + 1] = "{descriptors}"
        timed = hyperfine.time_commands(bench, step, able, words)
        rows |= {name: rows[name] | timed[name] | _disturbed_command(timed[name]) for name in able}
    spoiled = any(row.get("again") for row in rows.values())
    return {store.WAITS: list(rows.values())}, spoiled


def _sample(bench, step, name):
    """The row of mechanism NAME."""
    settings = step.cell.settings
    row = {"sample": step.sample(name), "block": step.block, "scenario": bench.scenario, "mechanism": name,
           "variant": step.cell.variant, "place": settings["position"],
           **{key: settings[key] for key in ("kind", "when", "descriptors", "ready", "placement", "writes", "rebuild",
                                             "reregister", "rounds")}}
    reason = wait_unsupported(name, settings)
    if reason:
        return row | {"status": "unsupported", "reason": reason}
    row["position_in_block"] = step.order.index(name) + 1
    try:
        status, record, said = _measure(bench, step, name)
    except ChildError as error:
        return row | {"status": "failed", "reason": str(error)}
    if record is None:
        ruled_out = status == IMPOSSIBLE_HERE
        why = said if ruled_out else f"waitcost-{name} ended with status {status} and no result: {said}"
        return row | {"status": "unsupported" if ruled_out else "failed", "reason": why}
    return row | record | {"kernel_polls_per_wait": _per_wait(record)} | _disturbed(record)


def _disturbed(record):
    """What the row of a RECORD says if others had the core meanwhile; {} if not, or if that cannot be told: a process
    that waits for the answers of FUSE leaves the core by itself."""
    if record["kind"] == "fuse":
        return {}
    if record["when"] == "sleeping":
        if record["mechanism"] != "none" and record["slept"] < record["waits"]:
            return _suspect(f"only {record['slept']:,} of {record['waits']:,} waits slept: something else woke them")
        cpu, elapsed = record["wait_cpu_ns"], max(0, record["wait_ns"] - WAKING_NS)
        least, whose = ASLEEP_SHARE * elapsed, "of the time of its waits was counted as its own"
    else:
        cpu, elapsed = record["cpu_s"], record["elapsed_s"]
        least, whose = SHARE * elapsed, "of its core was waitcost's"
    if cpu >= least:
        return {}
    return _suspect(f"{100 * cpu / elapsed:.0f} % {whose}: others, or the hypervisor, had the rest")


def _disturbed_command(timed):
    """The same of a whole command; to begin and to end is no CPU time of its own."""
    cpu, elapsed = timed.get("command_cpu_s"), timed.get("command_elapsed_s")
    if elapsed is None or cpu >= SHARE * elapsed - BEGINNING_S:
        return {}
    return _suspect(f"{100 * cpu / elapsed:.0f} % of a core was the command's: others, or the hypervisor, had the rest")


def _suspect(why):
    return {"status": "suspect", "reason": why, "again": why}


def _measure(bench, step, name):
    """Run waitcost once: (its exit status, its record, what it said); the record is None if it failed."""
    with Children() as children:
        output = children.file("waitcost.json")
        child = children.start(f"waitcost-{name}", [*command(bench, step, name), "--json", output],
                               stdout=subprocess.DEVNULL)
        status = process.wait(child, 60 + 5 * estimate.wait_seconds(step, 1), bench.tick)
        said = process.said(child) or "it said nothing"
        try:
            record = json.loads(output.read_text(encoding="utf-8")) if status == 0 else None
        except ValueError:
            record = None
    return status, record, said


def _per_wait(record):
    polls, waits = record.get("kernel_polls"), record.get("waits")
    return polls / waits if polls is not None and waits else None


def command(bench, step, name):
    """The words of waitcost for mechanism NAME of STEP, without where its record goes."""
    settings = step.cell.settings
    options = []
    for key in PLAIN_KEYS:
        if settings[key] is not None:
            options += [f"--{key}", settings[key]]
    options += ["--round", time_option(settings["round"])]
    options += ["--placement", settings["placement"]] if settings["position"] is None else \
        ["--position", settings["position"]]
    options += ["--rebuild"] if settings["rebuild"] else []
    return [bench.bin / f"waitcost-{name}", *options, "--seed", step.seed, "--cpu", bench.server_cpu, "--partner-cpu",
            bench.loadgen_cpu]
