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
        return error.status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:   # `./muxbench list | head`
        sys.stderr.close()
        return 1
    except OSError as error:   # of a path that cannot be one, such as a name that is too long
        if error.filename is None:
            raise
        print(f"muxbench: {error.filename}: {error.strerror}; give another path", file=sys.stderr)
        return USAGE_ERROR


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
    _add_compare(commands)
    _add_judged(commands)
    _add_advise(commands)
    _add_profile(commands)
    _add_claims(commands)
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
    run.add_argument("--seed", type=_count, metavar="S",
                     help="fixes every random order (chosen at random, and kept)")
    run.add_argument(
        "--only", action="append", default=[], metavar="KEY=V,V",
        help="only these values of the sweep, such as mechanism=poll,select or connections=1000,max")
    run.add_argument("--quick", action="store_true", help="the scenario's [quick] form, in one block")
    run.add_argument("--cores", type=_cores, metavar="SERVER,GENERATOR",
                     help="the two cores (chosen: near each other, not threads of one)")
    run.add_argument("--reruns", type=_count, default=None, metavar="N",
                     help="how often a block that the environment spoiled is run again (3, "
                     "if all together take a tenth of the time at most)")
    run.add_argument("--same-core", action="store_true",
                     help="servers and generator on one core: slower, but steadier")
    run.add_argument("--dry-run", action="store_true",
                     help="show the cells and the time they take, start nothing")
    run.add_argument("--resume", type=Path, metavar="DIR",
                     help="go on with the run in DIR, as it was planned")
    run.set_defaults(handle=_run, parser=run, edit=None)


def _add_compare(commands):
    compare = commands.add_parser(
        "compare", help="what differs between two runs", description="Compares run B with run A: first what differs "
        "around them, then every cell: A, B, their ratio with its interval, and whether B is faster, slower, "
        "equivalent or neither. Exit status 1 if a --fail-if holds.")
    for side in "AB":
        compare.add_argument(side.lower(), type=Path, metavar=side, help="a run's folder")
    compare.add_argument("--metric", metavar="COLUMN",
                         help="a column of samples.csv (server_cpu_us_per_request), or of waits.csv (wait_ns where a "
                         "run has no servers)")
    compare.add_argument("--margin", default="3%", metavar="SHARE",
                         help="equivalent: the 90 %% interval lies within this (3%%)")
    compare.add_argument("--fail-if", action="append", default=[], metavar="slower=SHARE",
                         help="exit 1 if a row is slower (or faster=): the near end of its 95 %% interval lies beyond "
                         "1 (p corrected for all rows), and the point beyond this, such as slower=5%%; or if what A "
                         "measured came to no number in B; exit 3 if no row could show so much")
    compare.add_argument("--by-change", action="store_true",
                         help="--fail-if looks at each mechanism's ratio to the base instead, as it was in A and is "
                         "in B: blind to what slowed both, but the machine's drift cancels")
    compare.add_argument("--json", action="store_true", help="everything, for programs")
    compare.add_argument("--figure", type=Path, metavar="FILE", help="draw FILE.svg and FILE.png")
    compare.set_defaults(handle=_compare)


def _add_judged(commands):
    """The commands that measure a scenario made for them, and judge it; or judge a run that is there."""
    aa = commands.add_parser(
        "aa", help="is a difference found where there is none?", description="Runs one server under two names "
        "through the whole pipeline, in 40 cells, and counts how many intervals exclude 1. Exit status 1 if too "
        "many do.")
    aa.add_argument("--server", metavar="NAME", help="the mechanism (epoll-lt)")
    aa.set_defaults(handle=_aa)
    precision = commands.add_parser(
        "precision", help="how well do ratios repeat from block to block?", description="Measures poll, epoll-lt and "
        "epoll-et in ten blocks, and prints how far their ratios scatter. Exit status 1 if by more than 1 %.")
    precision.set_defaults(handle=_precision)
    for name, command in (("aa", aa), ("precision", precision)):
        command.add_argument("--blocks", type=_positive, metavar="N", help="how often each cell is measured (10)")
        command.add_argument("--out", type=Path, metavar="DIR", help="the run's folder")
        command.add_argument("--run", type=Path, metavar="DIR", help="measure nothing: judge the run in DIR")
        command.set_defaults(parser=command, command=name)


def _add_advise(commands):
    advise = commands.add_parser(
        "advise", help="what would each mechanism cost at your numbers?", description="Predicts the server's CPU for "
        "each mechanism, with its interval, from the newest run with a fixed rate that was made on this machine.")
    advise.add_argument("--connections", required=True, metavar="N", help="how many are open, such as 5000 or 5k")
    advise.add_argument("--active", required=True, metavar="A", help="how many of them speak")
    advise.add_argument("--rate", required=True, metavar="R", help="requests per second, over all of them")
    advise.add_argument("--run", type=Path, metavar="DIR", help="from this run, even if another machine made it")
    advise.add_argument("--json", action="store_true", help="everything, for programs")
    advise.set_defaults(handle=_advise)


def _add_profile(commands):
    profile = commands.add_parser(
        "profile", help="where does a server's CPU time go?", description="Samples one server under load with perf, "
        "and draws a flame graph; prints the share of each system call. No measurement of speed.")
    profile.add_argument("mechanism", metavar="MECHANISM", help="such as poll")
    profile.add_argument("--connections", required=True, metavar="N", help="how many are open, such as 1000, 1k or max")
    profile.add_argument("--active", metavar="A", help="how many of them speak (10)")
    profile.add_argument("--rate", default="max", metavar="R",
                         help="requests per second, over all of them (max: the next one when the echo is back)")
    profile.add_argument("--seconds", default="5", metavar="S", help="how long it is sampled (5)")
    profile.add_argument("--out", type=Path, metavar="DIR", help="the folder (results/profile-MECHANISM-TIMESTAMP)")
    profile.set_defaults(handle=_profile)


def _add_claims(commands):
    claims = commands.add_parser(
        "claims", help="what is said of select, poll and epoll: is it true here?", description="Puts what books, "
        "courses and blogs say of select, poll and epoll to the test on this machine. Without a name: all but those "
        "about time, as a table and a page. Exit status 1 if one could not be tried.")
    claims.add_argument("claims", nargs="*", metavar="CLAIM",
                        help="only these, in full, and not kept: epoll-mmap or A1")
    claims.add_argument("--timing", action="store_true",
                        help="the claims about time, in half a minute on a calm machine")
    claims.add_argument("--resume", action="store_true", help="with --timing: only those that are not timed yet")
    claims.add_argument("--blocks", type=_blocks, metavar="N",
                        help="blocks of each comparison of times, 2 to 20 (10)")
    claims.add_argument("--json", action="store_true", help="everything, for programs")
    claims.set_defaults(handle=_claims, parser=claims)


DIGITS = 18   # of a number on the command line: 64 bits


def _is_whole(text):
    return text.isdecimal() and len(text) <= DIGITS


def _positive(text):
    if not _is_whole(text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: give a whole number from 1 on, of {DIGITS} digits at most")
    return int(text)


def _count(text):
    if not _is_whole(text):
        raise argparse.ArgumentTypeError(f"{text}: give a whole number of {DIGITS} digits at most")
    return int(text)


def _blocks(text):
    if not _is_whole(text) or not 2 <= int(text) <= 20:
        raise argparse.ArgumentTypeError(f"{text}: give a whole number from 2 to 20")
    return int(text)


def _cores(text):
    server, comma, loadgen = text.partition(",")
    if not comma or not _is_whole(server) or not _is_whole(loadgen):
        raise argparse.ArgumentTypeError(f"{text}: give two cores, such as 0,1")
    return int(server), int(loadgen)


def _run(options, paths):
    planned = [options.scenarios, options.out, options.blocks, options.seed, options.only, options.quick,
               options.same_core, options.dry_run, options.cores, options.reruns]
    if options.resume and any(one not in (None, False, []) for one in planned):
        options.parser.error("--resume goes on as the run was planned: give nothing but its folder")
    if options.cores and options.same_core:
        options.parser.error("--same-core and --cores: give one of the two (--cores 0,0 is core 0 for both)")
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


def _compare(options, _paths):
    from runner.compare import run
    return run(options)


def _aa(options, paths):
    from runner.judged import aa
    return aa(options, paths, _measure)


def _precision(options, paths):
    from runner.judged import precision
    return precision(options, paths, _measure)


def _advise(options, paths):
    from runner.advise import run
    return run(options, paths)


def _profile(options, paths):
    from runner.profile import run
    return run(options, paths)


def _claims(options, paths):
    if options.claims and (options.timing or options.resume):
        options.parser.error("a claim by its name needs no --timing and no --resume")
    if options.resume and not options.timing:
        options.parser.error("--resume goes on with --timing: give both")
    from runner.claims import run
    return run(options, paths)


def _measure(words, paths, edit=None):
    """`muxbench run` with the arguments WORDS; EDIT(text) changes the scenarios as they are read."""
    options = _parser().parse_args(["run", *map(str, words)])
    options.edit = edit
    return options.handle(options, paths)


def _list(_options, paths):
    from runner.listing import run
    return run(paths)


def _doctor(_options, paths):
    from runner.doctor import run
    return run(paths)
