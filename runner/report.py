"""`muxbench report DIR`: figures, report.html, classics.html and the summary of a run, made from its samples alone."""
import multiprocessing
import signal
import sys

from runner import files, process, session
from runner.errors import INTERRUPTED, Interrupted, UserError
from runner.files import NotWritten
from runner.paths import shown


def run(folder):
    """Draw the run in FOLDER. Returns the exit status: 1 if it cannot be drawn (its samples are kept)."""
    from plots import data, report
    try:
        with session.interruptible():
            written = _write_both(folder)
            summary = report.summary(folder)
            for one in (folder, folder / "figures"):   # what a report that was killed has left
                files.sweep(one)
    except data.RunError as error:
        raise UserError(str(error)) from None
    except Interrupted:
        return _failed(folder, "interrupted", INTERRUPTED)
    except NotWritten as error:
        return _failed(folder, error)
    except Exception as error:   # whatever goes wrong in drawing, the samples are safe: say so
        return _failed(folder, f"{type(error).__name__}: {error}")
    if summary:
        print(summary)
    for path in filter(None, written):
        print(f"report: {shown(path)}")
    return 0


def _write_both(folder):
    """The paths of report.html and classics.html, drawn at the same time: for the classics it is minutes."""
    from plots import report
    context = multiprocessing.get_context("fork")
    end, its_end = context.Pipe(duplex=False)
    other = context.Process(target=_write_classics, args=(folder, its_end, process.dying_with_us()))
    other.start()
    its_end.close()
    try:
        written, page = report.write(folder), end.recv()
    except EOFError:
        raise process.ChildError("the process that draws it was killed; is there memory enough?") from None
    finally:
        other.kill()
        other.join()
    if isinstance(page, Exception):
        raise page
    return [written, page]


def _write_classics(folder, end, dying_with_us):
    """Draw classics.html, and send its path, or the exception, through END."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_DFL)
    dying_with_us()
    from plots import classics
    try:
        end.send(classics.write(folder))
    except Exception as error:
        end.send(error)


def _failed(folder, why, status=1):
    print(f"the report could not be made: {why}\n"
          f"the samples are in {shown(folder)}; try again with `./muxbench report {shown(folder)}`", file=sys.stderr)
    return status
