"""Claims on a terminal: all as a table, or some in full."""
from collections import Counter

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from runner.claim_files import SECTIONS

from .. import text

STYLES = {"CONFIRMED": "green", "REFUTED": "red", "PARTLY": "yellow", "DEPENDS": "yellow", "HISTORICAL": "magenta",
          "INCONCLUSIVE": "dim", "NOT APPLICABLE": "dim"}
READINGS = {"supports": "green", "contradicts": "red", "unclear": "yellow", "context": "dim"}


def show(records):
    """Print a table of records: claim, verdict, evidence, by section; and how many had which verdict."""
    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("claim", ratio=4, overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("evidence", ratio=5, overflow="fold")
    for letter, title in SECTIONS.items():
        table.add_row(Text(f"{letter}. {title}", style="bold underline"), "", "")
        for one in records:
            if one["section"] == letter:
                table.add_row(_claim(one), _verdict(one), Text(one["evidence"]))
    console.print(table)
    console.print(tally(records))


def tally(records):
    """How many had which verdict: "78 claims: 30 CONFIRMED, 20 REFUTED, ..., 12 not tried yet"."""
    counts = Counter(one["verdict"] for one in records if "seconds" in one)
    words = [f"{counts[name]} {name}" for name in STYLES if counts[name]]
    untried = len(records) - counts.total()
    return f"{len(records)} claims: " + ", ".join(words + [f"{untried} not tried yet"] * bool(untried))


def show_in_full(records):
    """Print each record: the sentence, the verdict, the observations one by one, and where to read on."""
    console = Console(highlight=False)
    for one in records:
        console.print(Text.assemble((f"{one['id']} {one['slug']}", "bold")))
        console.print(Padding(Text(f"“{one['claim']}”", style="italic"), (0, 0, 1, 2)))
        console.print(Text.assemble(_verdict(one), f": {one['evidence']}."))
        if one["observations"]:
            console.print(_observations(one))
        for words, name in (("Believed because", "believed"), ("Experiment", "experiment"), ("History", "history"),
                            ("Detail", "detail"), ("Read on", "read_on"), ("The code", "file")):
            if one[name]:
                console.print(Text.assemble((f"\n{words}: ", "bold"), one[name]))
        console.print()


def _claim(record):
    return Text.assemble((f"{record['id']} {record['slug']}", "bold"), f"\n{record['claim']}")


def _verdict(record):
    words = verdict(record)
    return Text(words, style=f"bold {STYLES.get(words, 'dim')}")


def verdict(record):
    """A record's verdict as people read it; what was not tried has none."""
    return record["verdict"] if "seconds" in record else "not yet"


def _observations(record):
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for name, ratio in (("observed", 4), ("value", 3), ("what it shows", 5)):
        table.add_column(name, ratio=ratio, overflow="fold")
    table.add_column("the claim", no_wrap=True)
    for one in record["observations"]:
        reading = "" if one["reading"] == "context" else one["reading"]
        table.add_row(Text(one["name"]), Text(value(one["value"])), Text(one["shows"]),
                      Text(reading, style=READINGS[one["reading"]]))
    return Padding(table, (1, 0, 0, 0))


def value(seen):
    """A value of an observation as people read it: counts with their thousands marked, amounts with three digits."""
    return seen if isinstance(seen, str) else f"{seen:,}" if isinstance(seen, int) else text.value(seen)
