"""What a scenario of the servers may say: every key with what is allowed and its default, in one table (waitcost's is
in wait_keys.py, the schema made from either in schema.py)."""
from dataclasses import dataclass
from typing import Callable

from runner import units
from runner.units import ABOVE_0, BYTES, COUNT, TIME

MECHANISMS = ("select", "select-wide", "poll", "epoll-lt", "epoll-et")
SHARE = r"(100|[0-9]{1,2})(\.[0-9]+)?%"   # of the connections
DAY_S = 86_400.0
MOST_CONNECTIONS = 10_000_000   # more than any machine's ports
BY_RATE = "active/rate"
FIGURES = ("cpu_percent", "throughput", "cpu_per_request", "share", "examined")


@dataclass(frozen=True)
class Key:
    """A key of [fixed], [sweep] or [quick]: its JSON schema, what is allowed in words, the default (None: the load
    generator's own), the least and the greatest number that the programs take, in the unit of a cell (whole ones
    if the least is one), and what READs a text as such a number (None: it is a word)."""
    schema: dict
    allowed: str
    default: object = None
    range: tuple = None
    read: Callable = None

    def number(self, value):
        """VALUE in the unit of a cell; words such as "max" stay. ValueError if it is no such number."""
        is_word = not isinstance(value, str) or not value[:1].isdigit() or value.endswith("%")
        return value if is_word or self.read is None else self.read(value)


def one_of(*values, default=None):
    """One of these words."""
    return Key({"enum": list(values)}, ", ".join(f'"{value}"' for value in values), default)


def count(words, most, pattern="", default=None, least=1):
    """A whole number from LEAST (0 or 1) to MOST, or text like 10k, or what PATTERN allows."""
    number = ABOVE_0 + COUNT if least else COUNT
    texts = [{"type": "string", "pattern": text} for text in (number, pattern) if text]
    return Key({"anyOf": [{"type": "integer", "minimum": least}, *texts]}, words, default, (least, most), units.count)


def time(default=None, least=0.0, words='a time such as "2s", "500ms" or "50us"'):
    """A time from LEAST seconds on."""
    above_0 = ABOVE_0 if least else ""
    return Key({"type": "string", "pattern": above_0 + TIME}, f"{words}, up to a day", default, (least, DAY_S),
               units.seconds)


def size(default=None):
    """A number of bytes."""
    return Key({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": ABOVE_0 + BYTES}]},
               'a number of bytes from 1 on, or text such as "64KiB", up to 64MiB', default, (1, 64 * 1024**2),
               units.size)


def _rtt():
    """A time, or what makes a closed loop go at a rate."""
    plain = time()
    return Key({"anyOf": [plain.schema, {"const": BY_RATE}]},
               f'{plain.allowed}, or "{BY_RATE}": each active connection takes that long for a round in a closed loop, '
               'network_delay and think included', None, plain.range, plain.read)


def _mechanism():
    """One of ours, or one with a label: "epoll-lt:again" is the same server under another name."""
    key = one_of(*MECHANISMS)
    labelled = {"pattern": f"^({'|'.join(MECHANISMS)}):[a-z0-9-]{{1,20}}\\Z"}
    return Key({"if": {"type": "string", "pattern": ":"}, "then": labelled, "else": key.schema},
               f'{key.allowed}; with a label (such as "poll:again") the same server under another name')


KEYS = {
    "mechanism": _mechanism(),
    "connections": count('a whole number from 1 on (also "10k"), up to 10M, or "max" (all the machine allows)',
                         MOST_CONNECTIONS, r"^max\Z"),
    "active": count('a whole number from 1 on, up to 10M, "all", or a share such as "0.1%"', MOST_CONNECTIONS,
                    rf"^(all|{SHARE})\Z"),
    "arrival": one_of("closed", "uniform", "poisson", default="closed"),
    "rate": Key({"anyOf": [{"type": "number", "exclusiveMinimum": 0},
                           {"type": "string", "pattern": ABOVE_0 + COUNT}, {"const": "max"}]},
                'requests per second, from 0.1 to 100M (also "10k"), or "max" with arrival = "closed" unless rtt = "'
                f'{BY_RATE}"',
                "max", (0.1, 1e8), units.count),
    "depth": count("a whole number from 1 to 1024", 1024, default=1),
    "think": time(),
    "rtt": _rtt(),
    "network_delay": time(words='a time such as "20ms", which netem adds to each round trip in a network of our own'),
    "message_bytes": size(64),
    "dribble": size(),
    "placement": one_of("spread", "first", "last", "random", "rotate", default="spread"),
    "churn": count("a whole number of requests from 1 on, up to 1000M", 1000_000_000),
    "threads": count("a whole number from 1 to 64", 64),
    "drain": one_of("eagain", "short", "once", default="eagain"),
    "window": time("1s", 1e-6),
    "warmup": time("200ms"),
    "slice": time("100ms", 0.001, 'a time from "1ms" on'),
    "spin": Key({"type": "boolean"}, "true or false"),
    "congestion": Key({"type": "string", "pattern": r"^[a-z0-9_]{1,15}\Z"}, 'a name such as "cubic"'),
    "timeout": time(None, 0.001, 'a time from "1ms" on'),
    "profile": Key({"type": "boolean"}, "true (perf samples the servers meanwhile) or false", False),
    "max_connections": count("a whole number from 1 on, up to 10M: how far \"max\" may reach", MOST_CONNECTIONS),
}
REQUIRED = ("mechanism", "connections", "active")
