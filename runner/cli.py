"""The command line of muxbench. What a command needs is imported when it runs: `--help` and `list` are
instant."""
import argparse
import sys
from pathlib import Path

from runner.errors import INTERRUPTED, USAGE_ERROR, UserError
from runner.paths import Paths


def main(argv, paths=Paths()):
    """Run the command in ARGV (without the program's name); returns the exit status."""
    options = _parser().parse_args(argv)
    try:
        return options.handle(options, paths)
    except UserError as error:
        print(f"muxbench: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:   # `./muxbench list | head`
        sys.stderr.close()
        return 1


def _parser():
    parser = argparse.ArgumentParser(
        prog="muxbench", description="What does it cost a server to find out which of its "
        "connections need attention? select, poll and epoll, measured.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(commands)
    report = commands.add_parser("report",
                                 help="draw figures and report.html of a run again, from its samples")
    report.add_argument("folder", type=Path, nargs="?", metavar="DIR", help="a run (results/latest)")
    report.set_defaults(handle=_report)
    listing = commands.add_parser("list", help="show the scenarios and their questions")
    listing.set_defaults(handle=_list)
    doctor = commands.add_parser("doctor", help="check what is needed, and the limits of this machine")
    doctor.set_defaults(handle=_doctor)
    return parser


def _add_run(commands):
    run = commands.add_parser(
        "run", help="measure one or more scenarios", description="Measures scenarios, block by "
        "block, and draws the report. Ctrl-C leaves a run that --resume takes up again.")
    run.add_argument("scenarios", nargs="*", metavar="SCENARIO",
                     help="a TOML file, or the name of one in scenarios/")
    run.add_argument("--out", type=Path, metavar="DIR", help="the run's folder (results/SCENARIO-TIMESTAMP)")
    run.add_argument("--blocks", type=_positive, metavar="N",
                     help="how often each cell is measured (the scenario's)")
    run.add_argument("--seed", type=_seed, metavar="S",
                     help="fixes every random order (chosen at random, and kept)")
    run.add_argument(
        "--only", action="append", default=[], metavar="KEY=V,V",
        help="only these values of the sweep, such as mechanism=poll,select or connections=1000,max")
    run.add_argument("--quick", action="store_true", help="the scenario's [quick] form, in one block")
    run.add_argument("--same-core", action="store_true",
                     help="servers and generator on one core: slower, but steadier")
    run.add_argument("--dry-run", action="store_true",
                     help="show the cells and the time they take, start nothing")
    run.add_argument("--resume", type=Path, metavar="DIR",
                     help="go on with the run in DIR, as it was planned")
    run.set_defaults(handle=_run, parser=run)


def _positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: give a whole number from 1 on")
    return int(text)


def _seed(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text}: give a whole number")
    return int(text)


def _run(options, paths):
    planned = [options.scenarios, options.out, options.blocks, options.seed, options.only, options.quick,
               options.same_core, options.dry_run]
    if options.resume and any(one not in (None, False, []) for one in planned):
        options.parser.error("--resume goes on as the run was planned: give nothing but its folder")
    if not options.resume and not options.scenarios:
        options.parser.error("give a scenario, such as `smoke` (`./muxbench list` shows them), or --resume DIR")
    from runner.run import run
    return run(options, paths)


def _report(options, paths):
    folder = (options.folder or paths.results / "latest").absolute()
    if not folder.is_dir():
        raise UserError(f"{folder}: no such run; `./muxbench run` makes one")
    from runner.report import run
    return run(folder.resolve())


def _list(_options, paths):
    from runner.listing import run
    return run(paths)


def _doctor(_options, paths):
    from runner.doctor import run
    return run(paths)
