"""The suite as a guest: however a run ends, it leaves nothing on the machine, and no finished sample is lost."""
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest

from conftest import ROOT
from guest import MEASURED, SECONDS, SUITE, House, NoHouse, Terminal, Traces, changed, left, settings, wait_for
from runner import files, plan, session, store
from runner.cells import Cell
from runner.errors import Interrupted
from runner.process import ChildError, Children

RUN = ("run", SUITE / "guest.toml", "--out", SUITE / "results" / "run", "--reruns", 0, "--seed", 5)
RESUME = ("run", "--resume", SUITE / "results" / "run")


@pytest.fixture
def house(tmp_path, programs):
    try:
        with House(tmp_path / "suite", programs) as made:
            yield made
    except NoHouse as why:
        pytest.skip(f"no mount namespace here: {why}")


@contextmanager
def limited(what, to):
    """This process has a lower limit meanwhile."""
    before = resource.getrlimit(what)
    resource.setrlimit(what, (to, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)


def names(rows):
    return [row["sample"] for row in rows]


def nothing_is_left(run, before):
    with suppress(AssertionError):   # the kernel may take its time
        wait_for(lambda: not left(run, before), "no trace", seconds=10)
    assert left(run, before) == []


# ---- however it ends -----------------------------------------------------------------------------------------

def interrupt(run):
    run.type(b"\x03")


def terminate(run):
    run.process.send_signal(signal.SIGTERM)


def hang_up(run):
    run.hang_up()


def kill(run):
    run.process.kill()


@pytest.mark.parametrize("how, status", [(interrupt, 130), (terminate, 130), (hang_up, 130), (kill, -9)])
def test_nothing_is_left_and_the_run_goes_on(house, how, status):
    before = Traces.of(house)
    with Terminal(house, *RUN) as run:
        run.in_the_middle(samples=2)
        how(run)
        assert run.end() == status and b"Traceback" not in run.said
        nothing_is_left(run, before)
        kept = house.stored()
        assert 2 <= len(kept) < 6
        house.muxbench(*RESUME)   # the lock is free
        assert house.stored()[:len(kept)] == kept and len(set(names(house.stored()))) == 6
        nothing_is_left(run, before)
    assert sorted(path.name for path in house.results.iterdir()) == [".lock", "latest", "run"]


@pytest.mark.parametrize("victim, says", [("loadgen", "loadgen ended with status -9"),
                                          ("echo-poll", "echo-poll ended with SIGKILL")])
def test_a_child_that_is_killed_is_a_row_and_leaves_nothing(house, victim, says):
    before = Traces.of(house)
    with Terminal(house, *RUN) as run:
        run.in_the_middle(samples=2)
        kept = house.stored()
        os.kill(run.child(victim), signal.SIGKILL)
        assert run.end() in MEASURED and b"Traceback" not in run.said
        nothing_is_left(run, before)
    rows = house.stored()
    assert rows[:len(kept)] == kept and len(set(names(rows))) == 6
    assert any(row["status"] == "failed" and says in row["reason"] for row in rows[len(kept):]), rows


def test_a_run_whose_children_do_not_die_with_it_is_found_out(house):
    """The checks themselves: what they are for is seen."""
    code = house.folder / "runner" / "process.py"
    line = "_libc.prctl(PR_SET_PDEATHSIG"
    assert code.read_text().count(line) == 1
    code.write_text(code.read_text().replace(line, f"if False: {line}"))
    before = Traces.of(house)
    with Terminal(house, *RUN) as run:
        run.in_the_middle(samples=2)
        house.path("/dev/shm/ledger").touch()
        house.path("/tmp/scenario").touch()
        before.settings["/proc/sys/net/core/somaxconn"] = "before"
        kill(run)
        run.end()
        found = "\n".join(left(run, before))
        for what in (": echo-poll", ": echo-epoll-et", "state 0A", "shm: ledger", "tmp: scenario", "somaxconn: "):
            assert what in found, f"{what} not in {found}"


def test_only_what_can_be_set_is_a_setting():
    """Not what counts, nor what comes or goes with an interface of somebody else's."""
    found = settings()
    assert "/proc/sys/net/core/somaxconn" in found and "/proc/sys/fs/nr_open" in found
    assert "/proc/sys/fs/file-nr" not in found and not [path for path in found if "/fs/quota/" in path]
    assert changed({"same": 1, "set": 1, "gone": 1}, {"same": 1, "set": 2, "new": 1}) == ["set: 2, was 1"]


def test_what_was_ignored_stays_ignored():
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with session.interruptible():
            os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(Interrupted), session.interruptible():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_files_of_children_have_no_name_and_end_with_them():
    with Children() as children:
        path = children.file("ledger")
        path.write_text("counted")
        assert path.read_text() == "counted" and os.readlink(path) == "/memfd:muxbench-ledger (deleted)"
        with limited(resource.RLIMIT_NOFILE, 3), pytest.raises(ChildError, match="no file in memory for record: Too m"):
            children.file("record")
    assert not path.exists()


@pytest.mark.parametrize("mounting, status", [([], 1), (["--mount-proc"], 0)])
def test_a_proc_of_another_pid_namespace_is_found_out(mounting, status):
    """There our number is another process's, and so are its files."""
    words = ["unshare", "--map-root-user", "--pid", "--fork", "--kill-child", *mounting]
    if tried := subprocess.run([*words, "true"], capture_output=True, text=True, timeout=SECONDS).stderr:
        pytest.skip(f"no pid namespace here: {tried.strip()}")
    code = "from runner.process import Children\nwith Children() as all: print(all.file('ledger').read_text())"
    done = subprocess.run([*words, sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS,
                          cwd=ROOT)
    assert done.returncode == status
    assert ("ChildError: /proc does not show this process" in done.stderr) == bool(status), done.stderr


def gone():
    """The number of a process that is no more."""
    with subprocess.Popen(["true"]) as process:
        pass
    return process.pid


def leave_behind(path, pid):
    """What a process of this number leaves when it is killed while it makes PATH; its path."""
    left_behind = path.with_name(files.beside(path).name.removesuffix(str(os.getpid())) + str(pid))
    if path.suffix:
        left_behind.write_text("half")
    else:
        left_behind.mkdir()
        (left_behind / "plan.json").touch()
    return left_behind


def test_what_a_killed_writer_left_is_swept(tmp_path):
    ours = [tmp_path / name for name in (".profile", ".a.muxbench-", ".a.muxbench-0", ".a.muxbench-x", ".a.7", "a")]
    for path in ours:
        path.touch()
    writing = leave_behind(tmp_path / "samples.csv", os.getppid())
    (tmp_path / f".latest.muxbench-{gone()}").symlink_to(tmp_path)
    dead = [leave_behind(tmp_path / name, gone()) for name in ("samples.csv", "run")]
    files.sweep(tmp_path)
    assert not any(path.exists() for path in dead)
    assert sorted(tmp_path.iterdir()) == sorted([*ours, writing])


def test_a_run_sweeps_where_it_writes(house):
    def all_left():
        return sorted(str(path.relative_to(house.results)) for path in house.results.rglob(".*.muxbench-*"))
    dead = gone()
    leave_behind(house.results / "run", dead)
    house.muxbench(*RUN, "--blocks", 1)
    assert all_left() == []
    run = house.results / "run"
    for path in (house.results / "other", run / "samples.csv", run / "report.html", run / "figures" / "a.svg"):
        leave_behind(path, dead)
    house.muxbench("report", SUITE / "results" / "run")
    assert all_left() == [f".other.muxbench-{dead}"]
    leave_behind(run / "samples.csv", dead)
    house.muxbench(*RESUME)
    assert all_left() == []


# ---- a disk that takes no more -------------------------------------------------------------------------------

def test_full_disk_at_the_start(house):
    house.fill()
    said = house.muxbench(*RUN, status=(1,))
    assert "No space left on device: make room" in said and "nothing was stored" in said
    assert {path.name for path in house.results.iterdir()} <= {".lock", "filler"}


def test_full_disk_in_the_middle_then_resumed(house):
    with Terminal(house, *RUN) as run:
        run.in_the_middle(samples=2)
        filler = house.fill()
        assert run.end() == 1
    said = " ".join(run.said.decode().split())
    kept = house.stored()
    assert "No space left on device: make room" in said and "Traceback" not in said
    assert f"after {len(kept) // 2} of 3 blocks, which are kept; go on with: ./muxbench run --resume" in said
    assert "No space left" in house.muxbench(*RESUME, status=(1,)) and house.stored() == kept
    filler.unlink()
    house.muxbench(*RESUME)
    assert house.stored()[:len(kept)] == kept and len(set(names(house.stored()))) == 6
    assert not list(house.results.rglob(".run*")) + list(house.results.rglob(".*.csv.*"))


def test_full_disk_keeps_the_old_report(house):
    house.muxbench(*RUN, "--blocks", 1)
    run = house.results / "run"
    old = {path: path.write_bytes(b"old") for path in [run / "report.html", *run.glob("figures/*")]}
    assert len(old) == 3
    house.fill()
    said = house.muxbench("report", SUITE / "results" / "run", status=(1,))
    assert "No space left on device: make room" in said and "the samples are in" in said
    assert {path: path.read_bytes() for path in run.rglob("*") if path in old or path.name.startswith(".")} == (
        dict.fromkeys(old, b"old"))


def test_read_only_results(house):
    house.muxbench(*RUN, "--blocks", 1)
    subprocess.run(house.inside("mount", "-o", "remount,ro", SUITE / "results"), check=True)
    for words in (RUN, RESUME, ("report", SUITE / "results" / "run")):
        assert "Read-only file system: choose a disk" in house.muxbench(*words, status=(1,))


def room(path, count):
    """Files may grow to COUNT bytes more than PATH has."""
    return limited(resource.RLIMIT_FSIZE, path.stat().st_size + count)


def rows(step):
    samples = [{"sample": step.sample(name), "status": "valid", "reason": "x" * 100} for name in step.order]
    return {store.SAMPLES: samples, store.SLICES: [], store.HISTOGRAMS: []}


@pytest.mark.parametrize("cut", [-1, -30, -300])
def test_half_a_row_is_dropped_and_the_others_kept(tmp_path, cut):
    steps = plan.make("tiny", [Cell("c10", "eagain", ["poll", "select"], {})], 3, seed=1)
    store.create(tmp_path / "run", "", {}, {}, store.COLUMNS)
    table = tmp_path / "run" / "samples.csv"
    header = table.read_bytes()
    store.commit(tmp_path / "run", store.COLUMNS, rows(steps[0]))
    whole, added = table.read_bytes(), table.stat().st_size - len(header)
    with room(table, added + cut), pytest.raises(files.NotWritten, match="File too large: raise the limit"):
        store.commit(tmp_path / "run", store.COLUMNS, rows(steps[1]))
    assert table.read_bytes().startswith(whole) and len(table.read_bytes()) == len(whole) + added + cut
    assert store.recover(tmp_path / "run", steps, store.COLUMNS) == {("c10", 1)}
    assert table.read_bytes() == whole


def test_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "figure.svg"
    files.replace(path, "old")
    with room(path, 100), pytest.raises(files.NotWritten):
        files.replace(path, b"new" * 1000)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["figure.svg"]


def test_a_killed_report_leaves_whole_files_and_no_gnuplot(house):
    house.muxbench(*RUN, "--blocks", 1)
    run = house.results / "run"
    whole = {path: path.read_bytes() for path in [run / "report.html", *run.glob("figures/*")]}
    for path in whole:
        path.write_bytes(b"old")
    house.fake("gnuplot", "trap '' HUP; exec sleep 100")   # the end of a session must not be what ends it
    before = Traces.of(house)
    with Terminal(house, "report", SUITE / "results" / "run") as report:
        wait_for(lambda: report.child("sleep"), "a gnuplot that takes its time")
        kill(report)
        assert report.end() == -9
        nothing_is_left(report, before)
    for path, drawn in whole.items():
        assert path.read_bytes() == (b"old" if path.name == "report.html" else drawn), path
