"""A/A: one server under two names. Every difference that is found is false, so the findings are counted (METHOD.md,
row 19): of 40 intervals at 95 %, two exclude 1 on average; more than six come once in 300 times from a suite whose
intervals are right, and soon from one whose intervals are too narrow or whose two names are not treated alike.
"""
from dataclasses import dataclass

import numpy as np
from scipy import stats

from . import cells, data, statistics, text
from .data import RunError

COLUMN = "server_cpu_us_per_request"
LEVEL = 0.95       # of the intervals
CHANCE = 0.99      # with which a calibrated suite passes, at least
FEWEST_CELLS = 20  # of fewer cells, too many false findings would pass


@dataclass(frozen=True)
class Pair:
    """A server under two names in one cell; `ratio` is that of the second name to the first."""
    scenario: str
    cell: str
    names: tuple
    ratio: statistics.Ratio


@dataclass(frozen=True)
class Verdict:
    """cells: how many intervals there are; excluding: the Pairs whose interval excludes 1; allowed: how many of them
    may be; chance: with which at most that many come when nothing is wrong; width: the median detectable effect."""
    cells: int
    excluding: list
    allowed: int
    chance: float
    width: float

    @property
    def passed(self):
        return len(self.excluding) <= self.allowed


def verdict(pairs):
    """The Verdict on Pairs, those without an interval (one block) left out. RunError when too few are left.

    Of n independent intervals at 95 % the number that exclude 1 is binomial (n, 0.05); allowed is its 99 % quantile: 6
    of 40.
    """
    known = [pair for pair in pairs if pair.ratio.interval95 is not None]
    if len(known) < FEWEST_CELLS:
        raise RunError(f"{len(known)} cells have an interval of one server against itself, {FEWEST_CELLS} are needed "
                       "to judge: run `./muxbench aa`, with 2 blocks or more")
    false = stats.binom(len(known), 1 - LEVEL)
    allowed = int(false.ppf(CHANCE))
    return Verdict(len(known), [pair for pair in known if pair.ratio.differs], allowed, float(false.cdf(allowed)),
                   float(np.median([pair.ratio.detectable for pair in known])))


def pairs(run):
    """The Pairs of a data.Run: each name with a label, such as epoll-lt:again, beside the same one without. RunError
    when there is none."""
    found = []
    for scenario in run.scenarios:
        for cell in cells.split(scenario):
            for name in sorted(set(cell.usable["mechanism"])):
                plain = name.partition(":")[0]
                ratio = cells.ratio(cell.usable, name, plain, COLUMN) if name != plain else None
                if ratio is not None:
                    found.append(Pair(scenario.name, cell.name, (plain, name), ratio))
    if not found:
        raise RunError(f"{run.folder}: no server stands there under two names, such as epoll-lt and epoll-lt:again; "
                       "`./muxbench aa` measures them")
    return found


def judge(folder, console):
    """Print what the run in `folder` comes to on a rich Console. Returns whether it passed."""
    found = pairs(data.read_run(folder, "servers"))
    result = verdict(found)
    _list(result, console)
    for words in sentences(result, found):
        console.print(words, highlight=False)
    passed = "passed" if result.passed else "FAILED: the intervals are too narrow, or the names are not treated alike"
    console.print(f"[bold]A/A {passed}[/bold]", highlight=False)
    return result.passed


def sentences(result, found):
    """The result in words."""
    names = ", ".join(dict.fromkeys(" ÷ ".join(reversed(pair.names)) for pair in found))
    yield (f"{names}: {len(result.excluding)} of {result.cells} intervals exclude 1; {result.cells * (1 - LEVEL):g} "
           f"are expected, at most {result.allowed} allowed (a calibrated suite stays within that "
           f"{100 * result.chance:.1f} % of the time).")
    every = statistics.ratio_of([np.log(pair.ratio.value) for pair in found])
    low, high = every.interval95
    yield (f"All cells together: {every.value:.4f} (95 % interval {low:.4f} to {high:.4f}). Half of the cells would "
           f"have shown a difference of {100 * result.width:.1f} % four times out of five.")


def _list(result, console):
    """The cells whose interval excludes 1, if any."""
    from rich import box
    from rich.table import Table
    if not result.excluding:
        return
    table = Table(title="Intervals that exclude 1", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0),
                  pad_edge=False, show_edge=False)
    for name, justify in (("cell", "left"), ("ratio", "right"), ("95 % interval", "right"), ("blocks", "right")):
        table.add_column(name, justify=justify)
    for pair in result.excluding:
        ratio = pair.ratio
        table.add_row(f"{pair.scenario}: {pair.cell}", f"{ratio.value:.3f}",
                      " – ".join(f"{bound:.3f}" for bound in ratio.interval95), text.value(ratio.n))
    console.print(table)
