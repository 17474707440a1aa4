"""perf(1), which samples what a server's CPU is doing: may it be used here, and a recording of some processes."""
import errno
import functools
import os
import select
import shutil
import subprocess

from runner import probes, process, stacks
from runner.limits import number, read
from runner.process import ChildError

# A prime, so that no timer keeps step with it; the kernel may allow less. What it costs was measured with pairs of
# servers in one block, one of them sampled: 2 % more CPU per request at 499, 4 % at 997, 4 to 7 % at 1999 per second.
HZ = min(997, number("/proc/sys/kernel/perf_event_max_sample_rate") or 997)
STACK_BYTES = 1024   # of the user's stack, copied with each sample: the servers' are shallow
# The user's configuration could change what is recorded; and no symbols are fetched from the network.
COMMAND = ("env", "PERF_CONFIG=/dev/null", "DEBUGINFOD_URLS=", "LC_ALL=C", "perf")
INSTALL = ("perf is not installed: `apt-get install linux-perf` on Debian, linux-tools-$(uname -r) on Ubuntu, the "
           "package perf elsewhere")
READY_S, END_S = 10, 30


def event():
    """What is sampled: the processor's cycles, or a clock where it does not count them for us."""
    return "cycles" if probes.hardware_counters() == "available" else "cpu-clock"


@functools.cache
def why_not():
    """Why perf cannot sample a server and the kernel here, and what to do about it; None if it can."""
    if not shutil.which("perf"):
        return INSTALL
    try:
        done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, errors="replace", timeout=10,
                              preexec_fn=process.dying_with_us())
    except (OSError, subprocess.SubprocessError) as error:
        return f"perf does not run: {error}"
    if done.returncode != 0:   # Ubuntu's is a script that looks for the one of this kernel
        said = " ".join((done.stderr or done.stdout).split())[:200]
        return f"perf does not run: {said}; install the one of this kernel (linux-tools-$(uname -r) on Ubuntu)"
    return _why_not_allowed(probes.sampling())


def _why_not_allowed(error):
    """ERROR: the errno of the kernel when it was asked for samples, or 0."""
    if not error:
        return None
    paranoid = number("/proc/sys/kernel/perf_event_paranoid")
    if error not in (errno.EACCES, errno.EPERM) or paranoid is None:
        return f"this kernel gives no samples: {os.strerror(error)}; it needs CONFIG_PERF_EVENTS"
    if paranoid > 1:
        return (f"perf is not allowed to sample the kernel: kernel.perf_event_paranoid is {paranoid}; root may, and "
                "everybody until the next boot once root has run `sysctl kernel.perf_event_paranoid=1`")
    return ("perf is not allowed here, although kernel.perf_event_paranoid would let it: a container or a security "
            "module forbids it; for a container of your own, `docker run --cap-add PERFMON`")


def hidden_symbols():
    """Why the kernel's functions have no names here, and what to do about it; None if they have."""
    lines = (read("/proc/kallsyms") or "").split("\n")
    if any(line.split(" ", 1)[0].strip("0") for line in lines if line):
        return None
    restricted = number("/proc/sys/kernel/kptr_restrict")
    return (f"the kernel hides its symbols (kernel.kptr_restrict is {restricted}), so its frames have no names, and "
            "what the softirq did is unknown; root may see them unless it is 2, and everybody until the next boot once "
            "root has run `sysctl kernel.kptr_restrict=0 kernel.perf_event_paranoid=1`")


class Sampler:
    """A recording of the processes PIDS, from now until they end or its samples are taken; perf is one of CHILDREN."""

    def __init__(self, children, pids):
        self.data = children.file("perf.data")
        self.control, self.failure = _pipe(children), None
        try:
            self._start(children, pids)
        except ChildError as error:   # what it watches goes on without it
            self.failure = error

    def _start(self, children, pids):
        acknowledged = _pipe(children)
        ends = ",".join(f"/proc/{os.getpid()}/fd/{end}" for end in (self.control[0], acknowledged[1]))
        self.child = children.start("perf", [
            *COMMAND, "record", "--quiet", "-e", event(), "-F", HZ, "--call-graph", f"dwarf,{STACK_BYTES}",
            "-k", "CLOCK_MONOTONIC", "--no-buildid", "--delay=-1", "--control", f"fifo:{ends}",
            "--pid", ",".join(map(str, pids)), "-o", self.data])
        os.write(self.control[1], b"enable\n")
        _await(self.child, acknowledged[0])

    def samples(self):
        """All stacks.Samples, a list; ends the recording. ChildError if perf failed, if only as it started."""
        if self.failure:
            raise self.failure
        os.write(self.control[1], b"stop\n")
        if process.wait(self.child, END_S) != 0:
            raise ChildError(process.how(self.child))
        try:
            done = subprocess.run(
                [*COMMAND, "script", "--force", "-i", self.data, "--no-inline", "--ns", "-F", "pid,time,ip,sym,dso"],
                capture_output=True, text=True, errors="replace", timeout=END_S, check=True,
                preexec_fn=process.dying_with_us())
        except subprocess.TimeoutExpired:
            raise ChildError(f"perf script did not end within {END_S} s") from None
        except subprocess.CalledProcessError as error:
            raise ChildError(f"perf script failed: {' '.join(error.stderr.split())[-300:]}") from None
        return list(stacks.read(done.stdout))


def _pipe(children):
    ends = os.pipe()
    children.shared.extend(ends)
    return ends


def _await(child, ready):
    """Until perf says at the end READY of a pipe that it samples. ChildError if it ends or does not say so in time."""
    with open(os.pidfd_open(child.pid), "rb", buffering=0) as ended:
        readable, _, _ = select.select([ready, ended], [], [], READY_S)
    if ready not in readable:
        why = "ended" if readable else f"was not ready within {READY_S} s"
        raise ChildError(f"perf {why}: {process.said(child) or 'it said nothing'}")
