"""What an oracle is: a function of a Bench that returns what came, in a few words, or raises Wrong with it."""
from dataclasses import dataclass
from typing import Callable


class Wrong(Exception):
    """What came is not what was expected; the message is what came."""


class Skipped(Exception):
    """It cannot be tried here; the message says why."""


def check(holds, came):
    """CAME, if it HOLDS; else Wrong."""
    if not holds:
        raise Wrong(came)
    return came


@dataclass(frozen=True)
class Row:
    """One line of the table. ROW: of METHOD.md; LOOK: where to look when it fails; SECONDS: about how long it takes;
    EXACT: it holds without timing, on any machine; INJECTS: something is done to a run, and without it the row must
    fail (--without-faults)."""
    row: int
    injected: str
    expected: str
    oracle: Callable
    look: str
    seconds: float
    exact: bool = False
    injects: bool = False
