"""Percentiles over blocks: histograms are merged by their counts, percentiles are never averaged.

The definition is that of loadgen/histogram.c: the middle of the bucket in which the request of rank ⌈n · q⌉ lies.
"""
import math

import numpy as np
import pandas as pd

from . import files

ENOUGH = 10  # a percentile q is given only when n · (1 − q) requests or more lie beyond it


def read(folder, kind="response"):
    """The histograms of one kind in a run's folder: {sample: counts by the middle of each bucket in ns}.

    A bucket takes the whole numbers from its lower end to one below its upper end. Empty when there is no
    histograms.csv.
    """
    path = folder / "histograms.csv"
    if not path.is_file():
        return {}
    table = files.read_table(path, ("sample", "kind"), ("lower_ns", "upper_ns", "count"))
    table = table[table["kind"] == kind]
    table = table.set_index((table["lower_ns"] + table["upper_ns"] - 1) / 2)
    return {sample: rows["count"] for sample, rows in table.groupby("sample", observed=True)}


def percentile_us(histograms, samples, q):
    """The q-quantile (0 … 1) in µs over all requests of these samples: the middle of its bucket.

    None when the samples have no histogram, or fewer than ENOUGH requests lie beyond q.
    """
    its = [histograms[sample] for sample in samples if sample in histograms]
    if not its:
        return None
    counts = pd.concat(its).groupby(level=0).sum()
    total = counts.sum()
    if total * (1 - q) < ENOUGH:
        return None
    return float(counts.index[np.searchsorted(counts.cumsum(), math.ceil(total * q))]) / 1000
