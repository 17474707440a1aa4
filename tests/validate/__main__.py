"""`make validate`: tries the rows and prints the table; exit status 1 if one fails, 2 for wrong usage."""
import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from runner import cpu
from tests.validate.bench import BUILD, SHIM, Bench
from tests.validate.oracle import Skipped, Wrong
from tests.validate.table import ROWS

BUSY_PERCENT, PATIENCE_S = 10, 15
STYLES = {"pass": "green", "fail": "bold red", "skipped": "yellow"}


def main(argv):
    """Try the rows that ARGV asks for; the exit status."""
    options = parse(argv)
    chosen = [row for row in ROWS if (row.exact or not options.exact) and row.row in options.rows
              and (row.injects or not options.without_faults)]
    if not chosen:
        print("validate: no such row; see --help", file=sys.stderr)
        return 2
    if problem := unready(options):
        print(f"validate: {problem}", file=sys.stderr)
        return 2
    folder = options.keep or Path(tempfile.mkdtemp(prefix="muxbench-validate-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        cores = sorted(os.sched_getaffinity(0))[:2]
        results = try_all(chosen, Bench(folder.absolute(), cores, not options.without_faults))
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    show(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 1 if any(one["result"] == "fail" for one in results) else 0


def parse(argv):
    """The options in ARGV."""
    parser = argparse.ArgumentParser(prog="python -m tests.validate", description="Tries every row of METHOD.md "
                                     "against a fault made on purpose, on the real pipeline.")
    parser.add_argument("--rows", type=numbers, default=range(1, 31), metavar="N,N-N", help="only these rows")
    parser.add_argument("--exact", action="store_true", help="only what holds without timing: for CI")
    parser.add_argument("--without-faults", action="store_true",
                        help="inject nothing: each row that needs its fault must fail, or it is no check")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table there, too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave all runs in this new folder")
    options = parser.parse_args(argv)
    if options.keep and options.keep.exists() and any(options.keep.iterdir()):
        parser.error(f"--keep {options.keep}: holds something already; choose a new folder")
    return options


def numbers(text):
    """The rows in "2,3,10-13", a set."""
    found = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise argparse.ArgumentTypeError(f"{text}: give rows of METHOD.md, such as 2,3 or 10-13")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def unready(options):
    """Why nothing can be tried, or None."""
    missing = [path for path in (BUILD / "bin" / "loadgen", SHIM) if not path.exists()]
    if missing:
        return f"{missing[0]} is missing: run `make validate`, which builds it"
    if len(os.sched_getaffinity(0)) < 2 and not options.exact:
        return "timing needs a core for the server and one for the generator; try --exact"
    return None


# ---- trying ------------------------------------------------------------------------------------------------

def try_all(rows, bench):
    """The results of ROWS, a list of dicts: row, injected, expected, came, result, seconds, look. A row with timing
    that failed while its own samples were disturbed is tried once more."""
    results, left = [], sum(row.seconds for row in rows)
    start = time.monotonic()
    for place, row in enumerate(rows, 1):
        begin = time.monotonic()
        injected = row.injected if bench.faulty else f"nothing instead of {row.injected}"
        say(f"[{place}/{len(rows)}] row {row.row}: {injected}; about {left:.0f} s left")
        if not row.exact:
            await_quiet()
        runs = len(bench.runs)
        result, came = attempt(row, bench)
        disturbed = disturbance(bench.runs[runs:]) if result == "fail" else ""
        if disturbed and not row.exact:
            say(f"    {came}{disturbed}: tried once more")
            bench.forget()
            await_quiet()
            result, came = attempt(row, bench)
            disturbed = disturbance(bench.runs[runs:]) if result == "fail" else ""
        came += disturbed
        expected = row.expected if bench.faulty else f"not: {row.expected}"
        results.append({"row": row.row, "injected": injected, "expected": expected, "came": came,
                        "result": result, "seconds": round(time.monotonic() - begin, 1), "look": row.look})
        left -= row.seconds
        say(f"    {result}: {came}")
    say(f"{len(rows)} tried in {time.monotonic() - start:.0f} s")
    return results


def await_quiet():
    """Wait until other programs leave the cores alone, though not for ever: whether to wait does not depend on what
    comes."""
    end = time.monotonic() + PATIENCE_S
    while (busy := cpu.busy(0.3)) > BUSY_PERCENT:
        if time.monotonic() > end:
            say(f"    other programs use {busy:.0f} % of the processors: end them, or what takes time may fail")
            return


def disturbance(runs):
    """How many samples of RUNS are suspect and why the first is, in words to be added to a failure; "" if none is."""
    rows = [row for run in runs for row in run.samples()]
    suspect = [row["reason"] for row in rows if row["status"] == "suspect"]
    return f" ({len(suspect)} of {len(rows)} samples are suspect: {suspect[0]})" if suspect else ""


def attempt(row, bench):
    """("pass", "fail" or "skipped", what came)."""
    try:
        came = row.oracle(bench)
        return ("pass" if bench.faulty else "fail"), came
    except Wrong as wrong:
        return ("fail" if bench.faulty else "pass"), str(wrong)
    except Skipped as skipped:
        return "skipped", str(skipped)
    except Exception as error:   # an oracle that cannot be computed is a failed one
        return "fail", f"{type(error).__name__}: {error}"


def say(text):
    print(text, file=sys.stderr, flush=True)


def show(results):
    """The table on standard output."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text
    table = Table("row", "injected", "expected", "came", "", title="METHOD.md, row by row", show_lines=True)
    for one in results:
        came = one["came"] + (f"\nlook at: {one['look']}" if one["result"] == "fail" else "")
        table.add_row(str(one["row"]), Text(one["injected"]), Text(one["expected"]), Text(came),
                      Text(one["result"], style=STYLES[one["result"]]))
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(table)
    counts = {result: sum(one["result"] == result for one in results) for result in STYLES}
    console.print(", ".join(f"{count} {result}" for result, count in counts.items() if count or result == "pass"))


sys.exit(main(sys.argv[1:]))
