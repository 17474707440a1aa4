"""The cost model: lines with a known a and b come back within their intervals, and nothing is made up."""
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plots import answer, costs, data, report, share, style

from test_plots import copied, scenario

BENCH = Path(__file__).parent / "data" / "bench"
COUNTS = (10, 100, 1000, 10_000, 19_000)


def samples(a_ns, b_ns, blocks, random, spread=0.05, mechanism="poll", waits=0.2, on="examined", counts=COUNTS):
    """Rows of one mechanism whose cost is a + b · x, each with an error of its own (lognormal)."""
    rows = []
    for block in range(1, blocks + 1):
        for connections in counts:
            examined = (connections + 1) * waits if on == "examined" else 1.0
            cost_ns = a_ns + b_ns * (examined if on == "examined" else connections)
            rows.append({"block": block, "connections": connections, "active": 10, "mechanism": mechanism,
                         "fds_per_request": examined, "waits_per_request": waits, "saturated": False,
                         costs.COST: cost_ns / 1000 * random.lognormal(0, spread) if spread else cost_ns / 1000,
                         "sample": f"c{connections}-b{block}-{mechanism}"})
    return pd.DataFrame(rows)


def held(estimate, truth):
    return estimate.interval[0] <= truth <= estimate.interval[1]


@pytest.mark.parametrize("on, b", [("examined", 60), ("connections", 0.05)])
@pytest.mark.parametrize("blocks", [3, 10])
def test_a_and_b_lie_within_their_intervals_in_about_95_percent(on, b, blocks):
    """400 data sets: a calibrated interval holds 92 to 98 % (three standard errors)."""
    random = np.random.default_rng(28)
    hits = np.zeros(2)
    for _ in range(400):
        fit = costs.fit(samples(6000, b, blocks, random, on=on), "poll")
        assert fit.on == on and fit.blocks == blocks
        hits += held(fit.fixed, 6000), held(fit.each, b)
    assert all(0.915 <= share <= 0.985 for share in hits / 400)


def test_a_line_has_relative_weights():
    """Least squares with weights 1 / y, by hand: y = 1, 4, 7 at x = 0, 1, 4 (x = 4 is off the line y = 1 + 3x)."""
    x, y = np.array([0, 1, 4.0]), np.array([1, 4, 7.0])
    w = 1 / y ** 2
    mean_x, mean_y = (w * x).sum() / w.sum(), (w * y).sum() / w.sum()
    b = (w * (x - mean_x) * (y - mean_y)).sum() / (w * (x - mean_x) ** 2).sum()
    assert costs.line(x, y) == pytest.approx((mean_y - b * mean_x, b))


def test_the_fit_does_not_depend_on_the_machine_s_speed_in_a_block_alone():
    """Without noise a and b come back exactly; a block that is 30 % slower gives both 30 % more."""
    exact = samples(6000, 60, 2, np.random.default_rng(1), spread=0)
    fit = costs.fit(exact, "poll")
    assert (fit.fixed.value, fit.each.value) == pytest.approx((6000, 60)) and fit.misfit < 1e-9
    exact.loc[exact["block"] == 2, costs.COST] *= 1.3
    assert costs.fit(exact, "poll").each.value == pytest.approx(60 * 1.15)


def test_one_block_has_no_interval():
    fit = costs.fit(samples(6000, 60, 1, np.random.default_rng(1)), "poll")
    assert fit.each.interval is None and "…" not in fit.each.words


def test_epoll_is_fitted_to_the_open_connections():
    fit = costs.fit(samples(6000, 0, 10, np.random.default_rng(3), on="connections", mechanism="epoll-lt"), "epoll-lt")
    assert fit.on == "connections" and held(fit.each, 0) and abs(fit.each.value) < 0.1


def test_no_line_where_x_does_not_vary_enough():
    random = np.random.default_rng(1)
    assert costs.fit(samples(6000, 60, 3, random, counts=(1000, 2000, 3000)), "poll") is None
    assert costs.fit(samples(6000, 60, 3, random, counts=(10, 10_000)), "poll") is None
    busy = samples(6000, 0, 3, random, on="connections")
    assert costs.fit(busy.assign(active=busy["connections"]), "poll") is None   # the cost follows the active ones


def test_saturated_samples_are_left_out():
    rows = samples(6000, 60, 3, np.random.default_rng(1), spread=0)
    rows.loc[rows["connections"] == 19_000, [costs.COST, "saturated"]] = [9e6, True]
    fit = costs.fit(rows, "poll")
    assert fit.each.value == pytest.approx(60) and not any("c19000" in sample for sample in fit.samples)


def test_a_cell_that_saturated_in_one_block_is_left_out_whole():
    """The blocks that did not are the cheaper ones."""
    rows = samples(6000, 60, 3, np.random.default_rng(1), spread=0)
    last = rows["connections"] == 19_000
    rows.loc[last, costs.COST] *= 0.7
    rows.loc[last & (rows["block"] == 2), "saturated"] = True
    fit = costs.fit(rows, "poll")
    assert fit.each.value == pytest.approx(60) and fit.blocks == 3
    assert not any("c19000" in sample for sample in fit.samples)


def test_the_exponent_is_of_the_top_decade_alone():
    rows = samples(6000, 60, 3, np.random.default_rng(1), spread=0)
    low = rows["connections"] < 1900
    rows.loc[~low, costs.COST] = rows["connections"] ** 1.5
    rows.loc[low, costs.COST] = 1.0   # anything: these cells do not count
    assert costs.fit(rows, "poll").exponent.value == pytest.approx(1.5)
    assert costs.fit(rows[rows["connections"] != 19_000], "poll").exponent.value > 1.5   # 1,000 and 10,000
    near = samples(6000, 60, 3, np.random.default_rng(1), counts=(10, 100, 10_000, 11_000))
    assert costs.fit(near, "poll").exponent is None


def test_misfit_names_the_worst_cell():
    rows = samples(6000, 60, 3, np.random.default_rng(1), spread=0)
    rows.loc[rows["connections"] == 1000, costs.COST] *= 1.5
    assert 0.2 < costs.fit(rows, "poll").misfit < 0.6


# ---- the crossover -------------------------------------------------------------------------------------

def shares(places, random=None):
    """Rows in which poll falls to epoll-lt's cost at each block's place (% active); None: it never does."""
    rows = []
    for block, place in enumerate(places, 1):
        for percent in (0.1, 1, 10, 30, 100):
            ratio = (place / percent) ** 0.5 if place else 2
            for mechanism, cost in (("poll", 6 * ratio), ("epoll-lt", 6.0)):
                rows.append({"block": block, "mechanism": mechanism, "active_percent": percent, costs.COST: cost})
    return pd.DataFrame(rows)


def test_the_crossover_has_an_interval_over_the_blocks():
    found = costs.crossover(shares([20, 25, 30]), "poll", "epoll-lt")
    assert found.share.value == pytest.approx((20 * 25 * 30) ** (1 / 3))
    # ln 20, ln 25, ln 30: s = 0.2033, t(0.975, 2) = 4.3027, half = 0.505
    assert found.share.interval == pytest.approx(np.exp(np.log(24.662) + np.array([-0.505, 0.505])), rel=2e-3)
    assert "95 % interval" in found.words


@pytest.mark.parametrize("places, words", [
    ([20, None, 30], "inconclusive: 2 of 3 blocks cross"), ([None, None], "not in the measured range (2 blocks)"),
    ([20], "at 20.0 % active (one block, so no interval)"), ([], "not looked for")])
def test_a_crossover_that_not_all_blocks_have_is_inconclusive(places, words):
    rows = shares(places) if places else shares([20]).query("active_percent == 1")
    assert words in costs.crossover(rows, "poll", "epoll-lt").words


def test_the_crossover_is_covered_in_about_95_percent():
    random = np.random.default_rng(9)
    hits = sum(held(costs.crossover(shares(25 * random.lognormal(0, 0.2, 4)), "poll", "epoll-lt").share, 25)
               for _ in range(150))
    assert 0.90 <= hits / 150 <= 0.99


# ---- in a run ------------------------------------------------------------------------------------------

def test_every_mechanism_of_a_run_has_its_line():
    (values, lines, without), = costs.fits(scenario("idle"))
    assert (values, without) == ({}, []) and {line.mechanism: line.on for line in lines} == {
        "select": "examined", "select-wide": "examined", "poll": "examined", "epoll-lt": "connections",
        "epoll-et": "connections"}
    poll = next(line for line in lines if line.mechanism == "poll")
    assert poll.each.interval[0] < poll.each.value < poll.each.interval[1]
    assert not any("idle-c100-a10-eagain-b2-poll" == sample for sample in poll.samples)   # it is invalid


def test_a_mechanism_without_a_line_is_named(tmp_path):
    folder = copied(tmp_path / "run", "idle", lambda row: row["mechanism"] != "select" or row["connections"] != "100")
    (_, lines, without), = costs.fits(data.read_run(folder).scenarios[0])
    assert without == ["select"] and len(lines) == 4
    assert ">select</th><td class=\"text faint\" colspan=\"6\">no line: it needs three cells" in \
        report.write(folder).read_text()


def test_the_report_says_what_a_descriptor_costs_and_where_it_ends(tmp_path):
    html = report.write(copied(tmp_path / "bench")).read_text()
    part = html[html.index('id="idle-costs"'):html.index('<section id="share">')]
    assert "descriptor examined in a wait" in part and "open connection, per request" in part
    assert 'href="#idle-c10-a10-eagain-b1-poll"' in part
    assert "With 1,000 connections, poll falls to epoll-lt&#39;s cost per request: at" in html \
        or "With 1,000 connections, poll falls to epoll-lt's cost per request: at" in html


def test_the_answer_can_say_it():
    run = data.read_run(BENCH / "idle")
    sentence = answer.per_connection(run)
    assert sentence.anchor == "idle-costs" and " ns to a wait of poll" in sentence.text
    assert "ns to a request with epoll-lt" in sentence.text
    assert "falls to epoll-lt's cost per request at" in answer.crossover(data.read_run(BENCH / "share")).text


def test_the_figure_shows_the_interval_only_if_all_blocks_cross():
    from matplotlib import pyplot
    usable = scenario("share").usable
    with style.context():
        for rows, lines in ((usable, 1), (usable[usable["active_percent"] < 20], 0)):
            _, (above, below) = pyplot.subplots(2)
            share.mark_crossover(above, below, rows, "poll", "epoll-lt")
            assert len(above.lines) == lines and len(below.texts) == 1
