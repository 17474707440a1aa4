"""`muxbench claims`: what is said of select, poll and epoll, put to the test on this machine."""
import datetime
import difflib
import hashlib
import json
import os
import select
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

from runner import claim_files, cpu, display, files, process, session
from runner.errors import INTERRUPTED, Interrupted, UserError
from runner.paths import shown

AT_ONCE = 4          # they wait most of their time for what must not come
PATIENCE_S = 30      # for a claim,
TIMED_PATIENCE_S = 120   # and for one about time
TIMED_GUESS_S = 3    # a claim about time, before the first has ended
NOT_TRIED = "INCONCLUSIVE"


def run(options, paths):
    """Do what OPTIONS ask for; returns the exit status: 1 if a claim could not be tried."""
    claims = claim_files.read_all(paths.claim_files)
    chosen = _chosen(claims, options)
    try:
        with session.interruptible():
            records = _few(chosen, options, paths) if options.claims else _many(claims, chosen, options, paths)
    except Interrupted:
        again = " what is timed is kept: go on with `./muxbench claims --timing --resume`" if options.timing else ""
        print(f"\ninterrupted;{again or ' nothing was written'}", file=sys.stderr)
        return INTERRUPTED
    tried = {claim.slug for claim in chosen}
    return int(any(one["failed"] for one in records if one["slug"] in tried))


def _chosen(claims, options):
    """The claims to try now."""
    if options.claims:
        return [_named(claims, name) for name in dict.fromkeys(options.claims)]
    return [claim for claim in claims if claim.is_timed == options.timing]


def _named(claims, name):
    for claim in claims:
        if name.lower() in (claim.slug.lower(), claim.id.lower()):
            return claim
    near = difflib.get_close_matches(name, [claim.slug for claim in claims], 3, 0.5)
    advice = f"did you mean {' or '.join(near)}?" if near else "`./muxbench claims` lists them"
    raise UserError(f"{name}: no such claim; {advice}")


def _few(chosen, options, paths):
    """Claims by name: shown in full, not kept. Returns their records."""
    from plots.claims import table
    seen = dict(_try_all(chosen, options, paths))
    records = [_record(claim, seen[claim.slug]) for claim in chosen]
    if options.json:
        _print_json(records)
    else:
        table.show_in_full(records)
    return records


def _many(claims, chosen, options, paths):
    """All claims of a kind: as a table and a page, beside what is known of the other kind. Returns all records."""
    from plots import claims as page
    from plots.claims import table
    store = paths.results / "claims" / "claims.json"
    files.check_replaceable(store)
    with session.lock(paths.results):
        seen = _try_and_keep(claims, chosen, options, paths, store)
    records = [_record(claim, seen.get(claim.slug) or _untried(_why_untried(claim))) for claim in claims]
    written = page.write(claims, records, store.parent)
    if options.json:
        _print_json(records)
    else:
        table.show(records)
        print(f"page: {shown(written)}; one claim in full: `./muxbench claims {claims[0].slug}`")
    return records


def _try_and_keep(claims, chosen, options, paths, store):
    """Try CHOSEN; {slug: what was seen} of them and of what was tried before, as it then is in the file STORE."""
    seen = _kept(store, claims, paths)
    if options.resume:
        chosen = [claim for claim in chosen if seen.get(claim.slug, _failed(""))["failed"]]
        print(f"{len(chosen)} claims are left to be timed", file=sys.stderr)
    for claim in chosen:
        seen.pop(claim.slug, None)
    for slug, one in _try_all(chosen, options, paths):
        seen[slug] = one
        if options.timing:
            _keep(store, seen)   # it was seconds of work
    _keep(store, seen)
    return seen


def _why_untried(claim):
    return f"not {'timed' if claim.is_timed else 'tried'} here yet: run `make claims{'-timing' * claim.is_timed}`"


def _record(claim, seen):
    """A claim with what was SEEN of it, as `--json` prints it."""
    told = {name: value for name, value in asdict(claim).items() if name not in ("path", "code")}
    return {**told, "section": claim.section, "file": f"claims/{claim.path.name}", **seen}


def _print_json(records):
    json.dump(records, sys.stdout, indent=1, ensure_ascii=False)
    print()


# ---- what is kept --------------------------------------------------------------------------------------------

def _here(program):
    """What a result of the file PROGRAM holds for: another kernel, processor or experiment may give another."""
    digest = hashlib.sha256(program.read_bytes()).hexdigest() if program.is_file() else None
    return {"kernel": os.uname().release, "cpu": cpu.model(), "program": digest}


def _kept(store, claims, paths):
    """{slug: what was seen of it} with these programs on this machine; {} if there is nothing yet. UserError if the
    file cannot be read."""
    try:
        kept = dict(json.loads(store.read_text(encoding="utf-8")).items())
        here = {claim.slug: _here(_program(claim, paths)) for claim in claims if claim.slug in kept}
        return {slug: kept[slug] for slug, its in here.items() if {name: kept[slug].get(name) for name in its} == its}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{shown(store)}: cannot be used ({error}); remove it and try again") from None


def _keep(store, seen):
    files.replace(store, json.dumps(seen, indent=1, ensure_ascii=False) + "\n")


# ---- trying --------------------------------------------------------------------------------------------------

def _program(claim, paths):
    return paths.claims / claim.path.stem


def _try_all(claims, options, paths):
    """Try CLAIMS, those about time one by one; yields (slug, what was seen) for each as it ends."""
    programs = {claim.slug: _program(claim, paths) for claim in claims}
    missing = [path for path in programs.values() if not path.is_file()]
    if missing:
        raise UserError(f"{shown(missing[0])} is not built: run `make`")
    words = ["--json", *(["--blocks", options.blocks] if options.blocks else [])]
    timed = any(claim.is_timed for claim in claims)
    if not timed:
        yield from _together(claims, programs, words, AT_ONCE, None)
        return
    with display.shown(len(claims), 0) as progress:
        yield from _together(claims, programs, words, 1, progress)


def _together(claims, programs, words, at_once, progress):
    """Run the programs of CLAIMS, AT_ONCE at a time; yields (slug, what was seen) as they end."""
    waiting, running, begun, ended = list(claims), {}, time.monotonic(), 0

    def left():
        each = (time.monotonic() - begun) / ended if ended else TIMED_GUESS_S
        return each * (len(waiting) + len(running))
    with process.Children() as children:
        while waiting or running:
            while waiting and len(running) < at_once:
                attempt = Attempt(waiting.pop(0), programs, words, children)
                running[attempt.pidfd] = attempt
                if progress:
                    progress.begin(attempt.claim.slug, left())
            for one in _ended(running):
                slug, seen = running.pop(one).end()
                ended += 1
                if progress:
                    progress.end(f"{slug}: {seen['verdict']}", left())
                yield slug, seen
            if progress:
                progress.tick(left())


def _ended(running):
    """The pidfds of attempts that are over, after a second at most."""
    over = select.select(list(running), [], [], 1)[0]
    return over or [pidfd for pidfd, one in running.items() if one.is_late()]


class Attempt:
    """The program of one claim while it runs."""

    def __init__(self, claim, programs, words, children):
        self.claim, self.begun = claim, time.monotonic()
        self.patience = TIMED_PATIENCE_S if claim.is_timed else PATIENCE_S
        self.program = programs[claim.slug]
        self.output = children.file(f"{claim.slug}.stdout")
        with open(self.output, "wb") as output:
            self.child = children.start(claim.slug, [self.program, *words], stdout=output)
        self.pidfd = os.pidfd_open(self.child.pid)

    def is_late(self):
        return time.monotonic() - self.begun > self.patience

    def end(self):
        """(slug, what was seen); ends the program first if it still runs."""
        os.close(self.pidfd)
        late = self.child.poll() is None
        if late:
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        seen = _failed(f"it did not end within {self.patience} s") if late else self._seen()
        return self.claim.slug, {"failed": False, **seen, "seconds": round(time.monotonic() - self.begun, 3),
                                 "date": datetime.date.today().isoformat(), **_here(self.program)}

    def _seen(self):
        if self.child.returncode != 0:
            return _failed(process.how(self.child))
        try:
            return json.loads(Path(self.output).read_text(encoding="utf-8"))
        except ValueError as error:
            return _failed(f"what it printed is no JSON: {error}")


def _failed(why):
    return _untried(f"it could not be tried: {why}") | {"failed": True}


def _untried(why):
    return {"verdict": NOT_TRIED, "evidence": why, "observations": [], "failed": False}
