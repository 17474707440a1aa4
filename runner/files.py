"""How a file gets onto the disk: whole or not at all, and how it is swept up if that was cut short. And what is said of
a disk that takes no more."""
import contextlib
import errno
import os
import re
import shutil

from runner.errors import UserError
from runner.paths import shown

ADVICE = {errno.ENOSPC: "make room on that disk", errno.EDQUOT: "make room within your quota",
          errno.EFBIG: "raise the limit, `ulimit -f unlimited`", errno.EROFS: "choose a disk that can be written"}


class NotWritten(UserError):
    """The system refused to write a file: a full disk, a folder that may only be read."""
    status = 1


@contextlib.contextmanager
def writing(path):
    """An OSError in here becomes a NotWritten that names PATH and what to do."""
    try:
        yield
    except OSError as error:
        advice = ADVICE.get(error.errno, "have the folder given to you with chown, or take another")
        raise NotWritten(f"{shown(path)}: cannot be written: {error.strerror}: {advice}") from None


def replace(path, content):
    """CONTENT, a text or bytes, to PATH, whole or not at all: it is written beside it and renamed. NotWritten if that
    cannot be; what was there before is left."""
    new = beside(path)
    with writing(path):
        try:
            _store(new, "wb", content)
            os.rename(new, path)
        finally:
            new.unlink(missing_ok=True)


def check_replaceable(path):
    """NotWritten if replace() could not write PATH: to be known before an hour of work, not after. Makes its folder."""
    new = beside(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        try:
            _store(new, "wb", "")
        finally:
            new.unlink(missing_ok=True)


def beside(path):
    """Where this process makes what will be renamed to PATH; nobody else has such names."""
    return path.with_name(f".{path.name}.muxbench-{os.getpid()}")


def sweep(folder):
    """Remove from FOLDER what processes that are gone have left beside() a path there: they were killed meanwhile.
    What cannot be removed stays: it does no harm."""
    for path in folder.glob(".*.muxbench-*"):
        pid = re.search(r"\.muxbench-([1-9][0-9]{0,8})\Z", path.name)
        if not pid or _is_running(int(pid[1])):
            continue
        with contextlib.suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass   # it is somebody else's
    return True


def append(path, text):
    """TEXT to the end of PATH. NotWritten if that cannot be: then a part of it may be there."""
    with writing(path):
        _store(path, "ab", text)


def _store(path, mode, content):
    with open(path, mode) as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
