"""The gates: what a sample must pass to be called valid, all in one table (METHOD.md, rows 1 to 30).

A gate looks at what was recorded of one sample and its block, and says what is wrong, or nothing. What follows is
in the table: an `invalid` sample is kept and never averaged; a `suspect` one is averaged and marked; with `latency`
its CPU figures count and its response times do not; with `again` the block is run again, because the environment
spoiled it. Such a gate never looks at the outcome.
"""
from dataclasses import dataclass, field
from typing import Callable

from runner.support import base

SCANNERS = ("select", "select-wide", "poll")
TICKS_US = 30_000   # what the kernel's accounting in ticks may be wrong by
FEW_SLICES = 10     # fewer tell nothing of a trend
LIMIT_PERCENT, CHANCE_P = 3, 0.01


@dataclass(frozen=True)
class Evidence:
    """All that is known of a sample. SAMPLE: its row; BLOCK: the rows of slices.csv of all mechanisms that were driven
    with it; ENVIRONMENT: the generator's probes {"before": {...}, "after": {...}}; PINNED: servers and generator
    have a core each; SETTINGS: the cell's."""
    sample: dict
    block: list
    environment: dict
    pinned: bool
    settings: dict = field(default_factory=dict)

    @property
    def slices(self):
        """The rows of this sample."""
        return [one for one in self.block if one["mechanism"] == self.sample["mechanism"]]

    def number(self, name):
        """A number of the sample, or None if it was not measured."""
        return self.sample.get(name)


@dataclass(frozen=True)
class Gate:
    """One question. ROWS: of METHOD.md; WHAT follows: "invalid", "suspect", "latency" or "again"; CHECK(evidence) gives
    the reason, or None; for those that the generator asks itself there is none."""
    name: str
    rows: str
    asks: str
    threshold: str
    what: str
    source: str
    check: Callable = None


# ---- was the environment the same? -------------------------------------------------------------------------

def _shift_percent(environment, name):
    """By how much a probe differs after the block from before, in percent; None if either is missing."""
    before, after = (environment.get(when, {}).get(name) for when in ("before", "after"))
    return 100 * abs(after / before - 1) if before and after else None


def shifts(environment):
    """{column of samples.csv: number} of the ENVIRONMENT's probes."""
    spins = [_shift_percent(environment, name) for name in ("server_spin_ns", "generator_spin_ns")]
    return {"spin_ns": environment.get("before", {}).get("server_spin_ns"),
            "spin_shift_percent": None if None in spins else max(spins),
            "round_trip_shift_percent": _shift_percent(environment, "round_trip_ns")}


def _probes(evidence):
    if evidence.pinned and None in shifts(evidence.environment).values():
        return "the environment was not recorded: a probe of the cores is missing"
    return None


def _above(name, limit, words):
    """A check that the sample's number NAME is at most LIMIT; WORDS say what it is when it is more."""
    def check(evidence):
        value = evidence.number(name)
        return words.format(value) if value is not None and value > limit else None
    return check


def _others(evidence):
    others, slices = evidence.number("others_percent"), evidence.slices
    duration_us = 1000 * sum(one["duration_ms"] for one in slices)
    if others is None or not duration_us or others <= 10 + 100 * TICKS_US / duration_us:
        return None
    return f"other programs used {others:.0f} % of the two cores"


def _share(evidence):
    share = evidence.number("generator_share_percent")
    if share is None or share >= 95:
        return None
    return f"the polling generator got {share:.0f} % of its core: others, or the hypervisor, had the rest"


# ---- is the sample what it says it is? ---------------------------------------------------------------------

def _little(evidence):
    outstanding, mean_us, rate = (evidence.number(name) for name in
                                  ("outstanding_mean", "service_mean_us", "throughput_per_s"))
    if not outstanding or mean_us is None:
        return None
    product = rate * mean_us / 1e6
    if abs(product / outstanding - 1) <= 0.05:
        return None
    return (f"Little's law does not hold: {outstanding:.3g} requests on the way, but rate times service time "
            f"is {product:.3g}")


def _examined(evidence):
    sample = evidence.sample
    waits, examined = sample.get("waits_per_request"), sample.get("fds_per_request")
    if base(sample["mechanism"]) not in SCANNERS or evidence.settings.get("churn") or not waits:
        return None
    handed = sample["connections"] + 1   # and the listening socket
    if abs(examined / waits - handed) < 1e-6 * handed:
        return None
    return f"{examined / waits:,.1f} descriptors were examined in a wait, not {handed:,}"


def _client_busy(evidence):
    busy = evidence.number("client_cpu_percent")
    threads = evidence.settings.get("threads") or 1
    if busy is None or busy <= 85 * threads:
        return None
    return f"the generator used {busy / threads:.0f} % of its core"


def _lag(evidence):
    lag, late, tail = (evidence.number(name) for name in ("lateness_p99_us", "late_percent", "response_p99_us"))
    if late is not None and late > 1:
        return f"{late:.2g} % of the requests were sent over 100 us late"
    if lag is not None and tail is not None and lag > tail / 10:
        return f"the generator's lateness (p99 {lag:.3g} us) is over a tenth of the p99 ({tail:.3g} us)"
    return None


def relative_costs(evidence):
    """Server CPU per request of the sample's slices in their order, each divided by what the machine did to all: the
    median over the block's mechanisms of their cost in that round, relative to their own median. A list of
    (round, cost in us)."""
    import pandas as pd
    table = pd.DataFrame(evidence.block)
    table = table[(table["requests"] > 0) & table["server_cpu_us"].notna()]
    if table.empty:
        return []
    table = table.assign(cost=table["server_cpu_us"] / table["requests"])
    costs = table.pivot_table(index="round", columns="mechanism", values="cost")
    if evidence.sample["mechanism"] not in costs:
        return []
    common = (costs / costs.median()).median(axis=1) if costs.shape[1] > 1 else 1
    return list((costs[evidence.sample["mechanism"]] / common).dropna().items())


def steady(evidence):
    """"" (too few slices to tell), "yes", or a sentence: the halves' medians differ by over 3 % and by more than
    chance (Mann and Whitney), or there is a trend (Spearman) that comes to over 3 % (Theil and Sen). Both need both: by
    3 % alone, without the other mechanisms, 37 of the 99 samples of ten slices in results/reference would be marked; by
    p alone a drift of 0.5 % over fifty slices was."""
    from scipy import stats
    costs = [cost for _, cost in relative_costs(evidence)]
    if len(costs) < FEW_SLICES:
        return ""
    first, second = costs[:len(costs) // 2], costs[len(costs) // 2:]
    percent = 100 * (_median(second) / _median(first) - 1)
    drift = 100 * stats.theilslopes(costs).slope * len(costs) / _median(costs)
    trend = 1 if abs(drift) <= LIMIT_PERCENT else stats.spearmanr(range(len(costs)), costs).pvalue
    chance = stats.mannwhitneyu(first, second).pvalue
    stepped = abs(percent) > LIMIT_PERCENT and chance < CHANCE_P
    if not stepped and trend >= CHANCE_P:
        return "yes"
    return (f"not stationary: the second half's requests cost {abs(percent):.1f} % "
            f"{'more' if percent > 0 else 'less'} than the first's (trend: p = {trend:.2g})")


def _median(values):
    from statistics import median
    return median(values)


def _steady(evidence):
    verdict = steady(evidence)
    return verdict if verdict.startswith("not") else None


GATES = (
    Gate("echo", "7", "Every echoed byte is the one that was sent; no connection is lost", "0 errors", "invalid",
         "fio's verify; loadgen/client.c"),
    Gate("conservation", "7", "Sent = received + lost; the server's bytes in and out = the client's", "exactly",
         "invalid", "Jain 1991; loadgen/sample.c"),
    Gate("established", "9", "The server and the kernel's table have N connections, at the start and the end; idle "
         "ones are silent", "exactly N", "invalid", "Banga and Mogul 1998; loadgen/turns.c"),
    Gate("examined", "10", "select and poll examine every descriptor in every wait", "exactly N + 1", "invalid",
         "select(2), poll(2)", _examined),
    Gate("little", "6", "Requests on the way = rate x service time", "5 %", "invalid", "Little 1961", _little),
    Gate("probes", "24", "The cores were probed before and after", "none missing", "invalid", "METHOD.md", _probes),
    Gate("steal", "24", "The hypervisor leaves the two cores alone", "1 %", "again", "proc(5)",
         _above("steal_percent", 1, "the hypervisor gave {:.1f} % of the cores' time to others (steal)")),
    Gate("spin", "24", "A fixed piece of arithmetic takes as long after the block as before", "3 %", "again",
         "METHOD.md; Mytkowicz et al. 2009",
         _above("spin_shift_percent", 3, "the cores' speed changed by {:.0f} % during the block")),
    Gate("round-trip", "24", "The two cores are as far from each other after the block as before", "25 %", "again",
         "METHOD.md", _above("round_trip_shift_percent", 25,
                             "the distance between the cores changed by {:.0f} % during the block")),
    Gate("others", "24", "Other programs leave the two cores alone", "10 % and 30 ms (ticks)", "again",
         "Georges et al. 2007", _others),
    Gate("share", "24", "A polling generator gets its whole core", "95 %", "again", "METHOD.md (both utilisations)",
         _share),
    Gate("steady", "25", "From ten slices on: the halves' medians agree, and there is no trend, beyond what the "
         "machine did to all mechanisms", "3 %, with p < 0.01 (Mann-Whitney; Spearman)", "suspect",
         "Kalibera and Jones 2013; Barrett et al. 2017", _steady),
    Gate("client", "5", "The generator has time to spare", "85 % of its core", "latency",
         "mutilate; Lancet (ATC 2019)", _client_busy),
    Gate("lag", "5", "Requests are sent when they are due (open loop)",
         "p99 100 us, and a tenth of the p99", "latency", "wrk2; Lancet (ATC 2019)", _lag),
)


def judge(evidence):
    """What the gates say of a sample that the generator calls valid: the columns status, reason, latency, steady and
    again."""
    said = [(gate.what, gate.check(evidence)) for gate in GATES if gate.check]
    reasons = {what: [reason for whose, reason in said if whose == what and reason]
               for what in ("invalid", "again", "suspect", "latency")}
    status = "invalid" if reasons["invalid"] else "suspect" if reasons["again"] or reasons["suspect"] else "valid"
    marks = reasons["invalid"] + reasons["again"] + reasons["suspect"]
    return {"status": status, "reason": "; ".join(marks), "latency": "; ".join(reasons["latency"]),
            "steady": steady(evidence), "again": spoiled(evidence)}


def spoiled(evidence):
    """Why the environment spoiled the block, or ""; asked of every sample, whatever came of it."""
    reasons = [_probes(evidence), *(gate.check(evidence) for gate in GATES if gate.what == "again")]
    return "; ".join(filter(None, reasons))
