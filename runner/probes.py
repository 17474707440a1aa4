"""What is found by asking for it: hardware counters, io_uring, netem, the distance of two cores, the clock. Nothing
is changed or loaded."""
import ctypes
import errno
import json
import os
import subprocess
from pathlib import Path

from runner.limits import number, read
from runner.process import dying_with_us

PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241, "riscv64": 241}
IO_URING_SETUP = 425   # on every architecture
ANY_CPU, NO_GROUP = -1, -1


def _syscall(*arguments):
    """(result, errno) of a raw system call."""
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(*(ctypes.c_long(one) if isinstance(one, int) else one for one in arguments))
    return result, ctypes.get_errno()


def hardware_counters():
    """Can user-space cycles be counted? "available", or why not."""
    # Flags of struct perf_event_attr: bits 5 and 6 leave out the kernel and the hypervisor.
    error = _event(kind=0, config=0, flags=0x60)   # hardware, cycles
    reasons = {0: "available", None: "unknown on this architecture",
               errno.ENOENT: "not there (usual on virtual machines)", errno.EACCES: "not permitted",
               errno.EPERM: "not permitted", errno.ENOSYS: "not in this kernel"}
    return reasons[error] if error in reasons else os.strerror(error)


def sampling():
    """Would the kernel give samples of a process of ours and of the kernel's work for it? 0, or an errno."""
    error = _event(kind=1, config=0, flags=0)   # software, cpu-clock
    return errno.ENOSYS if error is None else error


def _event(kind, config, flags):
    """Open a perf event of this process, and close it: 0 or an errno; None on an architecture whose call is unknown."""
    call = PERF_EVENT_OPEN.get(os.uname().machine)
    if call is None:
        return None
    # struct perf_event_attr, version 0, of 64 bytes: type, its own size, config; at byte 40 the flags.
    attributes = bytearray(64)
    attributes[0], attributes[4], attributes[8], attributes[40] = kind, 64, config, flags
    fd, error = _syscall(call, ctypes.c_char_p(bytes(attributes)), os.getpid(), ANY_CPU, NO_GROUP, 0)
    if fd >= 0:
        os.close(fd)
        return 0
    return error


def io_uring():
    """Can io_uring be used? "available", or why not."""
    if number("/proc/sys/kernel/io_uring_disabled") == 2:
        return "disabled (kernel.io_uring_disabled)"
    _, error = _syscall(IO_URING_SETUP, 0, None)
    # No entries and no parameters: a kernel that has it complains about them.
    reasons = {errno.EINVAL: "available", errno.EFAULT: "available", errno.EPERM: "not permitted (seccomp)"}
    return reasons.get(error, "not in this kernel")


def netem():
    """Can delay and loss be put on an interface? "available", or why not. Needs root to be used."""
    modules = Path("/lib/modules") / os.uname().release
    if Path("/sys/module/sch_netem").exists() or "sch_netem" in (read(modules / "modules.builtin") or ""):
        return "available"
    if "sch_netem" in (read(modules / "modules.dep") or ""):
        return "available as a module"
    return _netem_in_config()


def _netem_in_config():
    """The kernel's own build options, where it shows them, settle it."""
    import gzip
    try:
        with gzip.open("/proc/config.gz", "rt") as file:
            lines = file.read().splitlines()
    except OSError:
        lines = (read(f"/boot/config-{os.uname().release}") or "").splitlines()
    if not lines:
        return "unknown"
    return "available" if "CONFIG_NET_SCH_NETEM=y" in lines else "not in this kernel"


def cores(folder, server, loadgen):
    """What the generator in FOLDER finds out about two cores and the clock (loadgen --probe): {"probe": {...}, "clock":
    {...}}, numbers in ns, None for what cannot be measured. Empty if it is not built or may not use them."""
    try:
        done = subprocess.run([folder / "loadgen", "--probe", f"{server},{loadgen}"], capture_output=True, timeout=10,
                              check=True, preexec_fn=dying_with_us())
        return json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}


def fuse(folder):
    """Can the kernel's calls of ->poll() be counted, by the waitcost in FOLDER and a file of FUSE? "available", or why
    not and what to do. The file stands in no folder, and is gone with the program."""
    command = [folder / "waitcost-poll", "--kind", "fuse", "--descriptors", "1", "--rounds", "1", "--turns", "1"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=30,
                              preexec_fn=dying_with_us())
    except (OSError, subprocess.SubprocessError):
        return "unknown: waitcost does not run"
    return "available" if done.returncode == 0 else " ".join(done.stderr.split()) or "unknown"
