"""Scenarios of waitcost: what is refused, in which words, and what a good one expands to."""
from pathlib import Path

import pytest

from runner import cells, only, plan, programs, scenario, wait_block, wait_keys
from runner.block import Bench
from runner.cells import Limit
from runner.errors import UserError
from runner.estimate import wait_seconds
from runner.paths import Paths
from runner.support import wait_unsupported

GOOD = """question = "Is it?"
prediction = "It is."
program = "waitcost"

[fixed]
kind = "pipe"
ready = 1

[sweep]
mechanism = ["poll", "epoll-lt"]
descriptors = [10, 100]

[[expect]]
claim = "poll grows"
metric = "wait_ns"
mechanism = "poll"
where = { descriptors = 100 }
against = { descriptors = 10 }
above = 2
"""
LIMIT = Limit(19_000, "the hard descriptor limit is 20,000")


def load(tmp_path, text=GOOD, quick=False):
    path = tmp_path / "case.toml"
    path.write_text(text)
    return scenario.load(path, quick)


def expand(tmp_path, text=GOOD, limit=LIMIT, quick=False):
    return cells.expand(load(tmp_path, text, quick), limit)


def changed(*pairs):
    text = GOOD
    for before, after in pairs:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def fixed(line):
    return changed(("ready = 1\n", line + "\n"))


# ---- refusals ----------------------------------------------------------------------------------------------

REFUSED = {
    "no such program": ('"waitcost"', '"waitcosts"', [
        'case.toml:3: program: "waitcosts" is not allowed (did you mean "waitcost"?); allowed: "servers" or']),
    "a number as program": ('"waitcost"', "3", ["program: 3 is not allowed"]),
    "a key of the servers": ("ready = 1", "active = 1", [
        "case.toml:7: fixed.active: unknown key", "allowed: kind, descriptors, ready"]),
    "servers' slices": ("[fixed]", "slices = true\n[fixed]", ["case.toml:5: slices: unknown key"]),
    "servers' figures": ("[fixed]", '[figures]\nshow = ["share"]\n[fixed]', ["figures: unknown key"]),
    "no mechanism of waitcost": ('["poll", "epoll-lt"]', '["poll", "kqueue"]', [
        'sweep.mechanism: "kqueue" is not allowed', '"ppoll"', '"none"']),
    "no label": ('["poll", "epoll-lt"]', '["poll", "poll:again"]', ['"poll:again" is not allowed']),
    "no descriptors": ("descriptors = [10, 100]", "when = [\"zero\"]", ["fixed.descriptors: missing"]),
    "kind": ('"pipe"', '"pip"', ['fixed.kind: "pip" is not allowed (did you mean "pipe"?)', '"fuse"']),
    "ready as text": ("ready = 1", 'ready = "1%"', ['fixed.ready: "1%" is not allowed', 'from 0 on', '"all"']),
    "less than no ready": ("ready = 1", "ready = -1", ["fixed.ready: -1 is not allowed"]),
    "a place and a placement": ("ready = 1", 'placement = "last"\nposition = 3', [
        "case.toml:8: fixed.position: is a placement of its own; keep one of the two"]),
    "runs 0": ("ready = 1", "runs = 0", ["fixed.runs: 0 is not allowed", "hyperfine"]),
    "rounds beyond what waitcost takes": ("ready = 1", "rounds = 10_001", ["fixed.rounds: 10001 is not allowed"]),
    "a round of no time": ("ready = 1", 'round = "0ms"', ['fixed.round: "0ms" is not allowed', '"1us"']),
    "rebuild as text": ("ready = 1", 'rebuild = "yes"', ['"yes" is not allowed; allowed: true or false']),
    "a swept cap": ("descriptors = [10, 100]", "descriptors = [10, 100]\nmax_descriptors = [5]", [
        "sweep.max_descriptors: unknown key"]),
    "a quick list of caps": ("[sweep]", "[quick]\nmax_descriptors = [5]\n[sweep]", [
        "quick.max_descriptors: must be one value"]),
    "metric of the servers": ('"wait_ns"', '"server_cpu_percent"', [
        'expect[1].metric: "server_cpu_percent" is not allowed', "a column of waits.csv", "command_elapsed_s"]),
    "text as metric": ('"wait_ns"', '"kind"', ['expect[1].metric: "kind" is not allowed']),
    "where that no cell has": ("where = { descriptors = 100 }", "where = { descriptors = 50 }", [
        "expect[1].where.descriptors: no cell has 50; there are: 10, 100"]),
    "where with more ready than descriptors": ("ready = 1", "ready = 50", [
        "expect[1].against: no cell has this: ready would be more than descriptors"]),
    "where with a place beyond": ("ready = 1", "position = 10", [
        "expect[1].against: no cell has this: position would be beyond descriptors"]),
    "against itself": ("against = { descriptors = 10 }", "against = { descriptors = 100 }", ["is the same cell as"]),
    "a peak over what is not swept": ("above = 2", 'above = 2\npeak = "ready"', [
        "case.toml:20: expect[1].peak: [sweep] has not several values of ready"]),
    "a peak over a key of where": ("above = 2", 'above = 2\npeak = "descriptors"', [
        "expect[1].where.descriptors: is one value, and peak is the greatest over all of them: keep one of the two",
        "expect[1].against.descriptors: is one value"]),
    "a peak over no key": ("above = 2", 'above = 2\npeak = "rates"', [
        'expect[1].peak: "rates" is not allowed', "a key of [sweep]"]),
}


def test_an_unknown_program_is_the_only_complaint(tmp_path):
    """No key can be judged without it."""
    with pytest.raises(UserError) as caught:
        load(tmp_path, changed(('"waitcost"', '"waitcosts"')))
    assert len(str(caught.value).splitlines()) == 1


def test_keys_of_waitcost_without_the_program_are_recognised(tmp_path):
    with pytest.raises(UserError) as caught:
        load(tmp_path, changed(('program = "waitcost"\n', "")))
    assert 'these are keys of waitcost: give program = "waitcost" at the top' in str(caught.value)


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_file_key_and_what_is_allowed(tmp_path, case):
    before, after, words = REFUSED[case]
    with pytest.raises(UserError) as caught:
        load(tmp_path, changed((before, after)))
    for word in ["case.toml", *words]:
        assert word in str(caught.value)


def test_a_scenario_of_the_servers_knows_no_key_of_waitcost(tmp_path):
    with pytest.raises(UserError, match="fixed.kind: unknown key.*allowed: connections"):
        load(tmp_path, changed(('program = "waitcost"\n', "")))
    with pytest.raises(UserError, match="sweep.descriptors: unknown key"):
        load(tmp_path, changed(('"waitcost"', '"servers"'), ('kind = "pipe"\nready = 1\n', "")))


def test_every_key_has_words_and_every_metric_is_a_column():
    assert all(key.allowed for key in wait_keys.KEYS.values())
    metrics = programs.WAITCOST.metrics
    assert {"wait_ns", "wait_cpu_ns", "turn_ns", "ctl", "kernel_polls_per_wait", "command_cpu_s"} <= set(metrics)
    assert not {"sample", "status", "rebuild", "descriptors", "place"} & set(metrics)


# ---- expansion ---------------------------------------------------------------------------------------------

def test_every_combination_once_with_defaults(tmp_path):
    found, notes = expand(tmp_path)
    assert [one.name for one in found] == ["case-n10-r1", "case-n100-r1"] and notes == []
    assert found[0].mechanisms == ["poll", "epoll-lt"] and found[0].variant == ""
    assert found[0].settings == {
        "kind": "pipe", "descriptors": 10, "ready": 1, "placement": "random", "position": None, "when": "zero",
        "high": None, "rebuild": False, "reregister": "none", "writes": 0, "rounds": 5, "round": 0.02, "turns": None,
        "runs": None}


def test_names_are_unique_whatever_is_swept(tmp_path):
    swept = """when = ["zero", "ready"]
kind = ["pipe", "tcp"]
placement = ["first", "last"]
rebuild = [true, false]
reregister = ["none", "mod"]
writes = [0, "all"]
round = ["1ms", "2ms"]
turns = [5, 6]
high = [500, 600]
runs = [1, 2]
rounds = [1, 2]
"""
    found, _ = expand(tmp_path, changed(('kind = "pipe"\n', ""), ("descriptors = [10, 100]\n",
                                                                  "descriptors = [10, 100]\n" + swept)))
    assert len({one.name for one in found}) == len(found) == 2**12
    assert found[0].name == ("case-n10-r1-when=zero-kind=pipe-placement=first-rebuild=true-reregister=none-writes=0-"
                             "round=0.001-turns=5-high=500-runs=1-rounds=1")
    assert found[0].variant == "round=0.001+turns=5+high=500+runs=1"


def test_all_is_as_many_as_descriptors(tmp_path):
    found, _ = expand(tmp_path, fixed('ready = "all"\nwrites = "all"'))
    assert [(one.settings["ready"], one.settings["writes"]) for one in found] == [(10, 10), (100, 100)]


def test_max_is_the_limit_or_the_cap(tmp_path):
    text = changed(("[10, 100]", '[10, 100, "max"]'))
    found, notes = expand(tmp_path, text)
    assert found[-1].settings["descriptors"] == 19_000
    assert notes == ["descriptors stop at 19,000: the hard descriptor limit is 20,000"]
    found, notes = expand(tmp_path, text.replace("ready = 1\n", 'ready = 1\nmax_descriptors = "5k"\n'))
    assert found[-1].settings["descriptors"] == 5000
    assert notes == ["descriptors stop at 5,000: the scenario's max_descriptors"]


LEFT_OUT = {
    "more ready than there are": ("ready = 50", "50 ready of 10 descriptors left out: ready must not be more"),
    "a place beyond": ("position = 10", "position 10 of 10 descriptors left out: places go from 0 to 9"),
    "sleep with two": ('ready = 2\nwhen = "sleeping"', "sleeping with 2 ready left out: the first write ends the"),
    "a place of two": ("ready = 2\nposition = 1", "position 1 with 2 ready left out: it is the place of one"),
    "writes while asleep": ('writes = 5\nwhen = "sleeping"', "sleeping with writes left out"),
    "a wait without end": ('ready = 0\nwhen = "ready"', "the wait would not end"),
    "writes after none": ("ready = 0\nwrites = 5", "the wait would not end"),
    "a low high": ("high = 24", "high 24 left out: 10 descriptors need numbers up to 25"),
    "a high beyond the limit": ("high = 19_001", "high 19,001 left out: more than 19,000 (the hard descriptor limit"),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_impossible_cells_are_left_out_with_the_reason(tmp_path, case):
    line, says = LEFT_OUT[case]
    with pytest.raises(UserError) as caught:
        expand(tmp_path, fixed(line)[:fixed(line).index("[[expect]]")].replace("[10, 100]", "[10]"))
    assert says in str(caught.value) and "no cell is left to measure" in str(caught.value)


def test_the_other_ends_count_where_they_are_written_to(tmp_path):
    """Of 20,000 descriptors 19,000 may be watched; their other ends fit beside them up to the half of that."""
    sizes = [9900, 9990, 15_000, 19_000]

    def left(line):
        found, notes = expand(tmp_path, changed(("ready = 1\n", line), ("[10, 100]", f"{sizes}"), (
            GOOD[GOOD.index("[[expect]]"):], "")))
        return [one.settings["descriptors"] for one in found], notes
    assert left("ready = 1\n") == (sizes, [])
    found, notes = left('writes = "all"\n')
    assert found == [9900] and "9,990 descriptors of kind pipe left out: 20,012 with the other ends" in notes[0]
    assert left('ready = "all"\n')[0] == [9900]


def test_quick_replaces_sweeps_by_lists_and_fixed_by_values(tmp_path):
    text = GOOD + '\n[quick]\ndescriptors = [10]\nkind = ["pipe", "eventfd"]\nrounds = 2\n'
    found, _ = expand(tmp_path, text, quick=True)
    assert [(one.settings["descriptors"], one.settings["kind"], one.settings["rounds"]) for one in found] == [
        (10, "pipe", 2), (10, "eventfd", 2)]


CLASSICS = [path for path in scenario.files(Paths().scenarios) if 'program = "waitcost"' in path.read_text()]


@pytest.mark.parametrize("path", CLASSICS, ids=lambda path: path.stem)
@pytest.mark.parametrize("quick", [False, True])
def test_scenarios_of_the_suite_are_good(path, quick):
    one = scenario.load(path, quick)
    assert path.read_text().startswith("#") and one.expect
    for limit in (19_000, 3800):
        found, _ = cells.expand(one, Limit(limit, "so"))
        assert len({cell.name for cell in found}) == len(found)
    names = [scenario.known_as(path, Paths().scenarios) for path in CLASSICS]
    assert "classics/p01-wait" in names and len(names) >= 6


# ---- the plan, the command, the rules ----------------------------------------------------------------------

def steps_of(tmp_path, text=GOOD, blocks=1):
    found, _ = expand(tmp_path, text)
    return plan.make("case", found, blocks, 1)


def words(step, name="poll"):
    bench = Bench("case", True, Path("bin"), None, 3, 4)
    return [str(word).removeprefix("bin/") for word in wait_block.command(bench, step, name)]


def test_the_command_says_all_that_was_asked(tmp_path):
    step, = steps_of(tmp_path, changed(("ready = 1", 'ready = 1\nposition = 7\nhigh = 600\nrebuild = true\nturns = 20\n'
                                        'reregister = "mod"\nwhen = "ready"\nwrites = 3\nround = "2ms"'),
                                       ("[10, 100]", "[10]"), (GOOD[GOOD.index("[[expect]]"):], "")))
    assert words(step) == [
        "waitcost-poll", "--kind", "pipe", "--descriptors", "10", "--ready", "1", "--when", "ready", "--high", "600",
        "--reregister", "mod", "--writes", "3", "--turns", "20", "--rounds", "5", "--round", "2ms", "--position", "7",
        "--rebuild", "--seed", str(step.seed), "--cpu", "3", "--partner-cpu", "4"]


def test_the_seed_is_of_the_block_not_of_the_cell(tmp_path):
    steps = steps_of(tmp_path, blocks=2)
    assert len({(step.block, step.seed) for step in steps}) == len({step.seed for step in steps}) == 2


def test_plan_survives_json(tmp_path):
    import json
    steps = steps_of(tmp_path, blocks=3)
    assert plan.from_json(json.loads(json.dumps(plan.to_json(steps)))) == steps


@pytest.mark.parametrize("name, settings, ruled_out", [
    ("select", {"descriptors": 1001}, True), ("select", {"descriptors": 1000}, False),
    ("select", {"high": 1024}, True), ("select", {"high": 1023}, False),
    ("select-wide", {"descriptors": 9000, "high": 9999}, False), ("none", {"descriptors": 9000}, False)])
def test_select_ends_at_fd_setsize(name, settings, ruled_out):
    reason = wait_unsupported(name, {"descriptors": 10, "high": None} | settings)
    assert ("FD_SETSIZE" in reason) if ruled_out else reason is None


def test_the_estimate_grows_with_rounds_turns_runs_and_mechanisms(tmp_path):
    def seconds(line="ready = 1", supported=2):
        return wait_seconds(steps_of(tmp_path, fixed(line))[0], supported)
    assert seconds() == 2 * seconds(supported=1) > 0 and seconds(supported=0) == 0
    assert seconds("rounds = 10") > 1.5 * seconds()
    assert seconds('round = "40ms"') > 1.5 * seconds()
    assert seconds("runs = 3") == pytest.approx(4 * seconds())
    assert seconds("turns = 200_000") > 1.5 * seconds("turns = 100_000")


def test_only_finds_values_however_they_are_written(tmp_path):
    found, _ = expand(tmp_path, changed(("[10, 100]", '[10, 1000, "max"]'), ("ready = 1", 'ready = "all"'),
                                        ('kind = "pipe"\n', ""), (GOOD[GOOD.index("[[expect]]"):], "")))

    def chosen(*texts):
        wanted = only.parse(texts, [programs.WAITCOST])
        only.check(wanted, found, [LIMIT] * len(found))
        return [one.settings["descriptors"] for one in only.select(wanted, found, LIMIT)]
    assert chosen("descriptors=1k,max") == [1000, 19_000]
    assert chosen("ready=all") == [10, 1000, 19_000] and chosen("ready=10") == [10]
    assert chosen("rebuild=false", "round=20ms", "mechanism=poll") == [10, 1000, 19_000]
    with pytest.raises(UserError, match="kind=tcp: no cell has it; there are: eventfd"):
        chosen("kind=tcp")
    with pytest.raises(UserError, match=r"did you mean descriptors\?"):
        chosen("descriptor=5")
