"""`muxbench advise`: which run can answer, what it says of each mechanism (predict.py), and that in words."""
import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from . import caption, cells, data, statistics, style, text
from .predict import AdviseError, Question, predict

PREFERENCE = ("epoll-lt", "epoll-et", "poll", "select-wide", "select")   # among those that cost the same
SAME_MACHINE = ("cpu", "kernel", "boot_options", "mitigations")


# ---- a run -------------------------------------------------------------------------------------------------

def suit(run):
    """The usable samples of a run that can be set beside each other: those of the most frequent message size, depth
    and variant, without labelled mechanisms, of the closed loop and the most frequent open arrivals. AdviseError when
    there is no fixed rate among them."""
    rows = pd.concat([scenario.usable for scenario in run.scenarios], ignore_index=True)
    rows = rows[~rows["mechanism"].str.contains(":")]
    for name in ("message_bytes", "depth", "variant"):
        rows = rows[rows[name] == rows[name].mode().iloc[0]] if len(rows) else rows
    opened = rows["arrival"][rows["arrival"] != "closed"]
    if opened.empty:
        raise AdviseError(f"{run.folder}: no samples at a fixed rate, and what a request costs depends on the rate; "
                          "make such a run: `make bench`, or `./muxbench run scenarios/cpu.toml`")
    return rows[rows["arrival"].isin(["closed", opened.mode().iloc[0]])]


def predictions(rows, question):
    """A Prediction for each mechanism in the rows that suit(), in the usual order."""
    return [predict(rows, name, question) for name in style.order(rows["mechanism"])]


def newest_run(results, here, question):
    """The newest run in the folder `results` that was made on the machine `here` (the values of SAME_MACHINE), holds
    a fixed rate and can answer the question. AdviseError without one."""
    strangers, found, beyond = [], [], None
    for folder in sorted(path for path in Path(results).glob("*") if path.is_dir() and not path.is_symlink()):
        environment = _environment(folder)
        if environment is None or folder.name.startswith("."):
            continue
        if different(environment, here):
            strangers.append(folder.name)
            continue
        found.append((str(environment.get("date", "")), folder))
    for _, folder in sorted(found, reverse=True):
        try:
            run = data.read_run(folder, "servers")
            rows = suit(run)
        except (data.RunError, AdviseError):
            continue   # the next one may do
        try:
            predictions(rows, question)
            return run
        except AdviseError as error:
            beyond = beyond or AdviseError(f"{folder.name}: {error}")
    if beyond:
        raise beyond
    hint = f"; of another machine there is {', '.join(strangers)}: --run {results}/{strangers[-1]}" if strangers else ""
    raise AdviseError(f"{results}: no run of this machine with a fixed rate: `make bench` makes one in 6 minutes{hint}")


def _environment(folder):
    """environment.json of a run's first scenario; None if the folder is no run."""
    for path in [folder / "environment.json", *sorted(folder.glob("*/environment.json"))]:
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
    return None


def different(environment, here):
    """Which of SAME_MACHINE differ."""
    return [name for name in SAME_MACHINE if environment.get(name) != here.get(name)]


# ---- words -------------------------------------------------------------------------------------------------

def sentence(found):
    """The advice in one line."""
    able = [one for one in found if one.state in ("fits", "may not fit")]
    if not able:
        return "none of them: one core cannot carry this, whatever the mechanism; use more threads, or fewer requests"
    cheapest = min(able, key=lambda one: one.percent)
    same = _alike(able, cheapest)
    best = min(same, key=lambda one: PREFERENCE.index(one.mechanism) if one.mechanism in PREFERENCE else 9)
    others = [one for one in able if one not in same]
    scanners = (one for name in cells.SCANNERS for one in found if one.mechanism == name)
    against = next((one for one in scanners if one.percent and one not in same), None)
    words = f"{best.mechanism}: {text.value(best.percent)} % of a core"
    words += ", and may not keep up" if best.state != "fits" else ""
    if against and against.state == "saturated":
        words += f", where {against.mechanism} would need more than a whole one"
    elif against:
        words += f" against {against.mechanism}'s {text.value(against.percent)} %"
    parts = [(f"{_names(one for one in same if one is not best)} cannot be told from it", len(same) > 1),
             (f"{_names(one for one in others if one.state == 'fits')} would do too",
              any(one.state == "fits" for one in others)),
             (f"{_names(one for one in others if one.state != 'fits')} may not keep up",
              any(one.state != "fits" for one in others)),
             (f"{_names(one for one in found if one not in able)} cannot", len(able) < len(found))]
    return "; ".join([words, *(part for part, there in parts if there)])


def _names(some):
    names = [one.mechanism for one in some]
    return text.joined(names) if names else ""


def _alike(able, cheapest):
    """Those that cannot be told from the cheapest in the same blocks, and itself: the paired ratio's verdict, corrected
    for all that are compared with it (Holm). With one block the numbers as they are."""
    others = [one for one in able if one is not cheapest]
    ratios = [statistics.ratio_of((one.logs - cheapest.logs).dropna()) for one in others]
    found = [cheapest]
    for one, ratio, p in zip(others, ratios, statistics.holm([ratio and ratio.p for ratio in ratios])):
        if ratio is None or ratio.n < 2:
            differs = abs(one.percent / cheapest.percent - 1) > statistics.MARGIN
        else:
            differs = statistics.judge(ratio, p) in ("higher", "lower")
        found += [] if differs else [one]
    return found


def origin(run, here):
    """From which run, when, where, how many blocks; and what differs from this machine."""
    environment = _environment(run.folder) or {}
    blocks = min(scenario.blocks for scenario in run.scenarios)
    line = (f"from {run.folder.name}: {caption.machine_line(run)} · "
            f"{blocks} block{'s' if blocks != 1 else ''}{', exploratory' if blocks < data.STANDARD_BLOCKS else ''}")
    others = different(environment, here)
    return line, others


def as_json(question, run, found, here):
    """The answer as text in JSON."""
    line, others = origin(run, here)
    rows = [{key: value for key, value in asdict(one).items() if key != "logs"} for one in found]
    return json.dumps({"question": asdict(question), "run": str(run.folder), "origin": line, "this_machine": not others,
                       "differs": others, "mechanisms": rows, "advice": sentence(found)}, indent=1)


def show(question, run, found, here, console=None):
    """Print the answer as a table with its origin."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    console = console or Console(highlight=False)
    line, others = origin(run, here)
    console.print(f"[bold]{sentence(found)}[/bold]\n")
    asked = f"{question.connections:,} connections, {question.active:,} active, {question.rate:,g} requests/s"
    table = Table(title=asked, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False,
                  show_edge=False)
    table.add_column("mechanism", no_wrap=True)
    for heading in ("server CPU\n% of a core", "95 %\ninterval", "µs per\nrequest"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for one in found:
        table.add_row(*_table_row(one))
    console.print(table)
    for note in _notes(found, line, others):
        console.print(note)


def _table_row(one):
    if one.percent is None:
        return one.mechanism, text.NONE, "", "", f"cannot: {one.why}"
    interval = "–".join(text.value(bound) for bound in one.interval) if one.interval else "not known"
    words = {"saturated": "cannot keep up: a core is full", "may not fit": "may not keep up"}.get(one.state, "")
    mark = "extrapolated" if one.outside else ""
    return (one.mechanism, text.value(one.percent), interval, text.value(one.us_per_request),
            ", ".join(part for part in (words, mark) if part))


def _notes(found, line, others):
    yield ""
    outside_of = list(dict.fromkeys(note for one in found for note in one.outside))
    if outside_of:
        yield ("Outside the measured range: extrapolated, and the interval does not cover that: "
               f"{'; '.join(outside_of)}.")
    between = {one.between: [] for one in found if one.between}
    for one in found:
        if one.between:
            between[one.between].append(one.mechanism)
    yield f"Measured at {'; '.join(f'{levels} ({text.joined(names)})' for levels, names in between.items())}."
    if any(one.percent is not None and one.interval is None for one in found):
        yield "One block: the interval is not known, so whether a mechanism fits is not either."
    yield f"The cost model of docs/method.md, row 28; {line}."
    if others:
        yield f"Another machine's run: {', '.join(others)} differ from this one."


# ---- the command -------------------------------------------------------------------------------------------

def run_command(connections, active, rate, folder, results, here, json_wanted):
    """Answer the question; folder: a run, or None for the newest of this machine. Prints, and returns 0. AdviseError
    and data.RunError say what is wrong."""
    if min(connections, active) < 1 or rate <= 0:
        raise AdviseError("connections, active and rate must be above 0")
    if active > connections:
        raise AdviseError(f"--active {active:,} is more than --connections {connections:,}: of the open connections "
                          "some or all are active")
    question = Question(connections, active, rate)
    run = data.read_run(folder, "servers") if folder else newest_run(results, here, question)
    found = predictions(suit(run), question)
    if json_wanted:
        print(as_json(question, run, found, here))
    else:
        show(question, run, found, here)
    return 0
