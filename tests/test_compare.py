"""`muxbench compare`, `aa` and `precision` on made-up runs whose truth is known."""
import csv
import io
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from plots import aa, compare, compare_figure, compare_table, data, environments, precision, statistics, style
from runner import cli, store
from runner.errors import USAGE_ERROR
from runner.paths import Paths

ENVIRONMENT = {"date": "2026-11-21T12:00:00+00:00", "boot_id": "one", "kernel": "6.18.1", "cpu": "Made Up",
               "mitigations": {"spectre_v2": "Mitigation: IBRS"}, "steal_percent": 0.1,
               "binaries": {"echo-poll": "a" * 64}, "command": ["muxbench", "run", "idle"]}
COSTS = {"poll": 12.0, "epoll-lt": 8.0, "epoll-et": 7.9}


def sample(mechanism, block, cost, **more):
    """A row of samples.csv for a closed loop."""
    row = {"block": block, "position": 1, "scenario": "idle", "mechanism": mechanism, "variant": "eagain",
           "connections": 1000, "active": 10, "arrival": "closed", "message_bytes": 64, "depth": 1, "window_s": 1,
           "requests": 10000, "errors": 0, "throughput_per_s": 1e6 / cost, "server_cpu_us_per_request": cost,
           "client_cpu_us_per_request": 6, "total_cpu_us_per_request": cost + 6, "server_cpu_percent": 97,
           "response_p50_us": 5 * cost, "response_p99_us": 10 * cost, "limited_by": "server", "status": "valid",
           "fds_per_request": 1000 if mechanism == "poll" else 1, "core_round_trip_ns": 60} | more
    cell = f"{row['scenario']}-c{row['connections']}-a{row['active']}-m{row['message_bytes']}"
    return row | {"sample": f"{cell}-b{block}-{mechanism}"}


def samples(seed, blocks=10, factor=None, spread=0.005, drift=1.0, costs=COSTS, **more):
    """Rows of one cell: blocks whose speed varies by `spread`, mechanisms within a block by a quarter of that; `factor`
    is what a mechanism's cost is multiplied by, `drift` everybody's."""
    random, rows = np.random.default_rng(seed), []
    for block in range(1, blocks + 1):
        speed = drift * random.lognormal(0, spread)
        for name, cost in costs.items():
            cost *= speed * (factor or {}).get(name, 1) * random.lognormal(0, spread / 4)
            rows.append(sample(name, block, cost, **more))
    return rows


def run(folder, rows, environment=ENVIRONMENT, scenario="[fixed]\nactive = 10\n", slices=()):
    """A run's folder with these rows, as the runner writes it."""
    store.create(folder, scenario, environment or {}, {"place": 0}, store.COLUMNS)
    if environment is None:
        (folder / "environment.json").unlink()
    store.commit(folder, store.COLUMNS, {store.SAMPLES: rows, store.SLICES: slices, store.HISTOGRAMS: []})
    return folder


def muxbench(*words, paths=Paths()):
    return cli.main([str(word) for word in words], paths)


@pytest.fixture
def pair(tmp_path):
    """Two runs: in the second poll is 20 % slower, epoll-lt as it was."""
    return (run(tmp_path / "a", samples(1)), run(tmp_path / "b", samples(2, factor={"poll": 1.2})))


def row_of(comparison, mechanism):
    return next(row for row in comparison.rows if row.mechanism == mechanism)


# ---- verdicts -----------------------------------------------------------------------------------------

def test_what_became_slower_is_found_and_what_did_not_is_equivalent(pair):
    found = compare.compare(*pair)
    poll, epoll = row_of(found, "poll"), row_of(found, "epoll-lt")
    assert (poll.verdict, epoll.verdict) == ("slower", "equivalent")
    assert poll.ratio.interval95[0] < 1.2 < poll.ratio.interval95[1] and poll.blocks == (10, 10)
    assert (poll.base, poll.change_verdict) == ("epoll-lt", "slower") and epoll.change is None
    back = compare.compare(*reversed(pair))
    assert row_of(back, "poll").verdict == "faster"


def test_more_throughput_is_faster(tmp_path):
    a, b = run(tmp_path / "a", samples(1)), run(tmp_path / "b", samples(2, factor={"poll": 0.8}))
    found = row_of(compare.compare(a, b, "throughput_per_s"), "poll")
    assert found.ratio.value > 1.2 and found.verdict == "faster"


def test_the_drift_of_the_machine_is_in_the_ratio_and_not_in_the_change(tmp_path):
    a, b = run(tmp_path / "a", samples(1)), run(tmp_path / "b", samples(2, drift=1.3))
    found = row_of(compare.compare(a, b), "poll")
    assert (found.verdict, found.change_verdict) == ("slower", "equivalent")
    assert found.change.value == pytest.approx(1, abs=0.01)


def test_the_ratio_is_that_of_two_unpaired_groups(pair):
    a, b = (np.log([float(row["server_cpu_us_per_request"]) for row in csv.DictReader(open(folder / "samples.csv"))
                    if row["mechanism"] == "poll"]) for folder in pair)
    found, expected = row_of(compare.compare(*pair), "poll").ratio, statistics.welch_logs(b, a)
    assert found.interval95 == pytest.approx(expected.interval95) and found.p == pytest.approx(expected.p)


def test_noise_is_inconclusive_and_says_what_it_would_have_shown(tmp_path):
    a, b = (run(tmp_path / name, samples(seed, blocks=4, spread=0.2)) for name, seed in (("a", 1), ("b", 2)))
    found = compare.compare(a, b)
    assert {row.verdict for row in found.rows} == {"inconclusive"}
    assert all(row.ratio.detectable > 0.2 for row in found.rows)


def test_verdicts_are_corrected_for_all_rows(tmp_path):
    """Of 60 rows without a difference some have p < 0.05; corrected, none is slower or faster."""
    folders = []
    for name, seed in (("a", 3), ("b", 4)):
        rows = [row for count in range(20) for row in samples(seed * 100 + count, connections=1000 + count,
                                                              blocks=5, spread=0.1)]
        folders.append(run(tmp_path / name, rows))
    found = compare.compare(*folders)
    assert found.families == (60, 40) and min(row.ratio.p for row in found.rows) < 0.05
    assert not {row.verdict for row in found.rows} & {"slower", "faster"}
    assert [row.adjusted_p for row in found.rows] == statistics.holm([row.ratio.p for row in found.rows])


def test_one_block_gives_no_verdict(tmp_path):
    a, b = run(tmp_path / "a", samples(1)), run(tmp_path / "b", samples(2, blocks=1))
    found = compare.compare(a, b)
    assert {row.verdict for row in found.rows} == {"one block"}
    assert any(stamp.startswith("exploratory: A has 10 and B 1 blocks") for stamp in found.stamps)
    assert muxbench("compare", a, b, "--fail-if", "slower=5%") == 3   # neither passed nor failed


def test_a_label_is_a_mechanism_of_its_own(tmp_path):
    costs = {"epoll-lt": 8.0, "epoll-lt:again": 8.0}
    a, b = (run(tmp_path / name, samples(seed, costs=costs)) for name, seed in (("a", 1), ("b", 2)))
    found = row_of(compare.compare(a, b), "epoll-lt:again")
    assert (found.verdict, found.base, found.change_verdict) == ("equivalent", "epoll-lt", "equivalent")
    compare_figure.draw(compare.compare(a, b), tmp_path / "figure")


# ---- what is compared ---------------------------------------------------------------------------------

def test_cells_match_by_all_their_settings_and_the_others_are_listed(tmp_path):
    a = run(tmp_path / "a", [*samples(1), *samples(3, connections=100), *samples(4, message_bytes=4096)])
    b = run(tmp_path / "b", [*samples(2), *samples(5, connections=5000)])
    found = compare.compare(a, b)
    assert {row.cell for row in found.rows} == {"1,000 connections, 64 bytes"} and len(found.rows) == 3
    lonely = {(where, cell) for where, _, cell, _, _ in found.unmatched}
    assert lonely == {("A", "100 connections, 64 bytes"), ("A", "1,000 connections, 4,096 bytes"),
                      ("B", "5,000 connections, 64 bytes")}
    assert len(compare.to_json(found)["unmatched"]["only_a"]) == 6


def test_scenarios_of_a_bench_match_one_of_its_scenarios(tmp_path):
    bench = tmp_path / "bench"
    run(bench / "idle", samples(1))
    run(bench / "lan", [row | {"scenario": "lan", "sample": f"lan-{row['sample']}"} for row in samples(1)])
    found = compare.compare(bench, run(tmp_path / "idle", samples(2)))
    assert {row.scenario for row in found.rows} == {"idle"}
    assert {one[:2] for one in found.unmatched} == {("A", "lan")}


def test_invalid_samples_do_not_count_and_are_counted(tmp_path):
    a = run(tmp_path / "a", samples(1))
    rows = samples(2)
    for row in rows[:3]:
        row |= {"server_cpu_us_per_request": 1000, "status": "invalid", "reason": "an echo was wrong"}
    found = compare.compare(a, run(tmp_path / "b", rows))
    assert {row.verdict for row in found.rows} == {"equivalent"} and found.rows[0].blocks == (10, 9)
    assert compare.counts(found.b) == "30 samples: 27 valid, 3 invalid (left out)"


def test_a_mechanism_without_a_number_in_one_run_is_listed_with_its_status(tmp_path):
    rows = [row | ({"status": "failed", "server_cpu_us_per_request": None} if row["mechanism"] == "poll" else {})
            for row in samples(2)]
    found = compare.compare(run(tmp_path / "a", samples(1)), run(tmp_path / "b", rows))
    assert [one[0] for one in found.unmatched] == ["both"] and "failed in B" in found.unmatched[0][-1]


def test_a_percentile_that_may_not_be_quoted_is_not_compared(tmp_path):
    rows = samples(2)
    for row in rows[:3]:
        row |= {"latency": "the generator sent 300 µs late", "response_p99_us": 9999}
    a, b = run(tmp_path / "a", samples(1)), run(tmp_path / "b", rows)
    assert compare.compare(a, b, "response_p99_us").rows[0].blocks == (10, 9)
    assert compare.compare(a, b).rows[0].blocks == (10, 10)


def test_exact_counters_are_equivalent(pair):
    found = compare.compare(*pair, "fds_per_request")
    assert {(row.ratio.interval95, row.verdict) for row in found.rows} == {((1, 1), "equivalent")}


# ---- what differs around them -------------------------------------------------------------------------

def test_only_what_differs_is_listed_the_important_first(tmp_path):
    other = ENVIRONMENT | {"kernel": "6.12.0", "mitigations": {"spectre_v2": "Vulnerable"}, "steal_percent": 5,
                           "date": "2026-11-21T13:00:00+00:00", "binaries": {"echo-poll": "b" * 64}, "new": 1}
    a = run(tmp_path / "a", samples(1), scenario='[fixed]\nwindow = "1s"\n')
    b = run(tmp_path / "b", samples(2), other, scenario='[fixed]\nwindow = "2s"\n')
    found = compare.compare(a, b)
    assert [key for key, _, _ in found.environment] == [
        "kernel", "mitigations.spectre_v2", "binaries.echo-poll", "scenario.idle.window", "new", "date"]
    assert found.environment[0][1:] == ("6.18.1", "6.12.0") and found.environment[4][1:] == ("not recorded", "1")
    assert environments.shortened("b" * 64) == "b" * 12 + "…"


@pytest.mark.parametrize("change, words", [
    ({"boot_id": "two"}, ["not paired: different boots"]),
    ({"date": "2026-11-22T00:10:00+00:00"}, ["not paired: different days (2026-11-21 and 2026-11-22)"]),
    ({"boot_id": None}, ["not paired: the boot is not recorded in B"]),
    ({"resumed": [{"boot_id": "two", "date": "2026-11-21T14:00:00+00:00"}]}, ["not paired: different boots"]),
    ({}, ["two runs, one after the other"])])
def test_runs_of_other_boots_and_days_are_stamped(tmp_path, change, words):
    a, b = run(tmp_path / "a", samples(1)), run(tmp_path / "b", samples(2), ENVIRONMENT | change)
    found = compare.compare(a, b)
    assert found.stamps == [*words, environments.DRIFT] and not compare.to_json(found)["paired"]


def test_a_missing_environment_is_said(tmp_path):
    found = compare.compare(run(tmp_path / "a", samples(1)), run(tmp_path / "b", samples(2), None))
    assert found.missing == ["environment.json is missing in B for idle: what differs between the machines cannot be "
                             "said"]
    assert found.environment == [] and "boot is not recorded in B" in found.stamps[0]


# ---- regression checks --------------------------------------------------------------------------------

@pytest.mark.parametrize("limits, status", [
    (["slower=5%"], 1), (["slower=15%"], 1), (["slower=25%"], 0), (["faster=5%"], 0), (["faster=5%", "slower=5%"], 1)])
def test_fail_if_sets_the_exit_status(pair, capsys, limits, status):
    words = [word for limit in limits for word in ("--fail-if", limit)]
    assert muxbench("compare", *pair, *words) == status
    said = capsys.readouterr().out
    assert ("FAILED for 1 of 3 rows (B ÷ A):\n  idle, 1,000 connections, poll" in said) == bool(status)


def test_fail_if_does_not_fire_where_noise_alone_is_beyond_the_threshold(tmp_path):
    """A point estimate beyond 5 % is not enough."""
    a = run(tmp_path / "a", samples(1, blocks=3, spread=0.2))
    b = run(tmp_path / "b", samples(5, blocks=3, spread=0.2))
    found = compare.compare(a, b)
    assert max(abs(math.log(row.ratio.value)) for row in found.rows) > 0.05
    assert not compare.beyond(found, "slower", 0.05) and not compare.beyond(found, "faster", 0.05)
    assert compare.blind(found, 0.05) == 3


def test_fail_if_by_change_is_not_fooled_by_drift(tmp_path):
    a, b = run(tmp_path / "a", samples(1)), run(tmp_path / "b", samples(2, drift=1.3))
    assert muxbench("compare", a, b, "--fail-if", "slower=5%") == 1
    assert muxbench("compare", a, b, "--fail-if", "slower=5%", "--by-change") == 0
    c = run(tmp_path / "c", samples(2, drift=1.3, factor={"poll": 1.2}))
    assert muxbench("compare", a, c, "--fail-if", "slower=5%", "--by-change") == 1


def without(rows, status, blocks=range(1, 11)):
    """The rows with poll of this status in these blocks."""
    return [row | ({"status": status, "reason": "so", "server_cpu_us_per_request": None}
                   if row["mechanism"] == "poll" and row["block"] in blocks else {}) for row in rows]


@pytest.mark.parametrize("status, exit_status", [("failed", 1), ("invalid", 1), ("unsupported", 0)])
def test_fail_if_fires_where_b_came_to_no_number(tmp_path, capsys, status, exit_status):
    a, b = run(tmp_path / "a", samples(1)), run(tmp_path / "b", without(samples(2), status))
    assert muxbench("compare", a, b, "--fail-if", "slower=5%") == exit_status
    said = capsys.readouterr().out
    line = ("FAILED for 1 that A has a number of, and B has none:\n  idle, 1,000 connections, poll: valid in A, "
            f"{status} in B")
    assert (line in said) == bool(exit_status) and ("slower=5%: passed" in said) != bool(exit_status)
    assert muxbench("compare", b, a, "--fail-if", "slower=5%") == 0   # it is mended in A


def test_fail_if_does_not_fire_for_what_b_did_not_sweep(tmp_path):
    a = run(tmp_path / "a", [*samples(1), *samples(3, connections=100)])
    assert muxbench("compare", a, run(tmp_path / "b", samples(2)), "--fail-if", "slower=5%") == 0


def test_a_usable_sample_without_the_number_fails_too(tmp_path):
    rows = [row | ({"cut_off": 9} if row["mechanism"] == "poll" else {}) for row in samples(2)]
    a, b = run(tmp_path / "a", samples(1)), run(tmp_path / "b", rows)
    words = ["compare", a, b, "--fail-if", "slower=5%"]
    assert muxbench(*words, "--metric", "response_p99_us") == 1 and muxbench(*words) == 0


def test_blocks_lost_for_their_outcome_are_said_at_the_row(tmp_path, capsys):
    rows = without(without(samples(2), "failed", (1,)), "invalid", (2, 3))
    a, b = run(tmp_path / "a", samples(1)), run(tmp_path / "b", rows)
    words = "B: 3 of 10 blocks without a number: 1 failed, 2 invalid"
    assert muxbench("compare", a, b) == 0
    said = capsys.readouterr().out.split("\n")
    place = next(number for number, line in enumerate(said) if words in line)
    assert any(line.startswith("poll") for line in said[place - 3:place])
    found = compare.compare(a, b)
    assert row_of(found, "poll").lost == (words,) and row_of(found, "epoll-lt").lost == ()


def test_fail_if_says_that_drift_is_in_it_and_what_cancels_it(pair, capsys):
    muxbench("compare", *pair, "--fail-if", "slower=5%", "--json")
    assert json.loads(capsys.readouterr().out)["checks"][0]["drift"]
    muxbench("compare", *pair, "--fail-if", "slower=5%")
    assert capsys.readouterr().out.split("--fail-if slower=5%")[1].count(environments.DRIFT) == 1
    muxbench("compare", *pair, "--fail-if", "slower=5%", "--by-change")
    assert environments.DRIFT not in capsys.readouterr().out.split("--fail-if slower=5%")[1]


def test_the_help_says_when_a_check_fires(capsys):
    with pytest.raises(SystemExit):
        muxbench("compare", "--help")
    said = " ".join(capsys.readouterr().out.split())
    assert "near end of its 95 % interval lies beyond 1" in said and "no number in B" in said


def test_more_throughput_fails_if_faster_is_asked_for(tmp_path):
    a, b = run(tmp_path / "a", samples(1)), run(tmp_path / "b", samples(2, factor={"poll": 0.8}))
    words = ["compare", a, b, "--metric", "throughput_per_s", "--fail-if"]
    assert muxbench(*words, "faster=5%") == 1 and muxbench(*words, "slower=5%") == 0


# ---- output -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_a_terminal(pair, width):
    out = io.StringIO()
    compare_table.show(compare.compare(*pair), Console(file=out, width=width))
    lines = out.getvalue().splitlines()
    numbers = lines[next(i for i, line in enumerate(lines) if line.startswith("idle: server CPU")):]
    assert max(map(len, numbers)) <= width and not any("…" in line for line in numbers)
    assert "3 rows: 1 slower, 2 equivalent" in lines
    assert sum("slower" in line for line in numbers) >= 2   # the ratio's and the change's


def test_a_difference_below_the_margin_is_marked(tmp_path):
    a, b = run(tmp_path / "a", samples(1)), run(tmp_path / "b", samples(2, factor={"poll": 1.015}))
    found = row_of(compare.compare(a, b), "poll")
    assert found.verdict == "equivalent" and found.ratio.differs
    assert "equivalent°" in compare_table._ratio(found.ratio, found.verdict, "\n")
    assert row_of(compare.compare(a, b, margin=0.005), "poll").verdict == "slower"


def test_json_holds_everything_and_no_nan(pair, capsys):
    assert muxbench("compare", *pair, "--json", "--fail-if", "slower=5%") == 1
    found = json.loads(capsys.readouterr().out)
    assert {"a", "b", "paired", "stamps", "environment", "rows", "unmatched", "holm_family"} <= set(found)
    assert found["holm_family"] == 3 and found["checks"][0]["rows"] == [["idle", "1,000 connections", "poll"]]
    poll = found["rows"][0]
    assert (poll["mechanism"], poll["verdict"], poll["change"]["verdict"]) == ("poll", "slower", "slower")
    assert len(poll["interval95"]) == 2 and poll["blocks_a"] == 10


def test_the_figure_is_drawn_twice_with_the_same_bytes(pair, tmp_path):
    assert muxbench("compare", *pair, "--figure", tmp_path / "one.svg") == 0
    assert muxbench("compare", *pair, "--figure", tmp_path / "two") == 0
    for kind in ("svg", "png"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()


def test_the_figure_says_each_verdict_in_words_and_keeps_its_words_apart(pair):
    with style.context():
        drawn = compare_figure.figure(compare.compare(*pair))
        drawn.canvas.draw()
        axes = drawn.axes[0]
        words = [text for text in [*axes.texts, *axes.get_yticklabels(), axes.xaxis.label, *drawn.texts]]
        boxes = [(text.get_text(), text.get_window_extent()) for text in words]
    assert [text for text, _ in boxes[:6] if text in ("slower", "equivalent")] == ["slower", "equivalent", "equivalent"]
    filled = [line.get_markerfacecolor() != "white" for line in axes.lines if line.get_markersize() == 7]
    assert filled == [True, False, False]
    for i, (word, box) in enumerate(boxes):
        assert drawn.bbox.x0 <= box.x0 and box.x1 <= drawn.bbox.x1 and drawn.bbox.y0 <= box.y0, word
        assert not any(box.shrunk(0.98, 0.8).overlaps(other.shrunk(0.98, 0.8)) for _, other in boxes[:i]), word


# ---- wrong use ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, said", [
    (["--fail-if", "slower"], "--fail-if slower: give slower=SHARE or faster=SHARE, such as slower=5%"),
    (["--fail-if", "slower=5"], "such as slower=5%"), (["--fail-if", "worse=5%"], "give slower=SHARE"),
    (["--fail-if", "slower=1%"], "under the margin of 3 %, within which two runs are called equivalent; give --margin"),
    (["--margin", "3"], "--margin 3: give a share in per cent"), (["--margin", "0%"], "above 0"),
    (["--metric", "speed"], "no such number to compare; there are: server_cpu_us_per_request"),
    (["--figure", "x.pdf"], ".pdf is not drawn"), (["--figure", "/nowhere/x"], "no folder to write it to")])
def test_wrong_options_are_named(pair, capsys, words, said):
    assert muxbench("compare", *pair, *words) == USAGE_ERROR
    out = capsys.readouterr()
    assert said in out.err and not out.out


def test_a_threshold_that_is_the_margin_is_allowed(pair):
    assert muxbench("compare", *pair, "--fail-if", "slower=3%") == 1
    assert muxbench("compare", *pair, "--fail-if", "slower=1%", "--margin", "1%") == 1


def refused(capsys, a, b, *more):
    assert muxbench("compare", a, b, *more) == USAGE_ERROR
    return capsys.readouterr().err


def test_the_same_run_twice_is_refused(pair, tmp_path, capsys):
    (tmp_path / "latest").symlink_to(pair[0])
    assert "are the same run" in refused(capsys, pair[0], tmp_path / "latest")


def test_runs_that_cannot_be_compared_are_refused(pair, tmp_path, capsys):
    assert "no such folder; `ls results`" in refused(capsys, pair[0], tmp_path / "nothing")
    assert "holds whole runs (a, b), it is none itself" in refused(capsys, pair[0], tmp_path)
    (tmp_path / "empty").mkdir()
    assert "no samples.csv here or one folder down" in refused(capsys, pair[0], tmp_path / "empty")
    invalid = run(tmp_path / "invalid", [row | {"status": "invalid", "reason": "late"} for row in samples(1)])
    assert "not one valid sample; the first reason given: late" in refused(capsys, pair[0], invalid)
    other = run(tmp_path / "other", samples(1, connections=7))
    assert "no measured cell in common (A: idle; B: idle)" in refused(capsys, pair[0], other)
    assert "no valid sample has a events_per_wait" in refused(capsys, *pair, "--metric", "events_per_wait")


def test_a_run_of_another_version_is_refused(pair, tmp_path, capsys):
    old = tmp_path / "old"
    shutil.copytree(pair[0], old)
    with open(old / "samples.csv") as file:
        rows = list(csv.DictReader(file))
    with open(old / "samples.csv", "w") as file:
        table = csv.DictWriter(file, [name for name in rows[0] if name != "cut_off"], extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)
    assert "missing columns cut_off; it was written by another version" in refused(capsys, pair[0], old)


# ---- A/A ----------------------------------------------------------------------------------------------

def names_of_one_server(seed, blocks=10, bias=1.0, cells=40, noise=0.02):
    """Rows of 40 cells with one server under two names; `bias` is put on the second."""
    random, rows = np.random.default_rng(seed), []
    for cell in range(cells):
        for block in range(1, blocks + 1):
            speed = random.choice([1.0, 1.3])
            rows += [sample(name, block, 8 * speed * factor * random.lognormal(0, noise), connections=100 + cell)
                     for name, factor in (("epoll-lt", 1.0), ("epoll-lt:again", bias))]
    return rows


def test_aa_passes_a_calibrated_run(tmp_path, capsys):
    assert muxbench("aa", "--run", run(tmp_path / "a", names_of_one_server(1))) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "of 40 intervals exclude 1; 2 are expected, at most 6 allowed" in said and "99.7 % of the time" in said
    assert "A/A passed" in said


def test_aa_fails_where_the_names_are_not_treated_alike_and_lists_the_cells(tmp_path, capsys):
    assert muxbench("aa", "--run", run(tmp_path / "a", names_of_one_server(1, bias=1.03))) == 1
    said = capsys.readouterr().out
    assert "A/A FAILED" in said and said.count("idle: 1") > 6


def test_aa_fails_intervals_that_are_too_narrow():
    """Each block written twice: twenty blocks that are ten."""
    random, twice = np.random.default_rng(2), []
    for _ in range(40):
        logs = random.normal(0, 0.02, 10)
        twice.append(aa.Pair("aa", "cell", ("x", "x:again"), statistics.ratio_of(np.tile(logs, 4))))
    assert not aa.verdict(twice).passed


def test_aa_passes_a_calibrated_suite_in_99_7_percent():
    random, passed = np.random.default_rng(3), 0
    for _ in range(100):
        ratios = [statistics.ratio_of(logs) for logs in random.normal(0, 0.02, (40, 10))]
        passed += aa.verdict([aa.Pair("aa", "cell", ("x", "x:again"), ratio) for ratio in ratios]).passed
    assert passed >= 98


def test_aa_allows_6_of_40():
    ratios = [statistics.ratio_of([0.001, -0.002, 0.001])] * 34 + [statistics.ratio_of([0.1, 0.11, 0.12])] * 6
    pairs = [aa.Pair("aa", "cell", ("x", "x:again"), ratio) for ratio in ratios]
    found = aa.verdict(pairs)
    assert (found.cells, found.allowed, len(found.excluding), found.passed) == (40, 6, 6, True)
    assert found.chance == pytest.approx(0.9966, abs=1e-4)
    assert not aa.verdict(pairs[1:] + pairs[-1:]).passed


def test_aa_refuses_what_it_cannot_judge(tmp_path, capsys):
    assert muxbench("aa", "--run", run(tmp_path / "none", samples(1))) == USAGE_ERROR
    assert "no server stands there under two names" in capsys.readouterr().err
    assert muxbench("aa", "--run", run(tmp_path / "few", names_of_one_server(1, cells=19))) == USAGE_ERROR
    assert "19 cells have an interval of one server against itself, 20 are needed" in capsys.readouterr().err
    assert muxbench("aa", "--run", run(tmp_path / "one", names_of_one_server(1, blocks=1))) == USAGE_ERROR
    assert "0 cells have an interval" in capsys.readouterr().err
    assert muxbench("aa", "--server", "kqueue") == USAGE_ERROR
    assert "no such mechanism; there are: select" in capsys.readouterr().err


def judged(monkeypatch, tmp_path, *words):
    """What `muxbench run` would be started with; the run is not made."""
    started = {}

    def measure(options, paths):
        started["options"] = options
        started["texts"] = {Path(name).stem: options.edit(Path(name).read_text()) for name in options.scenarios}
        return 130
    monkeypatch.setattr(cli, "_run", measure)
    status = muxbench(*words, paths=Paths(results=tmp_path))
    return status, started["options"], started["texts"]


def test_aa_measures_both_scenarios_with_another_server(monkeypatch, tmp_path, capsys):
    status, options, texts = judged(monkeypatch, tmp_path, "aa", "--server", "poll", "--blocks", "5")
    assert status == 130 and options.blocks == 5 and options.out.parent == tmp_path
    assert set(texts) == {"aa", "aa-closed"}
    assert all('mechanism = ["poll", "poll:again"]' in text and "epoll" not in text for text in texts.values())
    assert "then judge it: ./muxbench aa --run" in capsys.readouterr().err


def test_aa_has_40_cells():
    from runner import cells, scenario
    from runner.limits import connection_limit
    paths, count = Paths(), 0
    for name in ("aa", "aa-closed"):
        one = scenario.load(paths.scenarios / f"{name}.toml")
        assert one.sweep["mechanism"] == ["epoll-lt", "epoll-lt:again"]
        limit = connection_limit(2)
        count += len(cells.expand(one, limit)[0]) if limit.most >= 4000 else 20
    assert count == 40


# ---- precision ----------------------------------------------------------------------------------------

def slices_of(seed, spread, far_blocks=(), far_factor=1.0, rounds=50, blocks=10):
    """(samples, slices): poll ÷ epoll-lt is 1.14 near and far_factor times that far; blocks scatter by `spread`. In
    far_blocks two rounds of three are far, in the others none."""
    random, rows, slices = np.random.default_rng(seed), [], []
    for block in range(1, blocks + 1):
        ratio, sums = 1.14 * random.lognormal(0, spread), {}
        for number in range(rounds):
            far = block in far_blocks and number >= rounds // 3
            for name, cost in (("epoll-lt", 6.0), ("poll", 6.0 * ratio * (far_factor if far else 1))):
                cost *= 1.3 if far else 1.0
                its = sums.setdefault(name, [0, 0])
                its[0] += 1000 * cost
                its[1] += 1000
                slices.append({"mechanism": name, "block": block, "round": number, "requests": 1000,
                               "server_cpu_us": 1000 * cost,
                               "core_round_trip_ns": (310 if far else 58) + random.integers(0, 9)})
        rows += [sample(name, block, cpu / requests) for name, (cpu, requests) in sums.items()]
    names = {(row["mechanism"], row["block"]): row["sample"] for row in rows}
    return rows, [one | {"sample": names[one["mechanism"], one["block"]]} for one in slices]


def test_precision_is_met_by_blocks_that_repeat_and_not_by_others(tmp_path, capsys):
    for spread, status in ((0.004, 0), (0.03, 1)):
        rows, slices = slices_of(1, spread)
        assert muxbench("precision", "--run", run(tmp_path / f"{status}", rows, slices=slices)) == status
    said = capsys.readouterr().out
    assert ": met" in said and "not met in 1 of 1 lines" in said and "one class" in said


def test_the_distance_of_the_cores_is_taken_out_by_strata(tmp_path):
    rows, slices = slices_of(2, 0.003, far_blocks=(2, 5, 9), far_factor=0.93)
    folder = run(tmp_path / "a", rows, slices=slices)
    line, = precision.lines(data.read_run(folder))
    assert line.plain.s > 0.015 and line.near.s < 0.006 and line.stratified.s < 0.006 and not line.met
    assert 67 < line.split_ns < 310
    assert line.rounds == (497 - 3 * 34, 3 * 34, 3)   # the round before each change is mixed


def test_strata_do_not_hide_a_scatter_that_has_another_cause(tmp_path):
    rows, slices = slices_of(3, 0.03, far_blocks=(2, 5, 9), far_factor=1.0)
    line, = precision.lines(data.read_run(run(tmp_path / "a", rows, slices=slices)))
    assert line.stratified.s == pytest.approx(line.plain.s, rel=0.2) and line.plain.s > 0.02


@pytest.mark.parametrize("near, far, low, high", [((55, 60, 62), (300, 310, 330), 62, 300), ((47, 48), (90,), 48, 90)])
def test_the_split_lies_between_two_regimes(near, far, low, high):
    assert low < precision.split([*near * 20, *far * 5]) < high


def test_one_regime_is_one_class():
    assert precision.split([55, 57, 58, 60, 62, 64, 66] * 10) is None
    assert precision.split([58] * 10) is None and precision.split([58]) is None


def test_without_probes_the_plain_scatter_is_judged(tmp_path):
    rows, slices = slices_of(1, 0.004)
    folder = run(tmp_path / "a", rows, slices=[one | {"core_round_trip_ns": None} for one in slices])
    line, = precision.lines(data.read_run(folder))
    assert line.stratified is None and line.rounds == (0, 0, 0) and line.met


def test_precision_refuses_what_it_cannot_judge(tmp_path, capsys):
    rows, slices = slices_of(1, 0.004)
    poll = run(tmp_path / "poll", [row for row in rows if row["mechanism"] == "poll"], slices=slices)
    assert muxbench("precision", "--run", poll) == USAGE_ERROR
    assert "has neither poll nor epoll-et beside epoll-lt" in capsys.readouterr().err
    one = run(tmp_path / "one", [row for row in rows if row["block"] == 1], slices=slices)
    assert muxbench("precision", "--run", one) == USAGE_ERROR
    assert "has one block only" in capsys.readouterr().err
    bare = run(tmp_path / "bare", rows)
    assert muxbench("precision", "--run", bare) == USAGE_ERROR
    assert "no slice of a valid sample" in capsys.readouterr().err
    (bare / "slices.csv").write_text("sample,round\n")
    assert muxbench("precision", "--run", bare) == USAGE_ERROR
    assert "missing columns server_cpu_us, requests, core_round_trip_ns" in capsys.readouterr().err
    (bare / "slices.csv").unlink()
    assert muxbench("precision", "--run", bare) == USAGE_ERROR
    assert "slices.csv: not there" in capsys.readouterr().err


def test_a_run_that_is_judged_is_not_measured(tmp_path, capsys):
    for words in (["--blocks", "3"], ["--out", "x"]):
        with pytest.raises(SystemExit) as ended:
            muxbench("precision", "--run", tmp_path, *words)
        assert ended.value.code == USAGE_ERROR
    assert "--run measures nothing" in capsys.readouterr().err
