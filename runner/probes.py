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
    call = PERF_EVENT_OPEN.get(os.uname().machine)
    if call is None:
        return "unknown on this architecture"
    # struct perf_event_attr, version 0 (64 bytes): type 0 (hardware), its own size, config 0 (cycles); then
    # at byte 40 the flags, of which bits 5 and 6 leave out the kernel and the hypervisor.
    attributes = bytearray(64)
    attributes[4] = 64
    attributes[40] = 0x60
    fd, error = _syscall(call, ctypes.c_char_p(bytes(attributes)), os.getpid(), ANY_CPU, NO_GROUP, 0)
    if fd >= 0:
        os.close(fd)
        return "available"
    reasons = {errno.ENOENT: "not there (usual on virtual machines)", errno.EACCES: "not permitted",
               errno.EPERM: "not permitted", errno.ENOSYS: "not in this kernel"}
    return reasons.get(error, os.strerror(error))


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
