"""`muxbench aa` and `muxbench precision`: measure the scenarios made for it by `muxbench run`, then judge the run; or
judge one that is there."""
import datetime
import sys
import tempfile
from pathlib import Path

from runner.errors import INTERRUPTED, UserError
from runner.keys import MECHANISMS
from runner.paths import shown

AA, PRECISION = ("aa", "aa-closed"), ("precision",)
SERVER = "epoll-lt"   # of the A/A scenarios


def aa(options, paths, measure):
    """Do what OPTIONS ask for; MEASURE(words, paths) is `muxbench run`. Returns the exit status: 1 if the A/A fails."""
    from plots import aa as judging
    if options.run and options.server:
        options.parser.error("--run judges what is measured: give no --server")
    if options.server not in (None, *MECHANISMS):
        raise UserError(f"--server {options.server}: no such mechanism; there are: {', '.join(MECHANISMS)}")
    with tempfile.TemporaryDirectory(prefix="muxbench-aa-") as temporary:
        files = [paths.scenarios / f"{name}.toml" for name in AA]
        if options.server:
            files = [_with_server(file, options.server, Path(temporary)) for file in files]
        return _run(options, paths, measure, files, judging.judge)


def precision(options, paths, measure):
    """As aa(). The exit status is 1 if the target is not met."""
    from plots import precision as judging
    return _run(options, paths, measure, [paths.scenarios / f"{name}.toml" for name in PRECISION], judging.judge)


def _with_server(file, name, folder):
    """The scenario FILE with mechanism NAME in the place of SERVER, as a file of the same name in FOLDER."""
    text = file.read_text(encoding="utf-8")
    if f'"{SERVER}:again"' not in text:
        raise UserError(f"{shown(file)}: has no \"{SERVER}:again\" to put {name} in its place; take the suite's")
    (folder / file.name).write_text(text.replace(f'"{SERVER}', f'"{name}'), encoding="utf-8")
    return folder / file.name


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
