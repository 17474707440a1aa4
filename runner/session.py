"""What a run holds while it lasts: the lock against a second one, the signals."""
import contextlib
import fcntl
import os
import signal

from runner.errors import Interrupted, UserError
from runner.files import writing
from runner.paths import shown


@contextlib.contextmanager
def lock(results):
    """Only one run at a time in the folder RESULTS: the kernel drops the lock with the process that holds
    it."""
    path = results / ".lock"
    with writing(path):
        results.mkdir(parents=True, exist_ok=True)
        opened = open(path, "a+", encoding="utf-8")
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise UserError(f"another run is going on (process {holder}, {shown(path)}); two at once would "
                            "disturb each other: wait for it, or end it with Ctrl-C") from None
        _sign(file)
        yield


def _sign(file):
    """Our process id into the lock, for messages: on a full disk it holds without."""
    with contextlib.suppress(OSError):
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), str(os.getpid()).encode())


@contextlib.contextmanager
def interruptible():
    """Ctrl-C, SIGTERM and a closed terminal raise Interrupted, once: what follows while we clean up is
    ignored. So is what was ignored before, as under nohup."""
    signals = [one for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
               if signal.getsignal(one) != signal.SIG_IGN]

    def interrupt(_number, _frame):
        for one in signals:
            signal.signal(one, signal.SIG_IGN)
        _leave_closed_terminal()
        raise Interrupted

    before = {one: signal.signal(one, interrupt) for one in signals}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _leave_closed_terminal():
    """Our last words would fail on a terminal that is no more."""
    for descriptor in (1, 2):
        try:
            os.write(descriptor, b"")
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
