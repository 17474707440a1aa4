"""Scenarios: what is refused, in which words, and what a good one expands to."""
import pytest

from runner import cells, keys, limits, only, plan, scenario, units
from runner.cells import Limit
from runner.errors import UserError
from runner.paths import Paths
from runner.programs import SERVERS
from runner.support import unsupported

GOOD = """question = "Is it?"
prediction = "It is."

[fixed]
connections = 100
active = 10

[sweep]
mechanism = ["poll", "epoll-lt"]
"""
LIMIT = Limit(19_000, "the hard descriptor limit is 20,000")


def load(tmp_path, text=GOOD, quick=False):
    path = tmp_path / "case.toml"
    path.write_text(text)
    return scenario.load(path, quick)


def expand(tmp_path, text=GOOD, limit=LIMIT, quick=False):
    return cells.expand(load(tmp_path, text, quick), limit)


def refusal(tmp_path, text):
    with pytest.raises(UserError) as caught:
        load(tmp_path, text)
    return str(caught.value)


def changed(before, after):
    assert before in GOOD
    return GOOD.replace(before, after)


# ---- refusals ----------------------------------------------------------------------------------------------

REFUSED = {
    "unknown key": ("active = 10", "activ = 10", [
        "case.toml:6: fixed.activ: unknown key", 'did you mean "active"?', "allowed: connections, active"
    ]),
    "unknown section": ("[fixed]", "[fixd]", ["case.toml:4: fixd: unknown key", 'did you mean "fixed"?']),
    "unknown key at the top": ("question", "qestion", ["qestion: unknown key", "question: missing"]),
    "wrong type": ("connections = 100", "connections = true", [
        "case.toml:5: fixed.connections: true is not allowed", '"max"', "a whole number from 1 on"
    ]),
    "no whole number": ("active = 10", "active = 1.5",
                        ["fixed.active: 1.5 is not allowed", '"all"', '"0.1%"']),
    "list in fixed": ("connections = 100", "connections = [100]", ["fixed.connections: [100] is not allowed"
                                                                   ]),
    "value in sweep": ('mechanism = ["poll", "epoll-lt"]', 'mechanism = "poll"',
                       ['sweep.mechanism: "poll" is not allowed', "a list of:", '"epoll-et"']),
    "empty sweep": ('["poll", "epoll-lt"]', "[]",
                    ["case.toml:9: sweep.mechanism: an empty list", '"select-wide"']),
    "unknown mechanism": ('"epoll-lt"', '"epol-lt"', [
        'sweep.mechanism: "epol-lt" is not allowed', 'did you mean "epoll-lt"?', '"select"'
    ]),
    "no mechanism": ('mechanism = ["poll", "epoll-lt"]', "depth = [1]", ["sweep.mechanism: missing"]),
    "no sweep": ('[sweep]\nmechanism = ["poll", "epoll-lt"]', "", ["sweep: missing"]),
    "no connections": ("connections = 100", "", ["fixed.connections: missing", "[fixed] or [sweep]"]),
    "rate 0": ("active = 10", 'active = 10\narrival = "poisson"\nrate = 0',
               ["fixed.rate: 0 is not allowed", "from 0.1 to 100M"]),
    "rate that the generator does not take": ("active = 10", 'active = 10\narrival = "poisson"\nrate = 0.01',
                                              ["fixed.rate: 0.01 is not allowed", "from 0.1 to 100M"]),
    "connections 0": ("connections = 100", "connections = 0", ["fixed.connections: 0 is not allowed"]),
    "connections 0 as text": ("connections = 100", 'connections = "0k"', ['"0k" is not allowed']),
    "half a connection": ("connections = 100", 'connections = "1.5"', ['"1.5" is not allowed']),
    "window 0": ("active = 10", 'active = 10\nwindow = "0.0s"', ['fixed.window: "0.0s" is not allowed']),
    "rate 0 as text": ("active = 10", 'active = 10\narrival = "poisson"\nrate = "0k"',
                       ['fixed.rate: "0k" is not allowed']),
    "no rate": ("active = 10", 'active = 10\narrival = "poisson"', ["fixed.rate: open arrivals need a rate"]),
    "rate of closed arrivals": ("active = 10", "active = 10\nrate = 5",
                                ["fixed.rate: a rate needs open arrivals"]),
    "time without unit": ("active = 10", 'active = 10\nwindow = "800"',
                          ['fixed.window: "800" is not allowed', '"500ms"']),
    "given twice": ("[sweep]", "[sweep]\nactive = [1]", ["case.toml:9: sweep.active: stands in [fixed] too"]),
    "blocks 0": ("[fixed]", "blocks = 0\n[fixed]",
                 ["blocks: 0 is not allowed; allowed: a whole number from 1 on"]),
    "wrong figure": ("[fixed]", '[figures]\nshow = ["shares"]\n[fixed]',
                     ["figures.show", 'did you mean "share"?']),
    "quick": ("[sweep]", '[quick]\nwindow = 3\n[sweep]', ["case.toml:9: quick.window: 3 is not allowed"]),
    "empty quick list": ("[sweep]", '[quick]\nactive = []\n[sweep]', ["quick.active: an empty list"]),
    "no TOML": ("[fixed]", "[fixed", ["case.toml: not valid TOML", "line 4"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_file_key_and_what_is_allowed(tmp_path, case):
    before, after, words = REFUSED[case]
    message = refusal(tmp_path, changed(before, after))
    for word in ["case.toml", *words]:
        assert word in message


def test_all_that_is_wrong_is_named_at_once(tmp_path):
    message = refusal(tmp_path, changed("active = 10", "activ = 10").replace('"poll"', '"pol"'))
    assert len(message.splitlines()) == 2


PREDICTED = GOOD + """
[[expect]]
claim = "poll needs more"
metric = "server_cpu_percent"
compare = ["poll", "epoll-lt"]
above = 1

[[expect]]
claim = "and grows"
metric = "server_cpu_us_per_request"
mechanism = "poll"
where = { connections = 1000 }
against = { connections = 100 }
between = [5, 15]
"""
PREDICTED = PREDICTED.replace("connections = 100\nactive", "active").replace(
    "[sweep]", "[sweep]\nconnections = [5, 100, 1000]")

REFUSED_PREDICTIONS = {
    "unknown key": ("above = 1", "abov = 1", ["case.toml:15: expect[1].abov: unknown key", 'did you mean "above"?']),
    "no claim": ('claim = "and grows"\n', "", ["case.toml:17: expect[2].claim: missing; give one sentence"]),
    "unknown metric": ("server_cpu_percent", "server_cpu", [
        'case.toml:13: expect[1].metric: "server_cpu" is not allowed (did you mean "server_cpu_percent"?)',
        "a column of samples.csv that holds a number: requests, "]),
    "text as metric": ("server_cpu_percent", "limited_by", ['expect[1].metric: "limited_by" is not allowed']),
    "one to compare": ('["poll", "epoll-lt"]\nabove', '["poll"]\nabove', [
        "case.toml:14: expect[1].compare: ['poll'] is not allowed; allowed: two mechanisms"]),
    "mechanism not in the sweep": ('mechanism = "poll"', 'mechanism = "select"', [
        'case.toml:20: expect[2].mechanism: "select" is not measured; [sweep] has: poll, epoll-lt']),
    "mechanism and compare": ("above = 1", 'above = 1\nmechanism = "poll"', ["give one of mechanism", "and compare"]),
    "no bound": ("above = 1\n", "", ["case.toml:11: expect[1]: give one of above, below, within, between"]),
    "two bounds": ("above = 1", "above = 1\nbelow = 3", ["expect[1].below: give one of above, below"]),
    "within of no ratio": ("against = { connections = 100 }\nbetween = [5, 15]", "within = 0.2", [
        "expect[2].within: is for ratios: give compare or against"]),
    "between turned round": ("[5, 15]", "[15, 5]", ["case.toml:23: expect[2].between: the lower number comes first"]),
    "a ratio below 0": ("above = 1", "above = -1", ["expect[1].above: a ratio is above 0"]),
    "where that no cell has": ("where = { connections = 1000 }", "where = { connections = 2000 }", [
        "case.toml:21: expect[2].where.connections: no cell has 2000; there are: 5, 100, 1000"]),
    "where with more active than connections": ("where = { connections = 1000 }", "where = { connections = 5 }", [
        "case.toml:21: expect[2].where: no cell has this: active would be more than connections"]),
    "unknown key in where": ("where = { connections = 1000 }", "where = { conections = 1000 }", [
        'case.toml:21: expect[2].where.conections: unknown key (did you mean "connections"?)']),
    "against itself": ("against = { connections = 100 }", "against = { connections = 1000 }", [
        "case.toml:22: expect[2].against: is the same cell as where"]),
    "a section, not a list": ("[[expect]]\nclaim = \"poll", "[expect]\nclaim = \"poll", ["case.toml: not valid TOML"]),
}


@pytest.mark.parametrize("case", REFUSED_PREDICTIONS)
def test_predictions_are_refused_before_anything_runs(tmp_path, case):
    before, after, words = REFUSED_PREDICTIONS[case]
    assert PREDICTED.count(before) == 1
    message = refusal(tmp_path, PREDICTED.replace(before, after))
    for word in words:
        assert word in message


def test_predictions_are_kept_in_their_order(tmp_path):
    assert [one["claim"] for one in load(tmp_path, PREDICTED).expect] == ["poll needs more", "and grows"]
    assert load(tmp_path).expect == ()


def test_unknown_scenario_names_the_nearest():
    with pytest.raises(UserError, match='did you mean "smoke"'):
        scenario.find("smoek", Paths().scenarios)


def test_active_above_connections_everywhere(tmp_path):
    with pytest.raises(UserError, match="1,000 active of 100 connections.*\n.*no cell is left"):
        expand(tmp_path, changed("active = 10", "active = 1000"))


def test_connections_above_the_limit_everywhere(tmp_path):
    with pytest.raises(UserError,
                       match="100,000 connections left out: more than 19,000.*descriptor limit is 20,000"):
        expand(tmp_path, changed("connections = 100", "connections = 100_000"))


# ---- expansion ---------------------------------------------------------------------------------------------

def swept(**lists):
    """GOOD with these keys swept instead of fixed."""
    lines = "".join(f"{key} = {values}\n" for key, values in lists.items())
    kept = "\n".join(line for line in GOOD.splitlines() if line.split(" ")[0] not in lists)
    return kept + "\n" + lines


def test_every_combination_once(tmp_path):
    found, notes = expand(tmp_path, swept(connections=[10, 100], active='["all", 10, 5]'))
    assert [(one.settings["connections"], one.settings["active"]) for one in found] == [
        (10, 10), (10, 5), (100, 100), (100, 10), (100, 5)]
    assert notes == []
    assert found[0].name == "case-c10-a10-eagain" and found[0].mechanisms == ["poll", "epoll-lt"]


def test_max_is_the_limit_and_merges_with_an_equal_number(tmp_path):
    found, notes = expand(tmp_path, swept(connections='[100, 19_000, 50_000, "max"]'))
    assert [one.settings["connections"] for one in found] == [100, 19_000]
    assert any("stop at 19,000: the hard descriptor limit is 20,000" in note for note in notes)
    assert any("50,000 connections left out" in note for note in notes)


def test_active_above_connections_is_left_out_and_said(tmp_path):
    found, notes = expand(tmp_path, swept(connections=[5, 100]))
    assert len(found) == 1 and "10 active of 5 connections left out" in notes[0]


@pytest.mark.parametrize("share, connections, active", [("0.1%", 100, 1), ("0.1%", 10_000, 10),
                                                        ("100%", 30, 30)])
def test_shares(tmp_path, share, connections, active):
    text = changed("active = 10", f'active = "{share}"').replace("connections = 100",
                                                                 f"connections = {connections}")
    assert expand(tmp_path, text)[0][0].settings["active"] == active


def test_values_get_their_units(tmp_path):
    text = changed("active = 10", 'active = "1k"\nwindow = "800ms"\nmessage_bytes = "64KiB"\nrtt = "2s"\n'
                   'arrival = "uniform"\nrate = "10k"').replace("connections = 100", 'connections = "2k"')
    settings = expand(tmp_path, text)[0][0].settings
    assert settings | {"connections": 2000, "active": 1000, "window": 0.8, "message_bytes": 65536, "rtt": 2,
                       "rate": 10_000, "drain": "eagain", "think": None} == settings


def test_slice_and_window_grow_with_the_active(tmp_path):
    text = changed("active = 10", 'active = "all"').replace("connections = 100", "connections = 10_000")
    settings = expand(tmp_path, text)[0][0].settings
    assert (settings["slice"], settings["window"]) == (1.0, 2.0)


def test_names_are_unique_whatever_is_swept(tmp_path):
    text = swept(depth=[1, 4], placement='["first", "last"]', drain='["eagain", "short"]',
                 message_bytes=[1, 64])
    found, _ = expand(tmp_path, text)
    assert len({one.name for one in found}) == len(found) == 16
    assert found[0].name == "case-c100-a10-depth1-message_bytes1-eagain+placement=first"
    assert found[0].variant == "eagain+placement=first"


def test_rates_stand_in_the_name(tmp_path):
    text = swept(rate="[100, 2.5]").replace("active = 10", 'active = 10\narrival = "poisson"')
    assert [one.name for one in expand(tmp_path, text)[0]
            ] == ["case-c100-a10-r100-eagain", "case-c100-a10-r2.5-eagain"]


def test_quick_replaces_sweeps_by_lists_and_fixed_by_values(tmp_path):
    text = swept(connections=[100, 200, 300
                              ]) + '[quick]\nconnections = [100, "max"]\nactive = [1, 2]\nwindow = "50ms"\n'
    assert len(expand(tmp_path, text)[0]) == 3
    found, _ = expand(tmp_path, text, quick=True)
    assert len(found) == 4 and {one.settings["active"] for one in found} == {1, 2}
    found, _ = expand(tmp_path, text.replace('connections = [100, "max"]', "connections = 200"), quick=True)
    assert {one.settings["connections"] for one in found} == {200}


def test_unsupported_is_a_rule_not_an_error(tmp_path):
    settings = expand(tmp_path, changed("active = 10", 'active = 10\ndrain = "once"'))[0][0].settings
    assert "edge-triggered" in unsupported("epoll-et", settings) and unsupported("epoll-lt", settings) is None
    settings = settings | {"drain": "eagain", "connections": 1001}
    assert "FD_SETSIZE" in unsupported("select", settings) and unsupported("select-wide", settings) is None


@pytest.mark.parametrize("hard, available, expected, why", [
    (20_000, 2**34, 19_000, "ulimit -Hn"), (1024, 2**34, 970, "ulimit"),
    (1_048_576, 2**40, 990_000, "ulimit"),
    (20_000, 2**28, 1600, "memory: 256 MiB"), (20_000, None, 19_000, "ulimit")])
def test_connection_limit(hard, available, expected, why):
    found = limits.connection_limit(5, {"descriptors_hard": hard, "memory_available_bytes": available})
    assert found.most == expected and why in found.why


def test_max_connections_caps_max_alone(tmp_path):
    text = swept(connections='[8000, "max"]').replace("[fixed]", '[fixed]\nmax_connections = "5k"')
    found, notes = expand(tmp_path, text)
    assert [one.settings["connections"] for one in found] == [8000, 5000]
    assert notes == ["connections stop at 5,000: the scenario's max_connections"]


@pytest.mark.parametrize("path", sorted(Paths().scenarios.glob("*.toml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("quick", [False, True])
def test_scenarios_of_the_suite_are_good(path, quick):
    one = scenario.load(path, quick)
    assert path.read_text().startswith("#") and one.figures
    assert one.expect or path.stem.startswith("aa")   # an A/A is judged over its 40 cells: plots/aa.py
    for limit in (19_000, 3800):
        assert cells.expand(one, Limit(limit, "so"))[0]


def test_every_key_has_words():
    assert all(key.allowed for key in keys.KEYS.values())


# ---- the plan ----------------------------------------------------------------------------------------------

def planned(tmp_path, seed=1, blocks=3):
    found, _ = expand(tmp_path, swept(connections=[10, 20, 30, 40, 50, 60]))
    return plan.make("case", found, blocks, seed)


def test_the_seed_fixes_the_order(tmp_path):
    assert planned(tmp_path) == planned(tmp_path)
    assert planned(tmp_path) != planned(tmp_path, seed=2)


def test_block_by_block_each_in_its_own_order(tmp_path):
    steps = planned(tmp_path)
    assert [step.block for step in steps] == [1] * 6 + [2] * 6 + [3] * 6
    orders = [[step.cell.name for step in steps[first:first + 6]] for first in (0, 6, 12)]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(orders[2]) and orders[0] != orders[1]
    assert len({(step.block, step.seed) for step in steps}) == len({step.seed for step in steps}) == 3
    assert {tuple(step.order) for step in steps} == {("poll", "epoll-lt"), ("epoll-lt", "poll")}


def test_plan_survives_json(tmp_path):
    import json
    steps = planned(tmp_path)
    assert plan.from_json(json.loads(json.dumps(plan.to_json(steps)))) == steps


def test_several_plans_go_block_by_block(tmp_path):
    short, long = planned(tmp_path, blocks=1), planned(tmp_path, blocks=2)
    queue = plan.interleave([short, long])
    assert [(step.block, index) for index, step in queue] == [(1, 0)] * 6 + [(1, 1)] * 6 + [(2, 1)] * 6


def test_only(tmp_path):
    found, _ = expand(tmp_path, swept(connections='[1000, 2000, "max"]'))
    chosen = only.select(only.parse(["connections=1k,max", "mechanism=poll"], [SERVERS]), found, LIMIT)
    assert [(one.settings["connections"], one.mechanisms) for one in chosen] == [(1000, ["poll"]),
                                                                                 (19_000, ["poll"])]


def test_only_with_a_value_that_is_nowhere(tmp_path):
    found, _ = expand(tmp_path)
    with pytest.raises(UserError, match="connections=200: no cell has it; there are: 100"):
        only.check(only.parse(["connections=200"], [SERVERS]), found, [LIMIT])
    with pytest.raises(UserError, match=r"did you mean connections\?"):
        only.parse(["connection=100"], [SERVERS])


@pytest.mark.parametrize("value, text", [(2, "2s"), (0.5, "500ms"), (0.00005, "50us"), (0.95, "950ms")])
def test_times_as_the_programs_take_them(value, text):
    assert units.time_option(value) == text and units.seconds(text) == pytest.approx(value)
