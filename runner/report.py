"""`muxbench report DIR`: figures, report.html and the summary of a run, made from its samples alone."""
import sys

from runner.errors import UserError
from runner.paths import shown


def run(folder):
    """Draw the run in FOLDER. Returns the exit status: 1 if it cannot be drawn (its samples are kept)."""
    from plots import data, report
    try:
        written = report.write(folder)
        summary = report.summary(folder)
    except data.RunError as error:
        raise UserError(str(error)) from None
    except Exception as error:   # whatever goes wrong in drawing, the samples are safe: say so
        print(f"the report could not be made: {type(error).__name__}: {error}\n"
              f"the samples are in {shown(folder)}; try again with `./muxbench report {shown(folder)}`",
              file=sys.stderr)
        return 1
    if summary:
        print(summary)
    print(f"report: {shown(written or folder / 'report.html')}")
    return 0
