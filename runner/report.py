"""`muxbench report DIR`: figures, report.html, classics.html and the summary of a run, made from its samples alone."""
import multiprocessing
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
    """The paths of report.html and classics.html, each made in a process of its own: for the classics it is minutes."""
    from plots import classics
    with multiprocessing.get_context("fork").Pool(1, process.dying_with_us()) as pool:
        other = pool.apply_async(_write_report, (folder,))
        page = classics.write(folder)
        return [other.get(), page]


def _write_report(folder):
    from plots import report
    return report.write(folder)


def _failed(folder, why, status=1):
    print(f"the report could not be made: {why}\n"
          f"the samples are in {shown(folder)}; try again with `./muxbench report {shown(folder)}`", file=sys.stderr)
    return status
