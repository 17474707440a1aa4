"""perf on the servers: `muxbench profile`, the key `profile` of a scenario, and what is said where perf cannot be
used. Where it can, short real runs."""
import errno
import json
import os
import signal
from xml.etree import ElementTree

import pytest
from test_run import MEASURED, Bench, ours, table, wait_for

from plots import flame
from runner import cli, perf, probes, stacks
from runner.paths import Paths

SCENARIO = """question = "Where does the time go?"
prediction = "Into the wait."
blocks = 1

[fixed]
active = 5
window = "200ms"
warmup = "10ms"
slice = "20ms"
profile = true

[sweep]
mechanism = ["poll", "epoll-lt"]
connections = [500]
"""
COLUMNS = [*(f"{kind}_percent" for kind in stacks.COLUMNS), "profile_samples"]
needs_perf = pytest.mark.skipif(perf.why_not() is not None, reason=f"no profile here: {perf.why_not()}")


@pytest.fixture
def bench(tmp_path, programs):
    made = Bench(tmp_path, programs)
    made.scenario.write_text(SCENARIO)
    yield made
    wait_for(lambda: ours() == [])


@pytest.fixture
def fresh():
    """What was found out about perf before does not count, nor afterwards what is found out now."""
    perf.why_not.cache_clear()
    yield
    perf.why_not.cache_clear()


def fake_perf(folder, monkeypatch, text):
    """Another perf, a shell script, comes first in the PATH."""
    folder = folder / "fake"
    folder.mkdir()
    (folder / "perf").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "perf").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


# ---- why not -------------------------------------------------------------------------------------------------

def test_a_missing_perf_is_named_with_its_package(fresh, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert "apt-get install linux-perf" in perf.why_not()


def test_a_perf_of_another_kernel_is_named(fresh, monkeypatch, tmp_path):
    fake_perf(tmp_path, monkeypatch, "echo 'WARNING: perf not found for kernel 7.1' >&2; exit 2")
    assert "perf not found for kernel 7.1" in perf.why_not() and "linux-tools-$(uname -r)" in perf.why_not()


@pytest.mark.parametrize("error, paranoid, words", [
    (errno.EACCES, 3, ["perf_event_paranoid is 3", "root may", "sysctl kernel.perf_event_paranoid=1"]),
    (errno.EPERM, 1, ["container", "--cap-add PERFMON"]),
    (errno.ENOENT, 1, ["CONFIG_PERF_EVENTS"]), (errno.EACCES, None, ["CONFIG_PERF_EVENTS"])])
def test_what_is_not_allowed_is_named_with_who_may(fresh, monkeypatch, tmp_path, error, paranoid, words):
    fake_perf(tmp_path, monkeypatch, "exit 0")
    monkeypatch.setattr(probes, "sampling", lambda: error)
    monkeypatch.setattr(perf, "number", lambda path: paranoid)
    assert all(word in perf.why_not() for word in words)


def test_perf_that_may_sample_is_used(fresh, monkeypatch, tmp_path):
    fake_perf(tmp_path, monkeypatch, "exit 0")
    monkeypatch.setattr(probes, "sampling", lambda: 0)
    assert perf.why_not() is None


@pytest.mark.parametrize("listed, hidden", [
    ("0000000000000000 A fixed_percpu_data\nffffffff81000000 T _stext", False),   # the first one is at 0 on x86
    ("0000000000000000 T _stext\n0000000000000000 T _text", True), ("", True)])
def test_hidden_symbols_are_noticed(monkeypatch, listed, hidden):
    monkeypatch.setattr(perf, "read", lambda path: listed)
    assert (perf.hidden_symbols() is not None) == hidden
    assert not hidden or "sysctl kernel.kptr_restrict=0" in perf.hidden_symbols()


# ---- the command ---------------------------------------------------------------------------------------------

def profile(folder, programs, *words):
    return cli.main(["profile", *map(str, words)], Paths(bin=programs, results=folder / "results"))


@pytest.mark.parametrize("words, says", [
    (["pol", "--connections", 10], "no such mechanism; there are: select"),
    (["poll", "--connections", 0], "--connections 0: allowed: a whole number from 1"),
    (["poll", "--connections", "1.0001k"], "--connections 1.0001k: allowed"),
    (["poll", "--connections", "10M"], "--connections 10,000,000: more than"),
    (["poll", "--connections", 10, "--active", 20], "--active 20: more than the 10 connections"),
    (["poll", "--connections", 10, "--rate", 0], "--rate 0: allowed: requests per second"),
    (["poll", "--connections", 10, "--seconds", 61], "--seconds 61: give a number from 0.1 to 60"),
    (["select", "--connections", 2000], "select cannot watch")])
def test_wrong_usage_is_refused_before_anything_starts(tmp_path, capsys, programs, words, says):
    assert profile(tmp_path, programs, *words) == 2
    assert says in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_without_perf_it_says_what_to_do(fresh, tmp_path, capsys, programs, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert profile(tmp_path, programs, "poll", "--connections", 10) == 2
    assert "perf is not installed" in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_perf_that_fails_leaves_nothing(fresh, tmp_path, capsys, programs, monkeypatch):
    fake_perf(tmp_path, monkeypatch, '[ "$1" = --version ] || { echo no memory for samples >&2; exit 1; }')
    monkeypatch.setattr(probes, "sampling", lambda: 0)
    assert profile(tmp_path, programs, "poll", "--connections", 10, "--seconds", 0.1) == 2
    assert "no profile: perf ended: no memory for samples" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "results").iterdir()] == [".lock"]


@needs_perf
@pytest.mark.parametrize("mechanism, call", [("poll", "poll"), ("epoll-et", "epoll_wait")])
def test_a_real_profile(tmp_path, capsys, programs, monkeypatch, mechanism, call):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))   # where perf would keep copies of what it has seen
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    assert profile(tmp_path, programs, mechanism, "--connections", 300, "--seconds", 0.5, "--out", out) == 0
    said, about = capsys.readouterr().out, json.loads((out / "profile.json").read_text())
    assert "300 connections" in said and "net_rx_action" in said and "Shares, not speed" in said
    assert about["mechanism"] == mechanism and about["samples"] > 20
    shares = about["shares"]
    assert sum(one["percent"] for one in shares.values()) == pytest.approx(100)
    assert sum(one["samples"] for one in shares.values()) == about["samples"]
    assert all(shares[kind]["samples"] > 0 for kind in ("wait", "read", "write"))
    assert shares["ctl"]["samples"] == shares["accept_close"]["samples"] == 0   # the window opens after the connections
    folded = (out / "folded.txt").read_text().splitlines()
    assert sum(int(line.rpartition(" ")[2]) for line in folded) == about["samples"]
    assert any("main;serve;" in line and call in line for line in folded)
    assert "net_rx_action" in (out / "profile.svg").read_text() or about["symbols"] != "named"
    ElementTree.parse(out / "profile.svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "out", "results"] and not list(home.iterdir())


@needs_perf
def test_a_profile_that_is_not_drawn_leaves_nothing(tmp_path, programs, monkeypatch):
    def interrupt(*_):
        signal.raise_signal(signal.SIGTERM)
    monkeypatch.setattr(flame, "draw", interrupt)
    assert profile(tmp_path, programs, "poll", "--connections", 10, "--seconds", 0.1, "--out", tmp_path / "out") == 130
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


@needs_perf
@pytest.mark.parametrize("by, status", [(signal.SIGTERM, 130), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_nothing_is_left_of_an_interrupted_profile(bench, by, status):
    child = bench.start("profile", "poll", "--connections", 10, "--seconds", 30, "--out", bench.out)
    wait_for(lambda: child.poll() is not None or any("loadgen" in words for words in ours()))
    assert any("perf record" in words for words in ours()), child.poll()
    child.send_signal(by)
    child.communicate(timeout=20)
    assert child.returncode == status
    wait_for(lambda: ours() == [])
    assert sorted(path.name for path in bench.folder.iterdir()) == ["results", "tiny.toml"]
    assert [path.name for path in bench.results.iterdir()] == [".lock"]


# ---- the key of a scenario -----------------------------------------------------------------------------------

@needs_perf
def test_each_server_of_a_block_gets_its_shares(bench):
    bench.run("run", bench.scenario, "--out", bench.out)
    rows = {row["mechanism"]: row for row in table(bench.out)}
    for row in rows.values():
        assert row["status"] in MEASURED and int(row["profile_samples"]) > 20
        assert float(row["ctl_percent"]) == 0
        assert 50 < sum(float(row[name]) for name in COLUMNS[:-1]) <= 100.001
    assert float(rows["poll"]["wait_percent"]) > float(rows["epoll-lt"]["wait_percent"])   # 500 scanned, or 5


@pytest.mark.parametrize("fake, says", [
    ("echo broken >&2; exit 1", "no profile: perf does not run: broken"),
    ('[ "$1" = --version ] || { echo no memory for samples >&2; exit 1; }', "no profile: perf ended: no memory")])
def test_where_perf_cannot_be_used_the_rest_is_measured(bench, monkeypatch, fake, says):
    fake_perf(bench.folder, monkeypatch, fake)
    if says.endswith("no memory") and perf._why_not_allowed(probes.sampling()):
        pytest.skip("samples are not allowed here: perf would not be started")
    said = bench.run("run", bench.scenario, "--out", bench.out, "--blocks", 2, "--reruns", 0)
    rows = table(bench.out)
    assert len(rows) == 4 and all(row["status"] in MEASURED for row in rows), rows
    assert all(row[name] == "" for row in rows for name in COLUMNS)
    assert said.count(says) == (1 if "does not run" in says else 4)


def test_a_scenario_without_the_key_has_no_profile(bench, monkeypatch):
    fake_perf(bench.folder, monkeypatch, "echo broken >&2; exit 1")
    bench.scenario.write_text(SCENARIO.replace("profile = true\n", ""))
    said = bench.run("run", bench.scenario, "--out", bench.out, "--reruns", 0)
    assert "profile" not in said and all(row[name] == "" for row in table(bench.out) for name in COLUMNS)
