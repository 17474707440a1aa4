"""The machine and the programs, described once for environment.json and for `muxbench doctor`."""
import datetime
import hashlib
import os
import platform
import subprocess
import sys

from runner import cpu, limits, perf, probes
from runner.limits import number, read
from runner.paths import ROOT

# The others may say more about the owner of a machine than about its speed; results get published.
BOOT_OPTIONS = ("mitigations", "isolcpus", "nohz_full", "rcu_nocbs", "idle", "processor.max_cstate",
                "preempt", "pti", "intel_pstate", "amd_pstate", "intel_idle.max_cstate",
                "cpuidle_haltpoll.force", "nosmt", "tsc", "clocksource", "transparent_hugepage", "spectre_v2",
                "retbleed", "spec_rstack_overflow", "irqaffinity")


def describe(command=(), binaries=None):
    """What a result depends on, as a dict of plain values. COMMAND: the command line. BINARIES: the folder of
    the programs, whose SHA-256 are added. A value that cannot be had is None."""
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": list(command),
        "boot_id": read("/proc/sys/kernel/random/boot_id"),
        **kernel(), **conditions(),
        "versions": versions(),
        "git": git(),
        "binaries": checksums(binaries) if binaries else {},
    }


def conditions():
    """The part of describe() that advice is made from: what may stand in the way of a measurement."""
    return {**processors(), "limits": limits.limits(), **tcp(), **features()}


def kernel():
    """The kernel's release and build, the distribution, and those boot options that change what a system call
    costs."""
    uname = os.uname()
    words = (read("/proc/cmdline") or "").split()
    options = [word for word in words if word.partition("=")[0] in BOOT_OPTIONS]
    return {"kernel": uname.release, "kernel_build": uname.version, "architecture": uname.machine,
            "distribution": _distribution(), "boot_options": options}


def processors():
    """Cores, clock, mitigations, virtualisation; steal in percent since boot."""
    return {
        "cpu": cpu.model(),
        "cores": os.cpu_count(),
        "topology": cpu.topology(),
        "governor": cpu.governor(),
        "clock_source": cpu.clock_source(),
        "mitigations": cpu.mitigations(),
        "virtualisation": cpu.virtualisation(),
        "steal_percent": cpu.steal(),
        "busy_percent": cpu.busy(),
    }


def tcp():
    """How TCP sends here: the congestion control of new sockets, and those that can be asked for."""
    folder = "/proc/sys/net/ipv4"
    return {"congestion": read(f"{folder}/tcp_congestion_control"),
            "congestion_available": (read(f"{folder}/tcp_available_congestion_control") or "").split()}


def features():
    """Kernel features that not every machine has."""
    return {
        "hardware_counters": probes.hardware_counters(),
        "perf_event_paranoid": number("/proc/sys/kernel/perf_event_paranoid"),
        "perf": perf.why_not() or "available",
        "io_uring": probes.io_uring(),
        "netem": probes.netem(),
    }


def versions():
    """The versions of what builds and what draws."""
    libc = " ".join(platform.libc_ver()).strip()
    return {
        "compiler": _first_line(os.environ.get("CC", "cc"), "--version"),
        "libc": libc or None,
        "python": sys.version.split()[0],
        "gnuplot": _first_line("gnuplot", "--version"),
        "hyperfine": _first_line("hyperfine", "--version"),
        **{name: _module_version(name) for name in ("numpy", "scipy", "pandas", "matplotlib")},
    }


def git():
    """The commit of the checkout, and whether files differ from it; None outside of git."""
    commit = _first_line("git", "-C", str(ROOT), "rev-parse", "HEAD")
    if commit is None:
        return None
    changed = _output("git", "-C", str(ROOT), "status", "--porcelain") or ""
    return {"commit": commit, "dirty": bool(changed.strip())}


def checksums(folder):
    """{program: SHA-256} of the files in FOLDER."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*"))
            if path.is_file()}


def _output(*command):
    """What COMMAND prints, or None if it cannot be run. git takes no lock."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True,
                              env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"})
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _first_line(*command):
    lines = (_output(*command) or "").splitlines()
    return lines[0] if lines else None


def _distribution():
    for line in (read("/etc/os-release") or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return None


def _module_version(name):
    from importlib.metadata import PackageNotFoundError, version
    try:
        return version(name)
    except PackageNotFoundError:
        return None
