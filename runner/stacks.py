"""What perf saw of a server: the text of `perf script` becomes stacks, and these the share of each system call."""
import math
import re
from collections import Counter
from dataclasses import dataclass

KERNEL = 1 << 63    # from here on addresses are the kernel's, on all 64-bit architectures
IN_KERNEL = "_[k]"  # the mark of such a frame in a folded stack, as stackcollapse-perf.pl writes it

SAMPLE = re.compile(r" *(\d+) +(\d+)\.(\d{9}): *\Z")
FRAME = re.compile(r"\s+([0-9a-f]+) (.*?) \((.*)\)\Z")
ENTRY = re.compile(r"(?:__[a-z0-9]+_)?sys_(\w+)" + re.escape(IN_KERNEL) + r"\Z")   # __x64_sys_poll, __arm64_sys_ppoll
DECORATION = re.compile(r"^(__GI_)?_*(libc_)?|@.*")   # of libc's own names: __poll, __libc_recv
HIDDEN = "[unknown]" + IN_KERNEL
RECEIVE = "net_rx_action" + IN_KERNEL   # the softirq that takes packets in; on loopback it runs within the send

CALLS = {
    "wait": ("select", "pselect6", "poll", "ppoll", "epoll_wait", "epoll_pwait", "epoll_pwait2"),
    "ctl": ("epoll_ctl",),
    "read": ("read", "readv", "recv", "recvfrom", "recvmsg"),
    "write": ("write", "writev", "send", "sendto", "sendmsg"),
    "accept_close": ("accept", "accept4", "close", "shutdown"),
}
KIND_OF = {name: kind for kind, names in CALLS.items() for name in names}
KINDS = (*CALLS, "user", "other")
COLUMNS = ("wait", "ctl", "read", "write")   # in samples.csv, as wait_percent and so on


@dataclass(frozen=True)
class Sample:
    """One sample: the process, when (CLOCK_MONOTONIC), and its frames from the outermost on, those of the kernel
    marked."""
    pid: int
    time_ns: int
    frames: tuple


@dataclass(frozen=True)
class Profile:
    """The samples of one server. COUNTS: how many of each of KINDS; RECEIVING: how many in the receive softirq,
    within whatever call; STACKS: {frames: how many}."""
    counts: dict
    receiving: int
    stacks: dict

    @property
    def samples(self):
        """How many there are."""
        return sum(self.counts.values())

    def columns(self):
        """Its columns of samples.csv; without a sample no share is known."""
        shares = {f"{kind}_percent": share(self.counts[kind], self.samples)[0] for kind in COLUMNS}
        return shares | {"profile_samples": self.samples}

    def folded(self):
        """The stacks as Brendan Gregg's tools read them: frames between semicolons, a space, how many."""
        lines = (";".join(name.replace(";", ":") for name in frames) + f" {count}"
                 for frames, count in self.stacks.items())
        return "".join(f"{line}\n" for line in sorted(lines))


def read(text):
    """The Samples in TEXT, what `perf script --ns -F pid,time,ip,sym,dso` printed."""
    for block in text.split("\n\n"):
        head, *lines = block.strip("\n").split("\n")
        begins = SAMPLE.match(head)
        if not begins:
            continue
        pid, seconds, nanoseconds = map(int, begins.groups())
        frames = [_frame(*found.groups()) for found in map(FRAME.match, reversed(lines)) if found]
        # A kernel that hides its symbols is one frame, however deep.
        shown = [name for place, name in enumerate(frames) if name != HIDDEN or frames[place - 1:place] != [HIDDEN]]
        yield Sample(pid, seconds * 10**9 + nanoseconds, tuple(shown))


def _frame(address, symbol, file):
    if int(address, 16) >= KERNEL:
        return symbol + IN_KERNEL
    # Of a library without symbols, at least its name.
    return f"[{file.rpartition('/')[2]}]" if symbol == "[unknown]" and not file.startswith("[") else symbol


def profile(samples, pid, windows, root):
    """The Profile of the SAMPLES of process PID within WINDOWS, a list of (first, end) in ns; ROOT is put under all
    stacks."""
    counts, stacks, receiving = dict.fromkeys(KINDS, 0), Counter(), 0
    for sample in samples:
        if sample.pid == pid and any(first <= sample.time_ns < end for first, end in windows):
            counts[kind(sample.frames)] += 1
            receiving += RECEIVE in sample.frames
            stacks[(root, *sample.frames)] += 1
    return Profile(counts, receiving, dict(stacks))


def kind(frames):
    """Which of KINDS a stack belongs to: that of the system call it is in. The way into the kernel and out of it, and
    all of a kernel that hides its symbols, is told by the libc function that called it."""
    if not any(name.endswith(IN_KERNEL) for name in frames):
        return "user" if frames else "other"
    entries = [found[1] for found in map(ENTRY.match, frames) if found]
    callers = [name for name in frames if not name.endswith(IN_KERNEL)]
    call = entries[0] if entries else DECORATION.sub("", callers[-1]) if callers else None
    return KIND_OF.get(call, "other")


NORMAL_95 = 1.959964


def share(count, samples):
    """COUNT of SAMPLES in percent, and the bounds of its 95 % interval (Wilson's score interval of a binomial share:
    Brown, Cai and DasGupta, Statistical Science 16, 2001). All None without a sample."""
    if not samples:
        return None, None, None
    p, z2 = count / samples, NORMAL_95**2
    middle = (p + z2 / (2 * samples)) / (1 + z2 / samples)
    reach = NORMAL_95 / (1 + z2 / samples) * math.sqrt(p * (1 - p) / samples + z2 / (4 * samples**2))
    return 100 * p, 100 * max(0.0, middle - reach), 100 * min(1.0, middle + reach)
