"""waitcost where it ends: descriptor limits, refusals that say what to do, files, signals, nothing left behind."""
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from servers import SECONDS, eventually, is_sanitised
from test_waitcost_calls import strace
from test_waitcost import KINDS, SHORT, WAITS, command, counts, measure, run

TWO_ENDS = ["pipe", "socketpair", "tcp"]
LIMIT = 100  # descriptors; 60 that are watched leave room for 100 - 2 * 16 - 60 = 8 other ends
WATCHED, ENDS = 60, 8


def limited(limit=LIMIT):
    return "prlimit", f"--nofile={limit}:{limit}"


def with_open(numbers, words):
    """Runs the command with these descriptors open; the completed process."""
    opening = " ".join(f"os.dup2(0, {number});" for number in numbers)
    program = f"import os, sys; {opening} os.execv(sys.argv[1], sys.argv[1:])"
    return subprocess.run([sys.executable, "-c", program, *words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=SECONDS)


def children(pid):
    """Of all its threads: process ids."""
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


def state(pid):
    """The kernel's letter; Z: it has ended, and maybe nobody has asked for its status yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"


def refused(mechanism, *options, wrapper=(), status=2, **process):
    """What it says on standard error when it refuses; nothing is said on standard output."""
    done = run(mechanism, *options, wrapper=wrapper, check=False, **process)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith(f"waitcost-{mechanism}: ") and done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize("when", ["zero", "sleeping"])
@pytest.mark.parametrize("kind", TWO_ENDS)
@pytest.mark.parametrize("mechanism", WAITS)
def test_more_ends_than_the_limit(mechanism, kind, when):
    record = measure(mechanism, "--descriptors", WATCHED, "--kind", kind, "--when", when, wrapper=limited())
    assert counts(record) == (21, 21, 21)
    assert record["highest_descriptor"] == 16 + WATCHED - 1


def test_random_covers_the_range_beyond_the_limit():
    """Each equal part has one that can be made ready, and all of them are."""
    done = run("poll", "--descriptors", WATCHED, "--kind", "pipe", "--turns", ENDS, "--rounds", 1,
               wrapper=[*limited(), *strace("-e", "trace=read", "-o", "/dev/stdout")])
    places = {int(fd) - 16 for fd in re.findall(r"^read\((\d+),", done.stdout, re.MULTILINE) if int(fd) >= 16}
    assert len(places) == ENDS
    bounds = [part * WATCHED // ENDS for part in range(ENDS + 1)]
    assert all(low <= place < high for low, place, high in zip(bounds, sorted(places), bounds[1:]))


@pytest.mark.parametrize("kind", TWO_ENDS)
def test_as_many_ready_as_have_room(kind):
    options = ("--descriptors", WATCHED, "--kind", kind, "--ready")
    for placement in ("random", "first", "last", "spread"):
        record = measure("poll", *options, ENDS, "--placement", placement, wrapper=limited())
        assert record["events"] == 21 * ENDS
    says = refused("poll", *options, ENDS + 1, wrapper=limited())
    assert "--ready: needs 101 descriptors, the limit is 100" in says and "ulimit -n" in says
    assert "--writes: needs 152 descriptors" in refused("poll", *options, 1, "--writes", 1, wrapper=limited())


@pytest.mark.parametrize("kind", KINDS)
def test_the_limit_itself(kind):
    """Sixteen are left free on either side."""
    limit = (LIMIT if kind not in TWO_ENDS else LIMIT + 1)  # room for one to write to
    assert measure("poll", "--descriptors", LIMIT - 32, "--kind", kind, wrapper=limited(limit))["events"] == 21
    says = refused("poll", "--descriptors", limit - 31, "--kind", kind, wrapper=limited(limit))
    assert f"--descriptors: needs {limit + 1} descriptors, the limit is {limit}" in says and "ulimit -n" in says
    assert f"--high: needs {limit + 1} desc" in refused("poll", "--high", limit - 16, wrapper=limited(limit))


def test_the_soft_limit_is_raised():
    assert measure("poll", "--descriptors", 90, wrapper=("prlimit", "--nofile=40:200"))["events"] == 21


def test_other_ends_below_high_numbers():
    """The room is below them, and only there."""
    record = measure("poll", "--high", 83, "--kind", "pipe", "--descriptors", 34, "--ready", 34, wrapper=limited())
    assert (record["highest_descriptor"], record["events"]) == (83, 21 * 34)
    options = ("--high", 83, "--kind", "pipe", "--descriptors", 35, "--ready")
    assert measure("poll", *options, 33, wrapper=limited())["events"] == 21 * 33
    assert "--ready" in refused("poll", *options, 34, wrapper=limited())


def long_run(*options, wrapper=(), **process):
    """One that goes on until it is ended."""
    return subprocess.Popen(command("poll", "--rounds", 1000, "--round", "1s", *options, wrapper=wrapper), **process)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("options", [
    ("--kind", "pipe", "--descriptors", WATCHED), ("--kind", "pipe", "--descriptors", WATCHED, "--when", "sleeping"),
    ("--kind", "fuse"), ("--kind", "fuse", "--when", "sleeping")])
def test_no_process_outlives_it(options, how):
    """Whoever keeps the other ends or serves the FUSE file ends with it, however it ends."""
    if "fuse" in options:
        run("poll", *SHORT, *options)  # or skip
    with long_run(*options, wrapper=limited(), stderr=subprocess.PIPE) as process:
        eventually(lambda: children(process.pid), "it has a helper")
        helpers = children(process.pid)
        process.send_signal(how)
        process.wait(SECONDS)
        eventually(lambda: all(state(helper) == "Z" for helper in helpers), "its helper has ended")
        assert process.returncode == -how and process.stderr.read() == b""


def test_no_process_is_left_after_a_run(tmp_path):
    """The one that keeps the other ends has ended before we do."""
    trace = tmp_path / "calls"
    run("poll", *SHORT, "--kind", "pipe", "--descriptors", WATCHED,
        wrapper=[*limited(), *strace("-f", "-e", "trace=execve,wait4", "-o", trace)])
    lines = trace.read_text().splitlines()
    ends = [line.split()[0] for line in lines if "exited with 0" in line]
    assert len(ends) >= 2 and len(ends) == len(set(ends))
    assert lines[-1].split()[0] == ends[-1] == lines[0].split()[0]
    assert any(re.search(rf"wait4\b.* = {keeper}$", line) for line in lines for keeper in ends[:-1])


@pytest.mark.parametrize("options, says", [
    ("--kind file", "pipe, eventfd, socketpair, tcp, fuse"),
    ("--when later", "zero, ready, sleeping"),
    ("--placement middle", "random, first, last, spread"),
    ("--reregister del", "none, add, mod"),
    ("--descriptors 0", "from 1 to"),
    ("--descriptors ten", "such as 200 or 10k"),
    ("--descriptors 20M", "10,000,000"),
    ("--ready 11", "more than the 10 descriptors"),
    ("--ready -1", "from 0 to"),
    ("--position 10", "a place from 0 to 9"),
    ("--position 1 --ready 2", "--ready 1, or --placement"),
    ("--position 1 --ready 0", "--ready 1, or --placement"),
    ("--when ready --ready 0", "would never return"),
    ("--when sleeping --ready 0", "give --ready 1"),
    ("--when sleeping --ready 2", "give --ready 1"),
    ("--when sleeping --writes 1", "cannot sleep"),
    ("--writes 1 --ready 0", "give --ready from 1 on"),
    ("--high 0", "from 1 to"),
    ("--high 24", "up to 25 at least"),
    ("--turns 0", "from 1 to"),
    ("--rounds 0", "from 1 to 10,000"),
    ("--round 20", "with its unit"),
    ("--round 0ms", "above 0"),
    ("--seed -1", "from 0 to"),
    ("--cpu one", "such as 1 or 1,2"),
    ("--cpu 1023", "/sys/devices/system/cpu/online"),
    ("--partner-cpu 1023 --when sleeping", "--partner-cpu: choose cores from /sys/devices/system/cpu/online"),
    ("extra", "unexpected argument: extra; see --help"),
])
def test_bad_usage_says_what_to_do(options, says):
    assert says in refused("poll", *options.split())


@pytest.mark.parametrize("options", ["--fast", "--kind", "--rebuild=1"])
def test_an_unknown_option_points_to_the_help(options):
    done = run("poll", options, check=False)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.endswith("see --help\n")


def test_help_names_every_option():
    done = run("none", "--help")
    for name in ("kind descriptors ready placement position when high rebuild reregister writes turns round rounds "
                 "seed cpu partner-cpu json help").split():
        assert f"  --{name} " in done.stdout


def test_select_ends_at_fd_setsize():
    assert measure("select", "--descriptors", 1008)["highest_descriptor"] == 1023
    assert measure("select", "--high", 1023)["events"] == 21
    for options in (("--descriptors", 1009), ("--high", 1024), ("--high", 1024, "--when", "sleeping")):
        says = refused("select", *options)
        assert "FD_SETSIZE (1024)" in says and "select-wide" in says


@pytest.mark.parametrize("mechanism", [mechanism for mechanism in WAITS if mechanism != "select"])
def test_the_others_go_on_beyond_it(mechanism):
    record = measure(mechanism, "--high", 1500, "--descriptors", 1100, "--ready", 1100)
    assert (record["highest_descriptor"], record["events"]) == (1500, 21 * 1100)


def test_the_record_appears_whole_or_not_at_all(tmp_path):
    record = tmp_path / "record.json"
    record.write_text("old")
    refused("poll", "--json", record, "--descriptors", 200, wrapper=limited())
    refused("select", "--json", record, "--high", 2000)
    with long_run("--json", record) as process:
        eventually(lambda: "25" in os.listdir(f"/proc/{process.pid}/fd"), "it has all ten descriptors")
        process.kill()
    assert record.read_text() == "old" and os.listdir(tmp_path) == ["record.json"]
    run("poll", *SHORT, "--json", record)
    assert json.loads(record.read_text())["turns"] == 21 and os.listdir(tmp_path) == ["record.json"]


def test_a_record_that_cannot_be_written(tmp_path):
    says = refused("poll", *SHORT, "--json", tmp_path / "missing" / "record.json", status=1)
    assert "choose a file that can be written" in says
    assert "--json: give the name of a file" in refused("poll", "--json", "")


def test_standard_output_that_is_full():
    with open("/dev/full", "w") as full:
        done = subprocess.run(command("poll", *SHORT), stdout=full, stderr=subprocess.PIPE, text=True, timeout=SECONDS)
    assert done.returncode == 1 and "standard output could not be written whole" in done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_descriptors(closed, tmp_path):
    """Nothing of ours takes their place."""
    record = tmp_path / "record.json"
    words = command("poll", *SHORT, "--kind", "pipe", "--json", record)
    done = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *words], capture_output=True, text=True,
                          timeout=SECONDS)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == (0 if ">&-" in closed.replace("2>&-", "") else 1)
    assert json.loads(record.read_text())["events"] == 21


@pytest.mark.parametrize("kind", ["eventfd", "pipe"])
def test_descriptors_that_the_caller_left_open(kind):
    """Those that stand where the watched ones are to are closed."""
    left_open = range(16, 116)
    words = command("poll", *SHORT, "--kind", kind, "--descriptors", 100, "--ready", 100, "--json", "/dev/stdout")
    done = with_open(left_open, words)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout.splitlines()[1])["events"] == 2100


def test_many_that_the_caller_left_open_below():
    """Then the new ones would come up among those that are watched."""
    done = with_open(range(3, 16), command("poll", *SHORT, "--kind", "pipe"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "descriptor 16 is taken: start this with fewer open descriptors" in done.stderr


@pytest.mark.skipif(is_sanitised("waitcost-poll"), reason="the sanitisers hold signals back")
@pytest.mark.parametrize("mechanism", [mechanism for mechanism in WAITS if mechanism != "none"])
def test_stopped_and_continued(mechanism):
    """A stop ends epoll_wait with EINTR, which is no failure."""
    turns = 20_000
    words = command(mechanism, "--when", "sleeping", "--turns", turns, "--rounds", 1, "--json", "/dev/stdout")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(20):
            process.send_signal(signal.SIGSTOP)
            eventually(lambda: state(process.pid) in "TZ", "stopped, or ended too early")
            process.send_signal(signal.SIGCONT)
        output, errors = process.communicate(timeout=6 * SECONDS)
    assert (process.returncode, errors) == (0, "")
    assert json.loads(output.splitlines()[1])["events"] == turns
