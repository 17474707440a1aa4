"""Predictions about the greatest of several cells (peak), from made-up samples."""
import numpy as np
import pytest
from test_expect import scenario as servers

from plots import data, expect


def peaks(*predictions, least=None):
    """Made-up throughputs at three rates with and without idle connections: the peaks are at different rates."""
    rates = {100: [95, 96, 97], 200: [150, 190, 140], 400: [180, 160, 170]}
    values = {("poll", 10): rates, ("poll", 1000): {100: [90, 91, 92], 200: [60, 61, 62], 400: [20, 21, 22]},
              ("epoll-lt", 10): rates, ("epoll-lt", 1000): rates}
    made = [servers({key: np.array(numbers, float)}, *predictions).samples.assign(
        offered_per_s=float(rate), arrival="poisson", throughput_per_s=lambda its: its["server_cpu_percent"],
        sample=lambda its, rate=rate: its["sample"] + f"-r{rate}")
        for key, its in values.items() for rate, numbers in its.items()]
    found = servers({("poll", 10): [1.0]}, *predictions)
    found.samples = data.pd.concat(made, ignore_index=True)
    return found


def peak_verdict(scenario=None, **prediction):
    prediction = {"claim": "c", "metric": "throughput_per_s", "peak": "rate"} | prediction
    its = scenario or peaks()
    its.definition["expect"] = [prediction]
    return expect.verdicts(its)[0]


def test_a_peak_is_the_greatest_in_each_block():
    found = peak_verdict(mechanism="poll", where={"connections": 10}, above=100)
    assert found.finding.value == pytest.approx((180 + 190 + 170) / 3) and found.cells == 1
    assert found.finding.cell == "10 connections, 10 active" and len(found.finding.samples) == 9
    assert "throughput_per_s above 100, the greatest over rate, where connections = 10" in found.predicted


def test_a_peak_comes_before_the_ratio():
    found = peak_verdict(mechanism="poll", where={"connections": 1000}, against={"connections": 10}, below=0.9)
    expected = np.exp(np.mean(np.log([90 / 180, 91 / 190, 92 / 170])))   # not 90/95, which compares at one rate
    assert found.verdict == "supported" and found.finding.value == pytest.approx(expected)
    alike = peak_verdict(compare=["poll", "epoll-lt"], where={"connections": 10}, between=[0.9, 1.1])
    assert alike.verdict == "supported" and alike.finding.value == 1


def test_without_a_peak_every_rate_is_a_cell():
    its = peaks()
    its.definition["expect"] = [{"claim": "c", "metric": "throughput_per_s", "mechanism": "poll", "above": 15,
                                 "where": {"connections": 10}}]
    assert expect.verdicts(its)[0].cells == 3


def test_every_cell_of_peaks_must_hold():
    found = peak_verdict(mechanism="poll", above=100)
    assert found.cells == 2 and found.verdict == "refuted" and found.finding.cell.startswith("1,000 connections")


def test_a_peak_is_of_what_counts():
    its = peaks()
    best = (its.samples["throughput_per_s"] >= 180) & (its.samples["mechanism"] == "poll")
    its.samples.loc[best, "status"] = "invalid"
    found = peak_verdict(its, mechanism="poll", where={"connections": 10}, above=100)
    assert found.finding.value == pytest.approx((150 + 160 + 170) / 3)


@pytest.mark.parametrize("which, blocks", [([190.0], 2), ([180.0, 190.0, 170.0], 0)])
def test_a_peak_counts_only_where_the_server_was_full(which, blocks):
    its = peaks()
    best = its.samples["throughput_per_s"].isin(which) & (its.samples["mechanism"] == "poll")
    its.samples["limited_by"] = np.where(best, "offered rate", "server")
    where = {"mechanism": "poll", "where": {"connections": 10}}
    found = peak_verdict(its, **where, above=100)
    assert found.why.startswith(expect.NOT_FULL) and f"do not count: {len(which)}" in found.why
    if blocks:   # nor does the block's second highest, at which the server was full
        assert found.finding.blocks == blocks and found.finding.value == pytest.approx((180 + 170) / 2)
    else:
        assert found.verdict == "not measured"
    its.samples["limited_by"] = "server"
    assert expect.NOT_FULL not in peak_verdict(its, **where, above=100).why


def test_a_ratio_of_peaks_needs_both_servers_full():
    its = peaks()
    its.samples["limited_by"] = np.where(its.samples["mechanism"] == "poll", "server", "offered rate")
    found = peak_verdict(its, compare=["poll", "epoll-lt"], where={"connections": 10}, between=[0.9, 1.1])
    assert found.verdict == "not measured" and found.why.startswith(expect.NOT_FULL)
    of_cells = {"where": {"connections": 1000}, "against": {"connections": 10}}
    its.samples["limited_by"] = np.where(its.samples["connections"] == 1000, "server", "offered rate")
    assert expect.NOT_FULL in peak_verdict(its, mechanism="poll", **of_cells, below=0.9).why
