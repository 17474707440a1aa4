"""The processors: model, which cores share what, the governor, mitigations, virtualisation; and which cores
to use."""
import itertools
import os
import time
from dataclasses import dataclass
from pathlib import Path

from runner.errors import UserError
from runner.limits import read

IDLE, IOWAIT, STEAL = 3, 4, 7   # places in /proc/stat
SYS_CPU = Path("/sys/devices/system/cpu")


def model():
    """The processor's name, or the machine's architecture."""
    for line in (read("/proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model", "Hardware"):
            return value.strip()
    return os.uname().machine


def topology():
    """The cores that this process may use: [{cpu, package, core, cache}], the same core for threads of one
    core."""
    rows = []
    for cpu in sorted(os.sched_getaffinity(0)):
        about = SYS_CPU / f"cpu{cpu}"
        rows.append({"cpu": cpu, "package": read(about / "topology/physical_package_id"),
                     "core": read(about / "topology/thread_siblings_list", str(cpu)),
                     "cache": _last_cache(about)})
    return rows


def _last_cache(about):
    """Who shares the last-level cache, as the kernel writes it ("0-7"), or None."""
    levels = sorted(about.glob("cache/index*"))
    return read(levels[-1] / "shared_cpu_list") if levels else None


@dataclass(frozen=True)
class Cores:
    """Where the servers run, where the generator runs, and why there."""
    server: int
    loadgen: int
    why: str


def pick(cores, same_core=False, asked=None, probe=None):
    """The Cores to use of CORES (as topology() gives them): those ASKED for; or two near each other, not threads of
    one, and not the first, which takes most interrupts, if there are enough. Among pairs that the kernel calls
    equal the one with the shortest round trip, if PROBE(server, generator) tells it in ns (None: it cannot).
    UserError if an asked one is not there."""
    usable = [row["cpu"] for row in cores]
    if asked:
        if not set(asked) <= set(usable):
            raise UserError(f"--cores {asked[0]},{asked[1]}: this process may use the cores "
                            f"{', '.join(map(str, usable))}: choose two of these")
        return Cores(*asked, "as --cores says" + (", one core for both" if asked[0] == asked[1] else ""))
    pairs = _nearest_pairs(cores)
    if same_core or not pairs:
        one = pairs[0][0] if pairs else usable[0]
        return Cores(one, one, "one core for both" + ("" if pairs else ": there is no other"))
    if len(pairs) == 1:
        return Cores(*pairs[0], "the only pair" if len(cores) == 2 else "the nearest pair by the kernel's topology")
    trips = {pair: probe(*pair) if probe else None for pair in pairs}
    known = {pair: trip for pair, trip in trips.items() if trip}
    best = min(known, key=known.get) if known else pairs[0]
    nearest = f", the shortest round trip ({known[best]} ns) of {len(known)} probed pairs" if known else ""
    return Cores(*best, f"one of {len(pairs)} pairs that are near each other and no threads of one core{nearest}")


PROBED_PAIRS = 12   # of many equal ones; 10 ms each


def _nearest_pairs(cores):
    """[(server's cpu, generator's cpu)]: all pairs that the kernel's topology calls best, spread over the machine
    where there are many. Empty if there is but one core."""
    first = cores[0]["core"]

    def distance(one, other):
        return (one["core"] == other["core"], len(cores) > 2 and first in (one["core"], other["core"]),
                one["cache"] != other["cache"], one["package"] != other["package"])
    pairs = list(itertools.combinations(cores, 2))
    best = min((distance(*pair) for pair in pairs), default=None)
    near = [(one["cpu"], other["cpu"]) if one["core"] != first or len(cores) == 2 else (other["cpu"], one["cpu"])
            for one, other in pairs if distance(one, other) == best]
    return near[::-(-len(near) // PROBED_PAIRS)] if near else []


def governor():
    """What sets the clock rate ("performance", "powersave", ...), or None on most virtual machines."""
    return read(SYS_CPU / "cpu0/cpufreq/scaling_governor")


def mitigations():
    """{vulnerability: what the kernel does about it}, without those that do not affect this processor."""
    found = {path.name: read(path, "") for path in sorted((SYS_CPU / "vulnerabilities").glob("*"))}
    return {name: state for name, state in found.items() if state != "Not affected"}


def virtualisation():
    """The virtual machine and the container that this runs in, or None."""
    layers = []
    if " hypervisor" in (read("/proc/cpuinfo") or ""):
        maker = [read(f"/sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name")]
        layers.append(f"virtual machine ({' '.join(filter(None, maker)) or 'maker unknown'})")
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        layers.append("container")
    return ", ".join(layers) or None


def clock_source():
    """What the kernel tells the time from: "tsc", "kvm-clock", "hpet", ..."""
    return read("/sys/devices/system/clocksource/clocksource0/current_clocksource")


def steal():
    """The share of the time since boot, in percent, in which the hypervisor ran somebody else."""
    ticks = _ticks()
    return round(100 * ticks[STEAL] / sum(ticks), 3) if sum(ticks) else None


def busy(seconds=0.2):
    """The share of all processors, in percent, that is in use while this waits for SECONDS."""
    before = _ticks()
    time.sleep(seconds)
    passed = [after - start for start, after in zip(before, _ticks())]
    idle = passed[IDLE] + passed[IOWAIT]
    return round(100 * (1 - idle / sum(passed)), 1) if sum(passed) else 0.0


def _ticks():
    """The ticks of all processors since boot: user, nice, system, idle, iowait, irq, softirq, steal."""
    words = (read("/proc/stat") or "").partition("\n")[0].split()[1:9]
    return [int(word) for word in words] if len(words) == 8 else [0] * 8
