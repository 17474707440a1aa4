"""What a scenario may say: every key with what is allowed and its default, in one table, and the schema made
from it."""
from dataclasses import dataclass

from runner.store import SAMPLE_COLUMNS
from runner.units import ABOVE_0, BYTES, COUNT, TIME

MECHANISMS = ("select", "select-wide", "poll", "epoll-lt", "epoll-et")
SHARE = r"(100|[0-9]{1,2})(\.[0-9]+)?%"   # of the connections
DAY_S = 86_400.0
MOST_CONNECTIONS = 10_000_000   # more than any machine's ports
FIGURES = ("cpu_percent", "throughput", "cpu_per_request", "share", "examined")


@dataclass(frozen=True)
class Key:
    """A key of [fixed], [sweep] or [quick]: its JSON schema, what is allowed in words, the default (None: the load
    generator's own), and the least and the greatest number that the programs take, in the unit of a cell (whole ones
    if the least is one)."""
    schema: dict
    allowed: str
    default: object = None
    range: tuple = None


def _one_of(*values, default=None):
    return Key({"enum": list(values)}, ", ".join(f'"{value}"' for value in values), default)


def _count(words, most, pattern="", default=None):
    """A whole number from 1 to MOST, or text like 10k, or what PATTERN allows."""
    texts = [{"type": "string", "pattern": text} for text in (ABOVE_0 + COUNT, pattern) if text]
    return Key({"anyOf": [{"type": "integer", "minimum": 1}, *texts]}, words, default, (1, most))


def _time(default=None, least=0.0, words='a time such as "2s", "500ms" or "50us"'):
    above_0 = ABOVE_0 if least else ""
    return Key({"type": "string", "pattern": above_0 + TIME}, f"{words}, up to a day", default, (least, DAY_S))


def _bytes(default=None):
    return Key({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": ABOVE_0 + BYTES}]},
               'a number of bytes from 1 on, or text such as "64KiB", up to 64MiB', default, (1, 64 * 1024**2))


def _mechanism():
    """One of ours, or one with a label: "epoll-lt:again" is the same server under another name."""
    key = _one_of(*MECHANISMS)
    labelled = {"pattern": f"^({'|'.join(MECHANISMS)}):[a-z0-9-]{{1,20}}\\Z"}
    return Key({"if": {"type": "string", "pattern": ":"}, "then": labelled, "else": key.schema},
               f'{key.allowed}; with a label (such as "poll:again") the same server under another name')


KEYS = {
    "mechanism": _mechanism(),
    "connections": _count('a whole number from 1 on (also "10k"), up to 10M, or "max" (all the machine allows)',
                          MOST_CONNECTIONS, r"^max\Z"),
    "active": _count('a whole number from 1 on, up to 10M, "all", or a share such as "0.1%"', MOST_CONNECTIONS,
                     rf"^(all|{SHARE})\Z"),
    "arrival": _one_of("closed", "uniform", "poisson", default="closed"),
    "rate": Key({"anyOf": [{"type": "number", "exclusiveMinimum": 0},
                           {"type": "string", "pattern": ABOVE_0 + COUNT}, {"const": "max"}]},
                'requests per second, from 0.1 to 100M (also "10k"), or "max" with arrival = "closed"',
                "max", (0.1, 1e8)),
    "depth": _count("a whole number from 1 to 1024", 1024, default=1),
    "think": _time(),
    "rtt": _time(),
    "message_bytes": _bytes(64),
    "dribble": _bytes(),
    "placement": _one_of("spread", "first", "last", "random", "rotate", default="spread"),
    "churn": _count("a whole number of requests from 1 on, up to 1000M", 1000_000_000),
    "threads": _count("a whole number from 1 to 64", 64),
    "drain": _one_of("eagain", "short", "once", default="eagain"),
    "window": _time("1s", 1e-6),
    "warmup": _time("200ms"),
    "slice": _time("100ms", 0.001, 'a time from "1ms" on'),
    "spin": Key({"type": "boolean"}, "true or false"),
    "congestion": Key({"type": "string", "pattern": r"^[a-z0-9_]{1,15}\Z"}, 'a name such as "cubic"'),
    "timeout": _time(None, 0.001, 'a time from "1ms" on'),
    "max_connections": _count("a whole number from 1 on, up to 10M: how far \"max\" may reach", MOST_CONNECTIONS),
}
FIXED = [name for name in KEYS if name != "mechanism"]
SWEEP = [name for name in KEYS if name != "max_connections"]
REQUIRED = ("mechanism", "connections", "active")


def _list_of(name):
    return {"type": "array", "minItems": 1, "items": KEYS[name].schema}


def _value_or_list(name):
    return {"if": {"type": "array"}, "then": _list_of(name), "else": KEYS[name].schema}


def _table(properties, **more):
    return {"type": "object", "additionalProperties": False, "properties": properties, **more}


_SENTENCE = {"type": "string", "minLength": 1, "pattern": r"\S"}

# What [[expect]] may speak of: the columns of samples.csv that hold a measured number.
METRICS = tuple(name for name in SAMPLE_COLUMNS if name not in (
    "sample", "block", "position", "scenario", "mechanism", "variant", "connections", "active", "arrival",
    "offered_per_s", "message_bytes", "depth", "window_s", "limited_by", "status", "reason", "slices", "attempt",
    "latency", "steady"))
CELL_KEYS = [name for name in SWEEP if name != "mechanism"]
BOUNDS = ("above", "below", "within", "between")


def _where():
    return _table({name: KEYS[name].schema for name in CELL_KEYS}, minProperties=1)


def _expect():
    """One prediction: of one mechanism or of the ratio of two, with one bound."""
    number, above_0 = {"type": "number"}, {"type": "number", "exclusiveMinimum": 0}
    name = KEYS["mechanism"].schema
    return _table({
        "claim": _SENTENCE, "metric": {"enum": list(METRICS)}, "mechanism": name,
        "compare": {"type": "array", "minItems": 2, "maxItems": 2, "uniqueItems": True, "items": name},
        "where": _where(), "against": _where(), "above": number, "below": number, "within": above_0,
        "between": {"type": "array", "minItems": 2, "maxItems": 2, "items": number},
    }, required=["claim", "metric"])


EXPECT = {"type": "array", "minItems": 1, "items": _expect()}
SCHEMA = _table({
    "question": _SENTENCE,
    "prediction": _SENTENCE,
    "blocks": {"type": "integer", "minimum": 1},
    "slices": {"type": "boolean"},
    "fixed": _table({name: KEYS[name].schema for name in FIXED}),
    "sweep": _table({name: _list_of(name) for name in SWEEP}, required=["mechanism"]),
    "quick": _table({name: _value_or_list(name) for name in KEYS}),
    "figures": _table({"show": {"type": "array", "minItems": 1, "items": {"enum": list(FIGURES)}}}),
    "expect": EXPECT,
}, required=["question", "prediction", "sweep"])

# What is allowed at the places that are no key of the table above, in words.
ALLOWED = {
    "question": "one sentence of text",
    "prediction": "one sentence of text",
    "blocks": "a whole number from 1 on",
    "slices": "true or false",
    "show": "a list of " + ", ".join(f'"{name}"' for name in FIGURES),
    "expect": "predictions, each in a section [[expect]]",
    "claim": "one sentence of text",
    "metric": "a column of samples.csv that holds a number: " + ", ".join(METRICS),
    "compare": "two mechanisms, such as [\"poll\", \"epoll-lt\"]: the first divided by the second",
    "where": "cells, such as { connections = \"max\", rate = 100 }",
    "against": "the cell that it is divided by, such as { connections = 100 }",
    "above": "a number",
    "below": "a number",
    "within": "a share above 0: 0.2 stands for a ratio from 1/1.2 to 1.2",
    "between": "two numbers, the lower one first",
}
