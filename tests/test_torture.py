"""The short form of `make torture`: every attack against every server, and against the broken one with its fault."""
import pytest

from tests.servers import ROOT, Server, ping
from tests.torture import battery
from tests.torture.attack import ATTACKS
from tests.torture.bench import broken_server
from tests.torture.healthy import Healthy


@pytest.fixture(scope="module")
def healthy():
    with Healthy() as client:
        yield client


def name(one):
    attack, mechanism, rule, broken = one
    return f"{attack.name}-{broken or mechanism}-{rule}"


BROKEN = [attack for attack in ATTACKS if attack.broken]
NEVER_SERVES = {"union_pointer"}                  # that is its fault


@pytest.mark.parametrize("name", [attack.broken for attack in BROKEN])
def test_broken_servers_are_good_but_for_their_fault(name):
    """They start, serve one client, and end as a server should: what is found is the fault and not an accident."""
    with Server("broken", program=broken_server(name)) as server:
        if name not in NEVER_SERVES:
            with server.connect() as client:
                ping(client)
        server.stop()


def test_every_broken_server_is_tried():
    assert {path.stem for path in (ROOT / "tests" / "broken").glob("*.c")} == {attack.broken for attack in BROKEN}


@pytest.mark.parametrize("broken", [attack.broken for attack in BROKEN])
def test_broken_servers_name_who_finds_them(broken):
    finder = next(attack.name for attack in BROKEN if attack.broken == broken)
    assert f"Found by: {finder}." in (ROOT / "tests" / "broken" / f"{broken}.c").read_text()


@pytest.mark.parametrize("one", battery.tries(), ids=name)
def test_servers_survive_and_broken_ones_are_caught(one, healthy):
    result = battery.run(*one, healthy, short=True)
    if result.skipped:
        pytest.skip(result.skipped)
    assert not result.is_bad, result.found or f"passed for good: {result.saw}"
