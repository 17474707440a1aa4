"""`muxbench doctor`, what it advises, and which cores are picked."""
import os

import pytest

from runner import advice, cpu, doctor, machine, probes
from runner.errors import UserError
from runner.paths import Paths


@pytest.fixture(scope="module")
def here():
    return machine.describe(["muxbench", "doctor"])


def check_of(about, name):
    return next(check for check in advice.checks(about) if check.name == name)


def test_the_machine_is_described(here):
    for key in ("date", "boot_id", "kernel", "cpu", "cores", "clock_source", "git", "versions", "limits",
                "mitigations", "hardware_counters", "netem", "io_uring", "congestion", "steal_percent"):
        assert key in here
    assert here["kernel"] == os.uname().release
    assert here["versions"]["compiler"] and here["versions"]["gnuplot"]
    assert 0 <= here["busy_percent"] <= 100


def test_nothing_private_is_described(here):
    assert os.uname().nodename not in here.values() and "host" not in here
    assert all(word.partition("=")[0] in machine.BOOT_OPTIONS for word in here["boot_options"])


def test_every_advice_says_what_to_do(here):
    for check in advice.checks(here):
        assert check.value and (check.level == advice.FINE) == (check.advice == "")


@pytest.mark.parametrize("name, change, words", [
    ("hard descriptor limit", {"limits": {"descriptors_hard": 1024}}, "ulimit -Hn 20000"),
    ("somaxconn", {"limits": {"somaxconn": 128}}, "sysctl net.core.somaxconn=4096"),
    ("available memory", {"limits": {"memory_available_bytes": 2**29}}, "2 GiB"),
    ("congestion control", {"congestion": "bbr", "congestion_available": ["bbr"]}, "modprobe tcp_cubic"),
    ("cores", {"topology": [{"cpu": 0, "core": "0"}]}, "share a core"),
    ("processors in use", {"busy_percent": 60.0}, "other programs"),
    ("steal since boot", {"steal_percent": 5.0}, "hypervisor"),
    ("governor", {"governor": "powersave"}, "cpupower frequency-set -g performance"),
    ("clock source", {"clock_source": "hpet"}, "clocksource=tsc"),
    ("mitigations", {"mitigations": {"spectre_v2": "Mitigation: Retpolines"}}, "dearer"),
    ("virtualisation", {"virtualisation": "container"}, "ratios within a block"),
    ("netem", {"netem": "not in this kernel"}, "rtt"),
    ("/dev/fuse", {"fuse": "/dev/fuse: Permission denied: run as root"}, "run as root"),
])
def test_a_limit_that_matters_is_named_with_a_remedy(here, name, change, words):
    worse = here | {key: here[key] | value if key == "limits" else value for key, value in change.items()}
    check = check_of(worse, name)
    assert check.level != advice.FINE and words in check.advice


def test_doctor_shows_needs_and_limits(capsys, programs):
    status = doctor.run(Paths(bin=programs))
    said = capsys.readouterr().out
    assert status == (1 if any(need["state"] == "missing" and need["group"] == "bench"
                               for need in doctor.list_needs()) else 0)
    for word in ("python3-numpy", "hyperfine", "present", "hard descriptor limit", "clock source", "netem",
                 "/dev/fuse"):
        assert word in said


@pytest.mark.parametrize("script, answer", [
    ("exit 0", "available"), ("echo '/dev/fuse: run as root' >&2; exit 3", "/dev/fuse: run as root"),
    ("exit 1", "unknown"), (None, "unknown: waitcost does not run")])
def test_fuse_is_tried_by_waitcost_itself(tmp_path, script, answer):
    if script:
        (tmp_path / "waitcost-poll").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "waitcost-poll").chmod(0o755)
    assert probes.fuse(tmp_path) == answer


def test_doctor_fails_where_something_needed_is_missing(capsys, monkeypatch):
    needs = [{"name": "gnuplot", "group": "bench", "state": "missing", "package": "gnuplot-nox"}]
    monkeypatch.setattr(doctor, "list_needs", lambda: needs)
    assert doctor.run(Paths()) == 1
    assert "gnuplot-nox" in capsys.readouterr().out


def test_what_only_the_tests_need_is_no_failure(capsys, monkeypatch, programs):
    needs = [{"name": "cppcheck", "group": "test", "state": "missing", "package": "cppcheck"}]
    monkeypatch.setattr(doctor, "list_needs", lambda: needs)
    assert doctor.run(Paths(bin=programs)) == 0
    assert "`make test`" in capsys.readouterr().out


# ---- cores -------------------------------------------------------------------------------------------------

def cores(*rows):
    return [{"cpu": number, "core": core, "package": package, "cache": package}
            for number, core, package in rows]


TWO = cores((0, "0", "0"), (1, "1", "0"))
TWO_THREADS_EACH = cores((0, "0,2", "0"), (1, "1,3", "0"), (2, "0,2", "0"), (3, "1,3", "0"))
TWO_PACKAGES = cores((0, "0", "0"), (1, "1", "1"), (2, "2", "0"), (3, "3", "1"), (4, "4", "0"))
ONE_CORE_TWO_THREADS = cores((0, "0,1", "0"), (1, "0,1", "0"))


@pytest.mark.parametrize("rows, server, generator", [
    (TWO, 0, 1), (TWO_THREADS_EACH, 1, 0), (TWO_PACKAGES, 1, 3), (ONE_CORE_TWO_THREADS, 0, 1),
    (TWO[:1], 0, 0)])
def test_two_cores_near_each_other_are_picked(rows, server, generator):
    picked = cpu.pick(rows)
    assert (picked.server, picked.loadgen) == (server, generator)


def test_same_core():
    assert cpu.pick(TWO, same_core=True).loadgen == 0


FOUR_ALIKE = cores(*((number, str(number), "0") for number in range(5)))


def test_of_many_pairs_the_one_with_the_shortest_round_trip():
    trips = {(2, 4): 40}
    picked = cpu.pick(FOUR_ALIKE, probe=lambda *pair: trips.get(pair, 60))
    assert (picked.server, picked.loadgen) == (2, 4)
    assert "40 ns" in picked.why and "6 probed pairs" in picked.why


def test_pairs_that_cannot_be_probed_are_picked_by_topology():
    picked = cpu.pick(FOUR_ALIKE, probe=lambda *pair: None)
    assert (picked.server, picked.loadgen) == (1, 2) and "ns" not in picked.why


def test_a_large_machine_is_probed_in_places():
    probed = []
    cpu.pick(cores(*((number, str(number), "0") for number in range(128))), probe=lambda *pair: probed.append(pair))
    assert 6 <= len(probed) <= cpu.PROBED_PAIRS and 0 not in {core for pair in probed for core in pair}


def test_cores_that_are_asked_for():
    picked = cpu.pick(TWO_PACKAGES, asked=(0, 3))
    assert (picked.server, picked.loadgen) == (0, 3) and "--cores" in picked.why
    with pytest.raises(UserError, match=r"may use the cores 0, 1: choose two"):
        cpu.pick(TWO, asked=(0, 7))


def test_the_cores_and_the_clock_are_probed(programs):
    found = probes.cores(programs, 0, 0)
    assert found["probe"]["round_trip_ns"] is None and found["probe"]["server_spin_ns"] > 0
    assert found["clock"]["resolution_ns"] >= 1 and found["clock"]["cost_ns"] > 0
    assert probes.cores(programs / "nowhere", 0, 0) == {}
