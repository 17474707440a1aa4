"""Attacks on a server's life: its start, its end, its signals, and what it stands on."""
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.servers import SECONDS, binary, ping, receive_all, why_no_ipv6
from tests.torture.attack import Skipped, attack
from tests.torture.bench import check, come_back, echo_of, soon
from tests.torture.clients import SERVED, fates, newcomer_is_served
from tests.torture.healthy import PROMPT_S
from tests.torture.load import Load

BUFFERED = 6 << 20                  # more than is on its way back when the server can send no more
NOBODYS_ADDRESS = "127.0.0.77"      # where no other test listens: a port that is free stays free


@attack("F17", "no SO_REUSEADDR", broken={"no_reuseaddr": r"Address already in use"})
def restart_with_a_live_connection(bench):
    """Stays connected while the server ends and another starts on the same port."""
    with bench.start() as first, first.connect() as client:
        ping(client)
        first.stop()
        with bench.server(port=first.address[1]) as second:
            newcomer_is_served(second, "after the restart")
    return "the next server has the port at once"


@attack("F18", "struct sockaddr for IPv6", broken={"short_sockaddr": r"it listens on ::1, and says: listening on"})
def ipv6_client(bench):
    """Comes by IPv6."""
    if why := why_no_ipv6():
        raise Skipped(why)
    with bench.server("--address", "::1") as server:
        assert server.address[0] == "::1", f"it listens on ::1, and says: {server.ready_line}"
        newcomer_is_served(server, "by IPv6")
    return "says ::1, and is there"


@attack("more", "EINTR ends it, or what came meanwhile is lost",
        broken={"eintr_is_fatal": r"ended with status 1: stop \d+"})
def stopped_and_continued(bench):
    """SIGSTOP and SIGCONT, 10 times; meanwhile one client sends 10 KB, and another connects."""
    message = random.Random(1).randbytes(10_000)
    with bench.server() as server, server.connect() as client:
        for turn in range(1, 11):
            with server.paused():
                client.sendall(message)
                newcomer = server.connect()
            echo, what = come_back(client, len(message)), fates([newcomer])
            newcomer.close()
            check(echo == message, server, f"stop {turn}: {len(echo):,} of {len(message):,} bytes came back")
            check(what == [SERVED], server, f"stop {turn}: the client who came meanwhile is {what[0]}")
    return "10 stops: every byte came back, every newcomer was served"


@attack("more", "a signal that is ignored disturbs it", broken={"eintr_is_fatal": r"ended with status 1: ping \d+"})
def signals(bench):
    """1,000 times SIGWINCH, SIGCHLD, SIGURG, and SIGSTOP with SIGCONT, while another client pings."""
    numbers = [signal.SIGWINCH, signal.SIGCHLD, signal.SIGURG, signal.SIGSTOP, signal.SIGCONT]

    def send_all(server):
        for _ in range(1000):
            for number in numbers:
                os.kill(server.pid, number)
            time.sleep(0.0001)      # it gets as far as its next wait
    pings = 0
    with bench.server() as server, server.connect() as client, ThreadPoolExecutor() as pool:
        sending = pool.submit(send_all, server)
        while not sending.done():
            echo = echo_of(client, b"ping" * 100)
            check(echo == b"ping" * 100, server, f"ping {pings + 1}: {len(echo)} of 400 bytes came back")
            pings += 1
        sending.result()
    return "1,000 of each; each ping came back"


def end_of(process):
    """Its exit status; None: it still runs after PROMPT_S."""
    try:
        return process.wait(PROMPT_S)
    except subprocess.TimeoutExpired:
        return None


def told(status):
    """An exit status in words."""
    if status is None:
        return "it runs on"
    return f"it was killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def ended_under_load(bench, by):
    """What is sent and echoed when the signal comes: what each client has got is the beginning of what it sent."""
    with bench.start() as server, Load(server, 8) as load:
        load.run_for(0.2, every=1000)
        load.run_until_received(BUFFERED)     # what was echoed with all buffers full is among them
        load.run_for(0.05, every=20)
        begin = time.monotonic()
        server.process.send_signal(by)
        status = end_of(server.process)
        seconds = time.monotonic() - begin
        assert status == 0, f"{told(status)} after {by.name}: {server.errors()}"
        load.run_to_the_end()
        ledger = server.stop()
        assert server.errors() == ""
        assert seconds < 1, f"it ends {seconds:.1f} s after {by.name}"
        assert ledger.accepts == 8, f"its last line counts {ledger.accepts} of 8 connections"
        return f"exit 0, its counters printed; {load.tell()}"


@attack("more", "SIGTERM is not heard within a second, or what came back by then is no beginning of what was sent",
        broken={"short_write": r"are not what was sent"})
def sigterm_under_load(bench):
    """8 send as fast as they can. 4 of them do not read for a while, then all that there is, then slowly, when SIGTERM
    comes."""
    return ended_under_load(bench, signal.SIGTERM)


@attack("more", "SIGINT is not heard within a second, or what came back by then is no beginning of what was sent",
        broken={"short_write": r"are not what was sent"})
def sigint_under_load(bench):
    """The same with SIGINT."""
    return ended_under_load(bench, signal.SIGINT)


@contextmanager
def launched(words, **how):
    """A process that ends with the block, and with ours."""
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, words)], **how)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def program(bench):
    return bench.program or binary(bench.mechanism)


def refusal(words, **how):
    """How a server that cannot start ends: (exit status, None if it runs on; its message)."""
    with launched(words, stderr=subprocess.PIPE, text=True, **how) as process:
        try:
            _, message = process.communicate(timeout=PROMPT_S)
        except subprocess.TimeoutExpired:
            return None, "no message"
        return process.returncode, message.strip()


def own_mounts(folder):
    """A command that runs another where a disk can be mounted on FOLDER that nobody else sees."""
    command = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    tried = subprocess.run([*command, "mount", "-t", "tmpfs", "none", folder], capture_output=True, text=True,
                           timeout=SECONDS)
    if tried.returncode:
        raise Skipped(f"no disk can be mounted here: {tried.stderr.strip()}")
    return command


@attack("more", "a full disk kills it by SIGBUS", broken={"sparse_ledger": r"SIGBUS|AddressSanitizer: BUS"})
def full_disk_for_the_ledger(bench):
    """The ledger's disk has no byte left."""
    script = 'mount -t tmpfs -o size=4k none "$0" && head -c 4096 /dev/zero > "$0/filler" && exec "$@"'
    with tempfile.TemporaryDirectory(prefix="muxbench-") as folder:
        server = [program(bench), "--port", 0, "--ledger", Path(folder, "ledger")]
        status, message = refusal([*own_mounts(folder), "sh", "-c", script, folder, *server], stdout=subprocess.DEVNULL)
    assert status == 1 and "ledger" in message and "No space left" in message, f"{told(status)}: {message[:200]}"
    return f"exit 1: {message.partition(': ')[2].replace(folder, '')}"


@attack("more", "it serves though nobody can learn where")
def standard_output_full(bench):
    """The ready line cannot be written: standard output is /dev/full."""
    with open("/dev/full", "w") as full:
        status, message = refusal([program(bench), "--port", 0], stdout=full)
    assert status == 1 and "standard output" in message, f"{told(status)}: {message}"
    return f"exit 1: {message.partition(': ')[2]}"


@attack("more", "its last words kill it", broken={"no_sigpipe": r"killed by SIGPIPE"})
def standard_output_without_reader(bench):
    """Reads the ready line from a pipe, then closes it."""
    with bench.start() as server:
        server.process.stdout.close()
        newcomer_is_served(server, "without a reader")
        server.process.send_signal(signal.SIGTERM)
        status, message = end_of(server.process), server.errors().strip()
        assert status == 0, f"{told(status)}: {message}"
    return f"exit 0: {message.partition(': ')[2]}"


@attack("more", "a socket gets the number of standard output")
def standard_descriptors_closed(bench):
    """Standard input, output, error, then all of them are closed when it starts."""
    for closed in ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"]:
        try:
            start_with(bench, closed)
        except AssertionError as why:
            raise AssertionError(f"started with {closed}: {why}") from None
    return "no socket below 3; each echo comes back, nothing else, then exit 0"


def start_with(bench, closed):
    port = free_port()
    words = ["sh", "-c", f'exec "$@" {closed}', "sh", program(bench), "--address", NOBODYS_ADDRESS, "--port", port]
    nowhere = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    with launched(words, **nowhere) as process, client_of(process, port) as client:
        client.sendall(b"ping")
        echo = come_back(client, 4)
        assert echo == b"ping", f"{echo} came back for a ping"
        sockets = [number for number in range(3) if target(process.pid, number).startswith("socket")]
        assert not sockets, f"a socket has number {sockets}"
        process.terminate()
        rest = receive_all(client)
        assert rest == b"", f"{rest} came without being sent"
        status = end_of(process)
        assert status == 0, f"{told(status)} after SIGTERM"


def free_port():
    with socket.socket() as probe:
        probe.bind((NOBODYS_ADDRESS, 0))
        return probe.getsockname()[1]


def target(pid, number):
    """What a descriptor stands for."""
    try:
        return os.readlink(f"/proc/{pid}/fd/{number}")
    except FileNotFoundError:
        return "closed"


def client_of(process, port):
    """A connection to a server that does not say when it is ready."""
    clients = []

    def connected():
        try:
            clients.append(socket.create_connection((NOBODYS_ADDRESS, port), SECONDS))
        except ConnectionRefusedError:
            return process.poll() is not None
        return True
    soon(connected)
    assert clients, f"it does not listen; its status is {process.poll()}"
    return clients[0]
