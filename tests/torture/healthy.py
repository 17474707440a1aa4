"""The healthy client: it pings a server while others misbehave, checks every byte that comes back, and keeps how long
each echo took.  A process of its own, so that our hostile clients do not delay it.

Run as a program it takes orders from the socket whose descriptor is its argument, a message each:
["connect", HOST, PORT], ["pause"], ["resume"], ["end"].  It answers each when it is done; the last with what it saw.
"""
import json
import math
import random
import socket
import subprocess
import sys
import time

PROMPT_S = 2      # an echo that takes longer counts as lost: generous, as machines stall for tens of milliseconds
PING_EVERY_S = 0.004
PING_BYTES = 2000


class Healthy:
    """Its other end: one process for all servers of a battery, one after the other.  Use with `with`."""

    def __enter__(self):
        self.orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # A session of its own: Ctrl-C is for us, who tell it when to end.
            self.process = subprocess.Popen([sys.executable, __file__, str(theirs.fileno())],
                                            pass_fds=[theirs.fileno()], start_new_session=True)
        self.orders.settimeout(4 * PROMPT_S)
        return self

    def __exit__(self, *_):
        self.orders.close()   # it ends when nobody can give orders any more
        self.process.wait(4 * PROMPT_S)

    def __call__(self, *order):
        """Gives an order; returns the answer.  RuntimeError if nobody hears it: nothing that follows would be true."""
        try:
            self.orders.send(json.dumps(order).encode())
            return json.loads(self.orders.recv(1 << 16))
        except (OSError, ValueError):
            raise RuntimeError("the healthy client has died or does not answer") from None


class Wrong(Exception):
    """An echo that was wrong, late or did not come."""


def ping(client, chance):
    """One exchange; how many seconds it took."""
    message = chance.randbytes(chance.randint(1, PING_BYTES))
    begin, echo = time.monotonic(), b""
    try:
        client.sendall(message)
        while len(echo) < len(message):
            more = client.recv(len(message) - len(echo))
            if not more:
                raise Wrong("the healthy client's connection was closed")
            echo += more
    except TimeoutError:
        raise Wrong(f"the healthy client's echo did not come within {PROMPT_S} s") from None
    except OSError as error:
        raise Wrong(f"the healthy client's connection broke: {error.strerror}") from None
    if echo != message:
        raise Wrong(f"the healthy client's echo of {len(message)} bytes was another one")
    return time.monotonic() - begin


def report(seconds, wrong):
    """What the healthy client saw: echoes, their worst and 99th percentile in milliseconds, and what was wrong (or
    None)."""
    ordered = sorted(seconds) or [math.nan]
    return {"echoes": len(seconds), "worst_ms": 1e3 * ordered[-1],
            "p99_ms": 1e3 * ordered[math.ceil(0.99 * len(ordered)) - 1], "wrong": wrong}


def session(orders, host, port):
    """Pings until the order ["end"]."""
    seconds, wrong, chance, paused = [], None, random.Random(1), False
    with socket.create_connection((host, port), PROMPT_S) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            seconds.append(ping(client, chance))   # from now on the server has accepted it
        except Wrong as why:
            wrong = str(why)
        orders.send(b"[]")
        while True:
            orders.settimeout(None if paused or wrong else PING_EVERY_S)
            try:
                order, *_ = json.loads(orders.recv(1 << 16) or b'["end"]')
            except TimeoutError:
                try:
                    seconds.append(ping(client, chance))
                except Wrong as why:
                    wrong = str(why)
                continue
            if order == "end":
                return report(seconds, wrong)
            paused = order == "pause"
            orders.send(b"[]")


def main():
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        while order := orders.recv(1 << 16):
            _, host, port = json.loads(order)
            try:
                answer = session(orders, host, port)
            except OSError as error:
                answer = report([], f"the healthy client cannot connect: {error.strerror}")
            orders.send(json.dumps(answer).encode())
            orders.settimeout(None)


if __name__ == "__main__":
    main()
