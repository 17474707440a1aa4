"""The real pipeline with faults in it: `muxbench run` on a scenario made here, with the built programs, of which some
have a fault in front of them (tests/faults/fault.c)."""
import csv
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("MUXBENCH_BUILD", "build")
SHIM = BUILD / "tests" / "fault.so"
SECONDS = 150   # no run here takes longer

# The command line with other folders, and without the drawing, which a row asks for where it needs it.
MAIN = """import sys
from pathlib import Path
from runner import cli, paths, report
report.run = lambda folder: 0
sys.exit(cli.main(sys.argv[3:], paths.Paths(bin=Path(sys.argv[1]), results=Path(sys.argv[2]))))
"""
WRAPPER = """#!/bin/sh
exec env LD_PRELOAD='{shim}' 'FAULT={fault}' '{program}' "$@"
"""
BURNER = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nprint(flush=True)\nwhile True: pass"


@dataclass(frozen=True)
class Run:
    """A run's folder, its exit status and what it said."""
    folder: Path
    status: int
    said: str

    def table(self, name):
        """The rows of a table as dicts of texts; none if there is no such table."""
        path = self.folder / name
        if not path.exists():
            return []
        with open(path, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def samples(self, mechanism=None):
        """The rows of samples.csv, of one mechanism if it is named; those that were not measured are left out."""
        return [row for row in self.table("samples.csv")
                if row["requests"] and mechanism in (None, row["mechanism"])]

    def sample(self, mechanism):
        """The one row of a mechanism."""
        (row,) = self.samples(mechanism)
        return row

    def environment(self):
        """What environment.json holds."""
        return json.loads((self.folder / "environment.json").read_text(encoding="utf-8"))

    def series(self, mechanism, column):
        """A column by block, of the samples that may be averaged, as a pandas Series of numbers."""
        import pandas as pd
        usable = [row for row in self.samples(mechanism) if row["status"] in ("valid", "suspect")]
        return pd.Series({int(row["block"]): number(row, column) for row in usable}, dtype=float)


def number(row, column):
    """A number of a row; NaN where it was not measured."""
    return float(row[column]) if row.get(column) else float("nan")


def scenario(mechanisms, sweep=None, more="", blocks=1, slices=True, **fixed):
    """A scenario's text. FIXED and SWEEP: keys and values as in [fixed] and [sweep]; MORE: sections at the end."""
    lines = ['question = "Is it seen?"', 'prediction = "It is."', f"blocks = {blocks}",
             f"slices = {str(slices).lower()}", "[fixed]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in fixed.items()]
    lines += ["[sweep]", f"mechanism = {json.dumps(mechanisms)}"]
    lines += [f"{key} = {json.dumps(values)}" for key, values in (sweep or {}).items()]
    return "\n".join([*lines, more]) + "\n"


@contextmanager
def burning(cpu):
    """A program uses core CPU as much as it can while this lasts."""
    burner = subprocess.Popen([sys.executable, "-c", BURNER, str(cpu)], stdout=subprocess.PIPE)
    try:
        burner.stdout.readline()   # it burns
        yield
    finally:
        burner.kill()
        burner.wait()
        burner.stdout.close()


@contextmanager
def burning_after(cpu, condition):
    """The same, from the moment on at which CONDITION() holds; it is asked ten times a second."""
    over = threading.Event()

    def watch():
        while not over.wait(0.1):
            if condition():
                with burning(cpu):
                    over.wait()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Bench:
    """All runs of a validation, in FOLDER (a Path). CORES: the server's and the generator's. Unless FAULTY, nothing is
    injected into them."""

    def __init__(self, folder, cores, faulty=True):
        self.folder, self.cores, self.faulty, self.kept, self.runs = folder, cores, faulty, {}, []

    @property
    def server_cpu(self):
        return self.cores[0]

    @property
    def loadgen_cpu(self):
        return self.cores[-1]

    def once(self, make):
        """What MAKE(bench) makes, made once: rows that ask for the same run share it."""
        if make not in self.kept:
            try:
                self.kept[make] = make(self), None
            except Exception as error:
                self.kept[make] = None, error
        made, error = self.kept[make]
        if error:
            raise error
        return made

    def forget(self):
        """Let once() make everything anew."""
        self.kept.clear()

    def measure(self, name, text, faults=None, options=("--reruns", 0), beside=None, status=(0,), prefix=(),
                scripts=None):
        """Run a scenario (TEXT) as NAME; a Run. FAULTS: {program: its fault}, a program being "loadgen" or a mechanism;
        SCRIPTS: {program: the text of a script to take its place}; OPTIONS: more for `muxbench run`; BESIDE(run): a
        context that lasts as long; STATUS: the exit statuses that are expected; PREFIX: a command to run it under."""
        if not self.faulty:
            faults = scripts = beside = None
        folder = self.folder / name
        if folder.exists():
            folder = self.folder / f"{name}-again"
        folder.mkdir()
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
        cores = ["--cores", ",".join(map(str, self.cores))] if len(self.cores) > 1 else ["--same-core"]
        programs = self._programs(folder, faults or {}, scripts or {})
        words = [*prefix, sys.executable, "-c", MAIN, programs, folder / "results", "run", folder / f"{name}.toml",
                 "--out", folder / "run", "--seed", 1, *cores, *options]
        run = Run(folder / "run", 0, "")
        with beside(run) if beside else nullcontext():
            done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=SECONDS,
                                  env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=ROOT)
        run = Run(folder / "run", done.returncode, done.stdout + done.stderr)
        (folder / "said").write_text(run.said, encoding="utf-8")
        if done.returncode not in status:
            raise RuntimeError(f"the run ended with status {done.returncode}: {' '.join(run.said.split()[-40:])}")
        self.runs.append(run)
        return run

    @staticmethod
    def _programs(folder, faults, scripts):
        """A folder of links to the programs, with faults in front of some, and scripts in the place of others."""
        programs = folder / "bin"
        programs.mkdir()
        for path in (BUILD / "bin").iterdir():
            (programs / path.name).symlink_to(path)
        for name, fault in faults.items():
            real = BUILD / "bin" / _program(name).partition(":")[0]
            scripts = scripts | {name: WRAPPER.format(shim=SHIM, fault=fault, program=real)}
        for name, text in scripts.items():
            script = programs / _program(name)
            script.unlink(missing_ok=True)
            script.write_text(text, encoding="utf-8")
            script.chmod(0o755)
        return programs


def _program(name):
    return name if name == "loadgen" else f"echo-{name}"
