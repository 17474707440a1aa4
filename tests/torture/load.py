"""Clients that send as fast as they can, in one thread, and check every byte that comes back."""
import random
import select
import time

from tests.servers import close_all
from tests.torture.healthy import PROMPT_S

PERIOD = 65_521        # no power of two: a lost buffer does not go unseen
PATTERN = 2 * random.Random(2).randbytes(PERIOD)    # twice: a piece may begin anywhere
BYTES = 50_000                                      # in one send or recv


class Stream:
    """One client.  EVERY: in which turns it reads: 1 is in each.  END: how the server ended it, None before."""

    def __init__(self, client):
        client.setblocking(False)
        self.client, self.every, self.turns, self.end = client, 1, 0, None
        self.sent = self.received = 0

    def send(self):
        begin = self.sent % PERIOD
        try:
            self.sent += self.client.send(PATTERN[begin:begin + BYTES])
        except BlockingIOError:
            pass

    def receive(self):
        data = self.client.recv(BYTES)
        begin = self.received % PERIOD
        assert data == PATTERN[begin:begin + len(data)], \
            f"the {len(data)} bytes after the first {self.received:,} are not what was sent"
        self.received += len(data)
        assert self.received <= self.sent, f"{self.received:,} of {self.sent:,} bytes came back"
        if not data:
            self.end = "end"

    def turn(self, events, sends):
        """All that it does now."""
        self.turns += 1
        try:
            if self.turns % self.every == 0 and events & (select.POLLIN | select.POLLHUP | select.POLLERR):
                self.receive()
            if sends and events & select.POLLOUT:
                self.send()
        except ConnectionError:
            self.end = "reset"


class Load:
    """N clients of SERVER."""

    def __init__(self, server, n):
        self.streams = [Stream(server.connect(receive_bytes=256 << 10)) for _ in range(n)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        close_all(stream.client for stream in self.streams)

    def run_for(self, seconds, every):
        """Half of them read in EVERY so many turns only, so that the server has echoes pending."""
        self._read_in(every)
        end = time.monotonic() + seconds
        self._run(lambda: time.monotonic() > end, sends=True)

    def run_until_received(self, each):
        """All read, until EACH has had so many bytes back."""
        self._read_in(1)
        self._run(lambda: min(stream.received for stream in self.streams) >= each, sends=True)

    def run_to_the_end(self):
        """Reads what is still to come, up to the end of every stream."""
        self._read_in(1)
        self._run(lambda: False, sends=False)
        waiting = sum(stream.end is None for stream in self.streams)
        assert not waiting, f"{waiting} of {len(self.streams)} connections have not ended"

    def _read_in(self, every):
        for stream in self.streams[::2]:
            stream.every = every

    def _run(self, enough, sends):
        end = time.monotonic() + PROMPT_S
        while time.monotonic() < end and not enough() and (streams := [s for s in self.streams if s.end is None]):
            poll = select.poll()
            for stream in streams:
                poll.register(stream.client, select.POLLIN | sends * select.POLLOUT)
            events = dict(poll.poll(10))
            for stream in streams:
                stream.turn(events.get(stream.client.fileno(), 0), sends)

    def tell(self):
        """What came back, in words."""
        ends = [stream.end for stream in self.streams]
        sent, received = sum(s.sent for s in self.streams), sum(s.received for s in self.streams)
        return (f"{received:,} of {sent:,} bytes came back in order, then {ends.count('end')} ends and "
                f"{ends.count('reset')} resets")
