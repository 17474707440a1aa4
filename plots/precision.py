"""How well ratios repeat: the scatter of poll ÷ epoll-lt and epoll-et ÷ epoll-lt from block to block (METHOD.md, row
17), plain, and stratified by the distance between the two cores (row 24).

On a virtual machine the two cores are now neighbours, now on different dies, and the price of a request changes with
it. If the mechanisms do not pay the same for it, a block's ratio depends on how much of the block was near. So each
*round* of slices (one slice of each mechanism) is classed by the cache-line round trip before it and the one before
the next: near or far; *mixed* when the two disagree: those are left out. Within a class the ratio is that of the summed
CPU time per summed request. A block's stratified log ratio is the mean of its classes', weighted by their rounds, each
less what its class comes to in the whole run: what a block's share of near rounds explains is no longer in it, and a
class of few rounds counts little (analysis of covariance; one degree of freedom is spent on each class beyond the
first).
"""
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from . import cells, data, files, statistics, text
from .data import RunError

PAIRS = (("poll", "epoll-lt"), ("epoll-et", "epoll-lt"))
COLUMN = "server_cpu_us_per_request"
TARGET = 0.01       # the standard deviation of the log ratios over the blocks, at most
REGIMES = 1.25      # the round trips of two classes differ at least by this factor
FEWEST = 3          # rounds of a class in a block


@dataclass(frozen=True)
class Line:
    """One pair in one cell. plain, near, stratified: Ratios over the blocks (None where there is none); rounds: how
    many are near, far and mixed; split_ns: between near and far, None where there is one class."""
    scenario: str
    cell: str
    pair: tuple
    plain: statistics.Ratio
    near: statistics.Ratio
    stratified: statistics.Ratio
    rounds: tuple
    split_ns: float

    @property
    def met(self):
        """Whether the plain scatter, and the stratified one where there is one, are within the target."""
        judged = [ratio for ratio in (self.plain, self.stratified) if ratio is not None]
        return all(ratio.s is not None and ratio.s <= TARGET for ratio in judged)


def lines(run):
    """The Lines of a data.Run. RunError: without slices, without one of the pairs, or with one block."""
    found = []
    for scenario in run.scenarios:
        rounds = None
        for cell in cells.split(scenario):
            for pair in PAIRS:
                if cells.ratio(cell.usable, *pair, COLUMN) is not None:
                    rounds = read_rounds(scenario) if rounds is None else rounds
                    found.append(_line(scenario.name, cell, pair, rounds))
    if not found:
        raise RunError(f"{run.folder}: has neither poll nor epoll-et beside epoll-lt, of which the precision is "
                       "judged; `./muxbench precision` measures them")
    if all(line.plain.s is None for line in found):
        raise RunError(f"{run.folder}: has one block only, so nothing scatters; run it with --blocks 10")
    return found


def read_rounds(scenario):
    """slices.csv of the usable samples, one row a slice, with its block, mechanism, and `kind`: near, far, mixed, or
    unknown without a probe. RunError when the file or a column is missing."""
    path = scenario.folder / "slices.csv"
    if not path.is_file():
        raise RunError(f"{path}: not there; the precision of slices is judged by it: run the scenario again")
    slices = files.read_table(path, ("sample",), ("round",), ("server_cpu_us", "requests", "core_round_trip_ns"))
    samples = scenario.usable[["sample", "block", "mechanism", *cells.SETTINGS]]
    slices = slices.merge(samples.drop(columns=["arrival"]), on="sample")
    if slices.empty:
        raise RunError(f"{path}: no slice of a valid sample; run the scenario again, with slices")
    return slices


def _line(scenario, cell, pair, slices):
    slices = slices[slices["sample"].isin(cell.usable["sample"])]
    kinds, split_ns = classes(slices)
    sums = _sums(slices, kinds, pair)
    counts = [int((kinds == kind).sum()) for kind in ("near", "far", "mixed")]
    plain = cells.ratio(cell.usable, *pair, COLUMN)
    return Line(scenario, cell.name, pair, plain, statistics.ratio_of(_within(sums, "near")),
                statistics.ratio_of(stratified(sums)), tuple(counts), split_ns)


# ---- near and far -------------------------------------------------------------------------------------

def classes(slices):
    """(a Series by (block, round): near, far, mixed or unknown; the round trip in ns that splits them, or None).

    slices: of one cell. The last round of a block has no probe after it: it is classed by the one before it alone.
    """
    before = slices.groupby(["block", "round"])["core_round_trip_ns"].first()
    after = before.groupby("block").shift(-1).fillna(before)
    split_ns = split(before.dropna())
    if split_ns is None:
        return pd.Series(np.where(before.isna(), "unknown", "near"), index=before.index), None
    far, then = before > split_ns, after > split_ns
    kinds = np.select([before.isna(), far & then, ~far & ~then], ["unknown", "far", "near"], "mixed")
    return pd.Series(kinds, index=before.index), split_ns


def split(round_trips):
    """The round trip in ns between near and far: the cut of the logarithms whose two sides lie farthest apart (Otsu, A
    threshold selection method from gray-level histograms, 1979). None when their medians differ by less than a quarter,
    so that there is one class."""
    logs = np.sort(np.log(np.asarray(round_trips, dtype=float)))
    cuts = np.flatnonzero(np.diff(logs)) + 1   # the first value of the upper side
    if not len(cuts):
        return None
    total, below = logs.sum(), np.cumsum(logs)[cuts - 1]
    upper = len(logs) - cuts
    apart = cuts * upper * (below / cuts - (total - below) / upper) ** 2
    cut = cuts[np.argmax(apart)]
    low, high = np.median(logs[:cut]), np.median(logs[cut:])
    if high - low < np.log(REGIMES):
        return None
    return float(np.exp((logs[cut - 1] + logs[cut]) / 2))


# ---- ratios -------------------------------------------------------------------------------------------

def _sums(slices, kinds, pair):
    """By (block, kind): `log`, the log ratio of the pair's summed CPU per summed request, and `rounds`."""
    wide = slices.pivot_table(index=["block", "round"], columns="mechanism", values=["server_cpu_us", "requests"])
    wide = wide.dropna(subset=[(value, name) for value in ("server_cpu_us", "requests") for name in pair])
    grouped = wide.groupby([wide.index.get_level_values("block"), kinds.reindex(wide.index).rename("kind")])
    sums = grouped.sum()
    cost = [sums["server_cpu_us"][name] / sums["requests"][name] for name in pair]
    found = pd.DataFrame({"log": np.log(cost[0] / cost[1]), "rounds": grouped.size()})
    return found[np.isfinite(found["log"]) & (found["rounds"] >= FEWEST)]


def _within(sums, kind):
    """The log ratio of each block in one class."""
    return sums[sums.index.get_level_values("kind") == kind]["log"]


def stratified(sums):
    """The log ratio of each block, adjusted for its near and far rounds (see above); none at all where there are too
    few blocks to tell a class from a block. sums: of _sums()."""
    sums = sums[sums.index.get_level_values("kind").isin(["near", "far"])]
    weighted = (sums["log"] * sums["rounds"]).groupby("kind").sum() / sums["rounds"].groupby("kind").sum()
    usual = weighted.reindex(sums.index.get_level_values("kind")).to_numpy()
    by_block = ((sums["log"] - usual) * sums["rounds"]).groupby("block").sum() / sums["rounds"].groupby("block").sum()
    freedom, spent = len(by_block) - 1, len(weighted) - 1
    if freedom <= spent:
        return by_block[:0]
    widened = (by_block - by_block.mean()) * np.sqrt(freedom / (freedom - spent))
    return widened + np.average(sums["log"], weights=sums["rounds"])


# ---- output -------------------------------------------------------------------------------------------

def judge(folder, console):
    """Print the table of the run in `folder` on a rich Console. Returns whether every line meets the target."""
    run = data.read_run(folder, "servers")
    found = lines(run)
    for place in dict.fromkeys((line.scenario, line.cell) for line in found):
        console.print(_table(": ".join(place), [line for line in found if (line.scenario, line.cell) == place]))
    for words in _legend(found):
        console.print(f"[dim]{words}[/dim]", highlight=False)
    failed = [line for line in found if not line.met]
    verdict = f"not met in {len(failed)} of {len(found)} lines" if failed else "met"
    console.print(f"[bold]target: a scatter of at most {100 * TARGET:g} % over the blocks: {verdict}[/bold]",
                  highlight=False)
    return not failed


def _table(cell, found):
    from rich import box
    from rich.table import Table
    blocks = max(line.plain.n for line in found)
    table = Table(title=f"[bold]{cell}[/bold], {blocks} blocks", title_justify="left",
                  box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("pair", no_wrap=True)
    for name in ("ratio\n95 % interval", "scatter in\n%, plain", "near\nonly", "strati-\nfied", "near, far,\nmixed"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("met", no_wrap=True)
    for line in found:
        table.add_row(" ÷\n".join(line.pair), _ratio(line.plain),
                      *map(_scatter, (line.plain, line.near, line.stratified)),
                      "{:,}, {:,},\n{:,}".format(*line.rounds), "yes" if line.met else "[bold]no[/bold]")
    return table


def _ratio(ratio):
    def shown(number):
        return f"{number:.4f}" if number < 5 else text.value(number)
    bounds = "–".join(map(shown, ratio.interval95 or ()))
    return f"[bold]{shown(ratio.value)}[/bold]\n[dim]{bounds or text.NONE}[/dim]"


def _scatter(ratio):
    """The standard deviation of the log ratios in %, and its own 95 % interval (chi-square; few blocks say little)."""
    if ratio is None or ratio.s is None:
        return text.NONE
    freedom = ratio.n - 1
    low, high = (100 * ratio.s * np.sqrt(freedom / stats.chi2.ppf(q, freedom)) for q in (0.975, 0.025))
    return f"[bold]{_hundredths(100 * ratio.s)}[/bold]\n[dim]{_hundredths(low)}–{_hundredths(high)}[/dim]"


def _hundredths(number):
    return f"{number:.2f}" if number < 10 else text.value(number)


def _legend(found):
    yield ("scatter: standard deviation of the log ratios over the blocks (the coefficient of variation), below it "
           "its 95 % interval.")
    splits = sorted({round(line.split_ns) for line in found if line.split_ns is not None})
    if splits:
        yield ("near, far: rounds whose round trip between the cores is below or above "
               f"{', '.join(map(str, splits))} ns before and after; mixed: it changed on the way; such rounds are left "
               "out of near only and stratified.")
    elif any(line.rounds[0] for line in found):
        yield "The distance between the cores stayed as it was: one class."
    else:
        yield "No probe of the distance between the cores in this run: not stratified."
