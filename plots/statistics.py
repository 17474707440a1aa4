"""Comparisons: ratios with their intervals, what may be said of them, and how small a difference they would show.

The unit of replication is the block. With d_i = ln(a_i / b_i) for the n blocks in which both mechanisms
have a usable sample, the ratio is exp(mean d) and its interval exp(mean d ± t · s / √n), where s is the
standard deviation of d (n − 1 degrees of freedom) and t the quantile of Student's distribution with n − 1
degrees of freedom (Jain, The Art of Computer Systems Performance Analysis, 1991, §13.4.1, paired
observations, on the logarithms). Two groups of blocks that are not paired: welch_logs().

Equivalence comes first. When the 90 % interval lies inside the margin, judge() says "equivalent", even if the interval
excludes 1: the margin was fixed in advance as the smallest difference that matters, and with enough blocks every
difference, however small, excludes 1. Ratio.differs tells those apart, and the interval stands beside the word.
Otherwise "higher" and "lower" need p < 0.05, corrected for how many ratios are looked at; and what is neither is
"inconclusive", never "equal". (Schuirmann 1987, two one-sided tests; Lakens 2017, when both tests reject.)
"""
from dataclasses import dataclass

import numpy as np
from scipy import stats

MARGIN = 0.03       # equivalent: the 90 % interval inside 1 / 1.03 … 1.03
SIGNIFICANT = 0.05  # of a p-value, corrected where there are several
POWER = 0.80        # with which the smallest detectable effect is found
OUTLIER_MADS = 14.8  # 10 standard deviations of a normal distribution


@dataclass(frozen=True)
class Ratio:
    """a / b over n blocks: the estimate and its 95 % and 90 % intervals; p of the two-sided t test that it is 1; s, the
    standard deviation of the log ratios (None where groups are not paired); detectable, the smallest difference that
    would be found, as a fraction (see detectable_effect). All None where there are not two blocks."""
    value: float
    n: int
    interval95: tuple = None
    interval90: tuple = None
    p: float = None
    s: float = None
    detectable: float = None

    @property
    def differs(self):
        """Whether the 95 % interval excludes 1 (this ratio alone, not corrected for others)."""
        return self.interval95 is not None and not self.interval95[0] <= 1 <= self.interval95[1]

    @property
    def verdict(self):
        """judge() of this ratio alone."""
        return judge(self)


def judge(ratio, adjusted_p=None, margin=MARGIN):
    """What may be said of a Ratio: "higher", "lower", "equivalent", "inconclusive" or "one block".

    adjusted_p: its p-value out of holm(), for a ratio that is one of several; without it the ratio's own.
    margin: equivalent is within 1 / (1 + margin) … 1 + margin.
    """
    if ratio.interval90 is None:
        return "one block"
    low, high = ratio.interval90
    if 1 / (1 + margin) < low and high < 1 + margin:
        return "equivalent"
    if (ratio.p if adjusted_p is None else adjusted_p) < SIGNIFICANT:
        return "higher" if ratio.value > 1 else "lower"
    return "inconclusive"


def holm(p_values):
    """The p-values of one family corrected for their number, in the same order: with each below its threshold, the
    chance of even one false finding stays below it (Holm, A Simple Sequentially Rejective Multiple Test Procedure,
    1979). The i-th smallest of m is multiplied by m − i + 1, never falls below a smaller one's, and ends at 1.
    None and NaN stay None and are not counted.
    """
    values = np.array([np.nan if p is None else p for p in p_values], dtype=float)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    steps = values[order] * np.arange(len(order), 0, -1)
    values[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [None if np.isnan(p) else float(p) for p in values]


def flag_outliers(values):
    """A boolean array: which values lie over 14.8 MAD from the median, MAD being the median distance from it (Hampel
    1974; ten standard deviations if they are normal). For flags only: nothing is deleted. NaN is never flagged."""
    values = np.asarray(values, dtype=float)
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return np.zeros(len(values), dtype=bool)
    distance = np.abs(values - np.median(known))
    return distance > OUTLIER_MADS * np.nanmedian(distance)


def mean_interval(values, level):
    """Mean of `values` and its two-sided Student interval at `level` (0 … 1). Needs two values or more."""
    values = np.asarray(values, dtype=float)
    half = stats.t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return values.mean() - half, values.mean() + half


def paired_logs(a, b):
    """ln(a / b) for each index (block) at which both series hold a positive number, in ascending order."""
    a, b = a[a > 0], b[b > 0]
    common = a.index.intersection(b.index).sort_values()
    return np.log(a.loc[common] / b.loc[common])


def ratio_of(logs):
    """The Ratio that these log ratios, one per block, come to; None when there are none."""
    logs = np.asarray(logs, dtype=float)
    if len(logs) == 0:
        return None
    if len(logs) == 1:
        return Ratio(float(np.exp(logs[0])), 1)
    s = float(logs.std(ddof=1))
    return _ratio(logs.mean(), s / np.sqrt(len(logs)), len(logs) - 1, len(logs), s)


def welch_logs(a, b):
    """The Ratio exp(mean a − mean b) of two groups of blocks that are not paired, each given by its logs.

    Welch's interval: the groups may differ in spread and in number (The generalization of "Student's" problem when
    several different population variances are involved, 1947). n is the number of blocks of both. None when a group
    is empty; no interval when one has a single block.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if not len(a) or not len(b):
        return None
    if min(len(a), len(b)) == 1:
        return Ratio(float(np.exp(a.mean() - b.mean())), len(a) + len(b))
    parts = np.array([one.var(ddof=1) / len(one) for one in (a, b)])
    weights = parts ** 2 / [len(a) - 1, len(b) - 1]
    degrees = parts.sum() ** 2 / weights.sum() if weights.sum() else len(a) + len(b) - 2
    return _ratio(a.mean() - b.mean(), np.sqrt(parts.sum()), degrees, len(a) + len(b))


def _ratio(mean, error, degrees, n, s=None):
    """The Ratio of a mean log with its standard error. Exact counters have no error: their interval is a point."""
    def interval(level):
        half = stats.t.ppf((1 + level) / 2, degrees) * error
        return float(np.exp(mean - half)), float(np.exp(mean + half))
    p = 2 * stats.t.sf(abs(mean) / error, degrees) if error else float(mean == 0)
    return Ratio(float(np.exp(mean)), n, interval(0.95), interval(0.90), float(p), s,
                 detectable_effect(error, degrees))


def detectable_effect(error, degrees):
    """The smallest difference that would be found four times out of five, as a fraction: 0.04 is 4 %.

    error: the standard error of the mean log ratio, s / √n when paired. exp((t(0.975) + t(0.80)) · error) − 1, with
    Student's quantiles: from 30 blocks on the 2.8 · s / √n of the textbooks, 3.1 with ten blocks, 5.4 with three.
    """
    return float(np.expm1((stats.t.ppf(1 - SIGNIFICANT / 2, degrees) + stats.t.ppf(POWER, degrees)) * error))


def crossing(x, log_ratio):
    """Where a log ratio falls from above 0 to 0 or below, on a log x axis: the first place; None if it
    never does.

    x: ascending positive numbers; log_ratio: as many. Between two points the line is straight in ln x.
    """
    x, log_ratio = np.asarray(x, dtype=float), np.asarray(log_ratio, dtype=float)
    for i in range(len(x) - 1):
        above, below = log_ratio[i], log_ratio[i + 1]
        if above > 0 >= below:
            part = above / (above - below)
            return float(np.exp(np.log(x[i]) + part * (np.log(x[i + 1]) - np.log(x[i]))))
    return None
