"""Echo servers with one fault each, for what must notice it.  A thread per connection: for tens of them."""
import socket
import socketserver
import threading
import time
from contextlib import contextmanager


def echo(connection, data, state):
    connection.sendall(data)


def corrupt_once(connection, data, state):
    """The hundredth read comes back with one bit flipped in its sixth byte."""
    state["reads"] = state.get("reads", 0) + 1
    if state["reads"] == 100:
        data = data[:5] + bytes([data[5] ^ 1]) + data[6:]
    connection.sendall(data)


def lose_a_byte(connection, data, state):
    state["reads"] = state.get("reads", 0) + 1
    connection.sendall(data[1:] if state["reads"] == 100 else data)


def add_a_byte(connection, data, state):
    state["reads"] = state.get("reads", 0) + 1
    connection.sendall(data + b"x" if state["reads"] == 100 else data)


def close_after_100(connection, data, state):
    state["reads"] = state.get("reads", 0) + 1
    if state["reads"] % 100 == 0:
        connection.shutdown(socket.SHUT_RDWR)
    else:
        connection.sendall(data)


def swallow(connection, data, state):
    pass


def stall_each_second(connection, data, state):
    """200 ms of each second nothing is answered."""
    if time.monotonic() % 1 < 0.2:
        time.sleep(0.2 - time.monotonic() % 1 if time.monotonic() % 1 < 0.2 else 0)
    connection.sendall(data)


@contextmanager
def serving(answer, greet=None):
    """Runs a server whose connections answer(connection, data, state) with one state for all; yields its port
    and the list of its clients' addresses.  greet(connection, number) is called for each new connection."""
    state, peers = {}, []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            peers.append(self.client_address)
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                if greet:
                    greet(self.request, len(peers))
                while data := self.request.recv(65536):
                    answer(self.request, data, state)
            except OSError:
                pass  # the client is gone, or we closed the connection ourselves

    class Threads(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 1000

    with Threads(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server.server_address[1], peers
        server.shutdown()
        thread.join()
