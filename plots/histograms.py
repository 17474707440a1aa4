"""Percentiles over blocks: histograms are merged by their counts, percentiles are never averaged."""
import numpy as np
import pandas as pd

ENOUGH = 10  # a percentile q is given only when n · (1 − q) requests or more lie beyond it


def read(folder, kind="response"):
    """The histograms of one kind in a run's folder: {sample: counts by the upper end of each bucket in ns}.

    Empty when there is no histograms.csv.
    """
    path = folder / "histograms.csv"
    if not path.is_file():
        return {}
    table = pd.read_csv(path, usecols=["sample", "kind", "upper_ns", "count"],
                        dtype={"sample": "category", "kind": "category"})
    table = table[table["kind"] == kind]
    table = table.set_index("upper_ns")
    return {sample: rows["count"] for sample, rows in table.groupby("sample", observed=True)}


def percentile_us(histograms, samples, q):
    """The q-quantile (0 … 1) in µs over all requests of these samples: the upper end of its bucket.

    None when the samples have no histogram, or fewer than ENOUGH requests lie beyond q.
    """
    its = [histograms[sample] for sample in samples if sample in histograms]
    if not its:
        return None
    counts = pd.concat(its).groupby(level=0).sum()
    total = counts.sum()
    if total * (1 - q) < ENOUGH:
        return None
    return float(counts.index[np.searchsorted(counts.cumsum(), q * total)]) / 1000
