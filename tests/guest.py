"""A checkout of its own in a house of its own: /tmp and /dev/shm are empty and nobody else's, so that whatever a run
leaves there is seen. And the traces that it must not leave anywhere."""
import contextlib
import csv
import fcntl
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from conftest import ROOT

SECONDS = 60   # no run here takes longer
MEASURED = (0, 1)   # 1: on a busy machine it may be that no sample can be used
SUITE = Path("/mnt")   # the checkout, as the house sees it
TIME_WAIT, LISTEN = "06", "0A"   # in the kernel's table of sockets
OWN_NAMESPACES = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--user", "--map-root-user"]
ENTER = ["nsenter", "--mount"] if os.geteuid() == 0 else ["nsenter", "--mount", "--user", "--preserve-credentials"]
FURNISH = f"""mount -t tmpfs tmpfs /dev/shm && mount --bind "$0" {SUITE} &&
mount -t tmpfs -o size=4m tmpfs {SUITE}/results && mount -t tmpfs tmpfs /tmp && echo ready && exec sleep 300"""
SCENARIO = """question = "Does it leave anything?"
prediction = "No."
blocks = 3

[fixed]
active = 2
connections = 10
window = "400ms"
slice = "100ms"

[sweep]
mechanism = ["poll", "epoll-et"]

[figures]
show = ["examined"]
"""


class NoHouse(Exception):
    """This machine does not permit a mount namespace; the message says why."""


def wait_for(condition, what, seconds=SECONDS):
    """What CONDITION() gives, as soon as that is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(0.02)
    return found


class House:
    """A checkout in FOLDER (its programs from PROGRAMS) and a mount namespace around it. Use with `with`."""

    def __init__(self, folder, programs):
        self.folder, self.token = folder, f"MUXBENCH_GUEST={uuid.uuid4()}"
        for name in ("runner", "plots", "scenarios"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "muxbench", folder)
        shutil.copytree(programs, folder / "build" / "bin")
        (folder / "results").mkdir()
        (folder / "guest.toml").write_text(SCENARIO)

    def __enter__(self):
        words = [*OWN_NAMESPACES, "sh", "-c", FURNISH, self.folder]
        self.holder = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            self.__exit__()
            raise NoHouse(self.why)
        return self

    def __exit__(self, *_):
        self.holder.kill()
        _, self.why = self.holder.communicate()

    def path(self, name):
        """A path within the house, as this process sees it."""
        return Path(f"/proc/{self.holder.pid}/root{name}")

    @property
    def results(self):
        """The folder of all runs, as this process sees it."""
        return self.path(SUITE / "results")

    def inside(self, *words):
        """WORDS as a command that runs inside."""
        return [*ENTER, "--target", str(self.holder.pid), "--", *map(str, words)]

    def environment(self):
        """What a run inside is started with; a home that it makes is seen in /tmp."""
        name, _, value = self.token.partition("=")
        outside = {key: one for key, one in os.environ.items() if key != "MPLCONFIGDIR"}   # of the checkout outside
        return outside | {name: value, "HOME": "/tmp/home", "MUXBENCH_PYTHON": sys.executable,
                          "PATH": f"{SUITE}/path:{os.environ['PATH']}"}

    def fake(self, name, text):
        """A shell script in the place of the command NAME."""
        script = self.folder / "path" / name
        script.parent.mkdir()
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)

    def muxbench(self, *words, status=MEASURED):
        """Run `./muxbench WORDS` to its end, which must be one of STATUS; what it said."""
        done = subprocess.run(self.inside(SUITE / "muxbench", *words), capture_output=True, text=True, timeout=SECONDS,
                              env=self.environment(), stdin=subprocess.DEVNULL)
        said = done.stdout + done.stderr
        assert done.returncode in status and "Traceback" not in said, said
        return said

    def stored(self):
        """The rows of samples.csv of the run `run`, as dicts; those that are whole."""
        path = self.results / "run" / "samples.csv"
        text = path.read_text() if path.exists() else ""
        return list(csv.DictReader(text[:text.rfind("\n") + 1].splitlines()))

    def fill(self):
        """Leave no room on the disk of the results; returns the file that takes it."""
        with open(self.results / "filler", "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        return self.results / "filler"

    def processes(self):
        """{process id: command} of all that descends from what was started here."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):   # it ended meanwhile, or is somebody else's
                if self.token.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found[int(folder.name)] = (folder / "comm").read_text().strip()
        return found

    def ports(self):
        """The ports on which those processes listen."""
        sockets = set()
        for pid in self.processes():
            with contextlib.suppress(OSError):
                sockets |= {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
        return {row.port for row in tcp_rows() if row.state == LISTEN and f"socket:[{row.inode}]" in sockets}


class Terminal:
    """`./muxbench WORDS` in a session and on a terminal of its own, in HOUSE."""

    def __init__(self, house, *words):
        self.house, self.ports, self.strange, self.said = house, set(), set(), b""
        self.master, slave = pty.openpty()
        os.set_blocking(self.master, False)
        self.process = subprocess.Popen(
            house.inside(SUITE / "muxbench", *words), stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env=house.environment(), preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        for pid in self.house.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.hang_up()

    def type(self, keys):
        os.write(self.master, keys)

    def hang_up(self):
        """The terminal is gone, as when its window is closed."""
        if self.master is not None:
            os.close(self.master)
        self.master = None

    def read(self):
        """Take what it has written, so that it can write on."""
        with contextlib.suppress(OSError):   # nothing there; or, EIO, nobody holds the other side any more
            while self.master is not None and (piece := os.read(self.master, 65536)):
                self.said += piece

    def child(self, name):
        """The process id of a child of the runner, by its command; None if there is none now."""
        for pid, command in self.house.processes().items():
            with contextlib.suppress(OSError):
                if command == name and parent(pid) == self.process.pid:
                    return pid
        return None

    def in_the_middle(self, samples):
        """Wait until so many samples are stored and the generator is at work on more."""
        def there():
            self.read()
            assert self.process.poll() is None, self.said.decode()
            return len(self.house.stored()) >= samples and self.child("loadgen")
        wait_for(there, "a run in the middle of a block")
        self.ports |= self.house.ports()
        assert len(self.ports) == 2
        # What an earlier program on one of these ports left.
        self.strange = {row for row in tcp_rows() if row.is_on(self.ports) and row.state == TIME_WAIT}

    def end(self):
        """Wait for its end; the exit status, negative for a signal."""
        def ended():
            self.read()
            return self.process.poll() is not None
        wait_for(ended, "the end of the run")
        return self.process.returncode


# ---- traces --------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Traces:
    """What is to be the same after a run as before: the names in folders, the kernel's settings."""
    names: dict
    settings: dict

    @classmethod
    def of(cls, house):
        folders = [house.path("/dev/shm"), house.path("/tmp"), Path("/run/netns")]
        return cls({str(folder): sorted(os.listdir(folder)) if folder.is_dir() else [] for folder in folders},
                   settings())


def left(run, before):
    """What is left of RUN (a Terminal), as texts; BEFORE: the Traces before it."""
    after = Traces.of(run.house)
    found = [f"process {pid}: {command}" for pid, command in run.house.processes().items()]
    found += [f"port {row.port} to {row.peer}, state {row.state}" for row in tcp_rows()
              if row.is_on(run.ports) and row not in run.strange]
    found += [f"{folder}: {name}" for folder, names in after.names.items()
              for name in sorted({*names} - {*before.names[folder]})]
    return found + changed(before.settings, after.settings)


def changed(before, after):
    """What was set to another value, as texts. Interfaces that come and go bring settings with them, or take them
    along."""
    return [f"{path}: {after[path]!r}, was {before[path]!r}" for path in sorted({*before} & {*after})
            if after[path] != before[path]]


def settings():
    """{file: text} of the kernel's settings of the network and of files. What nobody can write counts what goes on in
    the whole system; so does fs/quota."""
    found = {}
    for path in [*Path("/proc/sys/net").rglob("*"), *Path("/proc/sys/fs").rglob("*")]:
        with contextlib.suppress(OSError):   # some can only be written; or it is gone
            if path.is_file() and path.stat().st_mode & 0o200 and path.parent.name != "quota":
                found[str(path)] = path.read_text(errors="replace")
    return found


@dataclass(frozen=True)
class Row:
    """A socket in the kernel's table; its state is a number in hexadecimal."""
    port: int
    peer: int
    state: str
    inode: str

    def is_on(self, ports):
        return bool({self.port, self.peer} & ports)


def tcp_rows():
    """All TCP sockets of this network namespace."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            words = line.split()
            yield Row(int(words[1].rpartition(":")[2], 16), int(words[2].rpartition(":")[2], 16), words[3], words[9])


def parent(pid):
    """The process id of a process's parent."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
