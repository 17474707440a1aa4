#!/usr/bin/python3
"""Stands in for nginx where the claim nginx-et looks at what it watches: `nginx -p FOLDER -c FILE`, with the
first `listen ADDRESS:PORT;` of FILE.  The connections are watched by edge and the listening socket by level,
as nginx does; FAKE_NGINX=level: both by level; FAKE_NGINX=edge: both by edge."""
import argparse
import os
import re
import select
import socket
from pathlib import Path

ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
NGINX = (0, select.EPOLLET)
OTHERS = {"level": (0, 0), "edge": (select.EPOLLET, select.EPOLLET)}


def listening(configuration):
    address, port = re.search(r"\blisten\s+([0-9.]+):(\d+);", configuration).groups()
    listener = socket.create_server((address, int(port)))
    listener.setblocking(False)
    return listener


def serve(listener, of_listener, of_connections):
    connections, poller = {}, select.epoll()
    poller.register(listener, select.EPOLLIN | of_listener)
    while True:
        for descriptor, _ in poller.poll():
            if descriptor == listener.fileno():
                connection = listener.accept()[0]
                connection.setblocking(False)
                connections[connection.fileno()] = connection
                poller.register(connection, select.EPOLLIN | select.EPOLLRDHUP | of_connections)
            elif connections[descriptor].recv(4096):
                connections[descriptor].send(ANSWER)
            else:
                connections.pop(descriptor).close()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("-p", dest="folder", required=True)
    arguments.add_argument("-c", dest="file", required=True)
    given = arguments.parse_args()
    listener = listening(Path(given.file).read_text())
    Path(given.folder, "pid").write_text(f"{os.getpid()}\n")
    serve(listener, *OTHERS.get(os.environ.get("FAKE_NGINX"), NGINX))
