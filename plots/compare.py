"""Two runs, cell by cell: how much more or less B needs than A, and what may be said of it.

Two runs are two groups of blocks, made one after the other: no block of A belongs to one of B, however alike the runs
are. So B ÷ A is not paired, its interval is Welch's on the logarithms, and a machine whose speed drifted between the
runs is in it. What survives the drift is the ratio of two mechanisms, paired within the blocks of each run: the
*change of the ratio to the base*, (B's mechanism ÷ B's base) ÷ (A's mechanism ÷ A's base), is given beside it. It shows
what became slower *against the base*, and is blind to what slowed both alike.
"""
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from . import cells, environments, statistics, style, waits
from .data import STANDARD_BLOCKS, STATUSES, USABLE, RunError, read_run

# What makes a cell, and in what order cells are listed, by the program that was measured.
SETTINGS = {"servers": ("connections", "active", "arrival", "offered_per_s", "message_bytes", "depth", "variant"),
            "waitcost": waits.SETTINGS}
ORDER = {"servers": ("offered_per_s", "connections", "active"), "waitcost": waits.COUNTED}
MORE_IS_BETTER = ("throughput_per_s", "events_per_wait")
# What can be compared. A percentile is each block's own, and counts as one observation of that block.
METRICS = ("server_cpu_us_per_request", "client_cpu_us_per_request", "total_cpu_us_per_request", "server_cpu_percent",
           "throughput_per_s", "response_p50_us", "response_p99_us", "response_p999_us", "service_p50_us",
           "service_p99_us", "waits_per_request", "fds_per_request", "events_per_wait", "reads_per_request",
           "writes_per_request", "eagain_per_request", "ctl_per_request")
WAIT_METRICS = ("wait_ns", "wait_cpu_ns", "build_ns", "scan_ns", "turn_ns", "kernel_polls_per_wait",
                "command_elapsed_s", "command_cpu_s")


@dataclass
class Row:
    """One mechanism in one cell. a, b: medians of the blocks; ratio: B ÷ A; change: of the paired ratio to `base`, None
    for the base itself and where there is none. The verdicts are corrected for all rows (verdict) or all changes.
    lost: sentences on the blocks that a side has no number of for their outcome."""
    scenario: str
    cell: str
    mechanism: str
    a: float
    b: float
    blocks: tuple
    ratio: statistics.Ratio
    base: str = None
    change: statistics.Ratio = None
    adjusted_p: float = None
    verdict: str = ""
    change_adjusted_p: float = None
    change_verdict: str = ""
    lost: tuple = ()


@dataclass
class Comparison:
    """Two runs and what their comparison came to. unmatched: [(where: "A", "B" or "both", scenario, cell, mechanism,
    why)]; gone: [(scenario, cell, mechanism, why)] of them that have a number in A and came to none in B, though B
    tried; environment: see environments.differences; stamps, missing: sentences."""
    a: object
    b: object
    metric: str
    margin: float
    rows: list
    unmatched: list
    gone: list
    environment: list = field(default_factory=list)
    stamps: list = field(default_factory=list)
    missing: list = field(default_factory=list)

    @property
    def paired(self):
        """Never: see above."""
        return False

    @property
    def more_is_better(self):
        return self.metric in MORE_IS_BETTER

    @property
    def families(self):
        """How many ratios, and how many changes, the p-values were corrected for."""
        rows = [row for row in self.rows if row.adjusted_p is not None]
        return len(rows), sum(row.change_adjusted_p is not None for row in self.rows)


def usual(folder):
    """The metric that a run is compared by if none is asked for: of its servers, or else of its waits."""
    return METRICS[0] if any(one.program == "servers" for one in read_run(folder).scenarios) else WAIT_METRICS[0]


def compare(first, second, metric=METRICS[0], margin=statistics.MARGIN):
    """The Comparison of the runs in the folders `first` (A) and `second` (B). RunError says what is wrong: no run,
    another version's, the same one twice, nothing in common, nothing measured."""
    if metric not in METRICS + WAIT_METRICS:
        raise RunError(f"--metric {metric}: no such number to compare; there are: {', '.join(METRICS)}; of single "
                       f"waits: {', '.join(WAIT_METRICS)}")
    a, b = (read_run(folder, "waitcost" if metric in WAIT_METRICS else "servers") for folder in (first, second))
    if a.folder == b.folder:
        raise RunError(f"{first} and {second} are the same run, {a.folder}; give two runs (`ls results` shows them), "
                       "or see its report for the comparison of its mechanisms")
    for run in (a, b):
        if all(_numbers(one, metric).empty for one in run.scenarios):
            raise RunError(f"{run.folder}: no valid sample has a {metric}; choose another --metric, or run it again")
    rows, unmatched, gone = [], [], []
    for name in dict.fromkeys(one.name for run in (a, b) for one in run.scenarios):
        for found, its in zip((rows, unmatched, gone), _scenario(_named(a, name), _named(b, name), name, metric)):
            found += its
    if not rows:
        raise RunError(f"{first} and {second} have no measured cell in common (A: {_contents(a)}; B: {_contents(b)}); "
                       "compare two runs of one scenario")
    found = Comparison(a, b, metric, margin, rows, unmatched, gone)
    _judge(found)
    _surroundings(found)
    return found


def _named(run, name):
    return next((one for one in run.scenarios if one.name == name), None)


def _contents(run):
    return ", ".join(one.name for one in run.scenarios)


def _numbers(scenario, metric):
    """The samples whose number counts: usable, positive (a logarithm is taken), and for a percentile one that may be
    quoted (column `latency`; of response times one without requests that were due and never sent)."""
    samples = scenario.usable
    if metric.startswith(("response_", "service_")):
        samples = samples[samples["latency"] == ""]
    if metric.startswith("response_"):
        samples = samples[~(samples["cut_off"] > 0)]
    if metric not in samples.columns:
        return samples[:0]
    return samples[samples[metric] > 0]


# ---- cells that match ---------------------------------------------------------------------------------

def _scenario(a, b, name, metric):
    """(Rows, unmatched, gone) of one scenario's two sides, either of which may be None."""
    program = (a or b).program
    sides = [_keyed(one.samples, program) if one is not None else {} for one in (a, b)]
    counted = [_keyed(_numbers(one, metric), program) if one is not None else {} for one in (a, b)]
    both = pd.concat([one.samples for one in (a, b) if one is not None])
    varying = cells.varying(both, SETTINGS[program])
    rows, unmatched, gone = [], [], []
    for cell in _ordered(sides, program):
        label = _label(dict(zip(SETTINGS[program], cell)), varying, program)
        measured = [{key[1] for key in side if key[0] == cell} for side in counted]
        base = next((one for one in cells.BASES if one in measured[0] & measured[1]), None)
        for mechanism in style.order({key[1] for side in sides for key in side if key[0] == cell}):
            its = [side.get((cell, mechanism)) for side in sides]
            if mechanism in measured[0] & measured[1]:
                rows.append(_row(name, label, cell, mechanism, base, counted, metric))
                rows[-1].lost = _lost(its, metric)
                continue
            unmatched.append(_lonely(name, label, mechanism, its, metric))
            if mechanism in measured[0] and its[1] is not None and (its[1]["status"] != "unsupported").any():
                gone.append(unmatched[-1][1:])
    return rows, unmatched, gone


def _lost(sides, metric):
    """What each side lost of its blocks for their outcome: ("B: 3 of 10 blocks without a number: 2 invalid, 1 cut
    off",)."""
    found = []
    for name, rows in zip("AB", sides):
        why = rows["status"].where(~rows["status"].isin((*USABLE, "unsupported")), "")
        if metric.startswith("response_"):
            why = why.mask((why == "") & (rows["cut_off"] > 0), "cut off")
        counted = why[why != ""].value_counts().sort_index()
        if len(counted):
            kinds = ", ".join(f"{count} {kind}" for kind, count in counted.items())
            found.append(f"{name}: {counted.sum()} of {len(rows)} blocks without a number: {kinds}")
    return tuple(found)


def _keyed(samples, program):
    """{(cell's settings, mechanism): its rows}; no number is None, so that equal settings are equal."""
    keys = [*SETTINGS[program], "mechanism"]
    found = {}
    for values, rows in samples.groupby(keys, dropna=False, sort=False):
        *settings, mechanism = [None if pd.isna(value) else value for value in values]
        found[tuple(settings), mechanism] = rows
    return found


def _ordered(sides, program):
    """All cells of both sides, ascending in what is a number."""
    found = {key[0] for side in sides for key in side}
    place = [SETTINGS[program].index(key) for key in ORDER[program]]
    return sorted(found, key=lambda cell: ([cell[i] or 0 for i in place], [str(value) for value in cell]))


def _label(values, varying, program):
    """The name of a cell from its VALUES by setting: of its size, and of what else VARIES."""
    if program == "waitcost":
        return waits.name_of({key: values[key] for key in ("descriptors", *varying)})
    shown = {key: values[key] for key in ("connections", *varying)}
    if "active" in shown:
        every = values["active"] == values["connections"]
        shown = {("active_setting" if key == "active" else key): value for key, value in shown.items()}
        shown["active_setting"] = "all" if every else f"{values['active']:,.0f}"
    return cells.name_of(shown)


def _row(scenario, label, cell, mechanism, base, counted, metric):
    a, b = (cells.by_block(side[cell, mechanism], metric) for side in counted)
    row = Row(scenario, label, mechanism, float(a.median()), float(b.median()), (len(a), len(b)),
              statistics.welch_logs(np.log(b), np.log(a)))
    if base is not None and base != mechanism:
        logs = [statistics.paired_logs(its, cells.by_block(side[cell, base], metric))
                for its, side in zip((a, b), counted)]
        row.base, row.change = base, statistics.welch_logs(logs[1], logs[0])
    return row


def _lonely(scenario, label, mechanism, sides, metric):
    """Why there is no row: only one run has it, or it has no number in one of them."""
    where = "both" if all(side is not None for side in sides) else "A" if sides[0] is not None else "B"
    statuses = [", ".join(dict.fromkeys(side["status"])) for side in sides if side is not None]
    why = " in A, ".join(statuses) + " in B" if where == "both" else statuses[0]
    if where == "both" and statuses[0] == statuses[1]:
        why = f"{statuses[0]} in both"
    if any(status in USABLE for side in sides if side is not None for status in side["status"]) and where == "both":
        why += f": no {metric} to compare"
    return where, scenario, label, mechanism, why


# ---- what may be said ---------------------------------------------------------------------------------

def _judge(comparison):
    """Fill in the verdicts: Holm's correction over all rows, and over all changes as a family of their own."""
    rows, words = comparison.rows, {"higher": "slower", "lower": "faster"}
    if comparison.more_is_better:
        words = {"higher": "faster", "lower": "slower"}

    def verdict(ratio, p):
        found = statistics.judge(ratio, p, comparison.margin)
        return words.get(found, found)
    for row, p in zip(rows, statistics.holm([row.ratio.p for row in rows])):
        row.adjusted_p, row.verdict = p, verdict(row.ratio, p)
    rows = [row for row in rows if row.change is not None]
    for row, p in zip(rows, statistics.holm([row.change.p for row in rows])):
        row.change_adjusted_p, row.change_verdict = p, verdict(row.change, p)


def _surroundings(comparison):
    """Fill in what differs around the two runs, for the scenarios that both have."""
    names = dict.fromkeys(row.scenario for row in comparison.rows)
    a, b = ([_named(run, name) for name in names] for run in (comparison.a, comparison.b))
    comparison.environment = environments.differences(a, b)
    comparison.missing = [f"environment.json is missing in {side} for {', '.join(environments.missing(run))}: what "
                          "differs between the machines cannot be said" for side, run in zip("AB", (a, b))
                          if environments.missing(run)]
    comparison.stamps = environments.stamps(a, b)
    fewest = [min(one.blocks for one in run) for run in (a, b)]
    if min(fewest) < STANDARD_BLOCKS:
        comparison.stamps.append(f"exploratory: A has {fewest[0]} and B {fewest[1]} blocks, a standard run has "
                                 f"{STANDARD_BLOCKS}")


def counts(run):
    """How many samples a run has of each status: "60 samples: 58 valid, 2 invalid (left out)"."""
    found = pd.concat([one.samples["status"] for one in run.scenarios]).value_counts()
    parts = [f"{found[status]:,} {status}" + ("" if status in USABLE else " (left out)")
             for status in STATUSES if status in found]
    return f"{found.sum():,} samples: {', '.join(parts)}"


# ---- regression checks --------------------------------------------------------------------------------

def beyond(comparison, word, threshold, by_change=False):
    """The rows that are `word` ("slower" or "faster") by more than `threshold` (0.05 is 5 %: 1.05 times, or 1 / 1.05).

    The near end of the 95 % interval must lie beyond 1 (the verdict is that word: its p, corrected for all rows, is
    below 5 %), and the point beyond the threshold. That bounds what the scatter of the blocks alone does, to one
    comparison of twenty. It does not bound drift: B ÷ A includes whatever drifted between the two runs, and a machine
    that is 5 % slower in the second one is reported as a slower B. by_change looks at the change of the ratio to the
    base instead, in which that cancels.
    """
    found = []
    for row in comparison.rows:
        ratio, verdict = (row.change, row.change_verdict) if by_change else (row.ratio, row.verdict)
        if verdict == word and abs(np.log(ratio.value)) > np.log1p(threshold):
            found.append(row)
    return found


def blind(comparison, threshold, by_change=False):
    """The rows that would not have shown a difference of `threshold`: one block, or too much noise."""
    ratios = [row.change if by_change else row.ratio for row in comparison.rows]
    return sum(ratio is not None and (ratio.detectable is None or ratio.detectable > threshold) for ratio in ratios)


# ---- for programs -------------------------------------------------------------------------------------

def to_json(comparison):
    """The Comparison as dicts and lists of plain values; what is not known is None."""
    families = comparison.families
    return {
        "a": str(comparison.a.folder), "b": str(comparison.b.folder), "metric": comparison.metric,
        "more_is_better": comparison.more_is_better, "margin": comparison.margin, "paired": comparison.paired,
        "stamps": comparison.stamps, "missing": comparison.missing,
        "samples": {"a": counts(comparison.a), "b": counts(comparison.b)},
        "environment": [dict(zip(("key", "a", "b"), one)) for one in comparison.environment],
        "holm_family": families[0], "holm_family_of_changes": families[1],
        "rows": [_plain(row) for row in comparison.rows],
        "unmatched": {side: [dict(zip(("scenario", "cell", "mechanism", "why"), one[1:]))
                             for one in comparison.unmatched if one[0] == where]
                      for side, where in (("only_a", "A"), ("only_b", "B"), ("no_number", "both"))},
        "gone": [dict(zip(("scenario", "cell", "mechanism", "why"), one)) for one in comparison.gone]}


def _plain(row):
    return {"scenario": row.scenario, "cell": row.cell, "mechanism": row.mechanism, "a": row.a, "b": row.b,
            "blocks_a": row.blocks[0], "blocks_b": row.blocks[1],
            "lost": list(row.lost), **_ratio(row.ratio, row.adjusted_p, row.verdict), "base": row.base,
            "change": row.change and _ratio(row.change, row.change_adjusted_p, row.change_verdict)}


def _ratio(ratio, adjusted_p, verdict):
    return {"ratio": ratio.value, "interval95": ratio.interval95, "interval90": ratio.interval90, "p": ratio.p,
            "adjusted_p": adjusted_p, "verdict": verdict, "differs": bool(ratio.differs),
            "detectable": ratio.detectable}
