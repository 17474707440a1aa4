"""What a soak's samples say: a verdict for each server, from the state after its windows.

The first window is not judged: tables and heap grow to what the load needs, and later windows need the same.
"""
from itertools import zip_longest
from statistics import median

from scipy import stats

CHANCE = 0.01        # a trend or a drift that chance alone shows more often is none
# A good server's sizes stay the same to a page or two.  A leak first fills the free end of the heap, of which malloc
# keeps 128 KiB (M_TRIM_THRESHOLD): in 30 minutes, with 120,000 connections, that hides 1 byte for each.
GROWTH_BYTES = 64 << 10
# A server that runs for months: 30 MiB in a month are nothing to it, and 1 MiB in a day is 5 pages in 30 minutes, the
# least that can be told from a page touched late.
TREND_BYTES_PER_DAY = 1 << 20
TREND_WINDOWS = 6        # with fewer no order of them has a chance under CHANCE (2 of 5! is 0.017, of 6! 0.003)
# The machine drifts by 30 % within minutes: only ratios between servers count, and these vary by a few percent.
DRIFT_PERCENT = 10
# Compared with those that do the same work: as others came to use the cores, requests to epoll servers cost 40 % more,
# and those to servers that scan, 15 %.
KINDS = ({"select", "select-wide", "poll"}, {"epoll-lt", "epoll-et"})
DRIFT_WINDOWS = 15       # in thirds: 5 against 5 is the least with a chance under CHANCE (2 of 252 orders)
DAY_S = 86400


def judge_all(soaked):
    """The verdicts by mechanism, dicts.  SOAKED: by mechanism, `before` (the state before the first window),
    `windows` (samples) and `faults` (texts)."""
    drifts = cpu_drifts({name: [row["server_cpu_us_per_request"] for row in one["windows"]]
                         for name, one in soaked.items()})
    return {name: judge(one, drifts[name]) for name, one in soaked.items()}


def judge(one, drift):
    """The verdict over ONE server, whose CPU drift is known."""
    windows, bad = one["windows"], list(one["faults"])
    verdict = {"windows": len(windows), **totals(windows), "cpu_drift": drift}
    if errors := verdict["errors"]:
        bad.append(f"{errors} errors")
    if len(windows) >= 2:
        verdict["descriptors"] = [one["before"]["descriptors"], *(windows[i]["descriptors"] for i in (0, -1))]
        bad += descriptor_faults(windows)
        for name in "anonymous_bytes", "data_bytes":
            verdict[name] = memory(windows, name)
            bad += memory_faults(verdict[name], name)
    if drift and drift["percent"] > DRIFT_PERCENT and drift["chance"] < CHANCE:
        bad.append(f"CPU per request rises by {drift['percent']:.0f} % against its kind")
    return {**verdict, "verdict": "bad" if bad else "good" if len(windows) >= 2 else "too short", "bad": bad}


def totals(windows):
    """Over all WINDOWS: sums, and medians of times."""
    def middle(name):
        known = [row[name] for row in windows if row[name] is not None]
        return median(known) if known else None
    return {**{name: sum(row[name] for row in windows) for name in ("requests", "opened", "errors")},
            **{name: middle(name) for name in ("response_p50_us", "response_p99_us", "server_cpu_us_per_request")}}


def descriptor_faults(windows):
    """Each window must end with as many as the first."""
    first = windows[0]["descriptors"]
    other = [row for row in windows if row["descriptors"] != first]
    if not other:
        return []
    return [f"{first} descriptors after the first window, {other[0]['descriptors']} after window "
            f"{other[0]['window']}, {windows[-1]['descriptors']} after the last"]


def memory(windows, name):
    """Of the size NAME after each window: first, last, the trend in bytes per day (Theil and Sen), and whether it
    `rises`: not by chance (Kendall), and in both halves; a page touched late is a step in one of them.  None where
    there are too few windows to tell."""
    days, sizes = [row["at_s"] / DAY_S for row in windows[1:]], [row[name] for row in windows[1:]]
    found = {"first": windows[0][name], "last": windows[-1][name], "trend_per_day": None, "rises": None}
    if len(sizes) < TREND_WINDOWS:
        return found
    half = len(sizes) // 2
    parts = slice(None), slice(half), slice(half, None)
    slopes = [stats.theilslopes(sizes[part], days[part]).slope for part in parts]
    varies = min(sizes) < max(sizes)
    rises = varies and min(slopes) > 0 and stats.kendalltau(days, sizes).pvalue < CHANCE
    return {**found, "trend_per_day": slopes[0], "rises": bool(rises)}


def memory_faults(found, name):
    """What is wrong with the size NAME, of which memory() FOUND this."""
    bad, grown = [], found["last"] - found["first"]
    if grown > GROWTH_BYTES:
        bad.append(f"{name}: {grown / 1024:.0f} KiB more than after the first window")
    if found["rises"] and found["trend_per_day"] > TREND_BYTES_PER_DAY:
        bad.append(f"{name}: grows by {found['trend_per_day'] / 2**20:.1f} MiB a day")
    return bad


def cpu_drifts(costs):
    """For each mechanism how its CPU per request changes from the first third of the windows to the last, as a ratio
    to the median of the others of its kind in the same window: percent, and the chance of it (Mann and Whitney).
    COSTS: by mechanism, one for each window.  None where there are too few windows, or no others, to tell."""
    return {name: cpu_drift(costs[name], [costs[other] for kind in KINDS if name in kind
                                          for other in sorted(kind - {name}) if other in costs]) for name in costs}


def cpu_drift(own, others):
    """The drift of the costs OWN against those of the OTHERS, lists of one cost for each window."""
    ratios = []
    for mine, *theirs in list(zip_longest(own, *others))[1:]:
        theirs = [cost for cost in theirs if cost]
        if mine and theirs:
            ratios.append(mine / median(theirs))
    if len(ratios) < DRIFT_WINDOWS:
        return None
    third = len(ratios) // 3
    first, last = ratios[:third], ratios[-third:]
    chance = stats.mannwhitneyu(first, last).pvalue
    return {"percent": 100 * (median(last) / median(first) - 1), "chance": float(chance)}
