"""The soak: its verdicts on made-up series, and on servers that leak, spin, lose connections and die."""
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from servers import BUILD, MECHANISMS, ROOT, Ledger, eventually, is_sanitised
from tests import servers as servers_of_soak
from tests.soak import judge, watch
from tests.soak.__main__ import main, parse
from tests.soak.load import nothing, read_record
from tests.soak.run import BETWEEN_S, plan, soak
from tests.soak.show import show
from tests.soak.watch import find_spinning, ledger_faults

PAGE = 4096
RECORD = {"targets": [{"requests": 10, "errors": 0, "connections": 4, "message_bytes": 64, "response_p50_us": 1.0,
                       "response_p99_us": 2.0, "status": "valid", "reason": ""}], "slices": [{"opened": 3}]}
GOOD = read_record(RECORD)
COUNTED = Ledger(**{**dict.fromkeys(Ledger._fields, 0), "accepts": 7, "closes": 7, "bytes_in": 704, "bytes_out": 704})


# ---- made-up series --------------------------------------------------------------------------------------------

def series(windows=60, **columns):
    """A good server's samples, 30 s apart.  COLUMNS: by name, what stands there instead in window N."""
    noise = random.Random(len(columns))
    made = []
    for n in range(windows):
        row = {"window": n + 1, "at_s": 30.0 * (n + 1), "requests": 100, "opened": 50, "errors": 0, "descriptors": 5,
               "anonymous_bytes": 75 * PAGE, "data_bytes": 73 * PAGE, "response_p50_us": 90.0, "response_p99_us": None,
               "server_cpu_us_per_request": 50 * noise.uniform(0.95, 1.05) * machine(n)}
        made.append({**row, **{name: column(n) for name, column in columns.items()}})
    return {"before": {"descriptors": 5}, "windows": made, "faults": []}


def machine(n):
    """How slow the machine is in window N, whatever runs: between 1 and 1.3."""
    return 1 + 0.3 * (n % 40) / 40


def verdicts(**ones):
    """The verdicts where the servers named have these series, and all others good ones."""
    others = {name: series() for name in MECHANISMS}
    return judge.judge_all({**others, **{name.replace("_", "-"): one for name, one in ones.items()}})


def only(bad, found):
    """Only the server BAD is bad, for a single reason; that."""
    assert [name for name, one in found.items() if one["verdict"] == "bad"] == [bad]
    assert len(found[bad]["bad"]) == 1
    return found[bad]["bad"][0]


def test_good_servers_are_good():
    found = verdicts()
    assert {one["verdict"] for one in found.values()} == {"good"}
    assert found["poll"]["requests"] == 6000 and found["poll"]["descriptors"] == [5, 5, 5]
    assert abs(found["poll"]["cpu_drift"]["percent"]) < 5


def test_a_descriptor_that_is_not_given_back():
    assert "6 after window 21" in only("poll", verdicts(poll=series(descriptors=lambda n: 5 + (n >= 20))))


def test_a_descriptor_that_is_missing_once():
    assert "4 after window 21, 5 after the last" in only("poll", verdicts(
        poll=series(descriptors=lambda n: 5 - (n == 20))))


@pytest.mark.parametrize("name", ["anonymous_bytes", "data_bytes"])
def test_a_trend_in_memory(name):
    """A page in ten windows of 30 s: 1.1 MiB a day, and no more than 24 KiB until the end."""
    assert f"{name}: grows by 1." in only("poll", verdicts(poll=series(**{name: lambda n: PAGE * (75 + n // 10)})))


@pytest.mark.parametrize("column", [
    lambda n: PAGE * (75 + (n > 20)),                       # a page touched late
    lambda n: PAGE * (75 + min(n, 28) // 4),                # several, and then no more
    lambda n: PAGE * (75 + n // 16),                        # 0.7 MiB a day
    lambda n: PAGE * (75 + random.Random(n).randrange(5)),  # it comes and goes
    lambda n: PAGE * (90 - n // 10),
    lambda n: PAGE * (75 + 1000 * (n == 0)),                # the first window is not judged
])
def test_no_trend_in_memory(column):
    assert verdicts(poll=series(anonymous_bytes=column))["poll"]["verdict"] == "good"


def test_a_trend_that_chance_shows_is_none():
    """Seed 104 of 3,000: by chance it rises in all, and in both halves."""
    pages = [75 + random.Random(104_000 + n).randrange(5) for n in range(16)]
    found = judge.memory(series(16, anonymous_bytes=lambda n: PAGE * pages[n])["windows"], "anonymous_bytes")
    assert found["trend_per_day"] > judge.TREND_BYTES_PER_DAY and found["rises"] is False


def test_memory_that_grows_at_once():
    """A step is no trend, but too much: also in a soak that is too short for a trend."""
    for windows in 60, 6:
        poll = series(windows, anonymous_bytes=lambda n: PAGE * (75 + 17 * (n > 2)))
        assert "68 KiB more" in only("poll", judge.judge_all({"poll": poll, "select": series(windows)}))


@pytest.mark.parametrize("name", MECHANISMS)
def test_one_server_drifts(name):
    """By 20 % in all; the others are none the worse for it, though against it they become cheaper."""
    slower = series(server_cpu_us_per_request=lambda n: 80 * machine(n) * (1 + 0.2 * n / 45))
    assert "CPU per request rises by 1" in only(name, verdicts(**{name: slower}))


def test_a_drift_of_all_servers_is_the_machine():
    """It need not be the same for the two kinds."""
    def slower(by):
        return series(server_cpu_us_per_request=lambda n: 50 * (1 + by * n / 60))
    soaked = {name: slower(1 if "epoll" in name else 0.3) for name in MECHANISMS}
    assert {one["verdict"] for one in judge.judge_all(soaked).values()} == {"good"}


def test_a_small_drift_and_a_noisy_server_are_good():
    small = series(server_cpu_us_per_request=lambda n: 50 * machine(n) * (1 + 0.08 * n / 60))
    noisy = series(server_cpu_us_per_request=lambda n: 50 * machine(n) * random.Random(5000 + n).uniform(0.5, 1.5))
    assert verdicts(poll=noisy)["poll"]["cpu_drift"]["percent"] > judge.DRIFT_PERCENT   # by chance
    for one in small, noisy:
        assert verdicts(poll=one)["poll"]["verdict"] == "good"


def test_too_few_windows_for_a_drift():
    soaked = {name: series(15) for name in MECHANISMS}
    assert judge.judge_all(soaked)["poll"]["cpu_drift"] is None
    soaked = {name: series(16) for name in MECHANISMS}
    assert judge.judge_all(soaked)["poll"]["cpu_drift"] is not None


def test_a_server_that_ended_early_is_bad_and_the_others_are_judged():
    poll = {**series(10), "faults": ["window 11: it ended with status -9"]}
    found = verdicts(poll=poll)
    assert "-9" in only("poll", found) and found["select"]["cpu_drift"] is not None


def test_errors_are_bad():
    assert only("poll", verdicts(poll=series(errors=lambda n: n == 7))) == "1 errors"


def test_one_window_is_too_short():
    found = judge.judge_all({"poll": series(1), "select": series(0)})
    assert {one["verdict"] for one in found.values()} == {"too short"}
    show(found)


# ---- one window ------------------------------------------------------------------------------------------------

def test_a_record_is_read():
    """11 messages of 64 bytes: beside the 10 counted, the one that shows that all are accepted."""
    assert GOOD == {"requests": 10, "errors": 0, "opened": 7, "bytes": 704, "bytes_most": 704, "p50_us": 1.0,
                    "p99_us": 2.0, "fault": ""}
    assert ledger_faults(COUNTED, [GOOD]) == []


def test_an_invalid_record_is_a_fault():
    bad = {**RECORD, "targets": [{**RECORD["targets"][0], "status": "invalid", "reason": "a byte was wrong"}]}
    assert read_record(bad)["fault"] == "invalid: a byte was wrong"


@pytest.mark.parametrize("change, said", [
    ({"closes": 6}, "1 connections are open"),
    ({"closes": 6, "refusals": 1}, "1 connections refused"),
    ({"accepts": 8, "closes": 8}, "8 connections accepted, 7 opened"),
    ({"bytes_out": 703}, "704 bytes read, 703 written"),
    ({"bytes_in": 640, "bytes_out": 640}, "640 bytes read, 704 sent"),
    ({"bytes_in": 705, "bytes_out": 705}, "705 bytes read, 704 sent"),
])
def test_a_ledger_that_does_not_add_up(change, said):
    found = ledger_faults(COUNTED._replace(**change), [GOOD])
    assert len(found) == 1 and said in found[0]


def test_what_is_open_counts_even_where_echoes_were_lost():
    assert ledger_faults(COUNTED._replace(closes=6, bytes_out=0), [GOOD, nothing("died")]) == [
        "1 connections are open when all clients have gone"]


def test_a_spinning_process_is_found():
    """Beside one that sleeps."""
    started = [subprocess.Popen(["sh", "-c", script]) for script in ("while :; do :; done", "exec sleep 30")]
    try:
        spins, sleeps = (SimpleNamespace(server=one, windows=[{}], faults=[]) for one in started)
        eventually(lambda: "sleep" in Path(f"/proc/{sleeps.server.pid}/comm").read_text(), "sleep was started")
        find_spinning([spins, sleeps])
    finally:
        for one in started:
            one.kill()
            one.wait()
    assert "of a core with nothing to do" in spins.faults[0] and not sleeps.faults


@pytest.mark.parametrize("seconds, windows", [(6, 6), (30, 16), (120, 16), (1800, 60), (86400, 2880)])
def test_windows_fill_the_time(seconds, windows):
    count, window_s = plan(seconds)
    assert count == windows
    assert count * (window_s + BETWEEN_S) == pytest.approx(seconds, rel=0.01)


@pytest.mark.parametrize("text", ["0", "-1", "x", "nan", "inf", "1e9"])
def test_minutes_that_make_no_sense(text, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(["--minutes", text])
    assert ended.value.code == 2 and "give minutes" in capsys.readouterr().err


@pytest.mark.parametrize("name, says", [("file/soak.json", "File exists"), ("", "Is a directory")])
def test_a_file_that_cannot_be_written_is_refused_first(tmp_path, monkeypatch, capsys, name, says):
    (tmp_path / "file").touch()
    monkeypatch.setattr("tests.soak.__main__.soak", lambda *_: pytest.fail("it soaks all the same"))
    assert main(["--json", str(tmp_path / name)]) == 1
    assert f"cannot be written: {says}" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["file"]


# ---- real servers ----------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def leak(tmp_path_factory):
    """What makes a command of a server that leaks."""
    library = tmp_path_factory.mktemp("leak") / "leak.so"
    subprocess.run([os.environ.get("CC", "cc"), "-std=c17", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-o", library,
                    ROOT / "tests" / "faults" / "leak.c"], check=True)
    return lambda what: ("env", f"LD_PRELOAD={library}", f"LEAK={what}")


def broken(fault):
    return "env", f"LD_PRELOAD={BUILD / 'tests' / 'fault.so'}", f"FAULT={fault}"


def said(found, name):
    return " / ".join(found[name]["bad"])


@pytest.mark.skipif(is_sanitised(), reason="a library in front of libc, and memory that is the sanitiser's")
def test_servers_that_leak(leak):
    """All at once, beside a good one."""
    soaked, interrupted = soak(6, 0.3, {"select": leak("descriptor"), "poll": leak("memory"),
                                        "epoll-lt": broken("close=1/20")})
    found = judge.judge_all(soaked)
    assert not interrupted
    assert {found[name]["verdict"] for name in ("select-wide", "epoll-et")} == {"good"}
    assert "descriptors after the first window" in said(found, "select")
    assert "anonymous_bytes:" in said(found, "poll") and "KiB more" in said(found, "poll")
    assert "the server closed it" in said(found, "epoll-lt") and "errors" in said(found, "epoll-lt")
    show(found)


@pytest.mark.skipif(is_sanitised(), reason="a library in front of libc")
@pytest.mark.parametrize("stuck, when", [(0, "window"), (watch.STUCK, "before window 1:")])
def test_a_server_that_dies(stuck, when, monkeypatch):
    """In a window, or already under the clients that touch its heap."""
    monkeypatch.setattr(watch, "STUCK", stuck)
    monkeypatch.setattr(servers_of_soak, "SECONDS", 1)
    soaked, _ = soak(3, 0.3, {"poll": broken("die=40")})
    found = judge.judge_all(soaked)
    assert [fault for fault in found["poll"]["bad"] if fault.startswith(when) and "status -9" in fault]
    assert found["poll"]["windows"] < 3 and found["select"]["windows"] == 3
    show(found)


@pytest.mark.skipif(is_sanitised(), reason="a library in front of libc")
def test_a_server_that_spins(leak, monkeypatch):
    """It has no further windows: there is nothing to compare them with."""
    monkeypatch.setattr(servers_of_soak, "SECONDS", 1)
    soaked, _ = soak(4, 0.3, {"poll": leak("spin")})
    found = judge.judge_all(soaked)
    assert "it did not fall asleep" in only("poll", found)
    assert found["poll"]["windows"] < 4 and found["select"]["windows"] == 4


def start(tmp_path, minutes):
    environment = {**os.environ, "MUXBENCH_BUILD": str(BUILD), "TMPDIR": str(tmp_path)}
    return subprocess.Popen([sys.executable, "-m", "tests.soak", "--minutes", minutes, "--json", tmp_path / "out.json"],
                            cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def children(pid):
    """The processes that PID has started."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def living(pids):
    """The names of those of the processes PIDS that are still there."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(") ")
            found += [name] if rest[0] != "Z" else []
    return found


@pytest.mark.skipif(is_sanitised(), reason="memory is the sanitiser's")
def test_a_short_soak(tmp_path):
    run = start(tmp_path, "0.1")
    out, progress = run.communicate(timeout=60)
    assert run.returncode == 0, out + progress
    written = json.loads((tmp_path / "out.json").read_text())
    assert list(written["servers"]) == MECHANISMS and not written["interrupted"]
    for one in written["servers"].values():
        assert one["verdict"] == "good" and one["errors"] == 0 and len(one["samples"]) == one["windows"] == 6
        assert one["requests"] > 0 and one["opened"] >= 6 * 394
    assert out.count("good") == len(MECHANISMS) and "[6/6] window 6" in progress


@pytest.mark.parametrize("by, status", [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_an_ended_soak_leaves_nothing(tmp_path, by, status):
    """It judges what there is, unless it was killed outright; either way all children are gone."""
    run = start(tmp_path, "0.5")
    started = run.stderr.readline()
    eventually(lambda: len(children(run.pid)) == 20, "5 servers and 15 generators")
    started_pids = children(run.pid)
    run.send_signal(by)
    out, _ = run.communicate(timeout=60)
    assert run.returncode == status and "[1/16] window 1" in started
    eventually(lambda: not living(started_pids), f"all gone but {living(started_pids)}")
    if by != signal.SIGKILL:
        assert json.loads((tmp_path / "out-interrupted.json").read_text())["interrupted"]
        assert out.count("too short") == len(MECHANISMS)
        assert [one.name for one in tmp_path.iterdir()] == ["out-interrupted.json"]
