"""`muxbench run` of waitcost scenarios with the real waitcost and the real hyperfine: rows, order, resuming, what
cannot be; timing is not asserted."""
import contextlib
import io
import json
import shutil
import signal
from pathlib import Path

import pytest
from test_run import Bench, bench, ours, table, wait_for  # noqa: F401  (a fixture)

from runner import cli, plan, prepare, scenario, store
from runner.paths import Paths

SCENARIO = """question = "Does it run?"
prediction = "It does."
program = "waitcost"
blocks = 2

[fixed]
rounds = 2
turns = 5

[sweep]
mechanism = ["select", "poll", "epoll-lt", "none"]
descriptors = [10, 1001]
"""
# In the order of the contract with the figures: other programs read them by name, people by place.
COLUMNS = """
sample, block, position_in_block, scenario, mechanism, variant, kind, when, descriptors, ready, placement, place,
highest_descriptor, writes, rebuild, reregister, rounds, turns, waits, events, slept, ctl, build_ns, wait_ns,
wait_low_ns, wait_high_ns, wait_cpu_ns, scan_ns, turn_ns, turn_low_ns, turn_high_ns, cpu_s, elapsed_s, kernel_polls,
kernel_polls_per_wait, kept_awake, command_elapsed_s, command_cpu_s, status, reason, attempt, again
"""
ONE_CELL = ("--only", "descriptors=10", "--blocks", 1)
SERVERS = """question = "Do servers run beside it?"
prediction = "They do."
[fixed]
active = 2
window = "40ms"
warmup = "10ms"
slice = "20ms"
[sweep]
mechanism = ["poll", "epoll-lt"]
connections = [10]
"""


@pytest.fixture
def waits(bench):  # noqa: F811
    bench.scenario.write_text(SCENARIO)
    return bench


def rows_of(folder):
    return {row["mechanism"]: row for row in table(folder, "waits.csv")}


# ---- a whole run -------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def finished(tmp_path_factory, programs):
    made = Bench(tmp_path_factory.mktemp("finished"), programs)
    made.scenario.write_text(SCENARIO)
    made.said = made.run("run", made.scenario, "--seed", 5)
    return made


def test_columns_exactly_and_no_table_of_the_servers(finished):
    folder = finished.results / "latest"
    assert (folder / "waits.csv").read_text().splitlines()[0] == "".join(COLUMNS.split())
    assert {path.name for path in folder.iterdir()} == {"environment.json", "plan.json", "scenario.toml", "waits.csv"}


def test_a_row_for_each_mechanism_cell_and_block(finished):
    rows = table(finished.results / "latest", "waits.csv")
    assert {row["sample"] for row in rows} == {
        f"tiny-n{descriptors}-r1-b{block}-{mechanism}" for descriptors in (10, 1001) for block in (1, 2)
        for mechanism in ("select", "poll", "epoll-lt", "none")}
    assert len(rows) == 16


def test_rows_say_what_was_asked_and_counted(finished):
    for row in table(finished.results / "latest", "waits.csv"):
        if row["status"] == "unsupported":
            continue
        assert (row["status"], row["reason"], row["scenario"]) == ("valid", "", "tiny")
        assert (row["kind"], row["when"], row["ready"], row["placement"], row["place"], row["writes"], row["rebuild"],
                row["reregister"], row["rounds"]) == ("eventfd", "zero", "1", "random", "", "0", "false", "none", "2")
        assert (row["turns"], row["waits"], row["events"], row["slept"]) == ("10", "10", "10", "0")
        assert row["wait_cpu_ns"] == row["kernel_polls"] == row["command_elapsed_s"] == ""
        assert 0 < float(row["wait_low_ns"]) <= float(row["wait_ns"]) <= float(row["wait_high_ns"])


def test_select_past_its_limit_is_a_row(finished):
    rows = [row for row in table(finished.results / "latest", "waits.csv") if row["status"] != "valid"]
    assert {row["sample"] for row in rows} == {f"tiny-n1001-r1-b{block}-select" for block in (1, 2)}
    for row in rows:
        assert row["status"] == "unsupported" and "FD_SETSIZE" in row["reason"]
        assert row["wait_ns"] == row["position_in_block"] == "" and row["kind"] == "eventfd"


def test_positions_are_the_order_of_the_plan(finished):
    folder = finished.results / "latest"
    positions = {row["sample"]: row["position_in_block"] for row in table(folder, "waits.csv")}
    for step in plan.from_json(json.loads((folder / "plan.json").read_text())):
        for place, mechanism in enumerate(step.order, 1):
            assert positions[step.sample(mechanism)] in (str(place), "")


def test_what_is_said_meanwhile(finished):
    assert "waits on core " in finished.said and ", their partner on core " in finished.said
    assert "[4/4] tiny-n" in finished.said and ": us/wait: " in finished.said and "select unsupported" in finished.said


def test_the_same_seed_gives_the_same_counts_in_the_same_order(finished, tmp_path, programs):
    again = Bench(tmp_path, programs)
    again.scenario.write_text(SCENARIO)
    again.run("run", again.scenario, "--seed", 5, "--out", again.out)
    counts = ("sample", "position_in_block", "turns", "waits", "events", "status")
    first, second = ([[row[name] for name in counts] for row in table(folder, "waits.csv")]
                     for folder in (finished.results / "latest", again.out))
    assert first == second


# ---- ending and resuming -----------------------------------------------------------------------------------

def test_resumed_after_an_interruption(waits):
    waits.scenario.write_text(SCENARIO.replace("turns = 5", 'round = "100ms"').replace("1001", "20, 30, 40"))
    child = waits.start("run", waits.scenario, "--out", waits.out, "--seed", 7)
    path = waits.out / "waits.csv"
    wait_for(lambda: child.poll() is not None or path.exists() and len(path.read_text().splitlines()) > 4)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=20)
    assert child.returncode == 130 and f"./muxbench run --resume {waits.out}" in errors and ours() == []
    before = table(waits.out, "waits.csv")
    assert 0 < len(before) < 32 and len(before) % 4 == 0
    waits.run("run", "--resume", waits.out)
    rows = table(waits.out, "waits.csv")
    steps = plan.from_json(json.loads((waits.out / "plan.json").read_text()))
    assert rows[:len(before)] == before
    assert [row["sample"] for row in rows] == [step.sample(name) for step in steps for name in step.order]


def test_a_killed_run_leaves_no_process(waits):
    waits.scenario.write_text(SCENARIO.replace("turns = 5", 'round = "2s"'))
    child = waits.start("run", waits.scenario, "--out", waits.out)
    wait_for(lambda: child.poll() is not None or ours())
    child.kill()
    child.communicate()
    wait_for(lambda: not ours())


def test_a_torn_table_is_mended_and_the_run_goes_on(finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree((finished.results / "latest").resolve(), folder)
    text = (folder / "waits.csv").read_text()
    (folder / "waits.csv").write_text(text[:-30])
    steps = plan.from_json(json.loads((folder / "plan.json").read_text()))
    assert store.recover(folder, steps, store.WAIT_TABLES) == {(step.cell.name, step.block) for step in steps[:-1]}
    assert (folder / "waits.csv").read_text() == "\n".join(text.splitlines()[:-4]) + "\n"
    finished.run("run", "--resume", folder)
    assert [row["sample"] for row in table(folder, "waits.csv")] == [
        row["sample"] for row in table(finished.results / "latest", "waits.csv")]


# ---- what goes wrong ---------------------------------------------------------------------------------------

def test_fuse_that_cannot_be_used_is_unsupported(waits):
    waits.fake(waitcost_poll='echo "/dev/fuse: run as root" >&2; exit 3')
    waits.run("run", waits.scenario, "--out", waits.out, *ONE_CELL)
    rows = rows_of(waits.out)
    assert (rows["poll"]["status"], rows["poll"]["reason"]) == ("unsupported", "/dev/fuse: run as root")
    assert {rows[name]["status"] for name in ("select", "epoll-lt", "none")} == {"valid"}


@pytest.mark.parametrize("script, says", [
    ('echo "no luck today" >&2; exit 1', "waitcost-poll ended with status 1 and no result: no luck today"),
    ("exit 2", "waitcost-poll ended with status 2 and no result: it said nothing"),
    ("exit 0", "waitcost-poll ended with status 0 and no result: it said nothing"),
    ("kill -9 $$", "waitcost-poll ended with status -9 and no result")])
def test_a_failure_is_a_row_with_its_reason(waits, script, says):
    waits.fake(waitcost_poll=script)
    said = waits.run("run", waits.scenario, "--out", waits.out, *ONE_CELL)
    row = rows_of(waits.out)["poll"]
    assert row["status"] == "failed" and says in row["reason"]
    assert "tiny-n10-r1-b1-poll failed: waitcost-poll ended" in said
    assert "1 of 4 samples failed: see `reason` in waits.csv" in said


# waitcost that says it had a core for no time at all.
DISTURBED = r"""for last; do :; done
REAL/waitcost-poll "$@" && text=$(sed 's/"cpu_s": [0-9.e-]*/"cpu_s": 0/' "$last") && echo "$text" >"$last"
"""


def test_a_disturbed_block_is_run_again_and_kept_as_suspect(waits):
    waits.fake(waitcost_poll=DISTURBED)
    said = waits.run("run", waits.scenario, "--only", "mechanism=poll,none", *ONE_CELL, "--reruns", 2)
    folder = waits.results / "latest"
    rows = rows_of(folder)
    assert (rows["poll"]["status"], rows["poll"]["attempt"]) == ("suspect", "3")
    assert rows["poll"]["again"] == rows["poll"]["reason"] == \
        "0 % of its core was waitcost's: others, or the hypervisor, had the rest"
    assert (rows["none"]["status"], rows["none"]["again"]) == ("valid", "")
    spoiled = table(folder, "spoiled.csv")
    assert sorted((row["mechanism"], row["attempt"]) for row in spoiled) == \
        [("none", "1"), ("none", "2"), ("poll", "1"), ("poll", "2")]
    assert said.count("run again, because 0 % of its core") == 2


@pytest.mark.parametrize("elapsed_us, status, words", [
    (60, "valid", ""), (400, "suspect", "0 % of the time of its waits was counted as its own: others, or the ")])
def test_a_wait_that_sleeps_must_have_used_most_of_its_time(waits, elapsed_us, status, words):
    """Asleep it leaves its core by itself; but it is woken at once."""
    fields = f's/"wait_ns": [0-9.e+]*/"wait_ns": {elapsed_us}000/;s/"wait_cpu_ns": [0-9.e+]*/"wait_cpu_ns": '
    waits.fake(waitcost_poll=DISTURBED.replace('s/', fields + f'{10_000 if status == "valid" else 1}/;s/', 1))
    waits.scenario.write_text(SCENARIO.replace("turns = 5", 'turns = 5\nwhen = "sleeping"'))
    waits.run("run", waits.scenario, "--only", "mechanism=poll", *ONE_CELL, "--reruns", 0)
    row = rows_of(waits.results / "latest")["poll"]
    assert (row["status"], row["reason"][:len(words)]) == (status, words)


def test_waits_that_did_not_sleep_are_suspect(waits):
    waits.fake(waitcost_poll=DISTURBED.replace('"cpu_s": [0-9.e-]*/"cpu_s": 0', '"slept": 10,/"slept": 9,'))
    waits.scenario.write_text(SCENARIO.replace("turns = 5", 'turns = 5\nwhen = "sleeping"'))
    waits.run("run", waits.scenario, "--only", "mechanism=poll", *ONE_CELL, "--reruns", 0)
    row = rows_of(waits.results / "latest")["poll"]
    assert (row["status"], row["reason"]) == ("suspect", "only 9 of 10 waits slept: something else woke them")


def test_a_disturbed_command_is_suspect(waits):
    waits.fake(waitcost_poll='case "$*" in *--json*) exec REAL/waitcost-poll "$@";; esac; sleep 0.3')
    waits.scenario.write_text(SCENARIO.replace("turns = 5", "turns = 5\nruns = 2"))
    waits.run("run", waits.scenario, "--only", "mechanism=poll,none", *ONE_CELL, "--reruns", 0)
    rows = rows_of(waits.results / "latest")
    assert rows["poll"]["status"] == "suspect" and "% of a core was the command's" in rows["poll"]["reason"]
    assert rows["none"]["status"] == "valid"


def test_exit_status_1_where_nothing_can_be_used(waits):
    waits.fake(waitcost_poll="exit 1")
    waits.run("run", waits.scenario, "--out", waits.out, "--only", "mechanism=poll", *ONE_CELL, status=1)


def test_not_built(waits):
    waits.fake()
    (waits.bin / "waitcost-none").unlink()
    assert "waitcost-none not found in " in waits.run("run", waits.scenario, status=2)


def test_waits_per_poll_are_an_integer_with_fuse_or_unsupported(waits):
    waits.scenario.write_text(SCENARIO.replace("turns = 5", 'turns = 5\nkind = "fuse"'))
    waits.run("run", waits.scenario, "--out", waits.out, *ONE_CELL)
    rows = rows_of(waits.out)
    for name in ("select", "poll"):
        assert rows[name]["status"] == "unsupported" or float(rows[name]["kernel_polls_per_wait"]) == 10


# ---- the whole command -------------------------------------------------------------------------------------

TIMED = SCENARIO.replace("turns = 5", "turns = 5\nruns = 2")


def test_hyperfine_times_the_whole_command_in_one_call(waits):
    waits.scenario.write_text(TIMED)
    waits.run("run", waits.scenario, "--out", waits.out, "--seed", 3, "--blocks", 1)
    rows = table(waits.out, "waits.csv")
    steps = plan.from_json(json.loads((waits.out / "plan.json").read_text()))
    kept = waits.out / "hyperfine"
    assert {path.name for path in kept.iterdir()} == {f"{step.cell.name}-b1.json" for step in steps}
    for step in steps:
        able = [name for name in step.order if name != "select" or step.cell.settings["descriptors"] == 10]
        results = json.loads((kept / f"{step.cell.name}-b1.json").read_text())["results"]
        assert [one["parameters"]["mechanism"] for one in results] == able
        for one in results:
            row = next(row for row in rows if row["sample"] == step.sample(one["parameters"]["mechanism"]))
            assert one["parameters"]["descriptors"] == row["descriptors"] and len(one["times"]) == 2
            assert float(row["command_elapsed_s"]) == one["mean"]
            assert float(row["command_cpu_s"]) == one["user"] + one["system"]
            assert row["status"] == "valid" and row["waits"] == "10"   # the sample is there as ever
    ruled_out = [row for row in rows if row["status"] == "unsupported"]
    assert len(ruled_out) == 1 and ruled_out[0]["command_elapsed_s"] == ""


def test_a_command_that_fails_under_hyperfine_alone(waits):
    """hyperfine ends with the first that fails: what it timed before is kept."""
    waits.scenario.write_text(TIMED)
    waits.fake(waitcost_poll='case "$*" in *--json*) exec REAL/waitcost-poll "$@";; esac; exit 1')
    waits.run("run", waits.scenario, "--out", waits.out, "--seed", 3, *ONE_CELL)
    step, = plan.from_json(json.loads((waits.out / "plan.json").read_text()))
    rows, failed = rows_of(waits.out), step.order.index("poll")
    assert 0 < failed < 3   # by the seed
    for place, name in enumerate(step.order):
        assert rows[name]["status"] == ("valid" if place < failed else "failed")
        assert bool(rows[name]["command_elapsed_s"]) == (place < failed)
    assert "hyperfine did not time it to the end: Error: Command terminated" in rows["poll"]["reason"]


def test_without_hyperfine_nothing_starts(waits, monkeypatch):
    waits.scenario.write_text(TIMED)
    monkeypatch.setenv("PATH", str(waits.folder))
    said = waits.run("run", waits.scenario, status=2)
    assert "tiny: `runs` needs hyperfine, which is not installed: run `make deps`" in said
    assert [path.name for path in waits.results.iterdir()] == [".lock"]
    assert "nothing was started" in waits.run("run", waits.scenario, "--dry-run")


def test_a_run_is_not_resumed_without_hyperfine_unless_it_is_done(waits, monkeypatch):
    waits.scenario.write_text(TIMED)
    waits.run("run", waits.scenario, "--out", waits.out, *ONE_CELL)
    monkeypatch.setenv("PATH", str(waits.folder))
    waits.run("run", "--resume", waits.out)
    (waits.out / "waits.csv").write_text((waits.out / "waits.csv").read_text().splitlines()[0] + "\n")
    assert "needs hyperfine" in waits.run("run", "--resume", waits.out, status=2)


def test_interrupted_while_hyperfine_is_timing_leaves_no_process(waits):
    """The command under hyperfine is no child of ours, but of its session."""
    waits.scenario.write_text(TIMED)
    waits.fake(waitcost_poll='case "$*" in *--json*) exec REAL/waitcost-poll "$@";; esac; '
                             f'echo $$ > {waits.folder}/pid; exec sleep 60')
    child = waits.start("run", waits.scenario, "--out", waits.out, "--only", "mechanism=poll", *ONE_CELL)
    pid = waits.folder / "pid"
    wait_for(lambda: pid.exists() and pid.read_text().endswith("\n"))
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=20)
    assert child.returncode == 130
    wait_for(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists(), 5)


# ---- with scenarios of the servers -------------------------------------------------------------------------

def test_both_programs_in_one_run_block_by_block(waits):
    other = waits.folder / "served.toml"
    other.write_text(SERVERS)
    said = waits.run("run", waits.scenario, other, "--out", waits.out, "--blocks", 2, "--reruns", 0)
    assert "waits and servers on core " in said and "their partner and generator on core " in said
    assert len(table(waits.out / "tiny", "waits.csv")) == 16 and len(table(waits.out / "served")) == 4
    assert not (waits.out / "tiny" / "samples.csv").exists() and not (waits.out / "served" / "waits.csv").exists()
    order = [line.split()[1] for line in said.splitlines() if line.startswith("[")]
    assert [name.split("-")[0] for name in order] == ["tiny", "tiny", "served"] * 2


def test_only_a_key_of_one_program_leaves_the_other_out(waits):
    other = waits.folder / "served.toml"
    other.write_text(SERVERS)
    said = waits.run("run", waits.scenario, other, "--only", "descriptors=10", "--dry-run")
    assert "tiny-n10-r1" in said and "served left out: no cell has all of --only" in said
    said = waits.run("run", waits.scenario, other, "--only", "mechanism=poll", "--dry-run")
    assert "tiny-n1001-r1" in said and "served-c10-a2-eagain" in said


def test_dry_run_shows_the_cells(waits):
    waits.scenario.write_text(TIMED)
    said = waits.run("run", waits.scenario, "--dry-run", "--seed", 3)
    assert "tiny-n10-r1 " in said and "2 rounds of 5 turns, timed 2 times by hyperfine: select poll" in said
    assert "(select) poll" in said and "nothing was started" in said and not waits.results.exists()


# ---- the classics ------------------------------------------------------------------------------------------

def checkout(folder, programs):
    """Paths with two scenarios in classics/ and one beside it."""
    (folder / "scenarios" / "classics").mkdir(parents=True)
    for name in ("plain", "classics/p01-one", "classics/p02-two"):
        (folder / "scenarios" / f"{name}.toml").write_text(SCENARIO)
    return Paths(programs, folder / "scenarios", folder / "results")


def created(paths, *names):
    """The name of the folder of a run of these scenarios."""
    options = cli._parser().parse_args(["run", *map(str, names), "--only", "mechanism=poll"])
    return prepare.create(prepare.plan_parts(options, paths), None, paths).name.rsplit("-", 2)[0]


def test_a_run_of_classics_alone_is_called_reproduce(tmp_path, programs):
    paths = checkout(tmp_path, programs)
    classics = sorted((paths.scenarios / "classics").iterdir())
    assert created(paths, *classics) == "reproduce"
    assert created(paths, "classics/p01-one") == "p01-one"
    assert created(paths, "plain", "classics/p01-one") == "bench"


def test_the_list_names_classics_by_their_folder(tmp_path, programs):
    paths = checkout(tmp_path, programs)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert cli.main(["list"], paths) == 0
    lines = said.getvalue().splitlines()
    assert [line for line in lines if line and line[0] != " "][:3] == ["plain", "classics/p01-one", "classics/p02-two"]
    assert "3 scenarios in " in lines[-1] and lines[1] == "    Does it run?"
    assert scenario.find("classics/p01-one", paths.scenarios) == paths.scenarios / "classics" / "p01-one.toml"


@pytest.mark.parametrize("name", ["p01-one", "classics/p01-on", "p01-on.toml"])
def test_an_unknown_classic_names_the_nearest(tmp_path, programs, name, capsys):
    assert cli.main(["run", name, "--dry-run"], checkout(tmp_path, programs)) == 2
    assert 'did you mean "classics/p01-one"?' in capsys.readouterr().err
