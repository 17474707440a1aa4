"""A network of a block's own: the servers and the generator run in it, the machine's own loopback stays as it is, and
nothing of it is left. Where the kernel has no netem, a tc that only writes down what it is asked stands for it."""
import csv
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import ROOT

from runner import namespace, process
from runner.process import ChildError, Children
from servers import eventually

NOBODY = 65534
TC = """#!/bin/sh
readlink /proc/self/ns/net > {0}/where
echo "$@" > {0}/asked
"""
REFUSING_TC = """#!/bin/sh
echo 'Error: Specified qdisc kind is unknown.' >&2
exit 2
"""
# Enters a network of its own with what follows as the programs in it, says so, and waits to be killed.
HOLD = """import time
from runner import namespace, process
with process.Children() as children:
    namespace.enter(children, 0.02)
    file = children.file("shared")
    writer = children.start("writer", ["sh", "-c", 'readlink /proc/self/ns/net > "$0"; echo done; exec sleep 60', file])
    process.first_line(writer, 10)
    print(file.read_text().strip() or process.said(writer), flush=True)
    time.sleep(60)
"""
SCENARIO = """question = "Does it run?"
prediction = "It does."
blocks = 1
[fixed]
active = "all"
connections = 5
rate = 100
rtt = "active/rate"
network_delay = "20ms"
window = "200ms"
slice = "100ms"
warmup = "10ms"
[sweep]
mechanism = ["poll", "epoll-lt"]
"""


def why_no_namespace():
    """Why this machine gives us no network of our own, a str; None: it does."""
    done = subprocess.run(["unshare", "--net", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "true"],
                          capture_output=True, text=True)
    return done.stderr or None


needs_namespaces = pytest.mark.skipif(why_no_namespace() is not None, reason=f"no namespaces: {why_no_namespace()}")


@pytest.fixture
def tc(monkeypatch):
    """The folder, open to all users, in which a false tc writes down what it is asked, and where."""
    with tempfile.TemporaryDirectory(prefix="muxbench-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        fake(folder, monkeypatch, TC.format(folder))
        yield folder


def fake(folder, monkeypatch, text, name="tc"):
    """Let a program of this NAME, a shell's TEXT in FOLDER, come first in PATH."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / name).write_text(text)
    (folder / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")
    namespace.why_not.cache_clear()


def networks():
    """The networks in which some process lives."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            found.add(os.readlink(link))
        except OSError:
            pass   # it has ended meanwhile
    return found


def own_network():
    return os.readlink("/proc/self/ns/net")


def said_inside(children, *words):
    """What a program says that runs where the servers would."""
    return process.first_line(children.start("program", words), 10)


def loopback():
    """The machine's own: its flags and its queueing, as ip and tc show them."""
    return subprocess.run(["ip", "-details", "link", "show", "lo"], capture_output=True, text=True, check=True).stdout


@needs_namespaces
def test_programs_run_in_another_network_with_a_loopback(tc):
    before = loopback()
    with Children() as children:
        namespace.enter(children, 0.02)
        inside = said_inside(children, "readlink", "/proc/self/ns/net")
        assert "LOOPBACK,UP" in said_inside(children, "ip", "link", "show", "lo")
        assert (tc / "where").read_text().strip() == inside != own_network()
    assert (tc / "asked").read_text().split() == "qdisc add dev lo root netem delay 10000us limit 10000000".split()
    assert loopback() == before


@needs_namespaces
def test_it_ends_with_the_block(tc):
    with Children() as children:
        namespace.enter(children, 0.02)
        inside = said_inside(children, "sh", "-c", "readlink /proc/self/ns/net; exec sleep 60")
        assert inside in networks()
    assert inside not in networks()


@needs_namespaces
@pytest.mark.parametrize("user", [None, NOBODY], ids=["as we are", "as nobody"])
def test_it_ends_with_us_even_if_we_are_killed(tc, user):
    if user and os.geteuid() != 0:
        pytest.skip("only root can become another user")
    child = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             user=user, group=user, extra_groups=[] if user else None, cwd=ROOT,
                             env=os.environ | {"PYTHONPATH": str(ROOT)})
    inside = child.stdout.readline().strip()
    child.send_signal(signal.SIGKILL)
    assert inside.startswith("net:"), child.communicate(timeout=10)[1]
    assert inside != own_network()
    child.communicate(timeout=10)
    eventually(lambda: inside not in networks(), "no process is left in the network")


@needs_namespaces
def test_what_makes_no_network_touches_nothing(tmp_path, monkeypatch):
    """An unshare that gives us the machine's own network, as a broken one would."""
    fake(tmp_path, monkeypatch, TC.format(tmp_path))
    fake(tmp_path, monkeypatch, '#!/bin/sh\nwhile [ "$1" != sh ]; do shift; done\nexec "$@"\n', "unshare")
    before = loopback()
    with Children() as children, pytest.raises(ChildError, match="the new network is the old one"):
        namespace.enter(children, 0.02)
    assert not (tmp_path / "asked").exists()
    assert loopback() == before


@needs_namespaces
def test_a_kernel_without_netem_says_so(tmp_path, monkeypatch):
    fake(tmp_path, monkeypatch, REFUSING_TC)
    assert "Specified qdisc kind is unknown" in namespace.why_not()


def test_a_kernel_without_namespaces_says_so(tmp_path, monkeypatch):
    fake(tmp_path, monkeypatch, "#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2\nexit 1\n", "unshare")
    assert "Operation not permitted" in namespace.why_not()


# ---- a whole run -------------------------------------------------------------------------------------------

MAIN = """import sys
from pathlib import Path
from runner import cli, paths, report
report.run = lambda folder: 0
sys.exit(cli.main(sys.argv[3:], paths.Paths(bin=Path(sys.argv[1]), results=Path(sys.argv[2]))))
"""


def run(folder, programs, user=None):
    """The rows of a run of SCENARIO."""
    (folder / "delay.toml").write_text(SCENARIO)
    done = subprocess.run([sys.executable, "-c", MAIN, programs, folder / "results", "run", folder / "delay.toml",
                           "--out", folder / "out", "--reruns", "0"], capture_output=True, text=True, timeout=60,
                          user=user, group=user, extra_groups=[] if user else None, cwd=ROOT,
                          env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert (folder / "out" / "samples.csv").is_file(), done.stderr
    with open(folder / "out" / "samples.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@needs_namespaces
@pytest.mark.parametrize("user", [None, NOBODY], ids=["as we are", "as nobody"])
def test_a_block_is_measured_in_it(tc, programs, user):
    if user and os.geteuid() != 0:
        pytest.skip("only root can become another user")
    rows = run(tc, programs, user)
    assert {row["mechanism"] for row in rows} == {"poll", "epoll-lt"}
    for row in rows:
        assert row["status"] in ("valid", "suspect"), row["reason"]
        assert int(row["requests"]) > 0 and row["offered_per_s"] == "100"
    assert "delay 10000us" in (tc / "asked").read_text()   # 500us is what asks whether it can be
    assert (tc / "where").read_text().strip() not in {own_network(), *networks()}


@needs_namespaces
def test_without_netem_the_rows_say_why(tmp_path, monkeypatch, programs):
    fake(tmp_path, monkeypatch, REFUSING_TC)
    rows = run(tmp_path, programs)
    assert [row["status"] for row in rows] == ["unsupported"] * 2
    assert all("Specified qdisc kind is unknown" in row["reason"] for row in rows)


def test_netem_itself_delays_an_echo(tmp_path, programs):
    namespace.why_not.cache_clear()
    if namespace.why_not():
        pytest.skip(namespace.why_not())
    for row in run(tmp_path, programs):
        assert row["status"] in ("valid", "suspect"), row["reason"]
        assert float(row["service_p50_us"]) > 20_000
