"""A server under strace: the system calls that it makes, counted by somebody else."""
import os
import subprocess

import pytest

from servers import Server, eventually


def refusal():
    """Why nothing can be traced here; None: it can."""
    try:
        subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=True, timeout=10)
    except FileNotFoundError:
        return "strace is not installed"
    except subprocess.CalledProcessError as error:
        return error.stderr.decode().strip()
    return None


def traced(mechanism, folder, *options, wrapper=()):
    """A Server that strace watches as its grandchild (-D): the process started here is the server itself.
    Skips the test where that is not allowed."""
    if why := refusal():
        pytest.skip(f"strace cannot trace here: {why}")
    # the leak check needs ptrace for itself
    quiet = ["env", f"ASAN_OPTIONS={os.environ['ASAN_OPTIONS']}:detect_leaks=0"]
    strace = ["strace", "-D", "-f", "-c", "-o", folder / "calls"]
    return Server(mechanism, *options, wrapper=[*strace, *quiet, *wrapper])


def system_calls(folder):
    """{system call: (calls, errors)}, which strace writes after the server's end."""
    file = folder / "calls"
    eventually(lambda: file.read_text().endswith(" total\n"), "strace's summary")
    counts = {}
    for line in file.read_text().splitlines():
        words = line.split()
        if len(words) in (5, 6) and words[0].replace(".", "").isdigit():
            counts[words[-1]] = (int(words[3]), int(words[4]) if len(words) == 6 else 0)
    return counts
