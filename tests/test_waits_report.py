"""Runs of waitcost as they are read, judged and shown."""
import io

import pytest
from rich.console import Console
from test_plots import copied

from plots import compare, data, expect, report, waits
from runner import report as command
from runner import store

DEFINITION = """question = "What does a wait cost?"
prediction = "More with more."
program = "waitcost"
[fixed]
ready = 1
[sweep]
mechanism = ["select", "poll", "epoll-lt"]
descriptors = [10, 1000]
when = ["zero", "sleeping"]
"""
PREDICTION = """
[[expect]]
claim = "poll grows <tenfold>"
metric = "wait_ns"
mechanism = "poll"
where = { descriptors = 1000, when = "zero" }
against = { descriptors = 10 }
above = 10
"""
POLL, EPOLL = [200.0, 210.0, 190.0], [100.0, 104.0, 97.0]


def row(mechanism, block, **values):
    known = {"kind": "eventfd", "when": "zero", "descriptors": 10, "ready": 1, "placement": "random", "writes": 0,
             "rebuild": False, "reregister": "none", "rounds": 2, "turns": 10, "waits": 10, "events": 10, "slept": 0,
             "ctl": 0, "status": "valid", "reason": "", "variant": "", "mechanism": mechanism, "block": block,
             "position_in_block": 1, "scenario": "tiny"} | values
    names = ("descriptors", "when", "ready", "writes", "place", "variant")
    known["sample"] = "-".join(str(known.get(name)) for name in names) + f"-b{block}-{mechanism}"
    return known


def rows_of(values, **more):
    """Rows with numbers by (mechanism, descriptors), one per block; a wait that sleeps takes three times as long."""
    return [row(mechanism, block, descriptors=descriptors, wait_ns=number, turn_ns=2 * number, **more)
            for (mechanism, descriptors), numbers in values.items() for block, number in enumerate(numbers, 1)]


def run_in(folder, rows, definition=DEFINITION, plan=None):
    store.create(folder, definition, {"kernel": "6.1"}, plan or {}, store.WAIT_TABLES)
    store.commit(folder, store.WAIT_TABLES, {store.WAITS: rows})
    return folder


def verdict(folder, rows, plan=None, **prediction):
    """The Verdict on one prediction; the definition in FOLDER has none."""
    prediction = {"claim": "so it is", "metric": "wait_ns"} | prediction
    its = data.read_run(run_in(folder / "run", rows, plan=plan)).scenarios[0]
    its.definition["expect"] = [prediction]
    return expect.verdicts(its)[0]


BOTH = {("poll", 10): POLL, ("epoll-lt", 10): EPOLL, ("poll", 1000): [20 * one for one in POLL],
        ("epoll-lt", 1000): EPOLL}


# ---- reading -----------------------------------------------------------------------------------------------

def test_numbers_are_numbers_and_words_are_words(tmp_path):
    run = data.read_run(run_in(tmp_path / "run", rows_of(BOTH) + [
        row("select", 1, descriptors=5000, status="unsupported", reason="no")], plan={"descriptor_limit": 19_000}))
    scenario, = run.scenarios
    assert (scenario.program, scenario.name, scenario.blocks, scenario.exploratory) == ("waitcost", "tiny", 3, True)
    assert len(scenario.samples) == 13 and len(scenario.usable) == 12
    assert scenario.samples["wait_ns"].dtype == scenario.samples["place"].dtype == float
    assert set(scenario.samples["rebuild"]) == {"false"} and scenario.samples["place"].isna().all()
    assert scenario.definition["program"] == "waitcost" and scenario.plan["descriptor_limit"] == 19_000
    assert scenario.environment["kernel"] == "6.1" and scenario.lacking == ()


def test_a_table_without_what_came_later_is_read(tmp_path):
    folder = run_in(tmp_path / "run", rows_of(BOTH))
    table = data.read_csv(folder / "waits.csv").drop(columns=["kernel_polls_per_wait"])
    table.to_csv(folder / "waits.csv", index=False)
    assert data.read_run(folder).scenarios[0].lacking == ("kernel_polls_per_wait",)


@pytest.mark.parametrize("change, says", [
    (lambda text: text.replace(",wait_ns,", ",wait_us,"), "waits.csv: missing columns wait_ns; it was written by"),
    (lambda text: text[:-5], "waits.csv: row 13 is cut short"),
    (lambda text: text.replace("200.0", "fast", 1), "row 2, column wait_ns: 'fast' is no number"),
    (lambda text: text.replace("200.0", "-200.0", 1), "row 2: wait_ns is below 0"),
    (lambda text: text.replace(",10,1,random", ",0,1,random", 1), "row 2: descriptors is below 1"),
    (lambda text: text.replace(",valid,", ",fine,", 1), "unknown status 'fine'"),
    (lambda text: text.splitlines(keepends=True)[0], "samples.csv or waits.csv has no rows yet; finish the run")])
def test_what_is_wrong_with_a_table_is_said(tmp_path, change, says):
    folder = run_in(tmp_path / "run", rows_of(BOTH))
    (folder / "waits.csv").write_text(change((folder / "waits.csv").read_text()))
    with pytest.raises(data.RunError) as caught:
        data.read_run(folder)
    assert says in str(caught.value)


def test_a_run_of_both_is_read_as_a_whole_or_by_program(tmp_path):
    copied(tmp_path / "idle", "idle")
    run_in(tmp_path / "tiny", rows_of(BOTH))
    assert {one.name: one.program for one in data.read_run(tmp_path).scenarios} == {
        "idle": "servers", "tiny": "waitcost"}
    assert [one.name for one in data.read_run(tmp_path, "servers").scenarios] == ["idle"]
    assert [one.name for one in data.read_run(tmp_path, "waitcost").scenarios] == ["tiny"]
    with pytest.raises(data.RunError, match="no samples.csv here"):
        compare.compare(tmp_path / "tiny", tmp_path / "tiny")


# ---- predictions -------------------------------------------------------------------------------------------

def test_against_another_count_block_by_block(tmp_path):
    found = verdict(tmp_path, rows_of(BOTH), mechanism="poll", where={"descriptors": "1k"}, against={"descriptors": 10},
                    between=[19, 21])
    assert found.verdict == "supported" and found.finding.value == pytest.approx(20) and found.cells == 1
    assert found.finding.cell == ("1,000 descriptors, 1 ready, eventfd, time-out 0, random, 0 writes, set kept, "
                                  "registered once, 2 rounds")
    assert len(found.finding.samples) == 6


def test_two_mechanisms_in_every_cell(tmp_path):
    found = verdict(tmp_path, rows_of(BOTH), compare=["poll", "epoll-lt"], above=10)
    assert found.verdict == "refuted" and found.cells == 2 and found.finding.cell.startswith("10 descriptors")


@pytest.mark.parametrize("where, cells", [
    ({"when": "sleeping"}, 1), ({"when": "zero"}, 2), ({"descriptors": 1000}, 1), ({"descriptors": "max"}, 1),
    ({"ready": "all"}, 0), ({"ready": "1"}, 3), ({"rebuild": False}, 3), ({"rebuild": True}, 0),
    ({"round": "20ms"}, 3), ({"position": 0}, 0)])
def test_cells_are_named_as_in_the_sweep(tmp_path, where, cells):
    rows = rows_of(BOTH) + rows_of({("poll", 10): POLL}, when="sleeping")
    found = verdict(tmp_path, rows, mechanism="poll", where=where, above=1)
    assert found.cells == cells


def test_max_is_what_the_machine_allowed(tmp_path):
    found = verdict(tmp_path, rows_of(BOTH), {"descriptor_limit": 19_000}, mechanism="poll",
                    where={"descriptors": "max"}, above=1)
    assert found.verdict == "not measured"


@pytest.mark.parametrize("asked, verdict_, cells", [("all", "supported", 1), (None, "not measured", 0)])
def test_as_many_writes_as_descriptors_are_alike_where_all_was_asked_for(tmp_path, asked, verdict_, cells):
    """libevent's artefact: writes = "all" grows with the descriptors, and is the same setting."""
    rows = [row("poll", block, descriptors=count, writes=count, turn_ns=count * number)
            for count in (10, 1000) for block, number in enumerate(POLL, 1)]
    its = data.read_run(run_in(tmp_path / "run", rows)).scenarios[0]
    its.definition["fixed"] = {"ready": 1} | ({"writes": asked} if asked else {})
    its.definition["expect"] = [{"claim": "c", "metric": "turn_ns", "mechanism": "poll", "above": 50,
                                 "where": {"descriptors": 1000}, "against": {"descriptors": 10}}]
    found, = expect.verdicts(its)
    assert (found.verdict, found.cells) == (verdict_, cells)


def test_places_and_values_without_a_column_tell_cells_apart(tmp_path):
    rows = [row("poll", block, placement="position", place=place, variant=f"high={high}", wait_ns=place + high + number)
            for place in (0, 9) for high in (100, 5000) for block, number in enumerate(POLL, 1)]
    found = verdict(tmp_path, rows, mechanism="poll", where={"position": 9, "high": "5k"}, against={"high": 100},
                    between=[10, 30])
    assert found.verdict == "supported" and found.cells == 1 and "place 9" in found.finding.cell


def test_integers_of_the_kernel_decide_without_a_spread(tmp_path):
    rows = [row("poll", block, kernel_polls=100, kernel_polls_per_wait=10) for block in (1, 2)]
    found = verdict(tmp_path, rows, metric="kernel_polls_per_wait", mechanism="poll", between=[10, 10])
    assert found.verdict == "supported" and found.number.startswith("10.0")


# ---- the report and the terminal ---------------------------------------------------------------------------

def shown(folder, width=80):
    out = io.StringIO()
    report.summary(folder, Console(file=out, width=width))
    return out.getvalue()


def test_a_run_of_waitcost_alone_has_no_report(tmp_path):
    folder = run_in(tmp_path / "run", rows_of(BOTH))
    assert report.write(folder) is None and not (folder / "report.html").exists()


def test_a_report_leaves_waitcost_out(tmp_path):
    copied(tmp_path / "idle", "idle")
    run_in(tmp_path / "tiny", rows_of(BOTH))
    html = report.write(tmp_path).read_text()
    assert 'id="idle-table"' in html and "tiny" not in html
    said = shown(tmp_path)
    assert "idle: server CPU" in said and "tiny: µs/wait" in said


def test_the_table_has_medians_and_ratios_in_80_columns(tmp_path):
    sleeping = rows_of({("poll", 10): POLL}, when="sleeping", wait_cpu_ns=1234)
    ruled_out = [row("select", block, descriptors=1000, status="unsupported") for block in (1, 2, 3)]
    names = ("select", "select-wide", "ppoll", "epoll-et", "none")
    others = rows_of({(name, 10): [50.0] * 3 for name in names})
    folder = run_in(tmp_path / "run", rows_of(BOTH) + sleeping + ruled_out + others, DEFINITION + PREDICTION)
    said = shown(folder)
    assert all(len(line) <= 80 for line in said.splitlines())
    lines = said.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("10 descriptors, "))
    assert lines[first].split()[-7:] == ["0.0500", "0.0500", "0.200", "0.0500", "0.100", "0.0500", "0.0500"]
    assert lines[first + 1].split()[-6:] == ["0.499×", "0.499×", "1.99×", "0.499×", "0.499×", "0.499×"]
    title = "tiny: µs/wait or µs of CPU/wait, then the mean paired ratio to epoll-lt; medians, 3"
    assert title in " ".join(said.split())
    assert "suspect" not in said
    assert any("sleeping" in line for line in lines) and "1.23" in said and "1 ready, eventfd" in said
    assert " ".join(said.split()).count("tiny: supported: poll grows <tenfold>: 20.0") == 1


def test_the_table_marks_what_was_disturbed(tmp_path):
    rows = rows_of(BOTH)
    rows[0]["status"] = "suspect"
    said = " ".join(shown(run_in(tmp_path / "run", rows, DEFINITION)).split())
    assert "0.200*" in said and "0.100*" not in said and "* suspect: disturbed" in said


def test_commands_are_shown_in_seconds(tmp_path):
    folder = run_in(tmp_path / "run", rows_of(BOTH, command_elapsed_s=0.25, command_cpu_s=0.2))
    assert "s/command" in shown(folder) and "0.250" in shown(folder)


def test_cells_stand_in_the_order_of_counts(tmp_path):
    folder = run_in(tmp_path / "run", rows_of({("poll", count): POLL for count in (1000, 10, 200)}))
    its = waits.split(data.read_run(folder).scenarios[0].samples)
    assert [values["descriptors"] for values, _ in its] == [10, 200, 1000]


def test_the_command_names_what_it_has_drawn(tmp_path, capsys):
    assert command.run(run_in(tmp_path / "run", rows_of(BOTH))) == 0
    said = capsys.readouterr().out
    assert "report.html" not in said and "classics.html" in said


# ---- two runs ----------------------------------------------------------------------------------------------

def test_two_runs_are_compared_by_their_waits(tmp_path):
    """Without a word by the wait; cell by cell with what varies, and the change of the ratio within blocks."""
    slower = BOTH | {("poll", 1000): [1.5 * one for one in BOTH["poll", 1000]]}
    a, b = run_in(tmp_path / "a", rows_of(BOTH)), run_in(tmp_path / "b", rows_of(slower))
    assert compare.usual(a) == "wait_ns"
    rows = {(one.cell, one.mechanism): one for one in compare.compare(a, b, compare.usual(a)).rows}
    assert list(rows) == [(cell, name) for cell in ("10 descriptors", "1,000 descriptors")
                          for name in ("poll", "epoll-lt")]
    assert rows["1,000 descriptors", "poll"].change.value == pytest.approx(1.5)
    assert rows["10 descriptors", "poll"].change.value == pytest.approx(1)


def test_runs_without_the_asked_numbers_say_which_file_is_missing(tmp_path):
    a, b = run_in(tmp_path / "a", rows_of(BOTH)), run_in(tmp_path / "b", rows_of(BOTH))
    with pytest.raises(data.RunError, match="samples.csv"):
        compare.compare(a, b)
