"""The faults made on purpose (tests/faults/fault.c): each does what it says, by counts and bytes. What they do to times
is for `make validate`."""
import json
import signal
import struct
import subprocess
import sys

import pytest

from servers import BUILD, ROOT, SECONDS, Server, binary, exchange, ping, receive, receive_all
from tracing import system_calls, traced

SHIM = BUILD / "tests" / "fault.so"
LOADGEN = BUILD / "bin" / "loadgen"
MESSAGE = b"%08d"


def under(fault):
    """What puts FAULT in front of a program."""
    assert SHIM.exists(), f"{SHIM} is missing: run make {SHIM.relative_to(BUILD.parent)}"
    return ["env", f"LD_PRELOAD={SHIM}", f"FAULT={fault}"]


def faulty(fault, mechanism="epoll-lt"):
    return Server(mechanism, wrapper=under(fault))


# ---- what FAULT may say ------------------------------------------------------------------------------------

@pytest.mark.parametrize("fault", [
    "", "spin", "spin=", "spin=2", "spin=2h", "spin=2us,", "spin=-2us", "spin=0us", "spi=2us",
    "nap=2us", "stall=20ms", "stall=20ms/", "slow=20@2s", "slow=20%@2",
    "corrupt=2/100", "corrupt=1/0", "corrupt=1/1k", "close=1000", "swallow=/5", "die=",
    "record=", "missing=2", "missing", "sender-spin=20us@", "sender-spin=20us/2"])
def test_bad_text_starts_nothing(fault):
    done = subprocess.run([*under(fault), binary("poll"), "--port", "0"], capture_output=True, text=True,
                          timeout=SECONDS)
    assert done.returncode == 2 and not done.stdout
    assert f"FAULT={fault}: choose one of" in done.stderr and "stall=T/T" in done.stderr


def test_a_record_that_cannot_be_written_starts_nothing():
    done = subprocess.run([*under("record=/nowhere/file"), binary("poll"), "--port", "0"], capture_output=True,
                          text=True, timeout=SECONDS)
    assert done.returncode == 2 and "/nowhere/file" in done.stderr


# ---- servers -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("fault", ["stall=1us/1ms", "delay=10us", "spin=2us", "slow=20%@1ms"])
def test_faults_of_time_leave_bytes_and_counters_alone(fault):
    def counted(wrapper):
        with Server("epoll-lt", "--drain", "short", wrapper=wrapper) as server, server.connect() as client:
            for i in range(100):
                ping(client, MESSAGE % i)
            ledger = server.settle(writes=100)
        return ledger.reads, ledger.writes, ledger.bytes_in, ledger.bytes_out

    assert counted(under(fault)) == counted([]) == (100, 100, 800, 800)


@pytest.mark.parametrize("fault, sleeps", [("delay=1ms", 20), ("delay=10us", 0), ("stall=999ms/1s", 1)])
def test_a_delay_sleeps_once_for_each_request_and_a_stall_at_all_reads(fault, sleeps, tmp_path):
    """Below 100 us a delay is spun. A stall of nearly the whole second is met, whenever the requests come."""
    with traced("epoll-lt", tmp_path, wrapper=under(fault)) as server:
        with server.connect() as client:
            for i in range(20 if "delay" in fault else 2):
                ping(client, MESSAGE % i)
        server.settle(closes=1)
        server.stop()
        calls = system_calls(tmp_path)
    slept = calls.get("clock_nanosleep", (0, 0))[0]
    assert slept == sleeps if "delay" in fault else slept >= sleeps


def test_one_bit_of_every_thousandth_byte_is_flipped():
    data = bytes(i % 251 for i in range(10_500))
    with faulty("corrupt=1/1000") as server, server.connect() as client:
        for start in range(0, len(data), 3000):
            client.sendall(data[start:start + 3000])
        echo = receive(client, len(data))
    wrong = [i for i in range(len(data)) if echo[i] != data[i]]
    assert wrong == list(range(999, 10_500, 1000))
    assert all((echo[i] ^ data[i]).bit_count() == 1 for i in wrong)


def test_every_tenth_write_loses_its_last_byte_and_reports_success():
    with faulty("truncate=1/10") as server, server.connect() as client:
        lengths = []
        for i in range(30):
            client.sendall(MESSAGE % i)
            server.settle(writes=i + 1)
            lengths.append(len(client.recv(100)))
        ledger = server.settle()
    assert lengths == ([8] * 9 + [7]) * 3
    assert ledger.bytes_out == 240


def test_every_tenth_request_has_its_connection_cut():
    with faulty("close=1/10") as server:
        for i in range(3):
            with server.connect() as client:
                for number in range(9):
                    ping(client, MESSAGE % number)
                client.sendall(MESSAGE % 9)
                assert receive_all(client) == b""
            server.settle(closes=i + 1)
        assert server.settle().bytes_out == 3 * 9 * 8


def test_every_tenth_request_is_not_answered():
    with faulty("swallow=1/10") as server, server.connect() as client:
        for i in range(30):
            if i % 10 != 9:
                ping(client, MESSAGE % i)
                continue
            reads = server.settle(reads=i).reads
            client.sendall(MESSAGE % i)
            server.settle(reads=reads + 1)   # or two requests would be one read
        assert server.settle().bytes_out == 27 * 8


def test_the_tenth_request_is_the_end():
    server = faulty("die=10")
    try:
        with server.connect() as client:
            for i in range(9):
                ping(client, MESSAGE % i)
            client.sendall(MESSAGE % 9)
            assert server.process.wait(SECONDS) == -signal.SIGKILL
    finally:
        server.kill()


def test_each_arrival_is_recorded(tmp_path):
    """More than are kept in memory."""
    file, requests = tmp_path / "arrivals", 5000
    with faulty(f"record={file}") as server:
        with server.connect() as client:
            for i in range(requests):
                ping(client, MESSAGE % i)
        server.stop()
    arrivals = [one for one, in struct.iter_unpack("=Q", file.read_bytes())]
    assert len(arrivals) == requests and arrivals == sorted(arrivals)


# ---- the generator -----------------------------------------------------------------------------------------

def generate(fault, *servers, **options):
    """Runs the generator with a fault against servers; the completed process."""
    words = []
    for server in servers:
        words += ["--target", f"{server.mechanism}=127.0.0.1:{server.address[1]},pid={server.pid},"
                  f"ledger={server.ledger_file}"]
    for name, value in {"window": "50ms", "warmup": "10ms", **options}.items():
        words += [f"--{name}", str(value)]
    wrapper = under(fault) if fault else []
    return subprocess.run([*wrapper, LOADGEN, *words], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("fault, there", [("missing=1", 9), (None, 10)])
def test_one_connection_is_missing_and_the_generator_has_not_noticed(fault, there):
    with Server("poll") as server:
        done = generate(fault, server, connections=10, active=2, placement="first")
        ledger = server.stop()
    assert ledger.accepts == there
    assert "10 connections, 2 active" in done.stdout and "connect" not in done.stderr.replace("connections", "")


def test_a_sender_that_spins_sends_the_same_requests(tmp_path):
    """Only to the server of that name, if one is given."""
    for fault in ("sender-spin=2us", "sender-spin=2us@epoll-lt"):
        with Server("epoll-lt") as one, Server("poll") as other:
            done = generate(fault, one, other, slice="10ms", json=tmp_path / "record.json")
        assert done.returncode == 0, done.stderr
        record = json.loads((tmp_path / "record.json").read_text())
        assert [sample["status"] for sample in record["targets"]] == ["valid", "valid"]


def test_a_sender_that_spins_for_nobody_says_so():
    with Server("epoll-lt") as server:
        done = generate("sender-spin=2us@nobody", server)
    assert done.returncode == 1 and "has no --target nobody=" in done.stderr


def test_without_faults_all_is_echoed():
    """The shim's own reading and sending is transparent."""
    with faulty("die=1000000") as server, server.connect() as client:
        exchange(client, bytes(range(256)) * 20_000)


# ---- the harness -------------------------------------------------------------------------------------------

def validate(*options):
    return subprocess.run([sys.executable, "-m", "tests.validate", *map(str, options)], capture_output=True, text=True,
                          timeout=120, cwd=ROOT)


def test_exact_rows_fail_without_their_faults(tmp_path):
    """A check that cannot fail is worth nothing."""
    done = validate("--exact", "--without-faults", "--json", tmp_path / "table.json")
    results = json.loads((tmp_path / "table.json").read_text())
    assert [one["row"] for one in results] == [7, 8, 9, 24, 29]
    assert {one["result"] for one in results} == {"pass"} and done.returncode == 0, results


@pytest.mark.parametrize("options, says", [
    (["--rows", "two"], "such as 2,3 or 10-13"), (["--rows", "31"], "no such row"),
    (["--rows", "3", "--exact"], "no such row"), (["--keep", ROOT], "choose a new folder")])
def test_bad_usage_of_the_harness(options, says):
    done = validate(*options)
    assert done.returncode == 2 and says in done.stderr


def test_every_row_of_the_method_is_tried():
    from tests.validate.table import ROWS
    assert {row.row for row in ROWS} == set(range(1, 31))
