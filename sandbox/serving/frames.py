"""The frames that cross the Unix socket between gateway and sandbox: one HTTP request in, one answer out.

A frame is two length-prefixed parts: a JSON head, then the body's bytes as the caller signed them.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from sandbox.errors import Fault, Refusal

_LENGTH = struct.Struct(">I")
MAX_HEAD = 64 * 1024
"""Bytes of a frame's head."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came in: the signature covers these bytes."""

    method: str
    path: str
    query: str
    """Without the question mark; empty when there is none."""
    headers: tuple[tuple[str, str], ...]
    """Names in lower case, in the order received, repeated names kept."""
    body: bytes

    def header(self, name: str) -> str | None:
        """The only value of the header; None when it is absent. Refuses `request.header` when it is repeated."""
        found = [value for key, value in self.headers if key == name]
        if len(found) > 1:
            raise Refusal("request.header", {"header": name})
        return found[0] if found else None


def request_digest(request: HttpRequest) -> str:
    """SHA-256 of what is asked, hex. Unambiguous: of the parts, only the body can hold a line end."""
    head = f"{request.method}\n{request.path}\n{request.query}\n"
    return sha256(head.encode() + request.body).hexdigest()


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The sandbox's answer: canonical JSON, which the gateway may write in another format; or a file of the log."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def send_request(connection: socket.socket, request: HttpRequest) -> None:
    """Writes one request."""
    head = {"method": request.method, "path": request.path, "query": request.query, "headers": request.headers}
    _send(connection, head, request.body)


def receive_request(connection: socket.socket, max_body: int) -> HttpRequest | None:
    """Reads one request; None at the end of the stream. Refuses `request.frame` and `request.too_large`."""
    frame = _receive(connection, max_body)
    if frame is None:
        return None
    head, body = frame
    match head:
        case {"method": str(method), "path": str(path), "query": str(query), "headers": list(pairs), **rest} if (
            not rest
        ):
            return HttpRequest(method, path, query, tuple(_header(pair) for pair in pairs), body)
    raise Refusal("request.frame")


def send_answer(connection: socket.socket, answer: HttpAnswer) -> None:
    """Writes one answer."""
    _send(connection, {"status": answer.status, "headers": answer.headers}, answer.body)


def receive_answer(connection: socket.socket, max_body: int) -> HttpAnswer:
    """Reads one answer. Raises Fault when the sandbox closed the stream or broke the form."""
    frame = _receive(connection, max_body)
    if frame is None:
        raise Fault("the sandbox closed the connection")
    head, body = frame
    match head:
        case {"status": int(status), "headers": list(pairs)}:
            return HttpAnswer(status, body, tuple(_header(pair) for pair in pairs))
    raise Fault("malformed answer frame")


def _header(pair: object) -> tuple[str, str]:
    match pair:
        case [str(name), str(value)]:
            return name, value
    raise Refusal("request.frame")


def _send(connection: socket.socket, head: Mapping[str, object], body: bytes) -> None:
    encoded = json.dumps(head, separators=(",", ":")).encode()
    connection.sendall(_LENGTH.pack(len(encoded)) + encoded + _LENGTH.pack(len(body)) + body)


def _receive(connection: socket.socket, max_body: int) -> tuple[object, bytes] | None:
    encoded = _part(connection, MAX_HEAD)
    if encoded is None:
        return None
    body = _part(connection, max_body)
    if body is None:
        raise Refusal("request.frame")
    try:
        return json.loads(encoded), body
    except (ValueError, RecursionError):
        raise Refusal("request.frame") from None


def _part(connection: socket.socket, most: int) -> bytes | None:
    prefix = _exactly(connection, _LENGTH.size)
    if prefix is None:
        return None
    (size,) = _LENGTH.unpack(prefix)
    if size > most:
        raise Refusal("request.too_large", {"limit": str(most)})
    part = _exactly(connection, size)
    if part is None:
        raise Refusal("request.frame")
    return part


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    """`size` bytes; None when the stream ends before the first. Refuses `request.frame` when it ends within."""
    received = bytearray()
    while len(received) < size:
        chunk = connection.recv(min(size - len(received), 1 << 20))
        if not chunk:
            if received:
                raise Refusal("request.frame")
            return None
        received += chunk
    return bytes(received)
