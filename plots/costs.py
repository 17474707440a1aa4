"""The cost model: what a request costs a server as a + b · x (METHOD.md, row 28).

The cost is server CPU in ns per request; x is the number of descriptors examined for it, so b is what one more
descriptor costs a wait. epoll is handed the ready ones only: its x is always about 1 and tells nothing of b. Its cost
is fitted to the open connections instead: b is then ns per open connection and request, and about 0 if epoll keeps
what it promises.

One line for each mechanism at each rate, since CPU per request falls with the rate whatever the mechanism. Fitted per
block by least squares with weights 1/y (relative errors), then averaged over the blocks with Student's t interval:
the blocks are what was repeated, the cells of one are not independent. Cells in which the server saturated in any
block are left out: the queue that it could not drain makes its waits another kind. A line needs three cells and a
factor of ten between the lowest and the highest x; otherwise there is none.

The interval says how the blocks differ, not whether a straight line is right: `misfit` and `exponent` say that.
"""
from dataclasses import dataclass

import numpy as np

from . import cells, statistics, style, text

COST = "server_cpu_us_per_request"
SPAN, CELLS = 10, 3   # what a line needs: x over a factor of ten, and three different x
TOP_SPAN = 1.5        # what an exponent needs within the top decade


@dataclass(frozen=True)
class Estimate:
    """The mean over the blocks and its 95 % interval (None with fewer than two)."""
    value: float
    interval: tuple = None

    @property
    def words(self):
        """"62.1 (60.0 … 64.2)"."""
        spread = f" ({_short(self.interval[0])} … {_short(self.interval[1])})" if self.interval else ""
        return _short(self.value) + spread


@dataclass(frozen=True)
class Fit:
    """A mechanism's line. `on`: "examined" or "connections", what x is; `fixed`: a in ns per request; `each`: b in ns;
    `misfit`: the largest relative distance of a cell's median from the line (0.2: 20 %); `exponent`: of the connections
    in the top decade, an Estimate or None; `samples`: the rows it comes from."""
    mechanism: str
    on: str
    fixed: Estimate
    each: Estimate
    blocks: int
    misfit: float
    exponent: Estimate
    samples: tuple


@dataclass(frozen=True)
class Crossover:
    """Where the scanner's cost falls to the base's as the active share grows: `places`, the share in % by block that
    crosses, of `looked_at` blocks."""
    scanner: str
    base: str
    places: dict
    looked_at: int

    @property
    def share(self):
        """The Estimate of the share in %: geometric mean and t interval on its logarithm. None unless all blocks
        cross: those that do not would be left out for their outcome."""
        if not self.places or len(self.places) < self.looked_at:
            return None
        logs = np.log(list(self.places.values()))
        interval = None
        if len(logs) > 1:
            interval = tuple(float(np.exp(bound)) for bound in statistics.mean_interval(logs, 0.95))
        return Estimate(float(np.exp(logs.mean())), interval)

    @property
    def words(self):
        """In a few words, such as "at 31.0 % active (95 % interval 27.0 to 35.6 %, 10 blocks)"."""
        blocks = f"{self.looked_at} block{'s' if self.looked_at > 1 else ''}"
        if not self.looked_at:
            return "not looked for: a block needs two shares or more"
        if not self.places:
            return f"not in the measured range ({blocks})"
        if self.share is None:
            return f"inconclusive: {len(self.places)} of {blocks} cross"
        if self.share.interval is None:
            return f"at {text.value(self.share.value)} % active (one block, so no interval)"
        low, high = map(text.value, self.share.interval)
        return f"at {text.value(self.share.value)} % active (95 % interval {low} to {high} %, {blocks})"


def fits(scenario):
    """[(the rate and the other settings by name, its Fits, the mechanisms without one)] of a data.Scenario, mechanisms
    in their usual order. A rate without a single Fit is left out."""
    settings = [name for name in cells.varying(scenario.samples) if name not in ("connections", "active_setting")]
    found = []
    for values, rows in cells.groups(scenario.usable, settings):
        lines = {name: fit(rows, name) for name in style.order(rows["mechanism"])}
        if any(lines.values()):
            found.append((values, [line for line in lines.values() if line],
                          [name for name, line in lines.items() if not line]))
    return found


def fit(rows, mechanism):
    """The Fit of one mechanism in usable rows of one rate; None when its x do not lie far enough apart."""
    rows = chosen(rows, mechanism)
    for on, column in (("examined", "fds_per_request"), ("connections", "connections")):
        if on == "connections" and rows["active"].nunique() > 1:
            break   # then the cost follows the active ones as well
        lines = {block: line(its[column], 1000 * its[COST]) for block, its in rows.groupby("block")
                 if spans(its[column])}
        if lines:
            return _fit(rows[rows["block"].isin(lines)], mechanism, on, column, list(lines.values()))
    return None


def chosen(rows, mechanism):
    """The rows of a mechanism that a line is fitted to: measured, and of cells that are not full()."""
    rows = rows[rows["mechanism"] == mechanism]
    return rows[~full(rows)].dropna(subset=[COST, "fds_per_request"])


def full(rows):
    """Which rows of one mechanism and rate are of a cell that was saturated in any block: the others are the cheaper
    ones, and a line through them alone would be too flat."""
    return rows.groupby(["connections", "active"])["saturated"].transform("any").astype(bool)


def spans(x):
    """Whether these x are enough for a line."""
    return x.nunique() >= CELLS and x.max() >= SPAN * x.min()


def line(x, y):
    """(a, b) of y = a + b · x by least squares with weights 1 / y. Needs two different x, and y above 0."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    b, a = np.polyfit(x, y, 1, w=1 / y)
    return float(a), float(b)


def _fit(rows, mechanism, on, column, lines):
    fixed, each = (estimate(values) for values in zip(*lines))
    middle = rows.groupby(["connections", "active"])[[column, COST]].median()
    expected = fixed.value + each.value * middle[column]
    misfit = float((1000 * middle[COST] / expected - 1).abs().max())
    return Fit(mechanism, on, fixed, each, len(lines), misfit, _exponent(rows), tuple(sorted(rows["sample"])))


def estimate(values):
    """The Estimate of values, one per block."""
    if len(values) < 2:
        return Estimate(float(values[0]))
    return Estimate(float(np.mean(values)), tuple(map(float, statistics.mean_interval(values, 0.95))))


def _exponent(rows):
    """The slope of ln cost against ln connections within the top decade of connections; None where the cells there are
    too near each other, or differ in their active connections too."""
    top = rows[rows["connections"] >= rows["connections"].max() / 10]
    if top["active"].nunique() > 1:
        return None
    slopes = [np.polyfit(np.log(its["connections"]), np.log(its[COST]), 1)[0] for _, its in top.groupby("block")
              if its["connections"].max() >= TOP_SPAN * its["connections"].min()]
    return estimate(slopes) if slopes else None


def crossovers(scenario):
    """[(connections, Crossover)] of a closed loop whose active share is swept; [] elsewhere."""
    usable, pair = scenario.usable, cells.pair(scenario.usable)
    if pair is None or "active_setting" not in cells.varying(usable) or not (usable["arrival"] == "closed").all():
        return []
    found = [(connections, crossover(rows, *pair)) for connections, rows in usable.groupby("connections")]
    return [(connections, one) for connections, one in found if one.looked_at]


def crossover(rows, scanner, base):
    """The Crossover in usable rows of one number of connections."""
    places, looked_at = {}, 0
    for block, its in rows.groupby("block"):
        sides = [its[its["mechanism"] == name].groupby("active_percent")[COST].mean() for name in (scanner, base)]
        logs = statistics.paired_logs(*sides)
        if len(logs) < 2:
            continue
        looked_at += 1
        place = statistics.crossing(logs.index, logs)
        if place is not None:
            places[block] = place
    return Crossover(scanner, base, places, looked_at)


def _short(number):
    """Three digits; below 0.01, where it is nought for all that matters, two decimals; a true minus sign."""
    shown = text.value(number) if abs(number) >= 0.01 else f"{number:.2f}"
    return shown.replace("-0.00", "0.00").replace("-", "−")
