"""What a run holds while it lasts: the lock against a second one, a private temporary folder, the signals."""
import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
from pathlib import Path

from runner.errors import Interrupted, UserError
from runner.paths import shown

PREFIX = "muxbench-"


@contextlib.contextmanager
def lock(results):
    """Only one run at a time in the folder RESULTS: the kernel drops the lock with the process that holds
    it."""
    path = results / ".lock"
    try:
        results.mkdir(parents=True, exist_ok=True)
        opened = open(path, "a+", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{shown(path)}: {error.strerror}: take a checkout of your own, or have the folder given to "
                        "you with chown") from None
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise UserError(f"another run is going on (process {holder}, {shown(path)}); two at once would "
                            "disturb each other: wait for it, or end it with Ctrl-C") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextlib.contextmanager
def temporary():
    """A private folder (Path) in memory where there is such, for ledgers and messages; removed at the end."""
    parent = Path("/dev/shm") if os.access("/dev/shm", os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    _sweep(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent):
    """Remove what runs left behind that were killed outright: our own folders, whose process is gone."""
    for folder in parent.glob(PREFIX + "*-*"):
        owner = folder.name[len(PREFIX):].partition("-")[0]
        with contextlib.suppress(OSError):
            if owner.isdigit() and folder.stat().st_uid == os.getuid() and not Path("/proc", owner).exists():
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def interruptible():
    """Ctrl-C, SIGTERM and a closed terminal raise Interrupted, once: what follows while we clean up is
    ignored."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(_number, _frame):
        for one in signals:
            signal.signal(one, signal.SIG_IGN)
        raise Interrupted

    before = {one: signal.signal(one, interrupt) for one in signals}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
