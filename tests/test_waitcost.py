"""waitcost counts what its options say: turns, waits, events, sleeps, registrations.  No time is asserted."""
import json
import subprocess

import pytest

from servers import BUILD, MECHANISMS, SECONDS

WAITS = [*MECHANISMS, "ppoll", "none"]
EPOLLS = ["epoll-lt", "epoll-et"]
KINDS = ["pipe", "eventfd", "socketpair", "tcp", "fuse"]
WHENS = ["zero", "ready", "sleeping"]
KEYS = """version mechanism kind when descriptors ready placement place highest_descriptor writes rebuild reregister
    rounds turns waits events slept ctl build_ns wait_ns wait_low_ns wait_high_ns wait_cpu_ns scan_ns
    turn_ns turn_low_ns turn_high_ns cpu_s elapsed_s kernel_polls kept_awake status reason""".split()

TURNS, ROUNDS = 7, 3
SHORT = ("--turns", TURNS, "--rounds", ROUNDS, "--round", "1us")


def command(mechanism, *options, wrapper=()):
    return [str(word) for word in (*wrapper, BUILD / "bin" / f"waitcost-{mechanism}", *options)]


def run(mechanism, *options, wrapper=(), check=True, **process):
    """Runs it to its end; the completed process.  Skips the test where this machine has no FUSE for us."""
    done = subprocess.run(command(mechanism, *options, wrapper=wrapper), capture_output=True, text=True,
                          timeout=6 * SECONDS, **process)
    if done.returncode == 3:
        pytest.skip(done.stderr)
    if check:
        assert (done.returncode, done.stderr) == (0, "")
    return done


def measure(mechanism, *options, wrapper=()):
    """One run; its record.  TURNS and ROUNDS unless the options say otherwise."""
    done = run(mechanism, *SHORT, *options, "--json", "/dev/stdout", wrapper=wrapper)
    line, record = done.stdout.splitlines()
    assert line.startswith(f"{mechanism}, ")
    return json.loads(record)


def counts(record):
    return record["turns"], record["waits"], record["events"]


@pytest.mark.parametrize("when", WHENS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mechanism", WAITS)
def test_one_wait_in_a_turn(mechanism, kind, when):
    ready = 1 if when == "sleeping" else 3
    record = measure(mechanism, "--kind", kind, "--when", when, "--descriptors", 12, "--ready", ready)
    turns = TURNS * ROUNDS
    assert counts(record) == (turns, turns, ready * turns)
    assert record["ctl"] == 0
    sleeps = turns if when == "sleeping" and mechanism != "none" else 0
    assert record["slept"] == (None if kind == "fuse" else sleeps)


@pytest.mark.parametrize("when", ["zero", "ready"])
@pytest.mark.parametrize("mechanism", WAITS)
@pytest.mark.parametrize("ready, writes, waits", [(1, 10, 11), (5, 12, 4), (12, 1, 2), (12, 24, 3)])
def test_further_writes(mechanism, when, ready, writes, waits):
    """Each descriptor that is read makes its neighbour ready, around the end: so many waits in a turn."""
    record = measure(mechanism, "--kind", "socketpair", "--descriptors", 12, "--ready", ready, "--writes", writes,
                     "--when", when, "--placement", "last")
    turns = TURNS * ROUNDS
    assert counts(record) == (turns, waits * turns, (ready + writes) * turns)
    assert record["slept"] == 0


@pytest.mark.parametrize("mechanism", WAITS)
def test_nothing_is_ready(mechanism):
    turns = TURNS * ROUNDS
    assert counts(measure(mechanism, "--ready", 0)) == (turns, turns, 0)


@pytest.mark.parametrize("mechanism", WAITS)
def test_all_are_ready(mechanism):
    turns = TURNS * ROUNDS
    assert counts(measure(mechanism, "--descriptors", 100, "--ready", 100)) == (turns, turns, 100 * turns)


@pytest.mark.parametrize("when", WHENS)
@pytest.mark.parametrize("how", ["none", "add", "mod"])
@pytest.mark.parametrize("mechanism", WAITS)
def test_registering_again(mechanism, how, when):
    """Of all descriptors, and once in a turn; no event is lost by it, and none comes twice."""
    further = () if when == "sleeping" else ("--writes", 3)
    record = measure(mechanism, "--when", when, "--descriptors", 12, "--reregister", how, *further)
    calls = {"none": 0, "mod": 12, "add": 24}[how] if mechanism in EPOLLS else 0
    turns, events = TURNS * ROUNDS, 4 if further else 1
    assert record["ctl"] == calls * turns
    assert counts(record) == (turns, events * turns, events * turns)


@pytest.mark.parametrize("mechanism", WAITS)
def test_a_set_made_anew_finds_the_same(mechanism):
    turns = TURNS * ROUNDS
    record = measure(mechanism, "--rebuild", "--ready", 2, "--writes", 4)
    assert counts(record) == (turns, 3 * turns, 6 * turns)


# In one wait for 20 descriptors, of which one is ready, never the same twice running; select and ppoll as poll.
ASKED = {"zero": {"poll": 20, "epoll-lt": 2, "epoll-et": 1, "none": 0},
         "ready": {"poll": 20, "epoll-lt": 2, "epoll-et": 1, "none": 0},
         "sleeping": {"poll": 40, "epoll-lt": 2, "epoll-et": 1, "none": 0}}


@pytest.mark.parametrize("when", WHENS)
@pytest.mark.parametrize("mechanism", WAITS)
def test_how_many_descriptors_the_kernel_asks(mechanism, when):
    """A scan asks all, and once more after a sleep; epoll-lt asks again whom it returned last time."""
    record = measure(mechanism, "--kind", "fuse", "--descriptors", 20, "--when", when)
    asked = ASKED[when].get(mechanism, ASKED[when]["poll"])
    assert record["kernel_polls"] == asked * record["waits"]


@pytest.mark.parametrize("mechanism", WAITS)
def test_as_many_turns_as_fit(mechanism):
    record = measure(mechanism, "--rounds", 4)
    assert record["rounds"] == 4 and record["turns"] == 4 * TURNS
    done = run(mechanism, "--rounds", 2, "--round", "50ms", "--json", "/dev/stdout")
    record = json.loads(done.stdout.splitlines()[1])
    assert record["turns"] % 2 == 0 and record["turns"] >= 4
    assert record["waits"] == record["events"] == record["turns"]


def test_the_shortest_round_has_one_turn():
    done = run("poll", "--rounds", 2, "--round", "1ns", "--json", "/dev/stdout")
    assert json.loads(done.stdout.splitlines()[1])["turns"] == 2


@pytest.mark.parametrize("mechanism", WAITS)
@pytest.mark.parametrize("affinity", ["--cpu", "taskset"])
def test_sleeping_on_one_core(mechanism, affinity):
    """The thread that wakes us has to be let there, too."""
    options, wrapper = (("--cpu", 0), ()) if affinity == "--cpu" else ((), ("taskset", "-c", 0))
    if affinity == "--cpu":
        options += ("--partner-cpu", 0)
    record = measure(mechanism, "--when", "sleeping", *options, wrapper=wrapper)
    assert record["slept"] == (record["waits"] if mechanism != "none" else 0)


@pytest.mark.parametrize("mechanism", WAITS)
def test_the_record_has_these_keys(mechanism):
    record = measure(mechanism)
    assert list(record) == KEYS
    assert (record["version"], record["mechanism"], record["status"], record["reason"]) == (1, mechanism, "valid", "")


def test_the_record_says_what_was_asked_for():
    asked = {"kind": "pipe", "when": "ready", "descriptors": 40, "ready": 2, "placement": "spread", "writes": 5,
             "reregister": "mod", "rounds": 2}
    words = [word for key, value in asked.items() for word in (f"--{key}", value)]
    record = measure("epoll-et", *words, "--rebuild", "--high", 300)
    assert {key: record[key] for key in asked} == asked
    assert (record["rebuild"], record["place"], record["highest_descriptor"]) == (True, None, 300)
    record = measure("poll", "--position", 7)
    assert (record["placement"], record["place"], record["rebuild"]) == ("position", 7, False)
    assert record["highest_descriptor"] == 25


def test_what_was_not_measured_is_null():
    """CPU time where the call cannot sleep, the kernel's questions where nobody counts them."""
    assert measure("poll")["wait_cpu_ns"] is None
    assert measure("poll", "--when", "ready")["wait_cpu_ns"] is None
    record = measure("poll", "--when", "sleeping")
    assert record["wait_cpu_ns"] > 0 and record["kernel_polls"] is None


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_the_median_is_within_the_spread(rounds):
    record = measure("poll", "--when", "sleeping", "--rounds", rounds)
    for what in ("wait", "turn"):
        low, median, high = (record[f"{what}_{end}"] for end in ("low_ns", "ns", "high_ns"))
        assert 0 < low <= median <= high
        if rounds == 1:
            assert low == median == high
        elif rounds == 2:
            assert median == pytest.approx((low + high) / 2, rel=1e-6)


def test_the_parts_are_in_the_whole():
    """Build, wait and scan of all waits fit into the elapsed time; the CPU time of a call that never sleeps, too."""
    record = measure("poll", "--descriptors", 500, "--rebuild", "--writes", 5, "--rounds", 1)
    parts_s = record["waits"] * (record["build_ns"] + record["wait_ns"] + record["scan_ns"]) / 1e9
    assert parts_s < record["elapsed_s"]
    assert record["turns"] * record["turn_ns"] / 1e9 == pytest.approx(record["elapsed_s"], rel=1e-6)
