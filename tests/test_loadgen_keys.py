"""What a scenario may say, the generator takes: both bounds of each key, and nothing beyond them."""
import socket

import pytest

from runner import keys, units
from runner.block import PLAIN_KEYS, TIME_KEYS
from test_loadgen import run

RANGED = [name for name in (*PLAIN_KEYS, *TIME_KEYS) if keys.KEYS[name].range]
# What some values need beside them.
WITH = {"rate": ["--arrival", "uniform"], "active": ["--connections", "10M"],
        "threads": ["--connections", 64], "dribble": ["--message-bytes", "64MiB"]}
LIMIT_OF_THE_MACHINE = "loadgen: need 10,000,"   # descriptors or ports, for ten million connections


@pytest.fixture(scope="module")
def port():
    """Nobody listens there, and nobody else gets it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def give(port, name, value):
    """Hand VALUE of the key NAME to the generator, as the runner does; its completed process."""
    text = units.time_option(value) if name in TIME_KEYS else units.count(value)
    return run("--port", port, *WITH.get(name, ()), f"--{name.replace('_', '-')}", text, check=False)


@pytest.mark.parametrize("name, value", [(name, bound) for name in RANGED for bound in keys.KEYS[name].range])
def test_the_bounds_of_a_scenario_are_taken(port, name, value):
    done = give(port, name, value)
    assert (done.returncode == 1 and "nobody listens on port" in done.stderr) or (
        name in ("connections", "active") and done.stderr.startswith(LIMIT_OF_THE_MACHINE)), done.stderr


def beyond(name):
    """The next number below and above what key NAME may be, in the least steps that a scenario can take."""
    least, most = keys.KEYS[name].range
    step = 1e-6 if isinstance(least, float) else 1
    return least - step, most + (1 if name == "rate" else step)


@pytest.mark.parametrize("name, value", [(name, value) for name in RANGED for value in beyond(name)])
def test_what_is_beyond_them_is_refused(port, name, value):
    done = give(port, name, value)
    assert done.returncode == 2 and done.stderr.startswith(f"loadgen: --{name.replace('_', '-')} "), done.stderr
    assert "give " in done.stderr
