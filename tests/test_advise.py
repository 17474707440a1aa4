"""`muxbench advise`: a known law is found again at places that were not measured, and questions that cannot be
answered are refused."""
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plots import advise, costs, data, predict
from runner import cli
from runner.advise import this_machine
from runner.paths import Paths

BENCH = Path(__file__).parent / "data" / "bench"
COUNTS = (100, 1000, 5000, 10_000, 19_000)
RATES = (100, 1000)


def law_ns(mechanism, connections, rate):
    """ns per request: what falls with the rate, and for poll 60 ns per descriptor in waits that find more at a higher
    rate."""
    fixed = 40_000 * (rate / 100) ** -0.3
    return fixed + (60 * (connections + 1) * waits(rate) if mechanism == "poll" else 0)


def waits(rate):
    return (rate / 100) ** -0.05


def measured(blocks, random, spread=0.03, counts=COUNTS, rates=RATES, actives=(10,)):
    """Rows of poll and epoll-lt by the law, each with an error of its own; and a speed of each block for all."""
    rows = []
    for block in range(1, blocks + 1):
        speed = random.lognormal(0, 0.1) if spread else 1
        for mechanism in ("poll", "epoll-lt"):
            for rate in rates:
                for connections in counts:
                    for active in actives:
                        cost = law_ns(mechanism, connections, rate) * speed * random.lognormal(0, spread)
                        rows.append({"block": block, "mechanism": mechanism, "connections": connections,
                                     "active": active, "offered_per_s": float(rate), "arrival": "poisson",
                                     "waits_per_request": waits(rate), "saturated": False, costs.COST: cost / 1000,
                                     "fds_per_request": (connections + 1) * waits(rate) if mechanism == "poll" else 1.0,
                                     "server_cpu_percent": cost * rate / 1e7})
    return pd.DataFrame(rows)


def closed(rows, cost_ns, counts=COUNTS):
    """A closed loop beside these rows: the server's core full at this cost, whatever the connections."""
    more = rows[(rows["offered_per_s"] == rows["offered_per_s"].min()) & rows["connections"].isin(counts)].copy()
    return pd.concat([rows, more.assign(offered_per_s=np.nan, arrival="closed", server_cpu_percent=98.0,
                                        **{costs.COST: cost_ns / 1000})], ignore_index=True)


# ---- what comes back -----------------------------------------------------------------------------------

@pytest.mark.parametrize("mechanism", ["poll", "epoll-lt"])
def test_a_cell_left_out_is_predicted_within_its_interval(mechanism):
    """Each of the inner cells left out in turn, in 25 data sets of 5 blocks: the truth is inside in 92 % or more."""
    random = np.random.default_rng(3)
    held = []
    for _ in range(25):
        rows = measured(5, random)
        for connections in COUNTS[1:-1]:
            question = predict.Question(connections, 10, 1000)
            found = predict.predict(rows[rows["connections"] != connections], mechanism, question)
            truth = law_ns(mechanism, connections, 1000) * 1000 / 1e7
            held.append(found.interval[0] <= truth <= found.interval[1])
            assert found.outside == [] and found.between == "1,000/s"
    assert np.mean(held) >= 0.92


def test_without_noise_the_law_comes_back():
    rows = measured(2, np.random.default_rng(1), spread=0)
    for mechanism in ("poll", "epoll-lt"):
        found = predict.predict(rows, mechanism, predict.Question(3000, 10, 1000))
        assert found.percent == pytest.approx(law_ns(mechanism, 3000, 1000) / 1e4, rel=1e-6)
    between = predict.predict(rows, "epoll-lt", predict.Question(3000, 10, 300))
    assert between.percent == pytest.approx(law_ns("epoll-lt", 3000, 300) * 300 / 1e7, rel=1e-6)
    assert between.between == "100/s and 1,000/s"


def test_interval_needs_two_blocks():
    found = predict.predict(measured(1, np.random.default_rng(1)), "poll", predict.Question(3000, 10, 300))
    assert found.interval is None and found.blocks == 1 and found.percent > 0


def test_the_interval_holds_what_the_model_misses_in_cells_left_out():
    """A cost that no straight line follows: without noise the blocks agree, and yet there is an interval."""
    rows = measured(3, np.random.default_rng(1), spread=0)
    rows.loc[(rows["connections"] == 5000) & (rows["mechanism"] == "poll"), costs.COST] *= 1.4
    low, high = predict.predict(rows, "poll", predict.Question(3000, 10, 1000)).interval
    assert high / low > 1.2


@pytest.mark.parametrize("points, at, expected, inside", [
    ([[1, 1], [3, 1]], [2, 1], [0.5, 0.5], True), ([[1, 1], [3, 1]], [4, 1], [0, 1], False),
    ([[1, 1], [3, 1]], [2, 2], [0.5, 0.5], False), ([[1, 1]], [1, 1], [1], True), ([[1, 1]], [2, 1], [1], False),
    ([[0, 0], [2, 2]], [1, 1], [0.5, 0.5], True), ([[0, 0], [1, 0], [0, 1]], [0.25, 0.25], [0.5, 0.25, 0.25], True),
    ([[0, 0], [1, 0], [0, 1]], [3, 0], [0, 1, 0], False)])
def test_weights_of_the_measured_cells(points, at, expected, inside):
    found, is_inside = predict.weights(np.array(points, dtype=float), np.array(at, dtype=float))
    assert found == pytest.approx(expected) and is_inside == inside


# ---- what is outside, and what cannot be -----------------------------------------------------------------

ROWS = measured(3, np.random.default_rng(2))


@pytest.mark.parametrize("question, words", [
    ((3000, 50, 1000), ["50 active at 1,000/s (10 measured)"]), ((50, 10, 1000), ["50 connections at 1,000/s"]),
    ((30_000, 10, 500), ["30,000 connections at 100/s (100 to 19,000 measured)", "30,000 connections at 1,000/s"]),
    ((3000, 10, 2000), ["rate 2,000/s (100 to 1,000/s measured)"]), ((3000, 10, 50), ["rate 50/s"])])
def test_outside_of_the_measured_range_is_said(question, words):
    found = predict.predict(ROWS, "epoll-lt", predict.Question(*question))
    assert len(found.outside) == len(words) and all(word in note for word, note in zip(words, found.outside))


@pytest.mark.parametrize("question, name", [((300_000, 10, 500), "connections"), ((3000, 500, 500), "active"),
                                            ((3000, 10, 20_000), "rate"), ((3000, 10, 5), "rate")])
def test_far_outside_is_refused(question, name):
    with pytest.raises(predict.AdviseError, match=f"{name} .* is more than 10 times outside of what this run measured"):
        predict.predict(ROWS, "epoll-lt", predict.Question(*question))


def test_both_measured_but_not_together_is_outside():
    rows = pd.concat([ROWS, measured(3, np.random.default_rng(4), counts=(100,), actives=(100,))])
    assert predict.predict(rows, "poll", predict.Question(15_000, 90, 1000)).outside == [
        "90 active of 15,000 (both were measured, not together)"]
    assert predict.predict(rows, "poll", predict.Question(200, 20, 1000)).outside == []


def test_a_rate_that_the_closed_loop_did_not_reach_is_saturated():
    """5 us per request fill a core at 196,000/s (98 % of it were got)."""
    rows = closed(measured(3, np.random.default_rng(1), spread=0), 5000)
    high = predict.predict(rows, "epoll-lt", predict.Question(3000, 10, 250_000))
    assert high.state == "saturated" and high.outside == [] and high.between == "closed loop"
    middle = predict.predict(rows, "epoll-lt", predict.Question(3000, 10, 20_000))
    assert middle.state == "fits" and middle.between == "1,000/s and closed loop"
    assert 5 < middle.us_per_request < law_ns("epoll-lt", 3000, 1000) / 1000


@pytest.mark.parametrize("percent, interval, state", [
    (130, (96, 170), "saturated"), (130, (94, 180), "may not fit"), (130, None, "may not fit"),
    (80, (60, 99), "may not fit"), (80, (70, 90), "fits"), (80, None, "fits")])
def test_saturated_needs_the_whole_interval(percent, interval, state):
    assert predict._state(ROWS, predict.Question(3000, 10, 300), percent, interval) == state


def test_what_was_measured_as_saturated_is():
    rows = ROWS[ROWS["mechanism"] == "poll"]
    asked = (rows["connections"] == 5000) & (rows["offered_per_s"] == 1000)
    question = predict.Question(5000, 10, 1000)
    assert predict._state(rows.assign(saturated=asked), question, 80, (60, 99)) == "saturated"
    assert predict._state(rows.assign(saturated=asked & (rows["block"] == 1)), question, 80, (60, 99)) == "may not fit"


def test_the_interval_is_always_printed_or_said_to_be_unknown(capsys):
    full = prediction("poll", 130, "saturated")
    assert advise._table_row(full)[1:3] == ("130", "117–143")
    alone = predict.Prediction("poll", "may not fit", 130, None, 1, 1, logs=pd.Series([np.log(130)], index=[1]))
    assert advise._table_row(alone)[2] == "not known"
    assert any("One block: the interval is not known" in note for note in advise._notes([alone], "", []))
    assert not any("One block" in note for note in advise._notes([full], "", []))
    assert advise.sentence([alone]).startswith("poll: 130 % of a core, and may not keep up")


def test_differences_from_the_cheapest_are_corrected_for_their_number():
    """Each of four differs from it with p = 0.015: alone that is a difference, as one of four it is none."""
    factor = np.exp([0.20, 0.25, 0.31])
    others = [prediction(name, 11, factor=factor) for name in ("epoll-et", "poll", "select-wide", "select")]
    cheapest = prediction("epoll-lt", 11, factor=(1, 1, 1))
    alone, all_four = ([one.mechanism for one in advise._alike([cheapest, *some], cheapest)]
                       for some in (others[:1], others))
    assert alone == ["epoll-lt"] and len(all_four) == 5


def test_what_was_measured_above_the_capacity_does_not_count():
    """2 ms per request fill a core at 490/s: the samples at 1,000/s are of a queue, not of a server that keeps up."""
    rows = closed(measured(3, np.random.default_rng(1), spread=0), 2e6)
    found = predict.predict(rows, "poll", predict.Question(3000, 10, 900))
    assert found.state == "saturated" and found.us_per_request == pytest.approx(2000) and found.between == "closed loop"


def test_select_beyond_its_end_is_unsupported():
    found = predict.predict(ROWS, "select", predict.Question(5000, 10, 100))
    assert found.state == "unsupported" and "FD_SETSIZE" in found.why
    assert predict.predict(ROWS, "select", predict.Question(500, 10, 100)).state == "not measured"


def prediction(mechanism, percent, state="fits", factor=(1, 1.01, 0.99)):
    logs = pd.Series(np.log(percent * np.array(factor)), index=[1, 2, 3])
    return predict.Prediction(mechanism, state, percent, (percent * 0.9, percent * 1.1), 1, 3, logs=logs)


def test_the_advice_in_one_line():
    found = [predict.Prediction("select", "unsupported", why="so"), prediction("select-wide", 70),
             prediction("poll", 64), prediction("epoll-lt", 11.2), prediction("epoll-et", 11, factor=(1.1, 0.9, 1))]
    assert advise.sentence(found) == ("epoll-lt: 11.2 % of a core against poll's 64.0 %; epoll-et cannot be told from "
                                      "it; select-wide and poll would do too; select cannot")


def test_the_advice_when_some_are_full_and_when_all_are():
    found = [prediction("poll", 130, "saturated"), prediction("select-wide", 90, "may not fit"),
             prediction("epoll-lt", 11)]
    assert advise.sentence(found) == ("epoll-lt: 11.0 % of a core, where poll would need more than a whole one; "
                                      "select-wide may not keep up; poll cannot")
    assert "none of them: one core cannot carry this" in advise.sentence(found[:1])


# ---- the command ---------------------------------------------------------------------------------------

def command(capsys, tmp_path, *words):
    """(exit status, standard output, standard error) of `muxbench advise` with results in tmp_path."""
    paths = Paths(results=tmp_path)
    status = cli.main(["advise", *words], paths)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


ASKED = ("--connections", "5k", "--active", "10", "--rate", "300")


def run_of_this_machine(folder, date="2026-01-01T00:00:00+00:00", scenarios=("cpu", "idle", "share")):
    for name in scenarios:
        shutil.copytree(BENCH / name, folder / name)
        path = folder / name / "environment.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | this_machine() | {"date": date}))


@pytest.mark.parametrize("words, message", [
    (("--connections", "5", "--active", "50", "--rate", "1"), "--active 50 is more than --connections 5"),
    (("--connections", "5", "--active", "5", "--rate", "0"), "must be above 0"),
    (("--connections", "0", "--active", "0", "--rate", "5"), "must be above 0"),
    (("--connections", "many", "--active", "5", "--rate", "1"), "--connections many: give a number above 0"),
    (("--connections", "2.5", "--active", "1", "--rate", "1"), "--connections 2.5: give a number"),
    (ASKED, "no run of this machine with a fixed rate: `make bench` makes one"),
    ((*ASKED, "--run", "/nowhere"), "/nowhere: no such folder"),
    ((*ASKED, "--run", str(BENCH / "idle")), "no samples at a fixed rate, and what a request costs depends on")])
def test_what_cannot_be_answered_is_refused_with_status_2(capsys, tmp_path, words, message):
    status, out, err = command(capsys, tmp_path, *words)
    assert (status, out) == (2, "") and message in err and "Traceback" not in err


def test_the_newest_run_of_this_machine_with_a_fixed_rate_answers(capsys, tmp_path):
    run_of_this_machine(tmp_path / "old", "2026-01-01T00:00:00+00:00")
    run_of_this_machine(tmp_path / "new", "2026-01-03T00:00:00+00:00")
    run_of_this_machine(tmp_path / "closed", "2026-01-04T00:00:00+00:00", ["idle"])
    shutil.copytree(BENCH, tmp_path / "stranger")
    status, out, _ = command(capsys, tmp_path, *ASKED)
    assert status == 0 and "from new: " in out and "2026-01-03" in out and "3 blocks, exploratory" in out
    assert "Another machine" not in out and "poll" in out and "cannot" in out


def test_a_run_that_cannot_answer_is_passed_over_and_named_if_none_can(capsys, tmp_path):
    run_of_this_machine(tmp_path / "old", "2026-01-01T00:00:00+00:00")
    run_of_this_machine(tmp_path / "new", "2026-01-03T00:00:00+00:00")
    for path in (tmp_path / "new").glob("*/samples.csv"):   # of other rates, far away
        table = pd.read_csv(path, dtype=str)
        table["offered_per_s"] = table["offered_per_s"].map(lambda rate: f"{float(rate) * 1e6:.0f}", na_action="ignore")
        table.to_csv(path, index=False)
    status, out, _ = command(capsys, tmp_path, *ASKED)
    assert status == 0 and "from old: " in out
    shutil.rmtree(tmp_path / "old")
    status, _, err = command(capsys, tmp_path, *ASKED)
    assert status == 2 and "new: " in err and "outside" in err


def test_another_machine_s_run_answers_only_when_it_is_asked_for(capsys, tmp_path):
    shutil.copytree(BENCH, tmp_path / "stranger")
    status, _, err = command(capsys, tmp_path, *ASKED)
    assert status == 2 and "of another machine there is stranger: --run" in err
    status, out, _ = command(capsys, tmp_path, *ASKED, "--run", str(tmp_path / "stranger"))
    assert status == 0 and re.search(r"Another machine's run: cpu, kernel, .* differ", " ".join(out.split()))


def test_json_holds_everything(capsys, tmp_path):
    run_of_this_machine(tmp_path / "run")
    status, out, _ = command(capsys, tmp_path, *ASKED, "--json")
    found = json.loads(out)
    assert status == 0 and found["this_machine"]
    assert found["question"] == {"connections": 5000, "active": 10, "rate": 300}
    its = {one["mechanism"]: one for one in found["mechanisms"]}
    assert its["select"]["state"] == "unsupported" and its["poll"]["interval"][0] < its["poll"]["percent"]
    assert its["epoll-lt"]["percent"] < its["poll"]["percent"] and found["advice"].startswith("epoll-lt: ")


def test_the_table_fits_a_terminal():
    from rich.console import Console
    run = data.read_run(BENCH)
    question = predict.Question(5000, 50, 300)
    out = io.StringIO()
    found = advise.predictions(advise.suit(run), question)
    advise.show(question, run, found, {}, Console(file=out, width=80, highlight=False))
    assert max(map(len, out.getvalue().splitlines())) <= 80
    assert "extrapolated" in out.getvalue() and "…" not in out.getvalue()
