"""`make torture`: every attack against every server, and against the broken server that has just its fault."""
import argparse
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from runner import machine, store
from tests.servers import BUILD, MECHANISMS
from tests.torture import battery, table
from tests.torture.attack import ATTACKS
from tests.torture.healthy import Healthy


def main(words):
    options = parse(words)
    missing = [path for path in battery.programs(options.only) if not path.exists()]
    if missing:
        print(f"{missing[0]} is missing: run `make torture`, which builds it", file=sys.stderr)
        return 1
    chosen = [one for one in battery.tries() if one[0].name in options.only and one[1] in options.server + ["broken"]]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    results = []
    try:
        with Healthy() as healthy, table.progress(chosen) as show:
            for one in chosen:
                show.begin(one)
                results.append(battery.run(*one, healthy, options.short))
                show.end(results[-1])
    except KeyboardInterrupt:
        print("interrupted; what was tried so far:", file=sys.stderr)
    table.show(results)
    if options.json:
        store.write_json(options.json, {"short": options.short, "tried": len(results), "of": len(chosen),
                                        "kernel": machine.kernel(), "results": [asdict(one) for one in results]})
    bad = [one for one in results if one.is_bad]
    return 130 if len(results) < len(chosen) else min(1, len(bad))


def parse(words):
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    names = [attack.name for attack in ATTACKS]
    parser.add_argument("--short", action="store_true", help="fewer connections, in a minute or two")
    parser.add_argument("--only", type=one_of(names), default=names, metavar="ATTACK,ATTACK")
    parser.add_argument("--server", type=one_of(MECHANISMS), default=MECHANISMS, metavar="MECHANISM,MECHANISM")
    parser.add_argument("--json", type=Path, default=BUILD / "torture.json", metavar="FILE",
                        help="everything, for docs/reliability.md (build/torture.json)")
    return parser.parse_args(words)


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
