"""All attacks, on all servers and on the broken ones; what came of each is a Result."""
import re
import subprocess
import time
from dataclasses import dataclass, field

from tests.servers import BUILD, MECHANISMS
from tests.torture import crowds, ends, fairness, lives, streams  # noqa: F401  (each adds to ATTACKS)
from tests.torture.attack import ATTACKS, Skipped
from tests.torture.bench import Bench, broken_server


@dataclass
class Result:
    """One attack on one server: what it SAW, what it FOUND to be wrong, or why it was SKIPPED.  CAUGHT: what was found
    is the fault of this BROKEN server.  BESIDE: what the healthy client saw; AFTER: how the server was left; a list
    each, with one entry for each server that ran."""
    attack: str
    mechanism: str
    rule: str
    broken: str | None
    seconds: float = 0
    saw: str | None = None
    found: str | None = None
    caught: bool = False
    skipped: str | None = None
    beside: list = field(default_factory=list)
    after: list = field(default_factory=list)

    @property
    def is_bad(self):
        """A good server with a fault, or a broken one that passed for good or was blamed for another fault."""
        return not self.skipped and not self.caught if self.broken else bool(self.found)

    @property
    def news(self):
        """What is wrong with a result that is bad."""
        if not self.broken:
            return self.found
        return f"found, but not its fault: {self.found}" if self.found else f"its fault was not found: {self.saw}"


def tries():
    """What there is to try: (attack, mechanism, rule, broken server or None)."""
    for attack in ATTACKS:
        for mechanism, rule in attack.tried_on:
            yield attack, mechanism, rule, None
        for broken in attack.broken:
            yield attack, "broken", "eagain", broken


def programs(names):
    """The servers that the attacks of these NAMES need, as paths."""
    return [BUILD / "bin" / f"echo-{mechanism}" for mechanism in MECHANISMS] + [
        broken_server(broken) for attack in ATTACKS if attack.name in names for broken in attack.broken]


def run(attack, mechanism, rule, broken, healthy, short):
    """Try ATTACK once; returns its Result."""
    result, begin = Result(attack.name, mechanism, rule, broken), time.monotonic()
    bench = Bench(mechanism, rule, healthy, short, broken)
    try:
        result.saw = attack.run(bench)
    except Skipped as why:
        result.skipped = str(why)
    except (AssertionError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        result.found = " ".join(str(error).split()) or type(error).__name__
        result.caught = bool(broken and re.search(attack.broken[broken], result.found))
    result.seconds = round(time.monotonic() - begin, 2)
    result.beside, result.after = bench.beside, bench.after
    return result
