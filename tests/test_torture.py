"""The short form of `make torture`: every attack against every server, and against the broken ones with its fault; and
its command."""
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from runner.errors import INTERRUPTED
from tests.servers import BUILD, ROOT, Server, ping
from tests.torture import __main__ as command
from tests.torture import battery
from tests.torture.attack import ATTACKS, Attack
from tests.torture.bench import broken_server
from tests.torture.healthy import Healthy


@pytest.fixture(scope="module")
def healthy():
    with Healthy() as client:
        yield client


def name(one):
    attack, mechanism, rule, broken = one
    return f"{attack.name}-{broken or mechanism}-{rule}"


BROKEN = sorted({broken for attack in ATTACKS for broken in attack.broken})
NEVER_SERVES = {"union_pointer"}                  # that is its fault
UNTIMED = [one for one in battery.tries() if not one[0].timed]


@pytest.mark.parametrize("name", BROKEN)
def test_broken_servers_start_serve_and_end(name):
    with Server("broken", program=broken_server(name)) as server:
        if name not in NEVER_SERVES:
            with server.connect() as client:
                ping(client)
        server.stop()


def test_every_broken_server_is_tried():
    assert {path.stem for path in (ROOT / "tests" / "broken").glob("*.c")} == set(BROKEN)


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_servers_name_who_finds_them(broken):
    finders = {attack.name for attack in ATTACKS if broken in attack.broken}
    comment = (ROOT / "tests" / "broken" / f"{broken}.c").read_text().partition("*/")[0]
    named = re.search(r"Found by: ([\w, ]+)\.", re.sub(r"\s+\* ", " ", comment))
    assert named and set(named[1].split(", ")) == finders


@pytest.mark.parametrize("one", UNTIMED, ids=name)
def test_servers_survive_and_broken_ones_are_caught(one, healthy):
    result = battery.run(*one, healthy, short=True)
    if result.skipped:
        pytest.skip(result.skipped)
    assert not result.is_bad, result.news


def tried(run, broken=None):
    """What comes of an attack that does RUN and must find of its broken server that it `stinks`."""
    one = Attack("whiff", "more", "a fault", "a client", run, [], {"skunk": "stinks"}, False)
    return battery.run(one, "poll", "eagain", broken, None, short=True)


def finds(what):
    def run(_):
        raise AssertionError(what)
    return run


def test_a_broken_server_is_caught_only_by_its_own_fault():
    assert not tried(finds("it stinks"), "skunk").is_bad
    for run, news in [(finds("it is late"), "found, but not its fault: it is late"),
                      (lambda _: "all well", "its fault was not found: all well")]:
        result = tried(run, "skunk")
        assert result.is_bad and result.news == news


def test_a_good_server_may_have_no_fault_at_all():
    assert tried(finds("it stinks")).is_bad
    assert not tried(lambda _: "all well").is_bad


QUICK = ["--short", "--only", "binary", "--server", "poll"]


def test_the_record_s_folder_is_made(tmp_path):
    file = tmp_path / "new" / "folder" / "torture.json"
    assert command.main([*QUICK, "--json", str(file)]) == 0
    record = json.loads(file.read_text())
    assert len(record["results"]) == 2 and not record["whole"]
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("where", ["file/torture.json", "folder"])
def test_a_record_that_cannot_be_written_is_refused_before_the_battery(where, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(battery, "run", None)
    assert command.main([*QUICK, "--json", str(tmp_path / where)]) == 1
    assert f"{where}: cannot be written" in capsys.readouterr().err


def test_the_battery_ends_in_time_and_says_what_is_left(tmp_path, capsys):
    file = tmp_path / "torture.json"
    words = ["--short", "--only", "leaver,binary", "--minutes", "0.01", "--json", str(file)]
    assert command.main(words) == 1
    record, said = json.loads(file.read_text()), capsys.readouterr().err
    assert len(record["results"]) < 21
    assert re.search(r"0.01 minutes are over; not tried: .*leaver \(\d+\).*binary \(6\)|"
                     r"0.01 minutes are over; not tried: .*binary \(\d\)", said) and "--minutes 0.02" in said


def test_ctrl_c_ends_it_and_leaves_the_record_of_a_whole_run(tmp_path):
    """At a terminal all of the group are sent SIGINT, the healthy client and the servers, too: that is no finding."""
    build = tmp_path / "build"
    build.mkdir()
    for name in ("bin", "tests"):
        (build / name).symlink_to(BUILD / name)
    (build / "torture.json").write_text("of a whole run")
    words = [sys.executable, "-u", "-m", "tests.torture", "--only", "signals,silent"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          process_group=0, env=os.environ | {"MUXBENCH_BUILD": str(build)}) as process:
        while "/" not in process.stderr.readline():
            assert process.poll() is None
        time.sleep(0.5)   # into the attack
        os.killpg(process.pid, signal.SIGINT)
        said, errors = process.communicate(timeout=20)
    assert process.returncode == 130 and "interrupted after" in errors
    assert (build / "torture.json").read_text() == "of a whole run"
    assert not [one for one in json.loads((build / "torture-part.json").read_text())["results"] if one["found"]]


def test_an_interruption_that_is_lost_in_an_attack_is_no_finding(tmp_path, monkeypatch, capsys):
    """Its servers are sent SIGINT, too: what it clears away can fail, and hide why."""
    def attacked(attack, mechanism, rule, broken, *_):
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            return battery.Result(attack.name, mechanism, rule, broken, found="Connection reset by peer")
    monkeypatch.setattr(battery, "run", attacked)
    file = tmp_path / "torture.json"
    assert command.main(["--short", "--only", "silent", "--json", str(file)]) == INTERRUPTED
    assert json.loads(file.read_text())["results"] == [] and "interrupted after 0 of" in capsys.readouterr().err
