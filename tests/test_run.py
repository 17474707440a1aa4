"""`muxbench run` with the real servers and the real generator: rows, order, resuming, ending; timing is not
asserted."""
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT

from runner import plan, session, store
from runner.errors import UserError

SCENARIO = """question = "Does it run?"
prediction = "It does."
blocks = 2

[fixed]
active = 2
window = "40ms"
warmup = "10ms"
slice = "20ms"

[sweep]
mechanism = ["select", "poll", "epoll-lt", "epoll-et"]
connections = [10, 20, 1100]

[figures]
show = ["throughput"]
"""
# The columns in the order of DESIGN.md, then our own: other programs read them by place.
COLUMNS = """
sample, block, position, scenario, mechanism, variant, connections, active, arrival, offered_per_s,
message_bytes, depth, window_s, requests, errors, throughput_per_s, response_p50_us,
response_p99_us, response_p999_us, service_p50_us, server_cpu_us_per_request,
client_cpu_us_per_request, total_cpu_us_per_request, server_cpu_percent, waits_per_request,
fds_per_request, events_per_wait, reads_per_request, writes_per_request, eagain_per_request,
ctl_per_request, steal_percent, core_round_trip_ns, limited_by, status, reason, cut_off,
service_p99_us, lateness_p99_us, client_cpu_percent, machine_cpu_percent, slices, attempt, latency, steady,
outstanding_mean, service_mean_us, late_percent, others_percent, generator_share_percent, spin_ns,
spin_shift_percent, round_trip_shift_percent, again, wait_percent, ctl_percent, read_percent, write_percent,
profile_samples
"""
MEASURED = {"valid", "suspect", "invalid"}   # which of them depends on what else the machine does
# The command line with other folders, and without the drawing, which has its own tests.
MAIN = """import sys
from pathlib import Path
from runner import cli, paths, report
report.run = lambda folder: 0
sys.exit(cli.main(sys.argv[3:], paths.Paths(bin=Path(sys.argv[1]), results=Path(sys.argv[2]))))
"""


class Bench:
    """A scenario, a results folder and the programs, in a temporary folder."""

    def __init__(self, folder, programs):
        self.folder, self.bin, self.results = folder, programs, folder / "results"
        self.scenario = folder / "tiny.toml"
        self.scenario.write_text(SCENARIO)
        self.out = folder / "out"

    def start(self, *arguments):
        child = subprocess.Popen([sys.executable, "-c", MAIN, self.bin, self.results, *map(str, arguments)],
                                 text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env=os.environ | {"PYTHONPATH": str(ROOT)})
        RUNS.add(child.pid)
        return child

    def run(self, *arguments, status=0):
        child = self.start(*arguments)
        output, errors = child.communicate(timeout=60)
        assert child.returncode == status, errors
        return output + errors

    def fake(self, **programs):
        """Programs of shell in the place of the real ones; the others are links to those."""
        folder = self.folder / "bin"
        folder.mkdir()
        for path in self.bin.iterdir():
            (folder / path.name).symlink_to(path)
        for name, text in programs.items():
            path = folder / name.replace("_", "-")
            path.unlink()
            path.write_text("#!/bin/sh\n" + text.replace("REAL", str(self.bin)))
            path.chmod(0o755)
        self.bin = folder


@pytest.fixture
def bench(tmp_path, programs):
    made = Bench(tmp_path, programs)
    yield made
    assert ours() == [], "a process was left behind"


def ours():
    """What the runs of this test session have left running, as command lines: each names a file in the run's
    memory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if any(f"/proc/{pid}/fd/" in words for pid in RUNS):
            found.append(words)
    return found


RUNS = set()   # the ids of all runs that were started


def table(folder, name="samples.csv"):
    with open(folder / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def in_the_middle(bench, *arguments):
    """A run that has stored a block and is at work on another one; returns its process."""
    child = bench.start("run", bench.scenario, "--out", bench.out, *arguments)
    samples = bench.out / "samples.csv"
    wait_for(
        lambda: child.poll() is not None or samples.exists() and len(samples.read_text().splitlines()) > 4)
    wait_for(lambda: child.poll() is not None or ours())
    assert child.poll() is None, child.stderr.read()
    return child


# ---- a whole run -------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def finished(tmp_path_factory, programs):
    made = Bench(tmp_path_factory.mktemp("finished"), programs)
    made.said = made.run("run", made.scenario, "--seed", 5, "--blocks", 2)
    return made


def test_columns_exactly(finished):
    header = (finished.results / "latest" / "samples.csv").read_text().splitlines()[0]
    assert header == "".join(COLUMNS.split())
    assert (finished.results / "latest" / "slices.csv").read_text().splitlines()[0] == (
        "sample,round,position,start_ms,duration_ms,requests,errors,cut_off,server_cpu_us,client_cpu_us,"
        "client_polling_us,steal_us,waits,core_round_trip_ns")
    assert (finished.results / "latest" / "histograms.csv").read_text().splitlines()[0] == (
        "sample,kind,lower_ns,upper_ns,count")


def test_a_row_for_each_mechanism_cell_and_block(finished):
    rows = table(finished.results / "latest")
    assert {row["sample"] for row in rows} == {
        f"tiny-c{connections}-a2-eagain-b{block}-{mechanism}" for connections in (10, 20, 1100)
        for block in (1, 2) for mechanism in ("select", "poll", "epoll-lt", "epoll-et")
    }
    assert len(rows) == 24


def test_select_past_its_limit_is_a_row(finished):
    rows = [row for row in table(finished.results / "latest") if row["status"] == "unsupported"]
    assert {row["sample"] for row in rows} == {f"tiny-c1100-a2-eagain-b{block}-select" for block in (1, 2)}
    for row in rows:
        assert "FD_SETSIZE" in row["reason"] and row["requests"] == row["position"] == ""


def test_measured_rows_are_whole(finished):
    for row in table(finished.results / "latest"):
        if row["status"] == "unsupported":
            continue
        assert row["status"] in MEASURED, row["reason"]
        assert int(row["requests"]) > 0 and row["errors"] == "0"
        assert (row["scenario"], row["variant"], row["active"], row["arrival"]) == ("tiny", "eagain", "2",
                                                                                    "closed")


def test_scans_are_handed_every_connection(finished):
    row = next(row for row in table(finished.results / "latest")
               if row["sample"] == "tiny-c1100-a2-eagain-b1-poll")
    examined_per_wait = float(row["fds_per_request"]) / float(row["waits_per_request"])
    assert examined_per_wait == pytest.approx(1101, rel=0.01)   # the listening socket is one of them


def test_slices_and_histograms_add_up_to_the_sample(finished):
    folder = finished.results / "latest"
    samples = {row["sample"]: row for row in table(folder) if row["status"] != "unsupported"}
    requests, counts = dict.fromkeys(samples, 0), dict.fromkeys(samples, 0)
    for row in table(folder, "slices.csv"):
        requests[row["sample"]] += int(row["requests"])
    for row in table(folder, "histograms.csv"):
        counts[row["sample"]] += int(row["count"]) * (row["kind"] == "response")
    for name, row in samples.items():
        assert requests[name] == int(row["requests"]) and counts[name] >= int(row["requests"])


def test_positions_are_the_order_of_the_plan(finished):
    folder = finished.results / "latest"
    positions = {row["sample"]: row["position"] for row in table(folder)}
    for step in plan.from_json(json.loads((folder / "plan.json").read_text())):
        for place, mechanism in enumerate(step.order, 1):
            assert positions[step.sample(mechanism)] in (str(place), "")


def test_folder_says_what_was_asked_and_where(finished):
    folder = finished.results / "latest"
    assert folder.is_symlink() and folder.resolve().name.startswith("tiny-")
    assert (folder / "scenario.toml").read_text() == SCENARIO
    about = json.loads((folder / "environment.json").read_text())
    assert about["kernel"] and about["cpu"] and about["boot_id"] and about["limits"]["descriptors_hard"]
    assert about["versions"]["python"] and about["binaries"]["loadgen"] and "run" in about["command"]


def test_plain_lines_where_there_is_no_terminal(finished):
    assert "[6/6] tiny-c" in finished.said and "us/request: " in finished.said and "\x1b" not in finished.said


# ---- ending and resuming -----------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_leaves_no_process_and_says_how_to_go_on(bench, number):
    child = in_the_middle(bench)
    child.send_signal(number)
    _, errors = child.communicate(timeout=20)
    assert child.returncode == 130
    assert f"./muxbench run --resume {bench.out}" in errors and "Traceback" not in errors
    assert ours() == []


def test_resumed_after_a_kill(bench):
    child = in_the_middle(bench, "--seed", 7)
    child.kill()
    child.communicate()
    wait_for(lambda: not ours())   # they die with their parent
    before = table(bench.out)
    steps = plan.from_json(json.loads((bench.out / "plan.json").read_text()))
    assert 0 < len(before) < sum(len(step.order) for step in steps)
    said = bench.run("run", "--resume", bench.out)
    rows = table(bench.out)
    assert rows[:len(before)] == before
    assert [row["sample"] for row in rows if row["status"] != "unsupported"] == [
        step.sample(row_mechanism) for step in steps for row_mechanism in step.order
        if not (row_mechanism == "select" and step.cell.settings["connections"] > 1000)]
    assert "done, seed 7" in said
    assert len(json.loads((bench.out / "environment.json").read_text())["resumed"]) == 1
    assert "0 s" in bench.run("run", "--resume", bench.out) and table(bench.out) == rows


def test_interrupted_bench_of_two_scenarios_is_resumed(bench):
    other = bench.folder / "other.toml"
    other.write_text(SCENARIO.replace("1100", "30"))
    child = bench.start("run", bench.scenario, other, "--out", bench.out)
    wait_for(lambda: (bench.out / "tiny" / "samples.csv").exists() and len(table(bench.out / "tiny")) >= 4)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=20)
    assert child.returncode == 130
    bench.run("run", "--resume", bench.out)
    assert len(table(bench.out / "tiny")) == len(table(bench.out / "other")) == 24


def test_rows_of_an_unfinished_block_are_dropped(finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished.results / "latest", folder)
    steps = plan.from_json(json.loads((folder / "plan.json").read_text()))
    samples = (folder / "samples.csv").read_text()
    torn = samples[:-30]   # in the middle of the last row
    (folder / "samples.csv").write_text(torn)
    (folder / "slices.csv").write_text((folder / "slices.csv").read_text() + steps[0].sample("poll") + ",9")
    done = store.recover(folder, steps, store.COLUMNS)
    assert done == {(step.cell.name, step.block) for step in steps[:-1]}
    kept = {row["sample"] for row in table(folder)}
    assert len(kept) == 20
    for name in ("slices.csv", "histograms.csv"):
        assert {row["sample"] for row in table(folder, name)} <= kept
    assert (folder / "slices.csv").read_text().endswith("\n")


def test_a_whole_run_is_not_touched_by_recovery(finished):
    folder = (finished.results / "latest").resolve()
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    store.recover(folder, plan.from_json(json.loads((folder / "plan.json").read_text())), store.COLUMNS)
    assert {path.name: path.stat().st_ino for path in folder.iterdir()} == before


def test_other_programs_do_not_go_on_with_a_run(finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished.results / "latest", folder)
    about = json.loads((folder / "environment.json").read_text())
    about["binaries"]["echo-poll"] = "another"
    (folder / "environment.json").write_text(json.dumps(about))
    assert "not those this run began with" in finished.run("run", "--resume", folder, status=2)


def test_nothing_to_resume(bench):
    assert "no run to resume" in bench.run("run", "--resume", bench.folder, status=2)


def test_resume_takes_no_other_plan(bench):
    assert "give nothing but its folder" in bench.run("run", "--resume", bench.folder, "--blocks", 3,
                                                      status=2)


# ---- what goes wrong ---------------------------------------------------------------------------------------

ONE_CELL = ("--only", "connections=10", "--blocks", 1)


def test_a_server_that_dies_is_a_row_and_the_run_goes_on(bench):
    bench.fake(echo_poll='echo "no luck today" >&2; exit 3')
    bench.run("run", bench.scenario, "--out", bench.out, "--only", "connections=10,20", "--blocks", 1,
              status=1)
    rows = table(bench.out)
    assert len(rows) == 8 and {row["status"] for row in rows} == {"failed"}
    assert all("echo-poll ended" in row["reason"] and "no luck today" in row["reason"] for row in rows)


def test_a_servers_bad_exit_is_reported(bench):
    bench.fake(
        echo_poll='trap "kill $! ; exit 9" TERM; REAL/echo-poll "$@" & trap "kill $!; exit 9" TERM; wait')
    said = bench.run("run", bench.scenario, "--out", bench.out, *ONE_CELL)
    rows = {row["mechanism"]: row for row in table(bench.out)}
    assert rows["poll"]["status"] == "failed" and "ended with status 9" in rows["poll"]["reason"]
    assert rows["select"]["status"] != "failed" and "poll failed: " in said


def test_a_generator_without_a_result_is_a_row(bench):
    bench.fake(loadgen='echo "out of ideas" >&2; exit 1')
    said = bench.run("run", bench.scenario, "--out", bench.out, *ONE_CELL, status=1)
    assert {row["reason"] for row in table(bench.out)} == {
        "loadgen ended with status 1 and no result: out of ideas"}
    assert "4 of 4 samples failed" in said


def test_not_built(bench):
    bench.bin = bench.folder / "nothing"
    assert "run `make`" in bench.run("run", bench.scenario, status=2)
    assert not bench.results.exists() or not list(bench.results.iterdir())


def test_bad_scenarios_start_nothing(bench):
    other = bench.folder / "other.toml"
    other.write_text(SCENARIO.replace('"poll"', '"pol"'))
    bench.scenario.write_text(SCENARIO.replace("active", "activ"))
    said = bench.run("run", bench.scenario, other, status=2)
    assert "tiny.toml:6: fixed.activ" in said and "other.toml:12: sweep.mechanism" in said
    assert not bench.results.exists()


def test_an_existing_folder_is_not_overwritten(bench):
    bench.out.mkdir()
    (bench.out / "precious").touch()
    assert "exists already" in bench.run("run", bench.scenario, "--out", bench.out, status=2)
    assert [path.name for path in bench.out.iterdir()] == ["precious"]


def test_only_one_run_at_a_time(bench):
    with session.lock(bench.results):
        said = bench.run("run", bench.scenario, status=2)
        assert f"another run is going on (process {os.getpid()}" in said
    with session.lock(bench.results):   # no stale lock
        pass
    with pytest.raises(UserError), session.lock(bench.results), session.lock(bench.results):
        pass


# ---- other ways to run -------------------------------------------------------------------------------------

def test_dry_run_starts_nothing(bench):
    said = bench.run("run", bench.scenario, "--dry-run", "--seed", 3)
    assert "tiny-c1100-a2-eagain" in said and "(select) poll" in said and "nothing was started" in said
    assert not bench.results.exists()


def test_only_and_same_core_without_slices(bench):
    bench.scenario.write_text("slices = false\n" + SCENARIO)
    bench.run("run", bench.scenario, "--out", bench.out, "--same-core", "--only", "mechanism=poll,epoll-et",
              *ONE_CELL)
    rows = table(bench.out)
    assert sorted(row["mechanism"] for row in rows) == ["epoll-et", "poll"]
    assert {row["status"] for row in rows} <= MEASURED
    assert {row["position"] for row in rows} == {"1", "2"}
    about = json.loads((bench.out / "environment.json").read_text())
    assert about["server_cpu"] == about["loadgen_cpu"]


def test_drain_once_is_a_row_for_edge_triggered(bench):
    bench.scenario.write_text(SCENARIO.replace("active = 2", 'active = 2\ndrain = "once"'))
    bench.run("run", bench.scenario, "--out", bench.out, *ONE_CELL)
    rows = {row["mechanism"]: row for row in table(bench.out)}
    assert rows["epoll-et"]["status"] == "unsupported" and rows["poll"]["status"] in MEASURED
    assert rows["poll"]["sample"] == "tiny-c10-a2-once-b1-poll"


def test_open_arrivals(bench):
    bench.scenario.write_text(SCENARIO.replace("active = 2", 'active = 2\narrival = "poisson"\nrate = 1000'))
    bench.run("run", bench.scenario, "--out", bench.out, *ONE_CELL)
    for row in table(bench.out):
        assert row["sample"].startswith("tiny-c10-a2-r1000-eagain-b1-") and float(
            row["offered_per_s"]) == 1000


# ---- what the environment does -----------------------------------------------------------------------------

# The real generator; then its record says that the cores were moved. (sed -i would need a folder: it is in memory.)
MOVED = """REAL/loadgen "$@"; status=$?
for word; do [ "$last" != --json ] || file=$word; last=$word; done
record=$(sed 's/"after": {"round_trip_ns": [a-z0-9]*/"after": {"round_trip_ns": 99999/' "$file")
printf '%s\\n' "$record" > "$file"
exit $status
"""


def test_a_spoiled_block_is_run_again_three_times_and_kept(bench):
    bench.fake(loadgen=MOVED)
    said = bench.run("run", bench.scenario, "--out", bench.out, "--only", "mechanism=poll", *ONE_CELL)
    final, spoiled = table(bench.out), table(bench.out, "spoiled.csv")
    assert [row["attempt"] for row in spoiled] == ["1", "2", "3"] and [row["attempt"] for row in final] == ["4"]
    assert {row["status"] for row in final + spoiled} == {"suspect"}
    assert all("the distance between the cores changed" in row["reason"] for row in final + spoiled)
    assert said.count("run again, because") == 3


def rewritten(expression):
    """The real generator, with its record changed by sed."""
    return MOVED.replace(MOVED[MOVED.index("'s/"):MOVED.index(' "$file")')], f"'{expression}'")


@pytest.mark.parametrize("expression, status, says", [
    ('s/"steal_percent": [^,]*/"steal_percent": 5/', "suspect", "the hypervisor gave 5.0 %"),
    ('s/"others_percent": [^,]*/"others_percent": 400/', "suspect", "other programs used 400 %"),
    ('s/"generator_share_percent": [^,]*/"generator_share_percent": 50/', "suspect", "got 50 % of its core"),
    ('s/"generator_spin_ns": [0-9]*}, "after"/"generator_spin_ns": 1000}, "after"/', "suspect", "speed changed"),
    ('s/"outstanding_mean": [^,]*/"outstanding_mean": 9/', "invalid", "Little"),
    ('s/"fds_per_request": [^,]*/"fds_per_request": 0.5/', "invalid", "descriptors were examined"),
])
def test_what_the_generator_records_is_judged(bench, expression, status, says):
    bench.fake(loadgen=rewritten(expression))
    bench.run("run", bench.scenario, "--out", bench.out, "--reruns", 0, "--only", "mechanism=poll", *ONE_CELL,
              status=int(status == "invalid"))
    row, = table(bench.out)
    assert row["status"] == status and says in row["reason"]


def test_a_block_is_run_again_whatever_its_result(bench):
    """A wrong echo does not keep a spoiled block: that would choose by outcome."""
    wrong, stolen = 's/"status": "valid"/"status": "invalid"/', 's/"steal_percent": [^,]*/"steal_percent": 5/'
    bench.fake(loadgen=rewritten(f"{wrong}; {stolen}"))
    bench.run("run", bench.scenario, "--out", bench.out, "--only", "mechanism=poll", *ONE_CELL, status=1)
    assert [row["attempt"] for row in table(bench.out, "spoiled.csv")] == ["1", "2", "3"]
    row, = table(bench.out)
    assert row["status"] == "invalid" and "steal" in row["again"]


def test_attempts_go_on_after_a_kill(bench):
    """Two attempts are in spoiled.csv, and half a line of a third."""
    bench.fake(loadgen=MOVED)
    bench.run("run", bench.scenario, "--out", bench.out, "--only", "mechanism=poll", *ONE_CELL)
    lines = (bench.out / "spoiled.csv").read_text().splitlines()
    (bench.out / "spoiled.csv").write_text("\n".join(lines[:3]) + "\n" + lines[3][:40])
    (bench.out / "samples.csv").write_text((bench.out / "samples.csv").read_text().splitlines()[0] + "\n")
    bench.run("run", "--resume", bench.out)
    assert [row["attempt"] for row in table(bench.out, "spoiled.csv")] == ["1", "2", "3"]
    assert [row["attempt"] for row in table(bench.out)] == ["4"]


def test_reruns_0_takes_what_comes(bench):
    bench.fake(loadgen=MOVED)
    bench.run("run", bench.scenario, "--out", bench.out, "--reruns", 0, *ONE_CELL)
    assert not (bench.out / "spoiled.csv").exists()
    assert {row["attempt"] for row in table(bench.out)} == {"1"}


def test_reruns_have_a_budget(bench, monkeypatch):
    from runner.run import Reruns
    reruns = Reruns(10)
    assert [reruns.afford(4) for _ in range(3)] == [True, True, False] and reruns.afford(2)


def test_missing_metadata_fails(bench):
    bench.fake(loadgen=MOVED.replace("99999", "null"))
    bench.run("run", bench.scenario, "--out", bench.out, *ONE_CELL, status=1)
    assert {row["status"] for row in table(bench.out)} == {"invalid"}
    assert all("a probe of the cores is missing" in row["reason"] for row in table(bench.out))


def test_a_label_is_the_same_server_under_another_name(bench):
    bench.scenario.write_text(SCENARIO.replace('["select", "poll", "epoll-lt", "epoll-et"]',
                                               '["epoll-lt", "epoll-lt:again"]'))
    bench.run("run", bench.scenario, "--out", bench.out, *ONE_CELL)
    rows = {row["mechanism"]: row for row in table(bench.out)}
    assert set(rows) == {"epoll-lt", "epoll-lt:again"}
    assert {row["status"] for row in rows.values()} <= MEASURED


def test_cores_can_be_chosen(bench):
    one = sorted(os.sched_getaffinity(0))[0]
    bench.run("run", bench.scenario, "--out", bench.out, "--cores", f"{one},{one}", *ONE_CELL)
    about = json.loads((bench.out / "environment.json").read_text())
    assert (about["server_cpu"], about["loadgen_cpu"]) == (one, one)
    assert about["cores_why"] == "as --cores says, one core for both"
    assert about["clock"]["resolution_ns"] > 0 and about["clock"]["cost_ns"] > 0
    assert "may use the cores" in bench.run("run", bench.scenario, "--cores", "0,4711", status=2)
