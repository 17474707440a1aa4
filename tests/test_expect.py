"""Predictions: what made-up blocks with known numbers say of them."""
import numpy as np
import pandas as pd
import pytest

from plots import data, expect, report

from test_plots import copied

SETTING = {"arrival": "closed", "offered_per_s": np.nan, "message_bytes": 64.0, "depth": 1.0, "variant": "eagain",
           "status": "valid", "latency": "", "active": 10.0, "active_setting": "10"}


def scenario(values, *predictions, plan=None):
    """A Scenario of made-up samples. values: {(mechanism, connections): numbers, one per block}; all metrics are it."""
    rows = [{**SETTING, "sample": f"c{connections}-b{block}-{mechanism}", "mechanism": mechanism,
             "connections": float(connections), "block": float(block), "server_cpu_percent": value,
             "response_p99_us": value, "active_percent": 1000 / connections}
            for (mechanism, connections), numbers in values.items() for block, value in enumerate(numbers, 1)]
    return data.Scenario("made-up", None, pd.DataFrame(rows), None, {"expect": list(predictions)}, {}, plan or {})


def verdict(values, plan=None, **prediction):
    prediction = {"claim": "so it is", "metric": "server_cpu_percent"} | prediction
    return expect.verdicts(scenario(values, prediction, plan=plan))[0]


POLL, EPOLL = [20.0, 21.0, 19.5, 20.5, 20.2], [10.1, 10.4, 9.9, 10.3, 10.0]
BOTH = {("poll", 100): POLL, ("epoll-lt", 100): EPOLL}


@pytest.mark.parametrize("bound, expected", [
    ({"above": 1.5}, "supported"), ({"above": 2.5}, "refuted"), ({"above": 2}, "inconclusive"),
    ({"below": 2.5}, "supported"), ({"below": 1.5}, "refuted"), ({"below": 2}, "inconclusive"),
    ({"within": 1.5}, "supported"), ({"within": 0.5}, "refuted"), ({"within": 1}, "inconclusive"),
    ({"between": [1.5, 2.5]}, "supported"), ({"between": [3, 4]}, "refuted"), ({"between": [1, 1.5]}, "refuted"),
    ({"between": [2, 4]}, "inconclusive")])
def test_a_ratio_against_each_bound(bound, expected):
    found = verdict(BOTH, compare=["poll", "epoll-lt"], **bound)
    assert found.verdict == expected
    low, high = found.finding.interval
    assert low < 2 < high and found.finding.blocks == 5
    names = ("poll", "epoll-lt")
    assert set(found.finding.samples) == {f"c100-b{block}-{name}" for block in range(1, 6) for name in names}


@pytest.mark.parametrize("bound, expected", [
    ({"above": 15}, "supported"), ({"above": 25}, "refuted"), ({"below": 20.2}, "inconclusive")])
def test_a_figure_is_a_mean_with_a_t_interval(bound, expected):
    found = verdict(BOTH, mechanism="poll", **bound)
    assert found.verdict == expected
    # mean 20.24, s 0.5595, t(0.975, 4) = 2.7764: half 0.6947
    assert found.finding.value == pytest.approx(20.24)
    assert found.finding.interval == pytest.approx((20.24 - 0.6947, 20.24 + 0.6947), abs=1e-3)


def test_a_figure_may_be_zero_or_below():
    assert verdict({("poll", 10): [0, 0.1, -0.1, 0]}, mechanism="poll", between=[-1, 1]).verdict == "supported"


@pytest.mark.parametrize("bound, expected", [
    ({"above": 0.5}, "supported"), ({"above": 1}, "refuted"), ({"below": 1}, "refuted"),
    ({"between": [1, 2]}, "supported"), ({"between": [2, 3]}, "refuted")])
def test_exact_counters_decide_without_a_spread(bound, expected):
    assert verdict({("poll", 10): [1, 1, 1]}, mechanism="poll", **bound).verdict == expected


def test_an_exact_ratio_on_a_closed_bound_is_inside():
    counts = {("poll", 10): [3, 3, 3], ("epoll-lt", 10): [1.5, 1.5, 1.5]}
    assert verdict(counts, compare=["poll", "epoll-lt"], between=[2, 3]).verdict == "supported"
    assert verdict(counts, compare=["poll", "epoll-lt"], above=2).verdict == "refuted"


def test_one_block_is_inconclusive_and_says_so():
    found = verdict({("poll", 10): [50.0]}, mechanism="poll", above=1)
    assert (found.verdict, found.why, found.finding.interval) == ("inconclusive", "one block, so no interval", None)


def test_every_cell_must_hold():
    alike = {("poll", 10): POLL, ("poll", 100): POLL, ("poll", 1000): POLL}
    assert verdict(alike, mechanism="poll", above=15).verdict == "supported"
    one_off = alike | {("poll", 100): EPOLL}
    found = verdict(one_off, mechanism="poll", above=15)
    assert found.verdict == "refuted" and found.cells == 3
    assert found.place.startswith("100 connections") and found.finding.value == pytest.approx(np.mean(EPOLL))
    assert verdict(one_off, mechanism="poll", above=15, where={"connections": 1000}).verdict == "supported"


def test_one_cell_among_several_that_fails_by_chance_refutes_nothing():
    """p = 0.03 in one cell; that the smallest of three is 0.03 is no surprise."""
    values = {("poll", 10): POLL, ("poll", 100): POLL, ("poll", 1000): [14.9, 14.6, 14.95, 14.85, 14.7]}
    low = verdict(values, mechanism="poll", above=15.0, where={"connections": 1000})
    assert low.verdict == "refuted" and 0.01 < low.p < 0.05
    found = verdict(values, mechanism="poll", above=15.0)
    assert found.verdict == "inconclusive" and found.p == pytest.approx(3 * low.p)


def test_against_divides_by_the_other_cell_block_by_block():
    """Blocks that drift by a factor of three: only the paired quotient is narrow."""
    drift = np.array([1, 3, 1.5, 2.5, 2])
    values = {("poll", 100): drift * [1, 1.01, 0.99, 1, 1.02], ("poll", 1000): 10 * drift}
    found = verdict(values, mechanism="poll", where={"connections": 1000}, against={"connections": 100},
                    between=[9, 11])
    assert found.verdict == "supported" and found.finding.value == pytest.approx(10, rel=0.02)
    assert len(found.finding.samples) == 10


def test_compare_with_against_is_a_ratio_of_ratios():
    values = {("poll", 10): [2.0, 2.1, 1.9], ("epoll-lt", 10): [1.0, 1.05, 0.95],
              ("poll", 100): [12.0, 12.1, 11.9], ("epoll-lt", 100): [2.0, 2.02, 1.98]}
    found = verdict(values, compare=["poll", "epoll-lt"], where={"connections": 100}, against={"connections": 10},
                    above=2)
    assert found.finding.value == pytest.approx(3, rel=0.02) and found.verdict == "supported"


@pytest.mark.parametrize("where, limit, cell", [
    ({"connections": "max"}, None, 1000), ({"connections": "max"}, 1000, 1000), ({"connections": "1k"}, None, 1000),
    ({"active": "10%"}, None, 100), ({"active": "all"}, None, 10), ({"rate": "max", "connections": 10}, None, 10),
    ({"message_bytes": "64B", "connections": 10}, None, 10), ({"window": "2s", "connections": 10}, None, 10)])
def test_cells_are_named_as_in_the_sweep(where, limit, cell):
    values = {("poll", connections): np.array(POLL) * connections for connections in (10, 100, 1000)}
    found = verdict(values, plan={"connection_limit": limit} if limit else None, mechanism="poll", where=where, above=1)
    assert found.cells == 1 and found.finding.cell.startswith(f"{cell:,} connections")


def test_what_was_not_reached_is_not_measured():
    found = verdict(BOTH, plan={"connection_limit": 19000}, mechanism="poll", where={"connections": "max"}, above=1)
    assert found.verdict == "not measured" and found.number == "–" and "no sample of such a cell" in found.why


def test_unsupported_cells_are_counted_not_judged():
    its = scenario({("select", 10): POLL, ("select", 1100): [np.nan] * 5},
                   {"claim": "c", "metric": "server_cpu_percent", "mechanism": "select", "above": 1})
    its.samples.loc[its.samples["connections"] == 1100, "status"] = "unsupported"
    found = expect.verdicts(its)[0]
    assert found.verdict == "supported" and "not measured in 1 more" in found.place


def test_invalid_samples_and_late_percentiles_do_not_count():
    its = scenario({("poll", 10): POLL}, {"claim": "c", "metric": "response_p99_us", "mechanism": "poll", "above": 1},
                   {"claim": "c", "metric": "server_cpu_percent", "mechanism": "poll", "above": 1})
    its.samples.loc[[0, 1], "latency"] = "the generator was late"
    its.samples.loc[4, "status"] = "invalid"
    assert [one.finding.blocks for one in expect.verdicts(its)] == [2, 4]


def test_holm_corrects_within_the_scenario():
    one = {"claim": "c", "metric": "server_cpu_percent", "compare": ["poll", "epoll-lt"], "above": 1.95}
    alone = expect.verdicts(scenario(BOTH, one))[0]
    assert alone.verdict == "supported" and 0.01 < alone.p < 0.05
    among = expect.verdicts(scenario(BOTH, *[one] * 5))
    assert [found.verdict for found in among] == ["inconclusive"] * 5
    assert among[0].p == pytest.approx(5 * alone.p) and "not among all predictions" in among[0].why


def test_a_prediction_on_the_bound_is_rarely_decided():
    """A truth of exactly 1.2 against "above 1.2": 5 % by chance, half of them to either side. 300 data sets."""
    random = np.random.default_rng(5)
    found = []
    for _ in range(300):
        base = random.lognormal(0, 0.2, 5)
        values = {("poll", 10): 1.2 * base * random.lognormal(0, 0.05, 5), ("epoll-lt", 10): base}
        found.append(verdict(values, compare=["poll", "epoll-lt"], above=1.2).verdict)
    assert 0.02 <= 1 - found.count("inconclusive") / 300 <= 0.08


# ---- in a run ------------------------------------------------------------------------------------------

PREDICTION = """
[[expect]]
claim = "poll costs more than <epoll> with 10,000 open"
metric = "server_cpu_us_per_request"
compare = ["poll", "epoll-lt"]
where = { connections = 10000 }
above = 3
"""


def test_report_and_summary_give_the_verdict_with_its_rows(tmp_path):
    import io

    from rich.console import Console
    folder = copied(tmp_path / "run", "idle")
    with open(folder / "scenario.toml", "a") as file:
        file.write(PREDICTION)
    html = report.write(folder).read_text()
    part = html[html.index('id="idle-predictions"'):html.index('id="idle-table"')]
    assert "poll costs more than &lt;epoll&gt;" in part and '<b class="supported">supported</b>' in part
    assert 'href="#idle-c10000-a10-eagain-b1-poll"' in part
    out = io.StringIO()
    report.summary(folder, Console(file=out, width=80))
    words = " ".join(out.getvalue().split())
    assert "idle: supported: poll costs more than <epoll> with 10,000 open: 2" in words


def test_a_scenario_that_was_changed_after_the_run_is_refused(tmp_path):
    folder = copied(tmp_path / "run", "idle")
    with open(folder / "scenario.toml", "a") as file:
        file.write(PREDICTION.replace("server_cpu_us_per_request", "server_cpu"))
    with pytest.raises(data.RunError, match=r'expect\[1\].metric: "server_cpu" is not allowed'):
        data.read_run(folder)
