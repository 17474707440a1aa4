"""Each gate of runner/gates.py fires on what it is for, and on nothing else."""
import dataclasses

import pytest
from conftest import ROOT

from runner import gates

QUIET = {"round_trip_ns": 60, "server_spin_ns": 300_000, "generator_spin_ns": 300_000}
GOOD = {"mechanism": "poll", "connections": 100, "throughput_per_s": 10_000, "service_mean_us": 100,
        "outstanding_mean": 1, "waits_per_request": 0.5, "fds_per_request": 50.5, "steal_percent": 0,
        "others_percent": 2, "generator_share_percent": 99.5, "client_cpu_percent": 40, "late_percent": 0.1,
        "lateness_p99_us": 5, "response_p99_us": 300}


def rows(mechanism, costs):
    return [{"mechanism": mechanism, "round": number, "requests": 100, "server_cpu_us": 100 * cost, "duration_ms": 100}
            for number, cost in enumerate(costs)]


def wobble(level, count=20):
    """Costs around a level that neither rise nor fall."""
    return [level * (1 + 0.02 * (-1) ** number) for number in range(count)]


def evidence(sample=(), before=(), after=(), block=None, settings=(), pinned=True):
    sample = GOOD | gates.shifts({"before": QUIET | dict(before), "after": QUIET | dict(after)}) | dict(sample)
    return gates.Evidence(sample, block or rows("poll", wobble(8)) + rows("epoll-lt", wobble(7)),
                          {"before": QUIET | dict(before), "after": QUIET | dict(after)}, pinned, dict(settings))


def test_a_good_sample_passes_every_gate():
    assert gates.judge(evidence()) == {"status": "valid", "reason": "", "latency": "", "steady": "yes", "again": ""}


@pytest.mark.parametrize("name, broken", [
    ("examined", {"sample": {"fds_per_request": 50}}),
    ("little", {"sample": {"outstanding_mean": 1.06}}),
    ("little", {"sample": {"outstanding_mean": 0.94}}),
    ("probes", {"after": {"server_spin_ns": None}}),
    ("probes", {"before": {"round_trip_ns": None}}),
    ("steal", {"sample": {"steal_percent": 1.2}}),
    ("spin", {"after": {"generator_spin_ns": 310_000}}),
    ("spin", {"after": {"server_spin_ns": 289_000}}),
    ("round-trip", {"after": {"round_trip_ns": 300}}),
    ("round-trip", {"before": {"round_trip_ns": 81}}),
    ("others", {"sample": {"others_percent": 12}}),
    ("share", {"sample": {"generator_share_percent": 94}}),
    ("steady", {"block": rows("poll", wobble(8, 10) + wobble(9.6, 10)) + rows("epoll-lt", wobble(7))
                + rows("epoll-et", wobble(7))}),
    ("client", {"sample": {"client_cpu_percent": 86}}),
    ("lag", {"sample": {"late_percent": 1.1}}),
    ("lag", {"sample": {"lateness_p99_us": 31}}),
])
def test_gate_fires(name, broken):
    gate = next(gate for gate in gates.GATES if gate.name == name)
    it = evidence(**broken)
    assert gate.check(it), f"{name} let it pass"
    fired = {one.name for one in gates.GATES if one.check and one.check(it)}
    assert fired == {name}
    verdict = gates.judge(it)
    expected = {"invalid": "invalid", "again": "suspect", "suspect": "suspect", "latency": "valid"}
    assert verdict["status"] == expected[gate.what]
    assert bool(verdict["again"]) == (gate.what == "again" or name == "probes")
    assert bool(verdict["latency"]) == (gate.what == "latency")


def test_every_gate_that_the_runner_asks_is_shown_to_fire():
    shown = {mark.args[1][place][0] for mark in test_gate_fires.pytestmark for place in range(len(mark.args[1]))}
    assert shown == {gate.name for gate in gates.GATES if gate.check}


def test_what_happens_to_all_mechanisms_is_the_machine():
    regime = wobble(1, 10) + wobble(1.3, 10)
    block = [one for name in ("poll", "epoll-lt", "epoll-et") for one in rows(name, regime)]
    assert gates.steady(evidence(block=block)) == "yes"


def test_a_server_alone_is_judged_by_itself():
    block = rows("poll", wobble(8, 10) + wobble(9.6, 10))
    assert gates.steady(evidence(block=block)).startswith("not stationary: the second half's requests cost 20.0 % more")


def test_a_slow_trend_is_seen():
    block = rows("poll", [8 * (1 + 0.004 * number) for number in range(20)]) + rows("epoll-lt", wobble(7)) + \
        rows("epoll-et", wobble(6))
    assert "trend" in gates.steady(evidence(block=block))


def test_a_trend_of_little_is_none():
    block = rows("poll", [8 * (1 + 0.0002 * number) for number in range(48)]) + rows("epoll-lt", wobble(7, 48)) + \
        rows("epoll-et", wobble(6, 48))
    assert gates.steady(evidence(block=block)) == "yes"


def test_few_slices_are_not_judged():
    assert gates.steady(evidence(block=rows("poll", wobble(8, 4) + wobble(16, 5)))) == ""


def test_on_one_core_no_distance_is_asked_for():
    it = evidence(before={"round_trip_ns": None}, after={"round_trip_ns": None}, pinned=False)
    assert gates.judge(it)["status"] == "valid"


def test_what_was_not_measured_fires_nothing():
    absent = dict.fromkeys(set(GOOD) - {"mechanism", "connections"})
    assert gates.judge(evidence(sample=absent))["reason"] == ""


def test_a_label_is_no_other_mechanism():
    assert gates.judge(evidence({"mechanism": "poll:again", "fds_per_request": 50}))["status"] == "invalid"


def test_environment_gates_never_look_at_the_outcome():
    """Costs, percentiles and counts of the sample can be anything: whether a block is run again does not change."""
    outcome = {"throughput_per_s": 1, "server_cpu_us_per_request": 1e6, "response_p99_us": 1e9, "fds_per_request": 0,
               "client_cpu_percent": 100, "late_percent": 100}
    for shift in ({}, {"round_trip_ns": 300}):
        plain, odd = evidence(after=shift), evidence(outcome, after=shift)
        assert [bool(gate.check(plain)) for gate in gates.GATES if gate.what == "again"] == \
            [bool(gate.check(odd)) for gate in gates.GATES if gate.what == "again"]


def test_the_documentation_has_every_gate():
    text = (ROOT / "docs" / "method.md").read_text()
    for gate in gates.GATES:
        assert f"| {gate.name} | {gate.rows} | {gate.asks} | {gate.threshold} | {gate.what} | {gate.source} |" in text
    assert all(dataclasses.astuple(gate)[:6] for gate in gates.GATES)
