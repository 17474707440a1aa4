"""`muxbench run`: plan, say what will happen, measure block by block, report."""
import math
import time

from runner import block, display, doctor, estimate, hyperfine, plan, prepare, preview, report, session, store
from runner.errors import INTERRUPTED, Interrupted, UserError
from runner.files import NotWritten
from runner.paths import shown


def run(options, paths):
    """Do what OPTIONS ask for; returns the exit status."""
    if options.dry_run:
        return preview.dry_run(prepare.plan_parts(options, paths))
    parts = None if options.resume else prepare.plan_parts(options, paths)
    _check_built(paths)
    folder = None
    try:
        with session.interruptible(), session.lock(paths.results):
            if parts is None:
                folder = options.resume.absolute().resolve()
                parts = prepare.reopen(folder, paths)
            hyperfine.check(parts)
            if folder is None:
                folder = prepare.create(parts, options.out, paths)
            preview.announce(parts, folder)
            _measure(parts, folder, paths)
    except Interrupted:
        preview.say(f"\ninterrupted {_unfinished(parts, folder)}")
        return INTERRUPTED
    except NotWritten as error:
        raise NotWritten(f"{error}\nended {_unfinished(parts, folder)}") from None
    return max(_verdict(parts), report.run(folder))


def _check_built(paths):
    missing = doctor.missing_programs(paths)
    if missing:
        raise UserError(f"{', '.join(missing)} not found in {shown(paths.bin)}: run `make`")


# What blocks that are run again may take, unless --reruns is given: a share of the planned time, or so many seconds
# if that is more.
REPEATED, REPEATED_S = 0.1, 10


class Reruns:
    """What blocks that are run again may cost: SECONDS in all, so that a noisy machine does not run for ever."""

    def __init__(self, seconds):
        self.seconds = seconds

    def afford(self, seconds):
        """May a block that took so many seconds be run again?"""
        if seconds > self.seconds:
            return False
        self.seconds -= seconds
        return True


# ---- measuring ---------------------------------------------------------------------------------------------

def _measure(parts, folder, paths):
    """Run the steps that are left, the first block of each part before the second; store each at once."""
    queue = plan.interleave([part.left for part in parts])
    clock = estimate.Clock([parts[index].program.planned(step) for index, step in queue])
    bounded = parts[0].about["reruns_bounded"]
    reruns = Reruns(max(REPEATED * clock.left, REPEATED_S) if bounded else math.inf)
    done = sum(len(part.done) for part in parts)
    with display.shown(done + len(queue), done) as progress:
        for index, step in queue:
            _run_step(parts[index], step, clock, progress, paths, reruns)
            prepare.link_latest(folder, paths)


def _run_step(part, step, clock, progress, paths, reruns):
    begin = time.monotonic()
    about, program = part.about, part.program
    bench = block.Bench(part.name, about["slices"], paths.bin, part.folder, about["server_cpu"], about["loadgen_cpu"],
                        lambda: progress.tick(clock.remaining(time.monotonic() - begin)))
    text = f"{step.cell.name} block {step.block}"
    progress.begin(text, clock.remaining())
    before = store.spoiled_attempts(part.folder, step, program.tables)   # of a run that was interrupted meanwhile
    for attempt in range(before + 1, max(before, about["reruns"]) + 2):
        start = time.monotonic()
        rows, spoiled = program.run(bench, step)
        samples = rows[program.samples]
        for row in samples:
            row["attempt"] = attempt
        if not spoiled or attempt > about["reruns"]:
            break
        why = next(row["again"] for row in samples if row.get("again"))
        if not reruns.afford(time.monotonic() - start):
            progress.say(f"{text}: kept, although {why}: the time for reruns is used up (--reruns 3 has no such limit)")
            break
        store.keep_spoiled(part.folder, program.tables, samples)
        progress.say(f"{text}: run again, because {why}")
    for row in samples:
        if row["status"] == "failed":
            progress.say(f"{row['sample']} failed: {row['reason']}")
        if row.get("unprofiled"):
            progress.say(f"{row['sample']}: no profile: {row['unprofiled']}")
    store.commit(part.folder, program.tables, rows)
    part.done.add((step.cell.name, step.block))
    clock.done(program.planned(step), time.monotonic() - begin)
    progress.end(f"{text}: {display.figures(program, samples)}", clock.remaining())


# ---- after -------------------------------------------------------------------------------------------------

def _unfinished(parts, folder):
    """How far a run came, and how to go on with it."""
    if folder is None or not folder.exists():
        return "before the first block; nothing was stored"
    how = f"go on with: ./muxbench run --resume {shown(folder)}"
    if parts is None:   # it was just being taken up again
        return f"before the next block; what was stored is kept; {how}"
    total, done = sum(len(part.steps) for part in parts), sum(len(part.done) for part in parts)
    return f"after {done} of {total} blocks, which are kept; {how}"


def _verdict(parts):
    """0, or 1 if not one sample can be used; says how many cannot."""
    counts = {}
    for part in parts:
        for status in store.statuses(part.folder, part.program.tables):
            counts[status] = counts.get(status, 0) + 1
    for status in ("failed", "invalid"):
        if counts.get(status):
            preview.say(f"{counts[status]} of {sum(counts.values())} samples {status}: "
                        f"see `reason` in {' and '.join(dict.fromkeys(part.program.samples for part in parts))}")
    return 0 if counts.get("valid") or counts.get("suspect") else 1
