"""Bytes on the gateway's port that are no HTTP, or too much of it: one refusal, the end of the connection."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from query_gateway import connections, relay
from query_gateway.app import GatewaySettings, create_app
from sandbox.errors import PROBLEMS
from tests.support.fake_sandbox import FakeSandbox, answer, fake_sandbox

BODY = 1000
"""Bytes of a body at most."""


@dataclass(frozen=True, slots=True)
class Port:
    """A gateway that listens."""

    sandbox: FakeSandbox
    number: int

    def said(self, *pieces: bytes) -> bytes:
        """All that comes back until the gateway ends the connection."""
        with socket.create_connection(("127.0.0.1", self.number)) as connection:
            connection.settimeout(60)
            try:
                for piece in pieces:
                    connection.sendall(piece)
            except OSError:
                pass  # it has ended the connection already
            return received(connection)


def received(connection: socket.socket) -> bytes:
    found = bytearray()
    try:
        while chunk := connection.recv(1 << 16):
            found += chunk
    except ConnectionResetError:
        pass
    return bytes(found)


@contextmanager
def listening(folder: Path) -> Iterator[Port]:
    with fake_sandbox(folder) as fake:
        fake.respond = lambda _: answer({})
        app = create_app(GatewaySettings(fake.socket, max_body=BODY, connections=4, answer_seconds=30))
        server = uvicorn.Server(uvicorn.Config(app, **connections.SERVING))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            try:
                while not server.started:
                    time.sleep(0.01)
                yield Port(fake, listener.getsockname()[1])
            finally:
                server.should_exit = True
                thread.join()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Port]:
    with listening(tmp_path_factory.mktemp("raw")) as port:
        yield port


@pytest.fixture
def port(shared: Port) -> Port:
    shared.sandbox.asked.clear()
    return shared


def codes(said: bytes) -> list[str]:
    """The code of each answer, its status when it is no problem document."""
    found = []
    while said:
        head, _, rest = said.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        size = int(headers["content-length"])
        body, said = rest[:size], rest[size:]
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers
        if headers["content-type"] == "application/problem+json":
            document = json.loads(body)
            assert int(status.split()[1]) == document["status"] == PROBLEMS[document["code"]].status
            found.append(document["code"])
        else:
            found.append(status.split()[1])
    return found


GET = b"GET /v1/catalogue HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /v1/queries HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"GET /v1/licences HTTP/1.1\r\nHost: a\r\n\r\n"
NONE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another version": b"GET / HTTP/3.7\r\n\r\n",
    "no method": b" / HTTP/1.1\r\n\r\n",
    "a path with a space": b"GET /v1/cata logue HTTP/1.1\r\n\r\n",
    "a path that is no ASCII": b"GET /v1/\xe4\xbd\xa0 HTTP/1.1\r\n\r\n",
    "a path with NUL": b"GET /v1/\0 HTTP/1.1\r\n\r\n",
    "line ends of one character": b"GET /v1/catalogue HTTP/1.1\nHost: a\n\n",
    "a folded header": GET + b"X: a\r\n b\r\n\r\n",
    "a header with NUL": GET + b"X: a\0b\r\n\r\n",
    "a header without a name": GET + b": a\r\n\r\n",
    "a space before the colon": GET + b"X : a\r\n\r\n",
    "a length and chunks": CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunks and a length": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde" + SMUGGLED,
    "the same length twice": POST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd" + SMUGGLED,
    "two lengths in one": POST + b"Content-Length: 4, 5\r\n\r\nabcde" + SMUGGLED,
    "a signed length": POST + b"Content-Length: +4\r\n\r\nabcd" + SMUGGLED,
    "a negative length": POST + b"Content-Length: -1\r\n\r\n" + SMUGGLED,
    "a hexadecimal length": POST + b"Content-Length: 0x4\r\n\r\nabcd" + SMUGGLED,
    "a length beyond numbers": POST + b"Content-Length: 99999999999999999999999\r\n\r\nabcd",
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked and more": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "nearly chunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked, oddly spaced": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "another coding": POST + b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk of no size": CHUNKED + b"\r\n\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk of a negative size": CHUNKED + b"\r\n-1\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk of a size in C": CHUNKED + b"\r\n0x3\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk of a huge size": CHUNKED + b"\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk that goes on": CHUNKED + b"\r\n3\r\nabcdef\r\n0\r\n\r\n" + SMUGGLED,
}


@pytest.mark.parametrize("case", NONE)
@pytest.mark.parametrize("pieces", [False, True], ids=["at once", "in pieces"])
def test_what_is_no_request_is_one_refusal(port: Port, case: str, pieces: bool) -> None:
    """One answer, the end of the connection, and no request behind it that the sandbox would see."""
    raw = NONE[case]
    said = port.said(*(raw[at : at + 7] for at in range(0, len(raw), 7)) if pieces else (raw,))
    assert codes(said) == ["request.http"]
    assert port.sandbox.asked == []


LONG = {
    "a header": GET + b"X: " + b"a" * 1_000_000,
    "headers": GET + b"X: a\r\n" * 100_000,
    "names": GET + b"".join(b"X%d: a\r\n" % number for number in range(100_000)),
    "a path": b"GET /v1/" + b"a" * 1_000_000,
    "a query": b"GET /v1/queries?" + b"limit=1&" * 100_000,
    "a method": b"GET" + b"T" * 100_000,
    "what a chunk says": CHUNKED + b"\r\n1;" + b"a" * 1_000_000,
    "trailers": CHUNKED + b"\r\n0\r\n" + b"X: a\r\n" * 100_000,
}


@pytest.mark.parametrize("case", LONG)
def test_a_long_head_is_not_read_to_its_end(port: Port, case: str) -> None:
    said = port.said(LONG[case])
    assert said == b"" or codes(said) in (["request.head"], ["request.http"])  # none where the kernel drops it
    assert port.sandbox.asked == []


def test_a_head_at_the_limit_passes_and_one_above_does_not(port: Port) -> None:
    empty = connections.MAX_HEAD - len("/v1/catalogueHosta") - 4 - len("Connectionclose") - 4 - len("X") - 4
    ending = b"Connection: close\r\n\r\n"
    assert codes(port.said(GET + b"X: " + b"a" * empty + b"\r\n" + ending)) == ["200"]
    assert len(port.sandbox.asked) == 1
    assert codes(port.said(GET + b"X: " + b"a" * (empty + 1) + b"\r\n" + ending)) == ["request.head"]
    assert len(port.sandbox.asked) == 1


def test_trailers_are_no_headers(port: Port) -> None:
    raw = CHUNKED + b"Connection: close\r\n\r\n2\r\n{}\r\n0\r\nSignature: forged\r\nSignature-Input: forged\r\n\r\n"
    assert codes(port.said(raw)) == ["200"]
    [asked] = port.sandbox.asked
    assert asked.body == b"{}"
    assert asked.headers == ()


def test_requests_in_a_row_are_answered_in_their_order(port: Port) -> None:
    """And a body that looks like a request is a body."""
    inner = POST + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED
    said = port.said(inner + GET + b"\r\n" + GET + b"Connection: close\r\n\r\n")
    assert codes(said) == ["200", "200", "200"]
    assert [each.path for each in port.sandbox.asked] == ["/v1/queries", "/v1/catalogue", "/v1/catalogue"]
    assert port.sandbox.asked[0].body == SMUGGLED


def test_an_upgrade_is_answered_and_ends_the_connection(port: Port) -> None:
    for protocol in (b"h2c", b"websocket"):
        said = port.said(GET + b"Connection: Upgrade\r\nUpgrade: %s\r\n\r\n" % protocol + SMUGGLED)
        assert codes(said) == ["200"]
    assert [each.path for each in port.sandbox.asked] == ["/v1/catalogue"] * 2


ENCODED = {
    "gzip": (b"Content-Encoding: gzip\r\n", "request.encoding"),
    "twice": (b"Content-Encoding: identity, gzip\r\n", "request.encoding"),
    "form": (b"Content-Type: application/x-www-form-urlencoded\r\n", "request.media_type"),
    "multipart": (b"Content-Type: multipart/form-data; boundary=x\r\n", "request.media_type"),
    "text": (b"Content-Type: text/plain\r\n", "request.media_type"),
}


@pytest.mark.parametrize("case", ENCODED)
def test_a_body_is_json_as_it_is(port: Port, case: str) -> None:
    header, code = ENCODED[case]
    assert codes(port.said(POST + header + b"Content-Length: 2\r\n\r\n{}" + SMUGGLED)) == [code]
    assert port.sandbox.asked == []


def test_chunks_without_end_are_cut(port: Port) -> None:
    assert codes(
        port.said(CHUNKED + b"\r\n" + b"64\r\n" + b"x" * 100 + b"\r\n", *[b"64\r\n" + b"x" * 100 + b"\r\n"] * 99)
    ) == ["request.too_large"]
    assert port.sandbox.asked == []


def test_who_says_nothing_is_waited_for_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow heads, slow bodies, silence: 408, and the connection ends; what others ask is answered meanwhile."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(relay, "_BODY_SECONDS", 0.5)
    with listening(tmp_path) as port:
        silent = [socket.create_connection(("127.0.0.1", port.number)) for _ in range(20)]
        try:
            for number, connection in enumerate(silent):
                connection.sendall(
                    (b"", GET, POST + b"Content-Length: 9\r\n\r\n{", CHUNKED + b"\r\n5\r\nab")[number % 4]
                )
            assert codes(port.said(GET + b"Connection: close\r\n\r\n")) == ["200"]
            assert [codes(received(connection)) for connection in silent] == [["request.slow"]] * 20
        finally:
            for connection in silent:
                connection.close()
        kept = socket.create_connection(("127.0.0.1", port.number))
        with kept:
            kept.sendall(GET + b"\r\n" + GET)  # the second never ends
            assert codes(received(kept)) == ["200", "request.slow"]


def test_no_more_connections_than_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_OPEN", 10)
    with listening(tmp_path) as port:
        held = [socket.create_connection(("127.0.0.1", port.number)) for _ in range(10)]
        try:
            assert port.said(GET + b"Connection: close\r\n\r\n") == b""
        finally:
            for connection in held:
                connection.close()
        while not port.said(GET + b"Connection: close\r\n\r\n"):
            time.sleep(0.05)
