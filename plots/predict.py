"""What a mechanism would cost at some number of connections, active ones and rate, predicted from the samples of a run.

The server's CPU is rate × cost per request, and by the cost model (costs.py) the cost is a + b · descriptors examined.
How many are examined follows from how many requests a wait finds: examined = (connections + 1) · waits per request for
those that scan. So, for each mechanism, block and *level* (a rate of the open-loop scenarios, or the closed loop,
whose rate is what the server could carry):

1. the line a + b · x is fitted; where x varies too little for one (epoll), it is the mean cost;
2. waits per request, and the factor by which the measured cells miss the line, are interpolated between the cells in
   ln connections × ln active (straight lines, within Delaunay triangles);
3. the cost at the level is the line at the examined ones, times that factor;
4. between two levels the cost is interpolated in ln rate. At or above what the closed loop carried, the server is full.

The blocks give a t interval of the logarithm. To it comes, in squares, what the same method misses when a cell that
lies among others is left out and predicted from the rest: the model's own error. What is between two measured levels
is covered by neither, so the answer names them.
"""
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats
from scipy.spatial import Delaunay

from . import cells, costs

FULL_PERCENT = 95   # of a core: a server that needs more cannot keep up (METHOD.md, row 6)
FAR = 10            # further outside the measured range than this factor, a prediction would be a guess


class AdviseError(Exception):
    """A question that cannot be answered; the message says why, and what to do."""


@dataclass(frozen=True)
class Question:
    """How many connections are open, how many of them speak, and requests per second over all of them."""
    connections: int
    active: int
    rate: float

    @property
    def point(self):
        return np.log([self.connections, self.active])


@dataclass
class Prediction:
    """A mechanism's answer. `percent`: server CPU in % of a core, None where there is none; `interval`: 95 %, None with
    one block; `state`: "fits", "may not fit", "saturated" (the whole interval is from FULL_PERCENT on, or every sample
    of this very question was), "unsupported" or "not measured"; `outside`: in what the
    question lies outside of the measured range; `between`: the levels it comes from; `logs`: ln percent by block."""
    mechanism: str
    state: str
    percent: float = None
    interval: tuple = None
    us_per_request: float = None
    blocks: int = 0
    outside: list = field(default_factory=list)
    between: str = ""
    why: str = ""
    logs: object = None


# ---- between the measured cells ----------------------------------------------------------------------------

def weights(points, at):
    """(weights, inside): by how much each of the points (n × 2, logarithms) counts at a place, so that weights @ values
    is the interpolated value; inside: whether the place is among them. Outside, the nearest place on their line counts,
    or the nearest point."""
    points = np.asarray(points, dtype=float)
    centre = points.mean(axis=0)
    _, size, axes = np.linalg.svd(points - centre)
    found = np.zeros(len(points))
    if size[0] < 1e-9:
        return np.full(len(points), 1 / len(points)), bool(np.allclose(at, centre))
    if len(size) < 2 or size[1] < 1e-9 * size[0]:
        return _along(points @ axes[0], at @ axes[0], bool(abs((at - centre) @ axes[1]) < 1e-9))
    mesh = Delaunay(points)
    simplex = int(mesh.find_simplex(at, tol=1e-9))
    if simplex < 0:
        found[np.linalg.norm(points - at, axis=1).argmin()] = 1
        return found, False
    part = mesh.transform[simplex, :2] @ (at - mesh.transform[simplex, 2])
    found[mesh.simplices[simplex]] = [*part, 1 - part.sum()]
    return found, True


def _along(places, at, on_the_line):
    """weights() of points on one line, by their places on it."""
    order = np.argsort(places)
    found = np.array([np.interp(at, places[order], row) for row in np.eye(len(places))[:, order]])
    inside = on_the_line and places.min() - 1e-9 <= at <= places.max() + 1e-9
    return found, bool(inside)


# ---- one mechanism at one level ----------------------------------------------------------------------------

def cost_at(rows, scans, question):
    """(ns per request, requests per second) that these rows, of one mechanism, level and block, come to at the
    question. The rate is what the server carries at that cost with as much of a core as it got in these rows."""
    points = np.log(rows[["connections", "active"]].to_numpy(dtype=float))
    share, _ = weights(points, question.point)
    y = 1000 * rows[costs.COST].to_numpy()
    expected, line_at = _line(rows, y)
    examined = np.exp(share @ np.log(rows["waits_per_request"])) * (question.connections + 1) if scans else \
        np.exp(share @ np.log(rows["fds_per_request"]))
    missed = np.exp(share @ np.log(y / expected))
    cost = float(line_at(examined) * missed)
    return cost, float(np.exp(share @ np.log(rows["server_cpu_percent"]))) * 1e7 / cost


def _line(rows, y):
    """The line's values at the rows, and the line as a function of the descriptors examined."""
    fitted = ~rows["saturated"].to_numpy()
    x = rows["fds_per_request"]
    if fitted.any() and costs.spans(x[fitted]):
        a, b = costs.line(x[fitted], y[fitted])
        if a > 0 and b > 0:
            return a + b * x.to_numpy(), lambda examined: a + b * examined
    mean = float(np.exp(np.mean(np.log(y))))
    return np.full(len(y), mean), lambda _examined: mean


def model_error(rows, scans):
    """The root mean square of ln (predicted / measured) over the cells that lie among others, each left out in turn;
    0 when there is no such cell. rows: the medians over the blocks of one mechanism and level."""
    missed = []
    for left_out, row in rows.iterrows():
        others = rows.drop(index=left_out)
        question = Question(row["connections"], row["active"], 1)
        points = np.log(others[["connections", "active"]].to_numpy(dtype=float))
        if len(others) >= 2 and weights(points, question.point)[1]:
            missed.append(np.log(cost_at(others, scans, question)[0] / (1000 * row[costs.COST])))
    return float(np.sqrt(np.mean(np.square(missed)))) if missed else 0.0


@dataclass
class Level:
    """One mechanism at one rate (NaN: closed loop): by block (rate in 1/s, cost in ns) at the question; whether that
    lies among the measured cells; the model's error in ln cost."""
    rate: float
    blocks: dict
    inside: bool
    error: float
    rows: pd.DataFrame

    @property
    def closed(self):
        return bool(np.isnan(self.rate))

    @property
    def name(self):
        return "closed loop" if self.closed else f"{self.rate:,.0f}/s"


def levels(rows, scans, question):
    """The Levels that a mechanism's rows hold."""
    found = []
    needed = [costs.COST, "waits_per_request", "fds_per_request", "server_cpu_percent"]
    rows = rows[(rows[needed] > 0).all(axis=1)]
    for rate, its in rows.groupby("offered_per_s", dropna=False):
        its, blocks = its.assign(saturated=costs.full(its)), {}
        for block, one in its.groupby("block"):
            cost, measured = cost_at(one, scans, question)
            blocks[block] = (measured if np.isnan(rate) else rate, cost)
        middle = its.groupby(["connections", "active"], as_index=False)[needed].median().assign(saturated=False)
        points = np.log(middle[["connections", "active"]].to_numpy(dtype=float))
        found.append(Level(rate, blocks, weights(points, question.point)[1], model_error(middle, scans), its))
    return found


# ---- one mechanism -----------------------------------------------------------------------------------------

def predict(rows, mechanism, question, drain="eagain"):
    """The Prediction for one mechanism from the usable rows of a run that suit()."""
    from runner.support import unsupported
    reason = unsupported(mechanism, {"connections": question.connections, "drain": drain})
    if reason:
        return Prediction(mechanism, "unsupported", why=reason)
    its = rows[rows["mechanism"] == mechanism]
    found = levels(its, mechanism in cells.SCANNERS, question)
    if not found:
        return Prediction(mechanism, "not measured", why="no sample of it counts")
    blocks = sorted({block for one in found for block in one.blocks})
    cost_ns = [_between(found, block, question) for block in blocks]
    logs = pd.Series(np.log(np.array(cost_ns) * question.rate / 1e7), index=blocks)   # ns · 1/s in % of a core
    used = _bracket(found, question)
    interval = _interval(logs, max(one.error for one in used))
    percent = float(np.exp(logs.mean()))
    return Prediction(mechanism, _state(its, question, percent, interval), percent, interval,
                      percent * 1e4 / question.rate, len(logs), outside(found, used, question, percent >= FULL_PERCENT),
                      " and ".join(one.name for one in used), "", logs)


def _state(rows, question, percent, interval):
    """What the interval (None: not known) allows to say of a mechanism with these rows: see Prediction."""
    asked = rows[(rows["connections"] == question.connections) & (rows["active"] == question.active)
                 & (rows["offered_per_s"] == question.rate)]
    if (len(asked) and asked["saturated"].all()) or (interval and interval[0] >= FULL_PERCENT):
        return "saturated"
    return "may not fit" if max(percent, interval[1] if interval else 0) >= FULL_PERCENT else "fits"


def _interval(logs, error):
    """The 95 % interval of exp(mean): Student's over the blocks, and the model's error (a standard deviation) in
    squares. None with fewer than two blocks."""
    if len(logs) < 2:
        return None
    spread = stats.t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs))
    half = np.hypot(spread, stats.norm.ppf(0.975) * error)
    return float(np.exp(logs.mean() - half)), float(np.exp(logs.mean() + half))


def _between(found, block, question):
    """The cost in ns in one block, interpolated in ln rate between its levels; outside of them the nearest one's."""
    its = {}
    for one in found:
        if block in one.blocks:
            rate, cost = one.blocks[block]
            its[rate] = cost
    capacity = next((one.blocks[block][0] for one in found if one.closed and block in one.blocks), np.inf)
    its = {rate: cost for rate, cost in its.items() if rate <= capacity}   # above it the server was full
    rates = sorted(its)
    return float(np.exp(np.interp(np.log(question.rate), np.log(rates), [np.log(its[rate]) for rate in rates])))


def _mean_rate(level):
    if not level.closed:
        return level.rate
    return float(np.exp(np.mean(np.log([rate for rate, _ in level.blocks.values()]))))


def _bracket(found, question):
    """The levels next to the question's rate: one or two, in ascending order."""
    ranked = sorted(found, key=_mean_rate)
    capacity = next((_mean_rate(one) for one in ranked if one.closed), np.inf)
    ranked = [one for one in ranked if _mean_rate(one) <= capacity]
    below = [one for one in ranked if _mean_rate(one) <= question.rate]
    above = [one for one in ranked if _mean_rate(one) > question.rate]
    exact = below and _mean_rate(below[-1]) == question.rate
    return below[-1:] + ([] if exact else above[:1])


def outside(found, used, question, full):
    """In what the question lies outside of what was measured: sentences without a full stop; full: the server
    is, so that a higher rate needs no measurement. AdviseError when it is so far outside that a prediction would be a
    guess."""
    rates = [_mean_rate(one) for one in found]
    notes = []
    if question.rate < min(rates) or question.rate > max(rates) and not full:
        _refuse("rate", question.rate, min(rates), max(rates))
        notes.append(f"rate {question.rate:,.0f}/s ({min(rates):,.0f} to {max(rates):,.0f}/s measured)")
    for one in used:
        for name, value in (("connections", question.connections), ("active", question.active)):
            low, high = one.rows[name].min(), one.rows[name].max()
            if not low <= value <= high:
                _refuse(name, value, low, high)
                measured = f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"
                notes.append(f"{value:,} {name} at {one.name} ({measured} measured)")
    if not notes and not all(one.inside for one in used):
        notes.append(f"{question.active:,} active of {question.connections:,} (both were measured, not together)")
    return list(dict.fromkeys(notes))


def _refuse(name, value, low, high):
    if value > FAR * high or value < low / FAR:
        raise AdviseError(
            f"{name} {value:,.0f} is more than {FAR} times outside of what this run measured ({low:,.0f} to "
            f"{high:,.0f}): that would be a guess; measure it with a scenario of your own (README.md, “Your own "
            "question”)")
