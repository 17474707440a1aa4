"""Two machines with a cable between them: network namespaces, as long as their processes live.

    with two_machines() as (near, far):
        with Server("poll", "--address", far.address, wrapper=far.enter) as server: ...
"""
import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from servers import SECONDS


class Machine:
    """A network namespace, held by a process that ends with its standard input."""

    def __init__(self, address, stack):
        self.address = address
        self.holder = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        stack.callback(self._end)
        self.pid = self.holder.pid
        self.enter = ["nsenter", "--target", str(self.pid), "--net"]
        try:
            self.holder.stdin.write(b"there\n")
            self.holder.stdin.flush()
        except BrokenPipeError:
            pass
        if self.holder.stdout.readline() != b"there\n":
            pytest.skip(f"no network namespace here: {self.holder.stderr.read().decode().strip()}")

    def _end(self):
        self.holder.kill()
        self.holder.communicate()

    def run(self, *words):
        """Runs a command there; skips the test where that is not allowed."""
        try:
            done = subprocess.run([*self.enter, *map(str, words)], capture_output=True, text=True, timeout=SECONDS)
        except FileNotFoundError as error:
            pytest.skip(f"{error.filename} is not installed")
        if done.returncode != 0:
            pytest.skip(f"{' '.join(map(str, words))}: {done.stderr.strip()}")

    def traffic(self):
        """All that it has sent: packets of each interface, TCP connections begun, TCP segments."""
        proc = Path(f"/proc/{self.pid}/net")
        packets = {name.strip(): int(numbers.split()[9]) for name, _, numbers in
                   (line.partition(":") for line in (proc / "dev").read_text().splitlines()[2:])}
        names, values = (line.split() for line in (proc / "snmp").read_text().splitlines() if line.startswith("Tcp:"))
        tcp = dict(zip(names, values))
        return {**packets, "connections": int(tcp["ActiveOpens"]), "segments": int(tcp["OutSegs"])}


@contextmanager
def two_machines():
    with ExitStack() as stack:
        near, far = Machine("10.77.0.1", stack), Machine("10.77.0.2", stack)
        near.run("ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", far.pid)
        for machine in (near, far):
            # no IPv6: the kernel would speak up by itself
            machine.run("sh", "-c", "! cd /proc/sys/net/ipv6/conf || for i in *; do echo 1 > $i/disable_ipv6; done")
            machine.run("ip", "address", "add", f"{machine.address}/24", "dev", "cable")
            for interface in ("lo", "cable"):
                machine.run("ip", "link", "set", interface, "up")
        yield near, far
