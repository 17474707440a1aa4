"""What the battery shows: progress while it lasts, then a line for each attack."""
import sys
import time
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from runner.units import duration
from tests.torture.attack import ATTACKS


@contextmanager
def progress(tries):
    """Progress over TRIES on standard error: a bar on a terminal, else a line for each attack."""
    columns = (MofNCompleteColumn(), BarColumn(), TextColumn("{task.fields[left]}"), TextColumn("{task.description}"))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield Shown(bar, len(tries))


class Shown:
    def __init__(self, bar, total):
        self.bar, self.total, self.count, self.start, self.named = bar, total, 0, time.monotonic(), None
        self.task = bar.add_task("", total=total, left="")

    def begin(self, one):
        attack, mechanism, rule, broken = one
        self.bar.update(self.task, description=f"{attack.name}: {broken or mechanism}, {rule}", left=self._left())
        if self.bar.disable and attack.name != self.named:
            print(f"[{self.count}/{self.total}] {attack.name}: {attack.fault}{self._left('; ')}", file=sys.stderr,
                  flush=True)
        self.named = attack.name

    def end(self, result):
        self.count += 1
        self.bar.update(self.task, advance=1)
        if result.is_bad:
            self.bar.console.print(bad_news(result), markup=False, highlight=False, soft_wrap=True)

    def _left(self, before=""):
        if not self.count:
            return ""
        each = (time.monotonic() - self.start) / self.count
        return f"{before}about {duration(each * (self.total - self.count))} left"


def who(result):
    return f"broken server {result.broken}" if result.broken else f"{result.mechanism}, {result.rule}"


def bad_news(result):
    return f"{who(result)}: {result.attack}: {result.news}"


def by_attack(results):
    """(attack, its results on good servers, those on broken ones), in the order of RESULTS."""
    known = {attack.name: attack for attack in ATTACKS}
    for name, group in groupby(results, lambda one: one.attack):
        group = list(group)
        yield known[name], [one for one in group if not one.broken], [one for one in group if one.broken]


def show(results):
    """The table on standard output."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("attack", no_wrap=True)
    for name in ("fault looked for", "passed", "worst echo", "broken servers, and what was found"):
        table.add_column(name)
    for attack, good, broken in by_attack(results):
        table.add_row(attack.name, attack.fault, passed(good), worst_echo(good),
                      "\n".join(caught(one) for one in broken))
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(table)
    bad = [one for one in results if one.is_bad]
    for one in bad:
        console.print(Text(bad_news(one), style="red"), soft_wrap=True)
    skipped = sum(bool(one.skipped) for one in results)
    good, broken = ([one for one in results if not one.skipped and bool(one.broken) == kind] for kind in (False, True))
    console.print(f"{survived(good)} of {len(good)} tries on the servers passed, {survived(broken)} of {len(broken)} "
                  "broken servers were caught" + (f", {skipped} tries were skipped" if skipped else ""))


def survived(results):
    return sum(not one.is_bad for one in results)


def show_left(left, minutes):
    """On standard error: what there was no time for."""
    names = [f"{attack.name} ({len(list(group))})" for attack, group in groupby(left, lambda one: one[0])]
    print(f"{minutes:g} minutes are over; not tried: {', '.join(names)}.\nGive it more time: "
          f"`{Path(sys.executable).name} -m tests.torture --minutes {2 * minutes:g}`", file=sys.stderr)


def passed(good):
    count = sum(not one.found and not one.skipped for one in good)
    skipped = next((f" (skipped: {one.skipped})" for one in good if one.skipped), "")
    return f"{count} of {len(good)}{skipped}"


def worst_echo(good):
    worst = [seen["worst_ms"] for one in good for seen in one.beside]
    return f"{max(worst):.1f} ms" if worst else ""


def caught(broken):
    """What was found of a broken server."""
    if broken.skipped:
        return f"{broken.broken}: skipped: {broken.skipped}"
    return f"{broken.broken}: {'NOT FOUND: ' + broken.news if broken.is_bad else broken.found}"
