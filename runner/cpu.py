"""The processors: model, which cores share what, the governor, mitigations, virtualisation; and which cores
to use."""
import os
import time
from pathlib import Path

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


def pick(cores, same_core=False):
    """(server's cpu, generator's cpu) of CORES (as topology() gives them): two cores, no threads of one, near
    each other, and not the first, which takes most interrupts, if there are enough. The same one if there is
    but one."""
    first = cores[0]["core"]
    server = next((row for row in cores if row["core"] != first and len(cores) > 2), cores[0])
    others = [row for row in cores if row["core"] != server["core"]]
    if same_core or len(cores) == 1:
        return server["cpu"], server["cpu"]
    if not others:
        others = [row for row in cores if row["cpu"] != server["cpu"]]
    best = min(others, key=lambda row: (row["core"] == first, row["cache"] != server["cache"],
                                        row["package"] != server["package"], row["cpu"]))
    return server["cpu"], best["cpu"]


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
