"""`muxbench compare A B`: what differs between two runs, as a table, as JSON or as a figure; a regression check."""
import json
import math
import re
import sys
from pathlib import Path

from runner.errors import UserError
from runner.files import NotWritten

NOT_JUDGED = 3
SHARE = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)%"
FAIL_IF = re.compile(f"(slower|faster)={SHARE}")
MARGIN = re.compile(SHARE)


def run(options):
    """Do what OPTIONS ask for. Returns the exit status: 1 if a --fail-if holds, NOT_JUDGED if one could not be judged
    in a single row. UserError for whatever is wrong."""
    from plots import compare, data
    margin = _margin(options.margin)
    limits = [_limit(text, margin) for text in options.fail_if]
    figure = _figure(options.figure)
    try:
        comparison = compare.compare(options.a, options.b, options.metric or compare.usual(options.a), margin)
    except data.RunError as error:
        raise UserError(str(error)) from None
    if figure:
        _draw(comparison, figure)
    checks = [_check(comparison, word, threshold, options.by_change) for word, threshold in limits]
    _print(comparison, checks, options.json)
    if any(check["rows"] or check["gone"] for check in checks):
        return 1
    return NOT_JUDGED if any(check["blind"] == len(comparison.rows) for check in checks) else 0


# ---- options -----------------------------------------------------------------------------------------------

def _margin(text):
    match = MARGIN.fullmatch(text)
    if not match or not 0 < float(match[1]) < 100:
        raise UserError(f"--margin {text}: give a share in per cent, above 0 and below 100, such as 3%")
    return float(match[1]) / 100


def _limit(text, margin):
    """("slower" or "faster", the threshold as a share) out of --fail-if."""
    match = FAIL_IF.fullmatch(text)
    if not match:
        raise UserError(f"--fail-if {text}: give slower=SHARE or faster=SHARE, such as slower=5%")
    threshold = float(match[2]) / 100
    if threshold < margin and not math.isclose(threshold, margin):
        raise UserError(f"--fail-if {text}: under the margin of {100 * margin:g} %, within which two runs are called "
                        f"equivalent; give --margin {100 * threshold:g}% too, or a higher share"
                        if threshold else f"--fail-if {text}: give a share above 0, such as slower=5%")
    return match[1], threshold


def _figure(path):
    """The figure's path without its ending; None without --figure."""
    if path is None:
        return None
    if path.suffix not in ("", ".svg", ".png"):
        raise UserError(f"--figure {path}: {path.suffix} is not drawn; give FILE, FILE.svg or FILE.png (both are made)")
    if not path.name or not path.absolute().parent.is_dir():
        raise UserError(f"--figure {path}: no folder to write it to; make {path.parent} first")
    return path.with_suffix("")


# ---- output ------------------------------------------------------------------------------------------------

def _draw(comparison, path):
    from plots import compare_figure
    try:
        compare_figure.draw(comparison, path)
    except NotWritten as error:   # exit status 1 means something else here
        raise UserError(f"--figure {error}") from None
    print(f"figure: {path}.svg, {Path(path).name}.png", file=sys.stderr)


def _check(comparison, word, threshold, by_change):
    """What one --fail-if came to, as a dict."""
    from plots import compare
    rows = compare.beyond(comparison, word, threshold, by_change)
    return {"fail_if": word, "threshold": threshold, "by_change": by_change,
            "rows": [[row.scenario, row.cell, row.mechanism] for row in rows],
            "gone": [list(one) for one in comparison.gone], "drift": not (by_change or comparison.paired),
            "blind": compare.blind(comparison, threshold, by_change)}


def _print(comparison, checks, as_json):
    from plots import compare
    if as_json:
        print(json.dumps(compare.to_json(comparison) | {"checks": checks}, indent=1, allow_nan=False))
        return
    from rich.console import Console

    from plots import compare_table
    console = Console()
    compare_table.show(comparison, console)
    for check in checks:
        for line in _words(check, len(comparison.rows)):
            console.print(line, highlight=False, markup=False)


def _words(check, count):
    """What a --fail-if came to, line by line."""
    from plots import environments
    what = "change of the ratio to the base" if check["by_change"] else "B ÷ A"
    asked = f"--fail-if {check['fail_if']}={100 * check['threshold']:g}%"
    if check["rows"]:
        yield f"{asked}: FAILED for {len(check['rows'])} of {count} rows ({what}):"
        yield from (f"  {', '.join(row)}" for row in check["rows"])
    if check["gone"]:
        yield f"{asked}: FAILED for {len(check['gone'])} that A has a number of, and B has none:"
        yield from (f"  {', '.join(where)}: {why}" for *where, why in check["gone"])
    if not check["rows"] and not check["gone"]:
        yield f"{asked}: " + ("not judged" if check["blind"] == count else f"passed, by {what}")
    if check["drift"]:
        yield f"  {environments.DRIFT}"
    if check["blind"]:
        yield (f"  {check['blind']} of {count} rows are too noisy to show a difference of "
               f"{100 * check['threshold']:g} % (see detects; one block shows none): more blocks would help")
