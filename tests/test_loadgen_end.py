"""How the load generator ends: its processes, its sockets, and a record that is whole or not there."""
import json
import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from servers import SECONDS, Server, eventually
from test_loadgen import LOADGEN, children, measure, run, short, target
from tracing import refusal as tracing_refusal

OLD = '{"of": "the last run"}'


def sockets_on(port):
    """All IPv4 sockets with this port at either end, but for the listener's (state 0A): (local, remote, state)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {tuple(row[1:4]) for row in rows if f":{port:04X}" in row[1] + row[2] and row[3] != "0A"}


def is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def to_itself(generator, by):
    generator.send_signal(by)


def to_its_group(generator, by):
    """As the terminal does when Ctrl-C is pressed, or when it is closed."""
    os.killpg(generator.pid, by)


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("by, send", [(signal.SIGKILL, to_itself), (signal.SIGTERM, to_itself),
                                      (signal.SIGINT, to_its_group), (signal.SIGHUP, to_its_group)])
def test_nothing_outlives_it(tmp_path, by, send, threads):
    """Killed in a long turn of one server, before that of the other, it leaves no process, no socket and no file; an
    old record stays."""
    record = tmp_path / "record.json"
    record.write_text(OLD)
    with Server("poll") as one, Server("epoll-et") as other:
        servers = one, other
        strangers = [sockets_on(server.address[1]) for server in servers]  # who had the port before
        words = [LOADGEN, *target(one, "one"), *target(other, "other"), "--threads", threads,
                 *short(connections=50, window="30s", slice="30s"), "--json", record]
        generator = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     text=True, process_group=0)
        try:
            eventually(lambda: sum(server.ledger().bytes_in for server in servers) > 100_000, "one is driven")
            drivers = children(generator.pid)
            assert len(drivers) == 2
            send(generator, by)
            said = generator.communicate(timeout=SECONDS)
        finally:
            generator.kill()
            generator.communicate()
        eventually(lambda: all(is_gone(driver) for driver in drivers), "its processes have died with it")
        for server, before in zip(servers, strangers):
            eventually(lambda: server.ledger().closes == 50, "all connections closed")
            assert sockets_on(server.address[1]) <= before, "no TIME_WAIT"
    assert (generator.returncode, said) == (-by, ("", ""))
    assert record.read_text() == OLD and os.listdir(tmp_path) == ["record.json"]


def test_it_leaves_no_time_wait():
    with Server("poll") as server:
        before = sockets_on(server.address[1])
        run(*target(server), *short(connections=50, churn=5))
        assert sockets_on(server.address[1]) <= before


def test_a_record_takes_the_place_of_an_old_one(tmp_path):
    record = tmp_path / "record.json"
    record.write_text(OLD * 10_000)
    with open(record) as reader, Server("poll") as server:
        measure(tmp_path, *target(server), *short())
        assert reader.read() == OLD * 10_000, "who reads the old one reads on"
    assert os.listdir(tmp_path) == ["record.json"]
    assert record.stat().st_mode & 0o777 == 0o666 & ~umask()


def umask():
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("in_place", [False, True])
def test_a_full_disk_is_an_error(tmp_path, in_place):
    """Here: a limit of file sizes, as no disk is full.  What was there stays whole, and nothing beside it."""
    name = tmp_path / "record.json"
    if in_place:
        name.symlink_to("/dev/full")
    else:
        name.write_text(OLD)
    with Server("poll") as server:
        words = [LOADGEN, *target(server), *short(), "--json", name]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=SECONDS,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
    assert done.returncode == 1 and "could not be written whole; make room" in done.stderr
    assert "requests/s" in done.stdout, "the summary is there"
    assert in_place or name.read_text() == OLD
    assert os.listdir(tmp_path) == ["record.json"]


def test_a_full_tmpfs_is_an_error(tmp_path):
    """A disk of two pages, in a mount namespace."""
    script = 'mount -t tmpfs -o size=8k none "$1" && echo "$2" > "$1/record.json" || exit 99; shift 2; "$@"; ' \
             'echo $?; ls "$0"; cat "$0/record.json"'
    with Server("poll") as server:
        words = [LOADGEN, *target(server), *short(connections=20), "--json", tmp_path / "record.json"]
        words = ["unshare", "--mount", "sh", "-c", script, tmp_path, tmp_path, OLD, *words]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=SECONDS)
    if done.returncode in (1, 99):
        pytest.skip(f"no file system of our own here: {done.stderr.strip()}")
    assert "No space left on device" in done.stderr
    assert done.stdout.splitlines()[-3:] == ["1", "record.json", OLD]


def test_a_record_in_memory(tmp_path):
    """Written in place, as it has no name to be renamed to."""
    file = os.memfd_create("record")
    os.write(file, b"x" * 1_000_000)
    with Server("poll") as server:
        run(*target(server), *short(), "--json", f"/proc/{os.getpid()}/fd/{file}")
    with open(file, "rb") as memory:
        memory.seek(0)
        assert json.load(memory)["targets"][0]["status"] == "valid"


def test_a_record_into_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with Server("poll") as server:
        reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE)
        try:
            run(*target(server), *short(), "--json", pipe)
            record, _ = reader.communicate(timeout=SECONDS)
        finally:
            reader.kill()
            reader.wait()
    assert json.loads(record)["targets"][0]["status"] == "valid"
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "out"])
def test_a_record_behind_the_summary(tmp_path, name):
    """Both into one file, behind what stands there: neither overwrites the other."""
    out = tmp_path / "out"
    out.write_text("before\n")
    with Server("poll") as server, open(out, "a") as file:
        words = [LOADGEN, *target(server), *short(connections=20), "--json", out if name == "out" else name]
        done = subprocess.run([str(word) for word in words], stdout=file, stderr=subprocess.PIPE, text=True,
                              timeout=SECONDS)
    assert (done.returncode, done.stderr) == (0, "")
    summary, brace, record = out.read_text().partition("{")
    assert summary.startswith("before\n") and "requests/s" in summary and "p50, p99" in summary
    assert json.loads(brace + record)["targets"][0]["status"] == "valid"
    assert os.listdir(tmp_path) == ["out"]


def test_an_early_error_of_a_write_is_not_forgotten(tmp_path):
    """The first piece of the record does not reach the disk, all the others do."""
    if why := tracing_refusal():
        pytest.skip(f"strace cannot trace here: {why}")
    record, link = tmp_path / "record.json", tmp_path / "link"
    record.touch()
    link.symlink_to(record)   # so it is written in place, by a name that strace can be told
    strace = ["strace", "-o", os.devnull, "-P", record, "-e", "inject=write:error=ENOSPC:when=1"]
    no_leak_check = os.environ | {"ASAN_OPTIONS": f"{os.environ['ASAN_OPTIONS']}:detect_leaks=0"}   # it needs ptrace
    with Server("poll") as server:
        words = [*strace, LOADGEN, *target(server), *short(), "--json", link]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=SECONDS,
                              env=no_leak_check)
    assert done.returncode == 1
    assert done.stderr.endswith("make room and run again: an earlier write failed\n")


@pytest.mark.parametrize("of", ["--port 1", "--port 1 --probe 0,0"])
def test_a_record_without_a_name_is_refused_first(of):
    done = run(*of.split(), "--json", "", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "loadgen: --json: give the name of a file\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("mode, of_file", [(0o500, False), (0o400, True)])
def test_a_record_that_cannot_be_written_is_refused_first(tmp_path, mode, of_file):
    record = tmp_path / "record.json"
    record.write_text(OLD)
    (record if of_file else tmp_path).chmod(mode)
    done = run("--port", 1, "--json", record, check=False)
    tmp_path.chmod(0o700)
    assert done.returncode == 1 and "choose a file that can be written" in done.stderr


@pytest.mark.parametrize("options", [["--probe", "0,0"], None])
def test_output_that_cannot_be_written_is_an_error(options):
    with Server("poll") as server, open("/dev/full", "w") as full:
        words = [LOADGEN, *(options or [*target(server), *short()])]
        done = subprocess.run([str(word) for word in words], stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=SECONDS)
    assert done.returncode == 1 and "standard output could not be written whole" in done.stderr


def test_no_socket_gets_the_number_of_a_closed_output(tmp_path):
    """Nothing that it prints goes to a server: without standard output the record is right all the same."""
    record = tmp_path / "record.json"
    with Server("poll") as server:
        words = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", LOADGEN, *target(server), *short(), "--json", record]
        done = subprocess.run([str(word) for word in words], timeout=SECONDS)
    assert done.returncode == 0
    assert json.loads(record.read_text())["targets"][0]["status"] == "valid"
