"""The load generator against servers that are right: what it counts, offers and leaves behind."""
import json
import os
import subprocess
import time

import pytest

import faulty
from servers import BUILD, MECHANISMS, Server, eventually, is_sanitised, why_no_ipv6

LOADGEN = BUILD / "bin" / "loadgen"


def run(*arguments, check=True):
    """Runs the generator; its completed process."""
    done = subprocess.run([LOADGEN, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    if check:
        assert done.returncode == 0, done.stderr
    return done


def measure(tmp_path, *arguments, check=True):
    """Runs the generator; its record."""
    run(*arguments, "--json", tmp_path / "record.json", check=check)
    return json.loads((tmp_path / "record.json").read_text())


def target(server, name=None):
    host, port = server.address
    host = f"[{host}]" if ":" in host else host
    return "--target", f"{name or server.mechanism}={host}:{port},pid={server.pid},ledger={server.ledger_file}"


def short(**options):
    """A short run; options as keywords."""
    options = {"window": "200ms", "warmup": "20ms", **options}
    return [word for key, value in options.items() for word in (f"--{key.replace('_', '-')}", value)]


def test_several_servers_take_turns(tmp_path):
    servers = [Server(mechanism) for mechanism in MECHANISMS]
    try:
        targets = [word for server in servers for word in target(server)]
        record = measure(tmp_path, *targets, *short(connections=50, active=10, slice="20ms", seed=7))
    finally:
        for server in servers:
            server.kill()
    assert [t["mechanism"] for t in record["targets"]] == MECHANISMS
    assert {t["status"] for t in record["targets"]} == {"valid"}
    rounds = {}
    for one in sorted(record["slices"], key=lambda s: s["start_ms"]):
        rounds.setdefault(one["round"], []).append(one["mechanism"])
    assert len(rounds) == 10
    assert all(sorted(order) == sorted(MECHANISMS) for order in rounds.values())
    assert len({tuple(order) for order in rounds.values()}) > 1, "the order is random in each round"


def test_the_same_reads_and_writes_for_all_servers(tmp_path):
    """Ping-pong on one connection: only the mechanism differs (METHOD.md, row 10).  Whether a read finds
    nothing depends on who is faster; that each request is read once and written once does not."""
    for mechanism in MECHANISMS:
        with Server(mechanism) as server:
            sample = measure(tmp_path, *target(server), *short(connections=20, active=1))["targets"][0]
        assert sample["reads_per_request"] - sample["eagain_per_request"] == pytest.approx(1, abs=1e-6)
        assert sample["writes_per_request"] == 1
        assert sample["ctl_per_request"] == 0
        examined = 1 if "epoll" in mechanism else 21
        assert sample["fds_per_request"] / sample["waits_per_request"] == pytest.approx(examined, abs=1e-6)


def test_about_one_send_and_one_receive_per_request(tmp_path):
    with Server("epoll-lt") as server:
        record = measure(tmp_path, *target(server), *short(connections=100))
    sample, one = record["targets"][0], record["slices"][0]
    assert one["sends"] == sample["requests"]
    assert sample["requests"] <= one["receives"] <= 1.01 * sample["requests"]


def test_any_echo_server_will_do(tmp_path):
    with faulty.serving(faulty.echo) as (port, peers):
        record = measure(tmp_path, "--port", port, *short(connections=40, active=4))
    sample = record["targets"][0]
    assert sample["status"] == "valid" and sample["requests"] > 0
    for unknown in "server_cpu_percent", "fds_per_request", "core_round_trip_ns", "total_cpu_us_per_request":
        assert sample[unknown] is None
    assert len({host for host, _ in peers}) == 16, "source addresses are used in turn"


@pytest.mark.skipif(why_no_ipv6() is not None, reason=str(why_no_ipv6()))
def test_ipv6(tmp_path):
    with Server("poll", "--address", "::1") as server:
        assert measure(tmp_path, *target(server), *short(connections=10))["targets"][0]["status"] == "valid"


@pytest.mark.parametrize("arrival", ["uniform", "poisson"])
def test_offered_requests_depend_on_the_seed_only(tmp_path, arrival):
    """What falls due in a window is either sent or counted as cut off."""
    def offered(mechanism, seed):
        with Server(mechanism) as server:
            options = short(connections=50, active=10, arrival=arrival, rate="2k", window="500ms", seed=seed)
            sample = measure(tmp_path, *target(server), *options)["targets"][0]
        return sample["requests"] + sample["cut_off"]

    assert offered("poll", 5) == offered("epoll-et", 5)
    if arrival == "uniform":
        assert abs(offered("poll", 6) - 1000) <= 1
    else:
        assert abs(offered("poll", 6) - 1000) < 4 * 1000 ** 0.5


def test_saturation_is_counted(tmp_path):
    """A server that answers 100/s is offered 2,000/s: the queue cannot drain."""
    with faulty.serving(lambda connection, data, state: (time.sleep(0.01), connection.sendall(data))) as (port, _):
        sample = measure(tmp_path, "--port", port, *short(arrival="poisson", rate="2k"))["targets"][0]
    assert sample["cut_off"] > sample["requests"]
    assert sample["status"] == "valid" and sample["limited_by"] != "offered rate"


def test_a_stalled_server_is_seen_by_the_open_loop(tmp_path):
    """200 ms of each second nothing is answered.  Offered at a rate, requests fall due meanwhile and wait
    for up to 200 ms; a closed loop sends one and waits (coordinated omission, METHOD.md, row 2)."""
    with faulty.serving(faulty.stall_each_second) as (port, _):
        closed = measure(tmp_path, "--port", port, *short(window="2s"))["targets"][0]
        opened = measure(tmp_path, "--port", port,
                         *short(window="2s", arrival="uniform", rate=200))["targets"][0]
    assert opened["response_p99_us"] is None or opened["response_p99_us"] > 100_000
    assert opened["response_p50_us"] < 100_000
    assert closed["response_p99_us"] < 100_000


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs a core for the server and one for the generator")
def test_the_generators_own_work_is_measured_while_it_polls(tmp_path):
    """At 1,000 requests per second nearly all of 1,000 us for each is polling: what counts is the rest."""
    server_cpu, own_cpu = sorted(os.sched_getaffinity(0))[:2]
    with Server("epoll-lt", "--cpu", str(server_cpu)) as server:
        options = [*short(arrival="uniform", rate=1000, window="500ms"), "--cpu", own_cpu, "--spin"]
        sample = measure(tmp_path, *target(server), *options)["targets"][0]
    assert 1 < sample["client_cpu_us_per_request"] < 500


def test_churn_opens_a_connection_for_each_request(tmp_path):
    with Server("epoll-lt") as server:
        record = measure(tmp_path, *target(server), *short(connections=10, churn=1, warmup="0s"))
        ledger = server.stop()
    opened = record["slices"][0]["opened"]
    assert opened == record["targets"][0]["requests"] > 10
    assert ledger.accepts == 10 + opened


def test_dribble_sends_pieces(tmp_path):
    with Server("epoll-lt") as server:
        options = short(connections=1, message_bytes=60, dribble=16)
        sample = measure(tmp_path, *target(server), *options)["targets"][0]
    assert sample["writes_per_request"] == 4  # 16 + 16 + 16 + 12


def test_messages_larger_than_any_buffer(tmp_path):
    with Server("epoll-et") as server:
        options = short(connections=4, message_bytes="8MiB", depth=2)
        assert measure(tmp_path, *target(server), *options)["targets"][0]["status"] == "valid"


def test_threads_share_the_connections(tmp_path):
    with Server("epoll-lt") as server:
        options = short(connections=101, active=50, threads=3, depth=4, placement="random")
        sample = measure(tmp_path, *target(server), *options)["targets"][0]
        ledger = server.stop()
    assert sample["status"] == "valid"
    assert ledger.accepts == 101


@pytest.mark.parametrize("options", [
    {"churn": 3, "placement": "rotate"},
    {"arrival": "poisson", "rate": "5k", "placement": "random"},
    {"dribble": 16, "rtt": "1ms"},
    {"depth": 4, "message_bytes": "100kB", "placement": "last"},
])
def test_four_threads_count_everything_once(tmp_path, options):
    """Two servers in turn, so that the threads start and end often: also what the thread sanitiser is shown."""
    with Server("poll") as one, Server("epoll-et") as other:
        record = measure(tmp_path, *target(one), *target(other), "--no-spin",
                         *short(connections=43, active=41, threads=4, slice="20ms", **options))
        ledgers = {server.mechanism: server.stop() for server in (one, other)}
    for sample in record["targets"]:
        name = sample["mechanism"]
        slices = [one for one in record["slices"] if one["mechanism"] == name]
        service, = (h["buckets"] for h in record["histograms"] if (h["mechanism"], h["kind"]) == (name, "service"))
        assert sample["status"] == "valid" and len(slices) == 10
        assert 0 < sample["requests"] == sum(one["requests"] for one in slices) == sum(n for _, _, n in service)
        opened = sum(one["opened"] for one in slices)
        assert ledgers[name].accepts >= 43 + opened  # and those of the warm-up
        assert (opened > 0) == ("churn" in options)


def test_a_round_trip_bounds_the_rate_of_a_connection(tmp_path):
    with Server("epoll-lt") as server:
        sample = measure(tmp_path, *target(server), *short(connections=50, rtt="100ms", window="500ms"))["targets"][0]
    assert 0 < sample["requests"] <= 50 * 6


@pytest.mark.parametrize("placement, expected", [("rotate", 50), ("first", 11)])
def test_rotating_the_active_reaches_all(tmp_path, placement, expected):
    """Five rounds, each with the next ten connections; without rotation the same ten speak in all of them. (The last
    connection has its echo while all are set up.)"""
    spoke = set()

    def answer(connection, data, state):
        spoke.add(connection.getpeername())
        connection.sendall(data)

    with faulty.serving(answer) as (port, _):
        measure(tmp_path, "--port", port,
                *short(connections=50, active=10, placement=placement, slice="50ms", window="250ms"))
    assert len(spoke) == expected


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


@pytest.mark.skipif(is_sanitised("loadgen"), reason="the sanitisers keep memory of their own")
def test_an_idle_connection_costs_at_most_256_bytes(tmp_path):
    def memory(connections):
        with Server("epoll-lt") as server:
            words = [LOADGEN, *target(server), "--active", "1", "--window", "30s"]
            generator = subprocess.Popen([*map(str, words), "--connections", str(connections)])
            try:
                eventually(lambda: server.ledger().bytes_in > 64 * (connections // 100 + 100), "it measures")
                driver = children(generator.pid)[0]
                with open(f"/proc/{driver}/status") as status:
                    return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))
            finally:
                generator.kill()
                generator.wait()

    assert (memory(8100) - memory(100)) / 8000 <= 256


def test_the_count_is_checked_at_the_servers_end():
    """A stranger's connection to the server is one too many."""
    with Server("poll") as server, server.connect():
        done = run(*target(server), *short(connections=10), check=False)
    assert done.returncode == 1
    assert "10 connections were asked for, the server has 11" in done.stderr


def test_a_record_that_cannot_be_written_is_an_error():
    with Server("poll") as server:
        done = run(*target(server), *short(), "--json", "/nowhere/record.json", check=False)
    assert done.returncode == 1 and "/nowhere/record.json" in done.stderr


def test_it_does_not_need_the_ledger_of_a_dead_server(tmp_path):
    assert not os.path.exists(tmp_path / "ledger")
    done = run("--port", 1, "--ledger", tmp_path / "ledger", check=False)
    assert done.returncode == 2 and "ledger" in done.stderr


# ---- what it says of itself and of the machine --------------------------------------------------------------

@pytest.mark.parametrize("more", [["--depth", "3"], ["--arrival", "poisson", "--rate", "5k"]])
def test_what_is_on_the_way_obeys_littles_law(tmp_path, more):
    with Server("epoll-lt") as server:
        record = measure(tmp_path, *target(server), *short(connections=20, active=10), *more)
    one = record["targets"][0]
    assert one["outstanding_mean"] == pytest.approx(one["throughput_per_s"] * one["service_mean_us"] / 1e6, rel=0.01)


def test_the_opening_burst_of_a_closed_loop_is_due_as_it_goes_out(tmp_path):
    """Nobody meant 500 requests for one moment: response and service are the same."""
    with Server("epoll-lt") as server:
        record = measure(tmp_path, *target(server), *short(connections=500, window="100ms", warmup="0s"))
    response, service = (mean_ns(one["buckets"]) for one in record["histograms"]
                         if one["kind"] in ("response", "service"))
    assert service <= response < 1.02 * service


def mean_ns(buckets):
    return sum((lower + upper) / 2 * count for lower, upper, count in buckets) / sum(one[2] for one in buckets)


def test_the_machine_is_probed_before_and_after(tmp_path):
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("needs two cores")
    for _ in range(5):  # on a busy machine the two cores may not meet in time: then there is no round trip
        with Server("poll", "--cpu", cores[0]) as server:
            record = measure(tmp_path, *target(server), *short(connections=5, cpu=cores[1]))
        found = [record["environment"][when][name] for when in ("before", "after")
                 for name in ("round_trip_ns", "server_spin_ns", "generator_spin_ns")]
        if None not in found:
            break
    assert None not in found and min(found) > 0
    assert 0 < record["targets"][0]["generator_share_percent"] <= 101


@pytest.mark.parametrize("options, expected", [("--spin", True), ("--no-spin", False)])
def test_a_polling_generator_names_its_share_of_a_core_that_it_has_to_share(tmp_path, options, expected):
    """Where others take the core while it works, its work lasts longer than its CPU time."""
    core = max(os.sched_getaffinity(0))
    burn = ["setpriv", "--pdeathsig", "KILL", "taskset", "--cpu-list", str(core), "sh", "-c", "while :; do :; done"]
    burners = [subprocess.Popen(burn) for _ in range(3)]
    try:
        with Server("poll") as server:
            record = measure(tmp_path, *target(server), *short(connections=20, cpu=core, window="500ms"), options)
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    share = record["targets"][0]["generator_share_percent"]
    assert (share is not None) == expected and (share or 0) < 90


def test_what_is_not_pinned_is_not_probed(tmp_path):
    with Server("poll") as server:
        record = measure(tmp_path, *target(server), *short(connections=5))
    assert record["environment"]["before"]["generator_spin_ns"] is None


def test_probe_prints_one_object():
    found = json.loads(run("--probe", "0,0").stdout)
    assert found["probe"]["round_trip_ns"] is None, "a core has no distance to itself"
    assert found["clock"]["resolution_ns"] > 0
    assert run("--probe", "0;1", check=False).returncode == 2
