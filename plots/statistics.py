"""Comparisons: ratios paired within blocks, with their intervals.

The unit of replication is the block. With d_i = ln(a_i / b_i) for the n blocks in which both mechanisms
have a usable sample, the ratio is exp(mean d) and its interval exp(mean d ± t · s / √n), where s is the
standard deviation of d (n − 1 degrees of freedom) and t the quantile of Student's distribution with n − 1
degrees of freedom (Jain, The Art of Computer Systems Performance Analysis, 1991, §13.4.1, paired
observations, on the logarithms).
"""
from dataclasses import dataclass

import numpy as np
from scipy import stats

EQUIVALENCE = 1.03  # "the same" needs the 90 % interval inside 1 / 1.03 … 1.03


@dataclass(frozen=True)
class Ratio:
    """a / b over n blocks: the estimate, its 95 % and 90 % intervals (None with fewer than two blocks)."""
    value: float
    n: int
    interval95: tuple = None
    interval90: tuple = None

    @property
    def verdict(self):
        """higher or lower: the 95 % interval excludes 1; same: equivalent within 3 %; else inconclusive."""
        if self.interval95 is None:
            return "one block"
        low, high = self.interval95
        if low > 1 or high < 1:
            return "higher" if low > 1 else "lower"
        low, high = self.interval90
        return "same within 3 %" if 1 / EQUIVALENCE < low and high < EQUIVALENCE else "inconclusive"


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
    if len(logs) == 0:
        return None
    value = float(np.exp(np.mean(logs)))
    if len(logs) == 1:
        return Ratio(value, 1)
    bounds = [tuple(float(np.exp(bound)) for bound in mean_interval(logs, level)) for level in (0.95, 0.90)]
    return Ratio(value, len(logs), *bounds)


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


def slope(x, y):
    """b of y = a + b · x by least squares with weights 1 / y (relative errors). Needs two different x."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    return float(np.polyfit(x, y, 1, w=1 / y)[0])
