"""Child processes that end with us, however that is: they are waited for, asked to end, and killed if they do
not."""
import ctypes
import os
import select
import signal
import subprocess
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
MFD_NOEXEC_SEAL = 8   # Linux 6.3 has it, logs where it is missing, and can be set to insist on it
MEMORY_FLAGS = os.MFD_CLOEXEC | (MFD_NOEXEC_SEAL if os.path.exists("/proc/sys/vm/memfd_noexec") else 0)
_libc = ctypes.CDLL(None)   # looked up here: nothing may be loaded between fork and exec


class ChildError(Exception):
    """A child did not do what it should; the message says which and what it said."""


class Children:
    """The children of a block, and the files in memory that are shared with them. Use with `with`: at its end all of
    them are gone."""

    def __init__(self):
        self.running, self.shared = [], []
        self.inside = []   # words before a command, which put it into a namespace (runner/namespace.py)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in self.running:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)   # its session: what it has started, too
        for child in self.running:
            child.wait()
            if child.stdout:
                child.stdout.close()
        for descriptor in self.shared:
            os.close(descriptor)

    def file(self, name):
        """The path of a new file in memory, for us and our children. It has no name in any folder, and is gone with the
        last process that uses it, however that ends; NAME only shows in /proc. ChildError if there can be none, or no
        path to it."""
        try:
            descriptor = os.memfd_create(f"muxbench-{name}", MEMORY_FLAGS)
        except OSError as error:
            raise ChildError(f"no file in memory for {name}: {error.strerror}") from None
        self.shared.append(descriptor)
        path = Path(f"/proc/{os.getpid()}/fd/{descriptor}")
        if not _is_open_as(path, descriptor):
            raise ChildError("/proc does not show this process, but those of another pid namespace: mount the /proc of "
                             "this one, as `unshare --mount-proc` does")
        return path

    def start(self, name, argv, stdout=subprocess.PIPE):
        """Start ARGV (texts, numbers, paths) as child NAME. ChildError if it cannot be."""
        argv, kept = self._inherited([str(one) for one in [*self.inside, *argv]])
        errors, stderr = self.file(f"{name}.stderr"), self.shared[-1]
        # An interruption between the child's birth and its entry into our list would leave it alone: it has to wait.
        signals = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        try:
            # A session of its own: Ctrl-C reaches the runner only, which ends its children in order.
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, pass_fds=kept,
                                     start_new_session=True, preexec_fn=dying_with_us(signals))
            self.running.append(child)
        except OSError as error:
            raise ChildError(f"{argv[0]}: cannot be started: {error.strerror}") from None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        child.name, child.errors = name, errors
        return child

    def _inherited(self, argv):
        """ARGV, and the descriptors that a child must inherit for it. In a user namespace /proc/OURS/fd is closed to
        it: there a file of ours is its own descriptor."""
        ours, kept = f"/proc/{os.getpid()}/fd/", []
        if self.inside:
            kept = [descriptor for descriptor in self.shared for word in argv if word.endswith(f"{ours}{descriptor}")]
            argv = [word.replace(ours, "/proc/self/fd/") for word in argv]
        return argv, kept


def _is_open_as(path, descriptor):
    """Whether PATH leads to what DESCRIPTOR stands for, and not to a file of another process of this number."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except OSError:
        return False


def dying_with_us(signals=()):
    """What a child does before it becomes another program (preexec_fn): take SIGNALS as its mask, and be killed when
    this process is gone."""
    parent = os.getpid()

    def prepare():
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
    return prepare


def said(child):
    """The last lines that CHILD wrote on standard error, as one line."""
    lines = child.errors.read_text(errors="replace").split("\n")
    return " ".join(" ".join(lines[-4:]).split())


def how(child):
    """How CHILD, which is no more, ended, and what it said last."""
    status = child.returncode
    ended = f"status {status}" if status >= 0 else signal.Signals(-status).name
    return f"{child.name} ended with {ended}: {said(child) or 'it said nothing'}"


def first_line(child, timeout):
    """The first line of CHILD's standard output, within TIMEOUT seconds. ChildError if none comes."""
    end, text = time.monotonic() + timeout, b""
    while b"\n" not in text:
        ready = select.select([child.stdout], [], [], max(0, end - time.monotonic()))[0]
        piece = os.read(child.stdout.fileno(), 4096) if ready else b""
        if not piece:
            why = "ended" if ready else f"was not ready within {timeout} s"
            raise ChildError(f"{child.name} {why}: {said(child) or 'it said nothing'}")
        text += piece
    return text.decode(errors="replace").splitlines()[0]


def wait(child, timeout, tick=None):
    """Wait for CHILD to end, and return its exit status (negative: the signal that ended it). TICK() is
    called about every second. ChildError if it has not ended after TIMEOUT seconds."""
    end = time.monotonic() + timeout
    with open(os.pidfd_open(child.pid), "rb", buffering=0) as ended:
        while not select.select([ended], [], [], 1)[0]:
            if time.monotonic() > end:
                raise ChildError(f"{child.name} did not end within {timeout:.0f} s: {said(child)}")
            if tick:
                tick()
    return child.wait()


def stop(child, timeout=10):
    """Ask CHILD to end by SIGTERM; returns its last line of output. ChildError if its exit status is not 0 or
    it does not end within TIMEOUT seconds."""
    child.terminate()
    output, _ = _output(child, timeout)
    if child.returncode != 0:
        raise ChildError(how(child))
    lines = output.decode(errors="replace").splitlines()
    return lines[-1] if lines else ""


def _output(child, timeout):
    try:
        return child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise ChildError(f"{child.name} did not end within {timeout} s of SIGTERM") from None
