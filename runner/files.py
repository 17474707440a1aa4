"""How a file gets onto the disk: whole or not at all. And what is said of a disk that takes no more."""
import contextlib
import errno
import os

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
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path):
        try:
            _store(beside, "wb", content)
            os.rename(beside, path)
        finally:
            beside.unlink(missing_ok=True)


def append(path, text):
    """TEXT to the end of PATH. NotWritten if that cannot be: then a part of it may be there."""
    with writing(path):
        _store(path, "ab", text)


def _store(path, mode, content):
    with open(path, mode) as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
