"""The load generator sends load to this machine, or to whom --allow-remote names: to nobody else."""
import json
import subprocess

import pytest

from servers import SECONDS, Server, why_no_ipv6
from test_loadgen import LOADGEN, measure, run, short, target
from two_machines import two_machines

# 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 and 2001:db8::/32 are nobody's (RFC 5737, RFC 3849).
ATTACK = "load-testing machines that are not yours is an attack"
NOT_NUMERIC = "give a numeric address"
UNUSED = "no target has that address; correct it or leave it out"


@pytest.mark.parametrize("options, says", [
    ("--address 203.0.113.1", f"{ATTACK}. If it is yours, or its owner has agreed: --allow-remote 203.0.113.1"),
    ("--address 2001:db8::1", "--allow-remote 2001:db8::1"),
    ("--address ::ffff:203.0.113.1", ATTACK),
    ("--address ::127.0.0.1", ATTACK),
    ("--address 203.0.113.1 --allow-remote 203.0.113.2", ATTACK),
    ("--address fe80::1%1 --allow-remote fe80::1", ATTACK),
    ("--address 127.0.0.1 --allow-remote 203.0.113.1", f"--allow-remote 203.0.113.1: {UNUSED}"),
    ("--address 203.0.113.1 --allow-remote ::ffff:203.0.113.1 --allow-remote 203.0.113.2",
     f"--allow-remote 203.0.113.2: {UNUSED}"),
    ("--address 203.0.113.1 --allow-remote example.org", NOT_NUMERIC),
    ("--address 203.0.113.1 --allow-remote 203.0.113.1:1", NOT_NUMERIC),
    ("--address 203.0.113.1 --allow-remote 203.0.113.0/24", NOT_NUMERIC),
    ("--address 010.0.0.1 --allow-remote 010.0.0.1", NOT_NUMERIC),
    ("--address 127.1", NOT_NUMERIC),
    ("--address 0.0.0.0", "give 127.0.0.1 or ::1"),
    ("--address ::", "give 127.0.0.1 or ::1"),
    ("--address ::ffff:0.0.0.0 --allow-remote ::ffff:0.0.0.0", "give 127.0.0.1 or ::1"),
    ("--address 127.0.0.1" + " --allow-remote 127.0.0.1" * 17, "at most 16 addresses"),
])
def test_a_refusal_says_what_to_do(options, says):
    done = run("--port", 1, *options.split(), check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_one_target_elsewhere_is_enough():
    targets = ["--target", "one=127.0.0.1:1", "--target", "other=203.0.113.1:1"]
    done = run(*targets, check=False)
    assert done.returncode == 2 and "target other is not on loopback" in done.stderr


needs_ipv6 = pytest.mark.skipif(why_no_ipv6() is not None, reason=str(why_no_ipv6()))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.200.0.1", pytest.param("::ffff:127.0.0.1", marks=needs_ipv6)])
def test_loopback_needs_no_permission(tmp_path, address):
    """Whatever its spelling, and a needless permission does no harm."""
    with Server("poll", "--address", address) as server:
        record = measure(tmp_path, *target(server), *short(connections=20), "--allow-remote", address)
    assert record["targets"][0]["status"] == "valid"


@needs_ipv6
def test_a_server_for_ipv6_and_ipv4(tmp_path):
    """It listens on ::, and its connections are counted whichever way they come."""
    with Server("poll", "--address", "::") as server:
        for address in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"):
            one = f"one={address}:{server.address[1]},pid={server.pid},ledger={server.ledger_file}"
            assert measure(tmp_path, "--target", one, *short(connections=20))["targets"][0]["status"] == "valid"


def test_the_help_says_it():
    text = " ".join(run("--help").stdout.split())
    assert "--allow-remote" in text and "machines that are not yours is an attack" in text


def test_another_machine_gets_no_packet_until_it_is_allowed(tmp_path):
    """Not even a question for its hardware address."""
    with two_machines() as (near, far), Server("poll", "--address", far.address, wrapper=far.enter) as server:
        def generator(*options):
            return subprocess.run([*near.enter, LOADGEN, *map(str, [*options, *short(connections=20)])],
                                  capture_output=True, text=True, timeout=SECONDS)

        remote = ["--address", far.address, "--port", server.address[1]]
        for options in (remote, [*remote, "--allow-remote", near.address],
                        ["--address", f"::ffff:{far.address}", "--port", server.address[1]]):
            refused = generator(*options)
            assert refused.returncode == 2 and ATTACK in refused.stderr
        assert set(near.traffic().values()) == {0}
        assert server.ledger().accepts == 0

        done = generator(*remote, "--allow-remote", f"::ffff:{far.address}", "--json", tmp_path / "record.json")
        assert done.returncode == 0, done.stderr
        sent = near.traffic()
        assert server.ledger().accepts == 20 == sent["connections"]
        assert sent["cable"] > 20 and sent["lo"] == 0
    sample = json.loads((tmp_path / "record.json").read_text())["targets"][0]
    assert sample["status"] == "valid" and sample["requests"] > 0
