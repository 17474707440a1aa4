"""`make soak MINUTES=30`: soaks all servers at once and judges them; exit status 1 if one is bad, 130 if it was ended
before its time and none is."""
import argparse
import datetime
import os
import platform
import sys
from pathlib import Path

from runner import files, store
from runner.errors import INTERRUPTED, USAGE_ERROR
from tests.servers import BUILD, MECHANISMS
from tests.soak import judge
from tests.soak.load import LOADGEN, LOADS
from tests.soak.run import plan, soak
from tests.soak.show import show


def main(argv):
    """Soak as ARGV asks; the exit status."""
    options = parse(argv)
    try:
        return run(options)
    except (AssertionError, files.NotWritten) as error:   # the former from tests/servers.py
        print(f"soak: {error}", file=sys.stderr)
        return 1


def run(options):
    """Soak, show and store; the exit status. AssertionError if a server cannot be started."""
    missing = [path for path in (LOADGEN, *(BUILD / "bin" / f"echo-{one}" for one in MECHANISMS)) if not path.exists()]
    if missing:
        print(f"soak: {missing[0]} is missing: run `make soak`, which builds it", file=sys.stderr)
        return USAGE_ERROR
    count, window_s = plan(60 * options.minutes)
    files.check_replaceable(options.json)
    started = datetime.datetime.now(datetime.timezone.utc)
    soaked, interrupted = soak(count, window_s)
    verdicts = judge.judge_all(soaked)
    show(verdicts)
    path = options.json
    if interrupted:   # what a whole soak left stays
        path = path.with_stem(f"{path.stem}-interrupted")
        done = max((one["windows"] for one in verdicts.values()), default=0)
        print(f"soak: interrupted after {done} of {count} windows; what leaks needs its time: run it again",
              file=sys.stderr)
    store.write_json(path, {
        "started": started.isoformat(timespec="seconds"), "minutes": options.minutes, "interrupted": interrupted,
        "windows": count, "window_s": window_s, "load": LOADS, "thresholds": thresholds(), "kernel": platform.release(),
        "servers": {name: {**verdicts[name], "before": soaked[name]["before"], "samples": soaked[name]["windows"]}
                    for name in soaked}})
    print(f"all samples: {os.path.relpath(path)}")
    if any(one["verdict"] == "bad" for one in verdicts.values()):
        return 1
    return INTERRUPTED if interrupted else 0


def parse(argv):
    """The options in ARGV."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Drives all servers at once for many "
                                     "minutes with churning, idle and active connections: leaks, drift, errors.")
    parser.add_argument("--minutes", type=minutes, default=30, metavar="M", help="how long, such as 30 or 0.5 (30)")
    parser.add_argument("--json", type=Path, default=BUILD / "soak.json", metavar="FILE",
                        help="where all samples and verdicts go (soak.json in the build's folder)")
    return parser.parse_args(argv)


def minutes(text):
    """A number of minutes from 0.1 to a week."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0.1 <= number <= 7 * 24 * 60:
        raise argparse.ArgumentTypeError(f"{text}: give minutes from 0.1 on, such as 30")
    return number


def thresholds():
    """What the verdicts depend on; the reasons stand in judge.py."""
    return {"growth_bytes": judge.GROWTH_BYTES, "trend_bytes_per_day": judge.TREND_BYTES_PER_DAY,
            "drift_percent": judge.DRIFT_PERCENT, "chance": judge.CHANCE}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
