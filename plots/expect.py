"""Predictions: what a scenario said before the data, and what the data say of it (METHOD.md, row 26).

    [[expect]]
    claim = "poll needs ten times epoll's CPU"       # a sentence
    metric = "server_cpu_percent"                    # a column of samples.csv
    compare = ["poll", "epoll-lt"]                   # the paired ratio; or mechanism = "poll": that one's figure
    where = { connections = "max", rate = 100 }      # cells; every cell that has these values must hold
    against = { connections = 100 }                  # optional: divided by the same in this cell
    above = 10                                       # or below = 10, within = 0.2, between = [8, 12]
    peak = "rate"                                    # optional: the greatest over the cells that differ in it only

A metric of waitcost is a column of waits.csv. With `peak`, such cells count as one, whose number in a block is the
greatest of theirs in that block (of those that hold one), before any ratio. Of servers it counts only where the server
was what limited that sample: else the rates ended below the peak, and the block has no number.
The number of a block is the metric of one mechanism, or the ratio of two in that block; with `against` it is divided by
that of the other cell. Blocks are numbered alike in all cells, and the k-th block of one cell is set against the k-th
block of the other: they were launched apart, so the machine's drift from one cell to the next is in that ratio.
Ratios are averaged as logarithms, figures as they are, with Student's t over the blocks.

A prediction is supported when in every cell the mean lies inside the bounds and the t test against each bound
rejects it; refuted when in some cell it lies outside and the test against the nearer bound rejects that. The p-value
of "every cell holds" is the largest of the cells' (an intersection-union test: Berger 1982); that of "some cell
fails" is the smallest, times their number (Bonferroni). Holm's correction is over the scenario's predictions.
"""
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from runner import keys, wait_keys

from . import cells, statistics, text, waits
from .data import SETTINGS, USABLE

SUPPORTED, REFUTED, INCONCLUSIVE, NOT_MEASURED = "supported", "refuted", "inconclusive", "not measured"
KEYS = {"servers": keys.KEYS, "waitcost": wait_keys.KEYS}
NOT_FULL = "the server was not full at the highest rate: add a higher one"
ASKED = " asked"   # after a key: what was asked for, where that is "all" or a share


@dataclass(frozen=True)
class Finding:
    """What one cell says of a prediction: the number, its 95 % interval (None with one block), and the p-values of
    lying inside the bounds and outside of them (see the module)."""
    cell: str
    value: float
    interval: tuple
    blocks: int
    inside: float
    outside: float
    samples: tuple


@dataclass(frozen=True)
class Verdict:
    """A prediction and what came: `finding` is that of the cell which decides (None if not measured), `cells` how many
    there were and `without` how many more held no number, `p` the p-value after Holm's correction, `why` what is to be
    said beside the verdict ("" if nothing)."""
    claim: str
    predicted: str
    verdict: str
    finding: Finding = None
    cells: int = 0
    without: int = 0
    p: float = None
    why: str = ""

    @property
    def number(self):
        """The number with its interval, in words: "13.2 (11.9 … 14.6)"."""
        if self.finding is None:
            return text.NONE
        low_high = self.finding.interval
        spread = f" ({text.value(low_high[0])} … {text.value(low_high[1])})" if low_high else ""
        return text.value(self.finding.value) + spread

    @property
    def place(self):
        """The cell that decides, in words: the worst of several."""
        if self.finding is None:
            return ""
        others = f", the least certain of {self.cells} cells" if self.cells > 1 else ""
        return self.finding.cell + others + (f"; not measured in {self.without} more" if self.without else "")


def verdicts(scenario):
    """The Verdicts on a data.Scenario's predictions, in their order; [] when it has none."""
    found = [(expect, _findings(expect, scenario)) for expect in scenario.definition.get("expect", [])]
    corrected = statistics.holm([_p_value(findings) for _, (findings, _, _) in found])
    return [_verdict(expect, *its, p) for (expect, its), p in zip(found, corrected)]


def _verdict(expect, findings, without, notes, p):
    words = predicted(expect)
    if not findings:
        why = notes or ["no sample of such a cell counts in this run"]
        return Verdict(expect["claim"], words, NOT_MEASURED, without=without, why="; ".join(why))
    worst = max(findings, key=lambda one: (one.interval is None, one.inside or 0, -(one.outside or 0)))
    if p is None:
        verdict, why = INCONCLUSIVE, "one block, so no interval"
    elif p < statistics.SIGNIFICANT:
        verdict, why = (SUPPORTED if worst.inside < 1 else REFUTED), ""
    else:
        verdict, alone = INCONCLUSIVE, _p_value(findings)
        why = "the interval reaches across the bound" if alone >= statistics.SIGNIFICANT else \
            f"clear alone (p = {alone:.2g}), not among all predictions (p = {p:.2g} by Holm)"
    why = "; ".join([why] * bool(why) + notes)
    return Verdict(expect["claim"], words, verdict, worst, len(findings), without, p, why)


def _p_value(findings):
    """The p-value of the clearer side; None when a cell has one block only, or there is none."""
    if not findings or any(one.interval is None for one in findings):
        return None
    return min(1, max(one.inside for one in findings), len(findings) * min(one.outside for one in findings))


# ---- one cell ----------------------------------------------------------------------------------------------

def _findings(expect, scenario):
    """A Finding for each cell that the prediction is about and that holds a number, how many hold none, and what is to
    be said of them."""
    split, peak = _cells(scenario), expect.get("peak")
    counted = "connections" if scenario.program == "servers" else "descriptors"
    most = scenario.plan.get(f"{counted.removesuffix('s')}_limit") or scenario.samples[counted].max()
    chosen = [[(settings, rows) for settings, rows in split
               if _has(scenario.program, settings, expect.get(name, {}), most)] for name in ("where", "against")]
    here, there = (_peaks(one, peak) if peak else one for one in chosen)
    found, without, unfull = [], 0, 0
    for its, rows in here:
        numbers, samples, its_unfull = _numbers(expect, rows)
        unfull += its_unfull
        if "against" in expect:
            others = [other for settings, other in there if _alike(settings, its, expect["against"])]
            other, more, its_unfull = _numbers(expect, others[0]) if others else (numbers[:0], (), 0)
            numbers, samples, unfull = numbers.div(other).dropna(), samples + more, unfull + its_unfull
        if _is_ratio(expect):
            numbers = numbers[(numbers > 0) & (numbers < np.inf)]
        if len(numbers):
            found.append(_finding(_name(scenario.program, its), numbers, expect, samples))
        else:
            without += 1
    return found, without, [f"{NOT_FULL} (peaks that do not count: {unfull})"] if unfull else []


def _finding(name, numbers, expect, samples):
    """The Finding of these numbers, one per block, in the cell of this name."""
    forth, back = (np.log, np.exp) if _is_ratio(expect) else (np.asarray, float)
    with np.errstate(divide="ignore"):
        low, high = (float(forth(limit)) for limit in bounds(expect))
    values = forth(numbers.to_numpy(dtype=float))
    mean, interval, inside, outside = float(values.mean()), None, None, None
    if len(values) > 1:
        interval = tuple(float(back(bound)) for bound in statistics.mean_interval(values, 0.95))
        inside, outside = _tests(values, low, high, closed="above" not in expect and "below" not in expect)
    return Finding(name, float(back(mean)), interval, len(values), inside, outside, samples)


def _tests(values, low, high, closed):
    """(p of lying inside low … high, p of lying outside): the one on whose side the mean is not, is 1.

    Two-sided t tests of the mean against the bounds. Exact counters do not vary: then the mean itself decides, and
    a mean on the bound is inside if that is closed.
    """
    mean = values.mean()
    error = values.std(ddof=1) / np.sqrt(len(values))
    none = 1e-12 * max(1, abs(mean))
    if error <= none:
        margin = none if closed else -none
        return (0.0, 1.0) if low - margin <= mean <= high + margin else (1.0, 0.0)
    p_low, p_high = (2 * stats.t.sf(abs(mean - bound) / error, len(values) - 1) for bound in (low, high))
    if low <= mean <= high:
        return max(p_low, p_high), 1.0
    return 1.0, p_low if mean < low else p_high


def _numbers(expect, rows):
    """(the numbers by block, the samples they come from, how many peaks are none) within one cell."""
    usable = rows[rows["status"].isin(USABLE)]
    if expect["metric"].startswith(("response_", "service_", "lateness_")):
        usable = usable[usable["latency"] == ""]
    names = [expect["mechanism"]] if "mechanism" in expect else expect["compare"]
    its = [usable[usable["mechanism"] == name] for name in names]
    highest = [_highest(one, expect) for one in its]
    full = [one[_full(one, expect)] for one in highest]
    series = [one.set_index("block")[expect["metric"]] for one in full]
    samples = tuple(sample for one in its for sample in one["sample"])
    return (series[0] if len(series) == 1 else np.exp(statistics.paired_logs(*series))), samples, \
        sum(map(len, highest)) - sum(map(len, full))


def _highest(rows, expect):
    """The row of each block that holds the greatest number: one of several, where a peak is made of them."""
    rows = rows.dropna(subset=[expect["metric"]])
    return rows.sort_values(["block", expect["metric"]], kind="stable").drop_duplicates("block", keep="last")


def _full(rows, expect):
    """Which of these rows can hold a peak. waitcost has no rate that a server could be full at."""
    return rows["limited_by"] == "server" if "peak" in expect and "limited_by" in rows else rows["block"].notna()


# ---- which cells -------------------------------------------------------------------------------------------

def _cells(scenario):
    """[(settings by the keys of a scenario, rows)] of all cells."""
    if scenario.program == "waitcost":
        return [(waits.settings(values, scenario.definition), rows) for values, rows in waits.split(scenario.samples)]
    return [(_settings(values, rows), rows) for values, rows in cells.groups(scenario.samples, SETTINGS)]


def _peaks(split, key):
    """Those of SPLIT that differ in KEY alone as one cell, which has no value of it."""
    found = []
    for settings, rows in split:
        mine = {name: value for name, value in settings.items() if name not in (key, key + ASKED)}
        place = next((place for place, (other, _) in enumerate(found) if _alike(other, mine, {key})), None)
        if place is None:
            found.append((mine, rows))
        else:
            found[place] = found[place][0], pd.concat([found[place][1], rows])
    return found


def _settings(values, rows):
    """A cell's settings; "active asked" is what was asked for: "10", "1 %" or "all"."""
    drain, *others = values["variant"].split("+")
    return {"connections": values["connections"], "active": rows["active"].iloc[0],
            "active" + ASKED: values["active_setting"],
            "arrival": values["arrival"], "message_bytes": values["message_bytes"], "depth": values["depth"],
            "rate": "max" if pd.isna(values["offered_per_s"]) else values["offered_per_s"], "drain": drain,
            **{key: value for key, _, value in (part.partition("=") for part in others)}}


def _has(program, settings, wanted, most):
    """Whether a cell has the wanted values. A key that is in no column is the same in all cells."""
    return all(key not in settings or _same(settings[key], _meant(program, key, value, settings, most))
               for key, value in wanted.items())


def _meant(program, key, value, settings, most):
    """A value as it was written, as the number that stands in the table; words stay."""
    counted = "connections" if program == "servers" else "descriptors"
    if value == "all":
        return settings[counted]
    if isinstance(value, str) and value.endswith("%"):
        return max(1, round(float(value[:-1]) / 100 * settings[counted]))
    return most if key == counted and value == "max" else KEYS[program][key].number(value)


def _same(one, other):
    try:
        return float(one) == float(other)
    except (TypeError, ValueError):
        return str(one).lower() == str(other).lower()


def _alike(settings, other, but):
    """Whether two cells agree in all that `but` does not name."""
    left_out = {key + ASKED for key in but} | set(but) | {key.removesuffix(ASKED) for key in settings if ASKED in key}
    return all(_same(settings.get(key), other.get(key)) for key in settings.keys() - left_out)


def _name(program, settings):
    """A cell in words: "19,000 connections, 10 active, 100 requests/s"; without what a peak is taken over."""
    if program == "waitcost":
        return waits.name_of(settings)
    words = {"connections": "{:,.0f} connections", "active" + ASKED: "{} active",
             "rate": "closed loop" if settings.get("rate") == "max" else "{:,.0f} requests/s"}
    return ", ".join(form.format(settings[key]) for key, form in words.items() if key in settings)


# ---- bounds and words --------------------------------------------------------------------------------------

def bounds(expect):
    """(low, high), between which the number was predicted to lie; an open end is 0 or infinite."""
    if "within" in expect:
        return 1 / (1 + expect["within"]), 1 + expect["within"]
    if "between" in expect:
        return tuple(expect["between"])
    return expect.get("above", 0 if _is_ratio(expect) else -np.inf), expect.get("below", np.inf)


def _is_ratio(expect):
    return "compare" in expect or "against" in expect


def predicted(expect):
    """The prediction in a few words: "poll ÷ epoll-lt: server_cpu_percent above 10"."""
    subject = expect.get("mechanism") or " ÷ ".join(expect["compare"])
    low, high = (f"{bound:,.3g}" for bound in bounds(expect))
    limit = {"above": f"above {low}", "below": f"below {high}"}.get(
        next(name for name in ("above", "below", "within", "between") if name in expect), f"from {low} to {high}")
    if "peak" in expect:
        limit += f", the greatest over {expect['peak']}"
    where, against = (_cell_words(expect.get(name, {})) for name in ("where", "against"))
    return (f"{subject}: {expect['metric']} {limit}" + (f", where {where}" if where else ", in every cell")
            + (f", as against {against}" if against else ""))


def _cell_words(chosen):
    return ", ".join(f"{key} = {value:,}" if isinstance(value, (int, float)) and not isinstance(value, bool)
                     else f"{key} = {value}" for key, value in chosen.items())
