"""What a scenario of waitcost may say: every key with what is allowed and its default, in one table."""
from runner.keys import Key, count, one_of, time

MECHANISMS = ("select", "select-wide", "poll", "ppoll", "epoll-lt", "epoll-et", "none")
MOST = 10_000_000   # descriptors; waitcost takes no more

KEYS = {
    "mechanism": one_of(*MECHANISMS),
    "kind": one_of("eventfd", "pipe", "socketpair", "tcp", "fuse", default="eventfd"),
    "descriptors": count('a whole number from 1 on (also "10k"), up to 10M, or "max" (all the machine allows)', MOST,
                         r"^max\Z"),
    "ready": count('a whole number from 0 on, up to 10M, or "all"', MOST, r"^all\Z", 1, least=0),
    "placement": one_of("random", "first", "last", "spread"),
    "position": count("a whole number from 0 on, below descriptors: the place of the one that is ready", MOST, least=0),
    "when": one_of("zero", "ready", "sleeping", default="zero"),
    "high": count("a whole number from 1 on, up to 10M: the highest number of a descriptor", MOST),
    "rebuild": Key({"type": "boolean"}, "true or false", False),
    "reregister": one_of("none", "add", "mod", default="none"),
    "writes": count('a whole number from 0 on, up to 10M, or "all" (as many as descriptors)', MOST, r"^all\Z", 0,
                    least=0),
    "rounds": count("a whole number from 1 to 10000", 10_000, default=5),
    "round": time("20ms", 1e-6, 'a time from "1us" on'),
    "turns": count("a whole number from 1 to 1000M: in a round, instead of its time", 1000_000_000),
    "runs": count("a whole number from 1 to 1000: so often hyperfine times the whole command", 1000),
    "max_descriptors": count("a whole number from 1 on, up to 10M: how far \"max\" may reach", MOST),
}
REQUIRED = ("mechanism", "descriptors")
