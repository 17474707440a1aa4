"""What an attack is: a client that does what real ones do, named after the fault in a server that it exposes.

    @attack("F1", "a short write drops the rest", rules=ALL_RULES,
            broken={"short_write": r"of 16,777,216 bytes came back"})
    def late_reader(bench):
        \"""16 MiB are sent before a byte is read.\"""
        with bench.server() as server, server.connect() as client:
            ...
            assert echo == message, f"{len(echo):,} of {len(message):,} bytes came back"

An attack looks at a server from outside: bytes, descriptors, memory, CPU time, its end. So it can be tried on any
server, and on the broken ones of tests/broken/, of which it must find its own. A few read the server's ledger as
well: last_words and flood_beside_ping_pong, for bytes that nobody gets back; sigterm_under_load and
sigint_under_load, for what is printed at the end; and who waits for the server to fall asleep (Bench.asleep).
"""
from dataclasses import dataclass
from typing import Callable

from tests.servers import MECHANISMS, MECHANISMS_AND_RULES

PLAIN = [(mechanism, "eagain") for mechanism in MECHANISMS]
ALL_RULES = MECHANISMS_AND_RULES


@dataclass(frozen=True)
class Attack:
    """SOURCE: its row of section F of the project's list of broken servers ("F1" is the first), or "more".  FAULT: what
    it finds.  CLIENT: what it does.  RUN: does it to the servers of a Bench, and raises an AssertionError or OSError
    that says what came instead.  TRIED_ON: (mechanism, rule) pairs.  BROKEN: servers in tests/broken/ that have a
    fault which it must find, each with a regular expression for what must be said of it.  TIMED: its verdict is a time
    or a share of it, which another program on the machine can spoil: not for tests."""
    name: str
    source: str
    fault: str
    client: str
    run: Callable
    tried_on: list
    broken: dict
    timed: bool


ATTACKS = []


class Skipped(Exception):
    """This machine cannot show it; the message says why."""


def attack(source, fault, rules=tuple(PLAIN), broken=None, timed=False):
    """Makes a function of a Bench an Attack; its docstring says what the client does."""
    def register(function):
        ATTACKS.append(Attack(function.__name__, source, fault, " ".join(function.__doc__.split()), function,
                              list(rules), broken or {}, timed))
        return function
    return register
