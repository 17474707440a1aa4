"""The classic plots with servers: every scenario loads, has the cells that its predictions need, and all of them
together take no longer than `make reproduce` may; and closed loops at a rate, which one of them is made of."""
from types import SimpleNamespace

import pytest
from conftest import ROOT

from runner import block, cells, namespace, plan, scenario
from runner.cells import Limit
from runner.errors import UserError
from runner.programs import SERVERS

CLASSICS = {path.stem: path for path in sorted((ROOT / "scenarios" / "classics").glob("*.toml"))
            if scenario.load(path).program is SERVERS}
MINUTES, QUICK_S = 14, 70   # for all of these
LIMIT = Limit(19_000, "the hard descriptor limit is 20,000")
BENCH = SimpleNamespace(bin=None, server_cpu=0, loadgen_cpu=1)


@pytest.fixture(autouse=True)
def netem(monkeypatch):
    """On some machines there is a delayed network, on others not: let there be none."""
    monkeypatch.setattr(namespace, "why_not", lambda: "no netem")


def found(name, quick=False):
    one = scenario.load(CLASSICS[name], quick)
    return one, cells.expand(one, LIMIT)[0]


def seconds(name, quick):
    one, its = found(name, quick)
    return sum(SERVERS.planned(step) for step in plan.make(name, its, 1 if quick else one.blocks, 1))


def test_all_of_them_are_there():
    assert list(CLASSICS) == ["p05-lan", "p06-wan", "p07-idle", "p08-share", "p09-cpu", "p11-counts", "p12-latency",
                              "p13-delay", "p15-short"]


@pytest.mark.parametrize("quick", [False, True], ids=["whole", "quick"])
@pytest.mark.parametrize("name", CLASSICS)
def test_each_has_cells_mechanisms_to_compare_and_predictions(name, quick):
    one, its = found(name, quick)
    assert len(its) > 1 and one.expect and one.figures and one.blocks >= 3
    assert {"poll", "epoll-lt"} <= {mechanism for cell in its for mechanism in cell.mechanisms}


def test_together_they_take_as_long_as_they_may():
    assert sum(seconds(name, False) for name in CLASSICS) <= 60 * MINUTES
    assert sum(seconds(name, True) for name in CLASSICS) <= QUICK_S


@pytest.mark.parametrize("name", ["p05-lan", "p06-wan"])
def test_peaks_are_looked_for_over_the_rates(name):
    one, _ = found(name)
    assert {expect["peak"] for expect in one.expect} == {"rate"}
    rates = sorted(SERVERS.keys["rate"].number(rate) for rate in one.sweep["rate"])
    assert rates[0] <= 50_000 and rates[-1] >= 200_000   # a core of this day carries some 100,000


def test_percentiles_have_the_requests_that_they_need():
    """The 99.9th is printed from 10,000 requests on (METHOD.md, row 14)."""
    for quick in (False, True):
        for cell in found("p12-latency", quick)[1]:
            assert cell.settings["rate"] * cell.settings["window"] >= 10_000 * 1.05   # they come at random


@pytest.mark.parametrize("quick", [False, True], ids=["whole", "quick"])
def test_delay_has_three_kinds_of_wide_area_at_the_same_rate(quick):
    """A tenth active; all, delayed by the generator; all, delayed by the network: each connection's round makes the
    same rate of requests."""
    its = [cell.settings for cell in found("p13-delay", quick)[1]]
    for connections in (1000, 10_000):
        kinds = {(one["active"], one["network_delay"]): one for one in its if one["connections"] == connections}
        assert {(connections // 10, 0), (connections, 0), (connections, 0.1)} <= kinds.keys()
        for (active, network), one in kinds.items():
            assert active / (one["rtt"] + network) == pytest.approx(one["rate"])


@pytest.mark.parametrize("quick", [False, True], ids=["whole", "quick"])
def test_delay_measures_no_first_request(quick):
    """After an idle second, or on a new connection, TCP does other work than in between: first requests are spread
    over a round, and come within the warming up."""
    for cell in found("p13-delay", quick)[1]:
        assert cell.settings["warmup"] >= cell.settings["active"] / cell.settings["rate"]


def test_each_prediction_of_a_cost_beside_a_delay_has_one_of_the_rate():
    """Costs of different rates say nothing of the delay."""
    about = {metric: [(expect["where"], expect["against"]) for expect in found("p13-delay")[0].expect
                      if expect["metric"] == metric and expect.get("mechanism") == "poll"]
             for metric in ("server_cpu_us_per_request", "throughput_per_s")}
    assert len(about["throughput_per_s"]) == 2
    assert all(one in about["throughput_per_s"] for one in about["server_cpu_us_per_request"])


def test_peaks_inside_the_bounds_agree_as_the_claim_says():
    """min / max of all five at least 0.85, whichever two of them are the ends."""
    one, _ = found("p05-lan")
    low, high = zip(*(expect["between"] for expect in one.expect))
    assert min(*low, 1) / max(*high, 1) == pytest.approx(0.85, abs=0.001)
    assert {name for expect in one.expect for name in expect["compare"]} == set(one.sweep["mechanism"])


# ---- closed loops at a rate --------------------------------------------------------------------------------

TEXT = """question = "Is it?"
prediction = "It is."
[fixed]
connections = 1000
active = 100
rate = 500
rtt = "active/rate"
[sweep]
mechanism = ["poll"]
"""


def expand(tmp_path, text):
    path = tmp_path / "case.toml"
    path.write_text(text)
    return cells.expand(scenario.load(path), LIMIT)


@pytest.mark.parametrize("more, rtt_s", [
    ("", 0.2), ("depth = 4", 0.8), ('think = "50ms"', 0.15), ('network_delay = "150ms"', 0.05),
    ('network_delay = "200ms"', 0), ('network_delay = "150ms"\nthink = "50ms"', 0)])
def test_the_round_is_what_the_rate_asks_for(tmp_path, more, rtt_s):
    (cell,), _ = expand(tmp_path, TEXT.replace("[sweep]", more + "\n[sweep]"))
    assert cell.settings["rtt"] == pytest.approx(rtt_s)


def test_a_network_too_slow_for_the_rate_is_left_out_and_said(tmp_path):
    its, notes = expand(tmp_path, TEXT + 'network_delay = ["0s", "201ms"]\n')
    assert [cell.settings["network_delay"] for cell in its] == [0]
    assert any("100 active at 500 requests per second left out: a round is 0.2 s" in note for note in notes)


def test_the_generator_is_given_the_round_and_no_rate(tmp_path):
    (cell,), _ = expand(tmp_path, TEXT.replace("[sweep]", 'network_delay = "150ms"\n[sweep]'))
    step, = plan.make("case", [cell], 1, 1)
    words = [str(word) for word in block.loadgen_options(BENCH, step, {})]
    assert "--rate" not in words
    assert words[words.index("--rtt") + 1] == "50ms" and words[words.index("--network-delay") + 1] == "150ms"


@pytest.mark.parametrize("before, after", [
    ("rate = 500\n", ""), ("rate = 500", 'rate = 500\narrival = "poisson"'),
    ('rtt = "active/rate"\n[sweep]', '[sweep]\nrtt = ["active/rate", "1s"]')])
def test_a_round_by_the_rate_needs_a_closed_loop_and_a_rate(tmp_path, before, after):
    assert before in TEXT
    with pytest.raises(UserError, match='rtt: "active/rate" needs a rate in a closed loop'):
        expand(tmp_path, TEXT.replace(before, after))


def test_a_delayed_network_is_unsupported_where_there_is_none(tmp_path):
    (cell,), _ = expand(tmp_path, TEXT.replace("[sweep]", 'network_delay = "20ms"\n[sweep]'))
    assert SERVERS.unsupported("poll", cell.settings) == "no netem"
    assert SERVERS.unsupported("poll", cell.settings | {"network_delay": 0}) is None
