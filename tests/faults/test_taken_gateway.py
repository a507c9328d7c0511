"""A gateway that was taken over sends what it likes to the sandbox's socket: it gets refusals.

What leaves is a priced release of a request that somebody signed, or nothing.
"""

from __future__ import annotations

import base64
import json
import random
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.errors import Fault, Refusal
from sandbox.serving.frames import HttpAnswer, HttpRequest, receive_answer
from tests.support.processes import Deployment, deployed, query, signed
from tests.support.starters import Starter

SEED = 20261125
ROUNDS = 600
"""Altered requests in `test_an_altered_request_is_refused`."""
GARBAGE = 300
PATHS = ("/v1/estimates", "/v1/queries/x", "/v1/plans", "/v1/licences", "/")
LENGTH = struct.Struct(">I")


@pytest.fixture(scope="module")
def service(template: Path, parent: Starter) -> Iterator[Deployment]:
    with deployed(template, parent) as found:
        found.start()
        yield found
        assert found.send(query(999)).status == 200
        found.audit()
        found.stop()


def said(service: Deployment, raw: bytes) -> HttpAnswer | None:
    """What comes back for these bytes; None where the connection is closed without a word."""
    with service.connect() as connection:
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            return receive_answer(connection, 1 << 24)
        except (OSError, Fault, Refusal):
            return None


def frame(head: object, body: bytes = b"") -> bytes:
    encoded = head if isinstance(head, bytes) else json.dumps(head).encode()
    return LENGTH.pack(len(encoded)) + encoded + LENGTH.pack(len(body)) + body


def head_of(request: HttpRequest) -> dict[str, object]:
    return {"method": request.method, "path": request.path, "query": request.query, "headers": request.headers}


def refused(answer: HttpAnswer | None) -> bool:
    return answer is None or 400 <= answer.status < 500


def test_garbage_is_refused(service: Deployment) -> None:
    """Frames that are none: cut, too long, nested, of other types, of random bytes."""
    genuine = frame(head_of(query(1)), query(1).body)
    noise = random.Random(SEED)
    wrong: list[bytes] = [
        b"",
        LENGTH.pack(0),
        LENGTH.pack(2**32 - 1),
        LENGTH.pack(2**32 - 1) + b"x" * 10_000,
        frame(b"[" * 60_000),
        frame(b'{"a":' * 12_000),
        frame([]),
        frame({}),
        frame({**head_of(query(1)), "more": 1}),
        frame({**head_of(query(1)), "headers": {}}),
        frame({**head_of(query(1)), "headers": [["a"]]}),
        frame({**head_of(query(1)), "headers": [["a", 1]] * 9}),
        frame({**head_of(query(1)), "method": 1}),
        frame({**head_of(query(1)), "method": "\ud800"}),
        frame(head_of(query(1)), b"x" * 70_000),
        *(genuine[: noise.randrange(len(genuine))] for _ in range(GARBAGE)),
        *(noise.randbytes(noise.randrange(1, 400)) for _ in range(GARBAGE)),
    ]
    for raw in wrong:
        assert refused(said(service, raw)), raw[:200]
    assert service.spent() == 0


def _altered(request: HttpRequest, noise: random.Random, other: HttpRequest) -> HttpRequest:
    """The request with one thing changed, left out, doubled or taken from another that the same person signed."""

    def edited(content: bytes) -> bytes:
        place = noise.randrange(len(content) + 1)
        match noise.randrange(4):
            case 0:
                return content[:place] + noise.randbytes(1) + content[place:]
            case 1:
                return content[:place] + content[place + 1 :]
            case 2:
                return (
                    content[:place]
                    + bytes([content[place % len(content)] ^ 1 << noise.randrange(8)])
                    + content[place + 1 :]
                )
            case _:
                return content[: place // 2] + content[place:]

    def header(change: Callable[[str], str]) -> HttpRequest:
        number = noise.randrange(len(request.headers))
        name, value = request.headers[number]
        changed = (name, change(value))
        return replace(request, headers=(*request.headers[:number], changed, *request.headers[number + 1 :]))

    def text(value: str) -> str:
        return edited(value.encode()).decode("latin-1")

    number = noise.randrange(len(request.headers))
    match noise.randrange(9):
        case 0:
            return replace(request, body=edited(request.body))
        case 1:
            return replace(request, body=other.body)
        case 2:
            return replace(
                request, path=noise.choice(("/v1/estimates", "/v1/queries/x", "/v1/plans", "/v1/licences", "/"))
            )
        case 3:
            return replace(request, method=noise.choice(("GET", "PUT", "PATCH", "DELETE", "post")))
        case 4:
            return replace(request, query=noise.choice(("wait=0", "licence=L2", "a")))
        case 5:
            return header(text)
        case 6:
            return replace(request, headers=request.headers[:number] + request.headers[number + 1 :])
        case 7:
            return replace(request, headers=(*request.headers, other.headers[noise.randrange(len(other.headers))]))
        case _:
            theirs = dict(other.headers)
            name = request.headers[number][0]
            return header(lambda value: theirs.get(name, value) if value != theirs.get(name) else text(value))


def test_an_altered_request_is_refused(service: Deployment) -> None:
    """Every alteration of what is signed, or of the signature. One of its writing alone is none."""
    noise = random.Random(SEED)
    genuine, other = query(20), query(21)
    before, answered = service.spent(), 0
    for _ in range(ROUNDS):
        altered = _altered(genuine, noise, other)
        answer = said(service, frame(head_of(altered), altered.body))
        if answer is not None and answer.status == 200:
            assert (altered.method, altered.path, altered.query, altered.body) == (
                genuine.method,
                genuine.path,
                genuine.query,
                genuine.body,
            )
            assert _signature(altered) == _signature(genuine)
            answered += 1
            genuine = query(20)
        else:
            assert refused(answer), (altered, answer)
    assert service.spent() - before <= min(answered, 1)


def _signature(request: HttpRequest) -> bytes:
    return base64.b64decode(dict(request.headers)["signature"].partition("=:")[2].removesuffix(":"))


def test_a_request_is_answered_once(service: Deployment) -> None:
    """Sent again to the byte, a request is refused; what it was answered with comes to who signs again."""
    request = query(30)
    assert service.send(request).status == 200
    spent = service.spent()
    for _ in range(3):
        assert refused(service.send(request))
    assert service.spent() == spent


def test_nobody_is_believed_to_be_another(service: Deployment) -> None:
    """A principal, a plan, a spend or a price that the gateway adds says nothing."""
    genuine = query(40)
    for name, value in (
        ("x-forwarded-user", "wang"),
        ("x-vitrine-principal", "wang"),
        ("authorization", "Bearer wang"),
        ("x-vitrine-plan", "{}"),
    ):
        changed = replace(genuine, headers=(*genuine.headers, (name, value)))
        answer = service.send(changed)
        assert answer.status in (200, 400, 401)
        if answer.status == 200:
            assert service.charge("key-40", "li") is not None
            assert service.charge("key-40", "wang") is None
            genuine = query(40)


@pytest.mark.parametrize("extra", ["plan", "principal", "price", "rows", "seed"])
def test_a_signed_body_holds_what_is_asked_and_nothing_else(service: Deployment, extra: str) -> None:
    """Even the analyst cannot hand in a plan."""
    body = json.dumps({**json.loads(query(50).body), extra: {"measures": []}}).encode()
    answer = service.send(signed("POST", "/v1/queries", body, f"key-{extra}"))
    assert (answer.status, json.loads(answer.body)["code"]) == (422, "request.body")


def test_a_key_that_is_not_registered_signs_nothing(service: Deployment) -> None:
    stranger = query(60)
    ours, theirs = dict(stranger.headers), dict(query(60, person="wang").headers)
    swapped = {**ours, "signature-input": theirs["signature-input"]}
    assert refused(service.send(replace(stranger, headers=tuple(swapped.items()))))
    assert service.charge("key-60") is None
