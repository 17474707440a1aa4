"""The load generator against servers that are wrong, and bad usage: a message that says what to do."""
import resource
import subprocess

import pytest

import faulty
from servers import SECONDS, Server, eventually
from test_loadgen import LOADGEN, measure, run, short, target


def failing(port, *options):
    done = run("--port", port, *short(), *options, check=False)
    assert done.returncode == 1
    return done.stderr


def test_a_wrong_byte_is_shown():
    with faulty.serving(faulty.corrupt_once) as (port, _):
        message = failing(port, "--connections", 5)
    assert "byte 5 of 64 was sent as 0x" in message and "came back as 0x" in message


@pytest.mark.parametrize("fault", [faulty.lose_a_byte, faulty.add_a_byte])
def test_a_shifted_stream_is_caught(fault):
    with faulty.serving(fault) as (port, _):
        message = failing(port, "--connections", 5, "--timeout", "500ms")
    assert "came back" in message or "no echo within" in message


def test_errors_are_counted_and_the_rest_is_measured(tmp_path):
    """Each hundredth request finds its connection closed: the others go on."""
    with faulty.serving(faulty.close_after_100) as (port, _):
        record = measure(tmp_path, "--port", port, *short(connections=5), check=False)
    sample = record["targets"][0]
    assert sample["status"] == "invalid" and "the server closed it" in sample["reason"]
    assert sample["requests"] >= 50 * sample["errors"] > 0


def test_an_idle_connection_that_is_closed_is_an_error():
    def greet(connection, number):
        if number == 17:
            connection.close()
    with faulty.serving(faulty.echo, greet) as (port, _):
        assert "the server closed it" in failing(port, "--connections", 50, "--active", 1)


def test_a_server_that_speaks_unasked_is_an_error():
    def greet(connection, number):
        if number == 17:
            connection.sendall(b"220 welcome\r\n")
    with faulty.serving(faulty.echo, greet) as (port, _):
        assert "never sent" in failing(port, "--connections", 50, "--active", 1)


def test_a_silent_server_is_no_echo_server():
    with faulty.serving(faulty.swallow) as (port, _):
        assert "Is it an echo server" in failing(port, "--timeout", "200ms")


def test_time_outs_are_samples(tmp_path):
    """A server that falls silent: the requests on the way are errors, and count with the time that passed."""
    def answer(connection, data, state):
        state["reads"] = state.get("reads", 0) + 1
        if state["reads"] < 100:
            connection.sendall(data)
    with faulty.serving(answer) as (port, _):
        record = measure(tmp_path, "--port", port, *short(timeout="300ms", warmup="0s"), check=False)
    sample = record["targets"][0]
    assert sample["errors"] == 1 and "no echo within 0.3 s" in sample["reason"]
    service = next(h for h in record["histograms"] if h["kind"] == "service")
    assert service["buckets"][-1][0] >= 300_000_000


def test_threads_that_meet_errors(tmp_path):
    """Each has broken connections to replace; of all their reasons one is kept."""
    with faulty.serving(faulty.close_after_100) as (port, _):
        record = measure(tmp_path, "--port", port, *short(connections=40, threads=4, window="500ms"), check=False)
    sample, one = record["targets"][0], record["slices"][0]
    assert sample["status"] == "invalid" and "the server closed it" in sample["reason"]
    assert sample["requests"] > sample["errors"] > 4 and one["opened"] == one["errors"]


@pytest.mark.parametrize("depth", [1, 2])
def test_a_server_that_dies_between_its_turns(depth):
    """Its connections cannot be opened again: the run ends, and says so."""
    with Server("poll") as one:
        with Server("poll") as other:
            generator = subprocess.Popen(
                [LOADGEN, *target(one, "one"), *target(other, "other"), "--window", "20s", "--slice", "50ms",
                 "--connections", "10", "--depth", str(depth)], stderr=subprocess.PIPE, text=True)
            eventually(lambda: other.ledger().bytes_in > 10_000, "it is driven")
            other.process.kill()
            other.process.wait()
            one_bytes = one.ledger().bytes_in
            eventually(lambda: one.ledger().bytes_in > one_bytes + 100_000, "the other one is driven on")
            generator.terminate()
            generator.communicate(timeout=SECONDS)
    with Server("poll") as server:
        generator = subprocess.Popen(
            [LOADGEN, *target(server), "--window", "2s", "--slice", "50ms", "--connections", "10",
             "--depth", str(depth)], stderr=subprocess.PIPE, text=True)
        eventually(lambda: server.ledger().bytes_in > 10_000, "it is driven")
        server.process.kill()
        server.process.wait()
        _, errors = generator.communicate(timeout=SECONDS)
    assert generator.returncode == 1 and "failed" in errors


def test_nobody_listens():
    with Server("poll") as server:
        port = server.address[1]
    assert "start the server first" in failing(port)


def test_a_server_that_refuses_some():
    with Server("poll", "--max-connections", "50") as server:
        done = run(*target(server), *short(connections=60), check=False)
        assert "--max-connections" in server.errors()
    assert done.returncode == 1
    assert "does it allow so many connections?" in done.stderr


def test_more_connections_than_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard >= 10_000_000:
        pytest.skip("no descriptor limit here")
    done = run("--port", 1, "--connections", hard, check=False)
    assert done.returncode == 2
    assert f"the limit is {hard:,}" in done.stderr and "ulimit" in done.stderr


@pytest.mark.parametrize("options, says", [
    ("", "which server?"),
    ("--port 0", "1 to 65535"),
    ("--port 99999", "1 to 65535"),
    ("--port 1 --address localhost", "numeric"),
    ("--target poll", "NAME=ADDRESS:PORT"),
    ("--target poll=127.0.0.1", "NAME=ADDRESS:PORT"),
    ("--target poll=127.0.0.1:1,core=2", "neither pid=PID nor ledger=FILE"),
    ("--target a=127.0.0.1:1 --target a=127.0.0.1:2", "the name is taken"),
    ("--target a=127.0.0.1:1 --port 2", "not both"),
    ("--port 1 --server-pid 0", "process id"),
    ("--port 1 --connections 0", "from 1 to"),
    ("--port 1 --connections ten", "such as 200 or 10k"),
    ("--port 1 --active 2", "more than --connections 1"),
    ("--port 1 --rate 0", "from 0.1 to 100M"),
    ("--port 1 --rate 100", "needs --arrival uniform or poisson"),
    ("--port 1 --arrival poisson", "needs --rate"),
    ("--port 1 --arrival poisson --rate max", "needs --rate"),
    ("--port 1 --arrival uniform --rate 10 --think 1s", "closed"),
    ("--port 1 --arrival often", "closed, uniform, poisson"),
    ("--port 1 --placement middle", "spread, first, last, random, rotate"),
    ("--port 1 --window 2", "with its unit"),
    ("--port 1 --window 0s", "above 0"),
    ("--port 1 --message-bytes 0", "from 1 to 64MiB"),
    ("--port 1 --dribble 8 --depth 2", "--depth 1"),
    ("--port 1 --churn 8 --depth 2", "--depth 1"),
    ("--port 1 --threads 2", "more than --active"),
    ("--port 1 --connections 9 --threads 2 --cpu 0 --spin", "as many cores"),
    ("--port 1 --connections 2.5", "such as 200 or 10k"),
    ("--port 1 --cpu one", "such as 1 or 1,2"),
    ("--port 1 --cpu 1023", "/sys/devices/system/cpu/online"),
    ("--port 1 extra", "unexpected argument: extra"),
    ("--port 1 --fast", "--help"),
])
def test_bad_usage_says_what_to_do(options, says):
    done = run(*options.split(), check=False)
    assert done.returncode == 2
    assert says in done.stderr


def test_help_goes_to_standard_output():
    done = run("--help")
    assert "--target NAME=ADDRESS:PORT" in done.stdout and not done.stderr


def test_bytes_that_the_server_did_not_see_are_an_error():
    """A ledger that does not count what was sent: that of another server, with as many connections."""
    with Server("epoll-lt") as server, Server("epoll-lt") as other:
        idle = [other.connect() for _ in range(3)]
        eventually(lambda: other.ledger().accepts == 3, "three accepted")
        done = run("--target", f"one=127.0.0.1:{server.address[1]},pid={server.pid},ledger={other.ledger_file}",
                   "--connections", 3, "--window", "50ms", "--warmup", "10ms", check=False)
        for client in idle:
            client.close()
    assert done.returncode == 1
    assert "invalid: the server read 0 bytes" in done.stderr
