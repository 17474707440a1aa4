"""`muxbench aa` and `muxbench precision`: measure the scenarios made for it by `muxbench run`, then judge the run; or
judge one that is there."""
import datetime
import functools
import sys

from runner.errors import INTERRUPTED, UserError
from runner.keys import MECHANISMS
from runner.paths import shown

AA, PRECISION = ("aa", "aa-closed"), ("precision",)
SERVER = "epoll-lt"   # of the A/A scenarios


def aa(options, paths, measure):
    """Do what OPTIONS ask for; MEASURE(words, paths, edit) is `muxbench run`. Returns the exit status: 1 if the A/A
    fails."""
    from plots import aa as judging
    if options.run and options.server:
        options.parser.error("--run judges what is measured: give no --server")
    if options.server not in (None, *MECHANISMS):
        raise UserError(f"--server {options.server}: no such mechanism; there are: {', '.join(MECHANISMS)}")
    if options.server:
        measure = functools.partial(measure, edit=lambda text: _with_server(text, options.server))
    return _run(options, paths, measure, [paths.scenarios / f"{name}.toml" for name in AA], judging.judge)


def precision(options, paths, measure):
    """As aa(). The exit status is 1 if the target is not met."""
    from plots import precision as judging
    return _run(options, paths, measure, [paths.scenarios / f"{name}.toml" for name in PRECISION], judging.judge)


def _with_server(text, name):
    """A scenario's TEXT with mechanism NAME in the place of SERVER."""
    if f'"{SERVER}:again"' not in text:
        raise UserError(f"an A/A scenario has no \"{SERVER}:again\" to put {name} in its place; take the suite's")
    return text.replace(f'"{SERVER}', f'"{name}')


def _run(options, paths, measure, files, judge):
    """Measure FILES unless there is a run, then JUDGE(folder, console) it."""
    from rich.console import Console

    from plots.data import RunError
    folder, status = options.run, 0
    if folder is None:
        folder = options.out or paths.results / f"{options.command}-{datetime.datetime.now():%Y%m%d-%H%M%S}"
        status = measure(_words(options, files, folder), paths)
        if status == INTERRUPTED:
            print(f"then judge it: ./muxbench {options.command} --run {shown(folder)}", file=sys.stderr)
            return status
    elif options.blocks or options.out:
        options.parser.error("--run measures nothing: give no --blocks and no --out")
    try:
        passed = judge(folder, Console())
    except RunError as error:
        raise UserError(str(error)) from None
    print(f"judged: {shown(folder)}; again by `./muxbench {options.command} --run {shown(folder)}`")
    return max(status, 0 if passed else 1)


def _words(options, files, folder):
    blocks = ["--blocks", options.blocks] if options.blocks else []
    return [*files, "--out", folder, *blocks]
