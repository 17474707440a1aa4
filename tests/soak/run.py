"""The soak itself: all servers at once, window after window, whatever ends it."""
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from runner.display import figures as in_words
from runner.display import shown
from runner.errors import Interrupted
from runner.programs import SERVERS
from runner.session import interruptible
from tests.servers import MECHANISMS
from tests.soak.load import Load
from tests.soak.watch import Watched, find_spinning

WINDOW_S = 30            # long enough for a thousand connections, short enough for many samples
LEAST_S = 1.8            # a window of a short soak is at least so long, unless there are only
WINDOWS = 6              # so many
JUDGED_WINDOWS = 16      # what every verdict needs (judge.py)
BETWEEN_S = 0.35         # between two windows: starting, settling, sampling


def plan(seconds):
    """How many windows a soak of so many SECONDS has, and how long they are."""
    count = max(WINDOWS, min(int(seconds / LEAST_S), max(JUDGED_WINDOWS, round(seconds / WINDOW_S))))
    return count, round(max(0.2, seconds / count - BETWEEN_S), 3)


def soak(count, window_s, wrappers={}):
    """COUNT windows of WINDOW_S seconds.  Returns what judge_all() takes, and whether Ctrl-C or SIGTERM ended it: then
    it holds what there is.  AssertionError if a server cannot be started.  WRAPPERS: by mechanism, a command that
    runs its server."""
    watched, interrupted = [], False
    with interruptible(), ExitStack() as ends, tempfile.TemporaryDirectory(prefix="muxbench-soak-") as folder:
        try:
            for mechanism in MECHANISMS:
                watched.append(Watched(mechanism, wrappers.get(mechanism, ())))
                ends.callback(watched[-1].end)
            with shown(count, 0) as display:
                run_windows(watched, count, window_s, Path(folder), display)
        except Interrupted:
            interrupted = True
        ends.close()   # before the samples are taken out: an end may add a fault
    return {one.mechanism: {"before": one.before, "windows": one.windows, "faults": one.faults}
            for one in watched}, interrupted


def run_windows(watched, count, window_s, folder, display):
    """All windows for all the WATCHED that are still running, with progress on DISPLAY."""
    begin = time.monotonic()
    for number in range(1, count + 1):
        running = [one for one in watched if one.is_running()]
        if not running:
            display.say("no server is left")
            return
        end = begin + count * (window_s + BETWEEN_S)

        def left():
            return max(0, end - time.monotonic())
        display.begin(f"window {number}", left())
        with Load([one.server for one in running], window_s, number, folder) as load:
            load.wait(lambda: display.tick(left()))
            results = {one.mechanism: load.results(one.server) for one in running}
        for one in running:
            one.take(results[one.mechanism])
        find_spinning([one for one in running if one.is_running()])
        display.end(f"window {number}: {in_words(SERVERS, map(figures, running))}", left())


def figures(one):
    """The last window of ONE server as a row of samples, as far as it is shown."""
    row = one.windows[-1] if one.windows else {}
    wrong = one.faults or row.get("errors")
    return {"mechanism": one.mechanism, "status": "bad" if wrong else "valid",
            "server_cpu_us_per_request": row.get("server_cpu_us_per_request")}
