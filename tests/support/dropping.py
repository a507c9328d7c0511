"""A web server that loses connections: at the stage a test names, then answers."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum


class Stage(StrEnum):
    """Where a connection is lost."""

    ACCEPTED = "accepted"
    """Before a byte is read."""
    HALF_ASKED = "half of the request read"
    ASKED = "request read"
    HALF_HEADED = "half of the answer's head sent"
    HALF_ANSWERED = "half of the answer's body sent"
    SILENT = "request read, and nothing said"
    """The connection stays open."""


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered."""

    document: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    headers: Mapping[str, str]
    body: bytes


class Dropping:
    """Takes a step for each connection, the last one for ever, and keeps every whole request."""

    def __init__(self, steps: Sequence[Stage | Response], port: int) -> None:
        self._steps = list(steps)
        self._listener = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked: list[Asked] = []
        self.connections = 0
        self._silent: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for connection in self._silent:
            connection.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
            with suppress(OSError):
                self._take(connection, step)

    def _take(self, connection: socket.socket, step: Stage | Response) -> None:
        if step is Stage.ACCEPTED:
            _reset(connection)
            return
        if step is Stage.HALF_ASKED:
            connection.recv(64)
            _reset(connection)
            return
        self.asked.append(_read(connection))
        match step:
            case Stage.SILENT:
                self._silent.append(connection)
                return
            case Stage.HALF_HEADED:
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-ty")
            case Stage.HALF_ANSWERED:
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{")
            case Response():
                connection.sendall(_written(step))
        connection.close()


def _reset(connection: socket.socket) -> None:
    """Closes with RST, as a killed process with unread bytes does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _read(connection: socket.socket) -> Asked:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1 << 16)
    head, _, body = data.partition(b"\r\n\r\n")
    pairs = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    headers = {name.lower(): value for name, value in pairs}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(1 << 16)
    return Asked(headers, body)


def _written(response: Response) -> bytes:
    body = json.dumps(response.document).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **response.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {response.status} Some\r\n{lines}\r\n".encode() + body


@contextmanager
def dropping(*steps: Stage | Response, port: int = 0) -> Iterator[Dropping]:
    """Serves until the block ends."""
    found = Dropping(steps, port)
    try:
        yield found
    finally:
        found.close()
