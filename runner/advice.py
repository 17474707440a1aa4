"""What on this machine matters to a measurement, what its value means, and what to do about it."""
from dataclasses import dataclass

FINE, NOTE, WARNING = "fine", "note", "warning"
ENOUGH_DESCRIPTORS = 20_000
ENOUGH_BACKLOG = 4096
ENOUGH_SYN_BACKLOG = 1024
ENOUGH_MEMORY = 2**31
FAST_CLOCKS = ("tsc", "kvm-clock", "arch_sys_counter")


@dataclass(frozen=True)
class Check:
    """One thing looked at: its VALUE as text, FINE, NOTE or WARNING, and what to do (empty when fine)."""
    name: str
    value: str
    level: str = FINE
    advice: str = ""


def checks(machine):
    """The Checks of a MACHINE, a dict as machine.describe() makes it."""
    return [*_descriptors(machine), *_network(machine), *_processors(machine), *_features(machine), *_fuse(machine)]


def _check(name, value, fine, advice, level=NOTE):
    """A Check of VALUE (a number, a text or None) that has nothing to advise if it is FINE."""
    text = f"{value:,}" if isinstance(value, int) else value or "unknown"
    return Check(name, text) if fine else Check(name, text, level, advice)


def _descriptors(machine):
    limits = machine["limits"]
    hard, system = limits["descriptors_hard"], limits["descriptors_system"]
    yield _check("soft descriptor limit", limits["descriptors_soft"], True, "")   # our programs raise theirs
    yield _check(
        "hard descriptor limit", hard, hard >= ENOUGH_DESCRIPTORS,
        f"a server can hold no more than {hard:,} connections: `ulimit -Hn 20000` as root, or the line "
        "`* hard nofile 20000` in /etc/security/limits.conf and a new login", WARNING)
    yield _check(
        "system's descriptors", system, (system or 0) >= 12 * min(hard, ENOUGH_DESCRIPTORS),
        "too few for five servers and their clients: `sysctl fs.file-max=1000000`", WARNING)


def _network(machine):
    limits = machine["limits"]
    first, last = limits["ports"] or (0, 0)
    # Source addresses are used in turn, so that ports do not limit the count.
    yield _check("client ports", f"{first:,} to {last:,}", True, "")
    somaxconn, backlog = limits["somaxconn"], limits["tcp_max_syn_backlog"]
    yield _check("somaxconn", somaxconn, (somaxconn or 0) >= ENOUGH_BACKLOG,
                 f"set-up is slower: `sysctl net.core.somaxconn={ENOUGH_BACKLOG}`")
    yield _check("SYN backlog", backlog, (backlog or 0) >= ENOUGH_SYN_BACKLOG,
                 f"set-up is slower: `sysctl net.ipv4.tcp_max_syn_backlog={ENOUGH_BACKLOG}`")
    available = limits["memory_available_bytes"] or 0
    yield _check("available memory", f"{available // 2**20:,} MiB", available >= ENOUGH_MEMORY,
                 "below 2 GiB the largest connection counts may be left out")
    names = [machine["congestion"], *machine["congestion_available"]]
    yield _check("congestion control", machine["congestion"] and f"{machine['congestion']}, ours cubic",
                 "cubic" in names,
                 "sending may be paced by timers: `modprobe tcp_cubic`; our sockets use it then, no others")


def _processors(machine):
    cores = len({row["core"] for row in machine["topology"]})
    yield _check("cores", f"{cores} of {machine['cpu']}", cores >= 2,
                 "server and generator share a core: compare ratios only, and expect slower figures", WARNING)
    yield _check("processors in use", f"{machine['busy_percent']} %", machine["busy_percent"] < 15,
                 "other programs use the processors: end them before you measure", WARNING)
    steal = machine["steal_percent"]
    yield _check("steal since boot", "unknown" if steal is None else f"{steal} %", (steal or 0) < 1,
                 "the hypervisor gives time to others: expect suspect samples, and trust ratios only")
    governor = machine["governor"]
    yield _check("governor", governor or "none", governor in (None, "performance"),
                 "the clock rate follows the load: `cpupower frequency-set -g performance`")
    clock = machine["clock_source"]
    yield _check("clock source", clock, clock is None or clock in FAST_CLOCKS,
                 "reading the time is slow, which costs the generator: boot with `clocksource=tsc`")
    active = [name for name, state in machine["mitigations"].items() if state.startswith("Mitigation")]
    yield _check("mitigations", ", ".join(active) or "none", not active,
                 "they make system calls dearer; compare only with machines that have the same")
    yield _check("virtualisation", machine["virtualisation"] or "none", not machine["virtualisation"],
                 "absolute times drift; ratios within a block hold")


def _features(machine):
    usable = machine["perf"] == "available"
    yield _check("perf", "available" if usable else "not usable", usable, f"`make profile`: {machine['perf']}")
    for name, key, what in (
            ("hardware counters", "hardware_counters", "cycles cannot be counted; nothing here needs them"),
            ("io_uring", "io_uring", "nothing here needs it yet"),
            ("netem", "netem", "no delay or loss on the loopback; `rtt` and `dribble` do without")):
        yield _check(name, machine[key], machine[key].startswith("available"), what)


def _fuse(machine):
    """Looked at by the doctor alone."""
    if "fuse" in machine:
        usable = machine["fuse"] == "available"
        yield _check("/dev/fuse", "usable" if usable else "not usable", usable,
                     f"`waitcost --kind fuse` cannot count what the kernel asks: {machine['fuse']}")
