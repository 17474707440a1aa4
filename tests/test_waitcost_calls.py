"""waitcost under strace: which system calls a turn makes, with which arguments, on which descriptors."""
import json
import os
import re
from collections import Counter

import pytest

from servers import is_sanitised
from test_waitcost import EPOLLS, WAITS, WHENS, run
from tracing import refusal

N, LOWEST = 5, 16
FDS = list(range(LOWEST, LOWEST + N))
SET = " ".join(map(str, FDS))
ARRAY = ", ".join(f"{{fd={fd}, events=POLLIN}}" for fd in FDS)
WAIT_CALLS = {"select", "pselect6", "poll", "ppoll", "epoll_wait", "epoll_pwait"}  # what libc may make of them
# The clocks are read; the sanitisers keep memory of their own.
OTHERS = {"clock_gettime", "getrusage"} | ({"mmap", "munmap", "madvise"} if is_sanitised("waitcost-poll") else set())
# Up to the result; TIME is the time-out, a time in some and milliseconds in others.
PATTERNS = {
    "select": rf"p?select6?\({N + LOWEST}, \[{SET}\], NULL, NULL, TIME(, NULL)?\)",
    "select-wide": rf"p?select6?\({N + LOWEST}, \[{SET}\], NULL, NULL, TIME(, NULL)?\)",
    "poll": rf"poll\(\[{re.escape(ARRAY)}\], {N}, TIME\)",
    "ppoll": rf"ppoll\(\[{re.escape(ARRAY)}\], {N}, TIME, NULL, 8\)",
    "epoll-lt": rf"epoll_p?wait\(\d+, \[.*\], {N}, TIME(, NULL, 8)?\)",
    "epoll-et": rf"epoll_p?wait\(\d+, \[.*\], {N}, TIME(, NULL, 8)?\)",
}
TIMES = {"select", "select-wide", "ppoll"}


def strace(*options):
    """The command that traces what follows.  Skips the test where that is not allowed."""
    if why := refusal():
        pytest.skip(f"strace cannot trace here: {why}")
    # the leak check needs ptrace for itself
    return ["env", f"ASAN_OPTIONS={os.environ['ASAN_OPTIONS']}:detect_leaks=0", "strace", *options]


def time_out(mechanism, when):
    if mechanism in TIMES:
        return r"\{tv_sec=0, tv_[un]sec=0\}" if when == "zero" else "NULL"
    return "0" if when == "zero" else "-1"


class Trace:
    """What the thread that measures did, or with threads all of them: lines of strace."""

    def __init__(self, folder, mechanism, *options, threads=False, turns=6):
        file = folder / "calls"
        done = run(mechanism, "--descriptors", N, "--turns", turns, "--rounds", 1, "--round", "1us", *options,
                   "--json", "/dev/stdout", wrapper=strace("-v", "-s", 64, *(["-f"] if threads else []), "-o", file))
        self.record = json.loads(done.stdout.splitlines()[1])
        self.lines = file.read_text().splitlines()

    def named(self, *names):
        return [line for line in self.lines if line.split("(")[0] in names]

    def waits(self):
        return self.named(*WAIT_CALLS)

    def descriptors(self, name):
        """Whom each call of this name was for, those that are watched and what belongs to them."""
        numbers = [int(re.match(r"\w+\((\d+)", line)[1]) for line in self.named(name)]
        return [fd for fd in numbers if fd >= LOWEST]

    def turn_calls(self):
        """The names of all calls from the first write to a descriptor to the last read of one, without OTHERS."""
        touching = [i for i, line in enumerate(self.lines) if re.match(r"(read|write)\((1[6-9]|[2-9]\d|\d{3,}),", line)]
        names = [line.split("(")[0] for line in self.lines[touching[0]:touching[-1] + 1]]
        return [name for name in names if name not in OTHERS]


@pytest.mark.parametrize("when", WHENS)
@pytest.mark.parametrize("mechanism", [m for m in WAITS if m != "none"])
def test_the_call_that_it_is_named_after(mechanism, when, tmp_path):
    """With all descriptors, and a time-out of 0 or none; no other kind of wait."""
    waits = Trace(tmp_path, mechanism, "--when", when).waits()
    pattern = PATTERNS[mechanism].replace("TIME", time_out(mechanism, when))
    assert len(waits) == 7, "one turn to warm up, then six"
    assert [line for line in waits if not re.match(pattern + r" += 1\b", line)] == []


def test_none_asks_nobody(tmp_path):
    trace = Trace(tmp_path, "none", "--ready", 2, "--writes", 3)
    assert trace.waits() == [] and trace.named("epoll_create1", "epoll_ctl") == []
    assert set(trace.turn_calls()) == {"write", "read"}


@pytest.mark.parametrize("mechanism", WAITS)
def test_a_turn_is_writes_a_wait_and_reads(mechanism, tmp_path):
    calls = Trace(tmp_path, mechanism, "--ready", 2).turn_calls()
    kinds = ["wait" if name in WAIT_CALLS else name for name in calls]
    wait = [] if mechanism == "none" else ["wait"]
    assert kinds == 7 * ["write", "write", *wait, "read", "read"]


@pytest.mark.parametrize("mechanism", WAITS)
def test_what_is_written_is_read(mechanism, tmp_path):
    trace = Trace(tmp_path, mechanism, "--ready", 2)
    written, read = trace.descriptors("write"), trace.descriptors("read")
    assert len(read) == 14
    assert [set(read[i:i + 2]) for i in range(0, 14, 2)] == [set(written[i:i + 2]) for i in range(0, 14, 2)]


@pytest.mark.parametrize("mechanism", [m for m in WAITS if m != "none"])
def test_asleep_another_thread_writes(mechanism, tmp_path):
    """It has a descriptor table of its own: with a shared one the kernel pays for each look-up."""
    alone = Trace(tmp_path, mechanism, "--when", "sleeping")
    assert alone.descriptors("write") == [] and len(alone.descriptors("read")) == 7
    both = Trace(tmp_path, mechanism, "--when", "sleeping", threads=True)
    assert any("unshare(CLONE_FILES" in line for line in both.lines)
    assert any(re.search(r"unshare\b.* = 0$", line) for line in both.lines)


@pytest.mark.parametrize("cpu, threads", [((), 2), (("--cpu", min(os.sched_getaffinity(0))), 3)])
def test_asleep_a_core_of_its_own_does_not_idle(cpu, threads, tmp_path):
    """Each further thread has a table of its own, and the one that keeps the core awake gives way to all others."""
    lines = Trace(tmp_path, "poll", "--when", "sleeping", *cpu, threads=True).lines
    assert sum("unshare(CLONE_FILES" in line for line in lines) == threads - 1
    assert sum("SCHED_IDLE" in line for line in lines) == threads - 2


@pytest.mark.parametrize("when", WHENS)
def test_slept_is_the_kernels_count(when, tmp_path):
    """Of the round's voluntary switches, to which strace adds."""
    trace = Trace(tmp_path, "poll", "--when", when)
    before, after = (int(re.search(r"ru_nvcsw=(\d+)", line)[1]) for line in trace.named("getrusage"))
    assert trace.record["slept"] == after - before > 7


@pytest.mark.parametrize("mechanism", EPOLLS)
@pytest.mark.parametrize("how, operations", [("none", []), ("mod", ["MOD"]), ("add", ["DEL", "ADD"])])
def test_what_epoll_is_told(mechanism, how, operations, tmp_path):
    """Once in each turn, though it has three waits; and edge-triggered has its flag in each of them."""
    told = Trace(tmp_path, mechanism, "--reregister", how, "--writes", 2).named("epoll_ctl")
    words = [re.match(r"epoll_ctl\(\d+, EPOLL_CTL_(\w+), (\d+), (.*)\) += 0", line).groups() for line in told]
    expected = [("ADD", fd) for fd in FDS] + 7 * [(operation, fd) for fd in FDS for operation in operations]
    assert [(what, int(fd)) for what, fd, _ in words] == expected
    flags = "EPOLLIN|EPOLLET" if mechanism == "epoll-et" else "EPOLLIN"
    assert all(f"events={flags}," in event for what, _, event in words if what != "DEL")


@pytest.mark.parametrize("options, places", [
    (("--placement", "first", "--ready", 2), [0, 1]),
    (("--placement", "last", "--ready", 2), [3, 4]),
    (("--placement", "spread", "--ready", 2), [1, 3]),
    (("--placement", "spread", "--ready", 5), [0, 1, 2, 3, 4]),
    (("--position", 3), [3]),
])
def test_which_is_made_ready(options, places, tmp_path):
    trace = Trace(tmp_path, "poll", *options)
    assert trace.descriptors("write") == 7 * [LOWEST + place for place in places]
    assert trace.descriptors("read") == 7 * [LOWEST + place for place in places]


def test_random_ones_are_all_of_them_in_turn(tmp_path):
    """Different ones within a turn, each as often as any other, and in an order that is the seed's."""
    def written(seed):  # in ten turns, with the one to warm up: twice all of them, from any of the 15 on
        options = ("--ready", 3, "--descriptors", 15, "--seed", seed)
        return Trace(tmp_path, "poll", *options, turns=9).descriptors("write")
    one = written(7)
    assert all(len(set(one[i:i + 3])) == 3 for i in range(0, 30, 3))
    assert Counter(one) == {fd: 2 for fd in range(LOWEST, LOWEST + 15)}
    assert one == written(7) != written(9)
    assert one[:15] != sorted(one[:15])


@pytest.mark.parametrize("kind", ["pipe", "socketpair", "tcp"])
def test_the_other_end_is_written_to(kind, tmp_path):
    """Its number is above all that are watched."""
    trace = Trace(tmp_path, "poll", "--kind", kind, "--placement", "last")
    assert set(trace.descriptors("write")) == {LOWEST + 2 * N - 1}
    assert set(trace.descriptors("read")) == {LOWEST + N - 1}


@pytest.mark.parametrize("kind", ["eventfd", "pipe"])
@pytest.mark.parametrize("mechanism", ["select-wide", "poll", "epoll-lt"])
def test_high_numbers(mechanism, kind, tmp_path):
    """The highest is the one asked for, and below it are no holes; select is told of it."""
    trace = Trace(tmp_path, mechanism, "--high", 900, "--kind", kind)
    fds = list(range(901 - N, 901))
    if mechanism == "select-wide":
        assert all(re.match(rf"p?select6?\(901, \[{' '.join(map(str, fds))}\],", line) for line in trace.waits())
    elif mechanism == "poll":
        assert [int(fd) for fd in re.findall(r"\{fd=(\d+), events", trace.waits()[0])] == fds
    else:
        assert [int(line.split(", ")[2]) for line in trace.named("epoll_ctl")] == fds
    assert set(trace.descriptors("read")) <= set(fds)


def test_neighbours_are_made_ready_in_turn(tmp_path):
    """Around the end; three waits to read one, then those that it leads to."""
    trace = Trace(tmp_path, "epoll-lt", "--position", N - 2, "--writes", 2)
    assert trace.descriptors("write") == 7 * [LOWEST + N - 2, LOWEST + N - 1, LOWEST]
    assert trace.descriptors("read") == 7 * [LOWEST + N - 2, LOWEST + N - 1, LOWEST]
