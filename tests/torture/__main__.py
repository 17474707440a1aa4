"""`make torture`: every attack against every server, and against the broken server that has just its fault."""
import argparse
import datetime
import errno
import json
import os
import signal
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from runner import files, machine
from runner.errors import INTERRUPTED
from tests.servers import BUILD, MECHANISMS
from tests.torture import battery, table
from tests.torture.attack import ATTACKS
from tests.torture.healthy import Healthy

MINUTES = 5
WHOLE = BUILD / "torture.json"     # of a whole run; what is only a part does not take its place


class TimeIsUp(BaseException):
    """The battery's. No Exception: nothing but its very end may catch it."""


def main(words):
    options = parse(words)
    missing = [path for path in battery.programs(options.only) if not path.exists()]
    if missing:
        print(f"{missing[0]} is missing: run `make torture`, which builds it", file=sys.stderr)
        return 1
    try:
        check_writable(options.json or WHOLE)
        return torture(options)
    except files.NotWritten as error:
        print(error, file=sys.stderr)
        return error.status


def check_writable(path):
    """NotWritten unless a file can be written at PATH; its folder is made. Said before the minutes, not after."""
    with files.writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def torture(options):
    """Tries what OPTIONS choose, shows and writes what came of it; returns the exit status."""
    chosen = [one for one in battery.tries() if one[0].name in options.only and one[1] in options.server + ["broken"]]
    results, status = try_all(chosen, options)
    table.show(results)
    whole = not options.short and len(results) == len(list(battery.tries()))
    path = options.json or (WHOLE if whole else WHOLE.with_stem("torture-part"))
    files.replace(path, json.dumps({
        "date": datetime.date.today().isoformat(), "commit": (machine.git() or {}).get("commit"), "whole": whole,
        "kernel": machine.kernel(), "results": [asdict(one) for one in results]}, indent=1) + "\n")
    print(f"all of it: {os.path.relpath(path)}" + ("; `make reliability` makes docs/reliability.md of it" * whole))
    return status or int(any(one.is_bad for one in results))


def try_all(chosen, options):
    """Tries CHOSEN, as far as there is time. Returns the results, and an exit status other than 0 if it did not get
    to the end, which it says."""
    results = []
    try:
        with limited(60 * options.minutes) as check, Healthy() as healthy, table.progress(chosen) as show:
            for one in chosen:
                show.begin(one)
                result = battery.run(*one, healthy, options.short)
                check()
                results.append(result)
                show.end(result)
    except KeyboardInterrupt:
        print(f"interrupted after {len(results)} of {len(chosen)} tries:", file=sys.stderr)
        return results, INTERRUPTED
    except TimeIsUp:
        table.show_left(chosen[len(results):], options.minutes)
        return results, 1
    return results, 0


@contextmanager
def limited(seconds):
    """TimeIsUp after SECONDS, wherever it is by then; Ctrl-C, SIGTERM and a closed terminal are a KeyboardInterrupt.
    Yields a function that raises it once more: what an attack clears away, with its servers killed as well, may fail
    and be taken for a finding instead."""
    asked = []

    def stop(number, _):
        asked.append(TimeIsUp if number == signal.SIGALRM else KeyboardInterrupt)
        check()

    def check():
        if asked:
            raise asked[0]
    before = {number: signal.signal(number, stop)
              for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield check
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def parse(words):
    names = [attack.name for attack in ATTACKS]
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__,
                                     epilog=f"Attacks: {', '.join(names)}. Servers: {', '.join(MECHANISMS)}.")
    parser.add_argument("--short", action="store_true", help="fewer connections, in a minute or two")
    parser.add_argument("--only", type=one_of(names), default=names, metavar="ATTACK,ATTACK",
                        help="these attacks (all)")
    parser.add_argument("--server", type=one_of(MECHANISMS), default=MECHANISMS, metavar="MECHANISM,MECHANISM",
                        help="these servers, and the broken ones (all)")
    parser.add_argument("--minutes", type=minutes, default=MINUTES, metavar="M",
                        help="end by then; what is left counts as a failure (5)")
    parser.add_argument("--json", type=Path, metavar="FILE",
                        help="where everything goes (torture.json in the build's folder; of a part, torture-part.json)")
    return parser.parse_args(words)


def minutes(text):
    number = float(text)
    if not 0 < number <= 1440:
        raise argparse.ArgumentTypeError(f"{text}: minutes are more than 0, and up to 1440")
    return number


def one_of(known):
    """A parser of lists with commas in which each word is KNOWN."""
    def words(text):
        for word in text.split(","):
            if word not in known:
                raise argparse.ArgumentTypeError(f"{word}: choose from {', '.join(known)}")
        return text.split(",")
    return words


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
