"""Whatever comes from outside is read, or refused in the one way that its reader promises: nothing else ever comes out.

Each reader gets valid input that was spoilt: as bytes, and where it is JSON as values.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.bundle import read_public_key as read_department_key
from policies.canonical import canonical_json
from policies.documents import read_card, read_domain, read_licence_text
from policies.errors import PolicyError
from policies.licence_files import read_licence, sign_licence
from query_gateway import problems, relay
from query_gateway.client.answers import Unproven, checked_answer, checked_batch, checked_dry_run
from query_gateway.client.settings import Unset, read_client_settings
from query_gateway.negotiation import accepted, language
from sandbox import frontend
from sandbox.audit import receipt, witness
from sandbox.audit.checkpoint import LogPublicKey, open_note
from sandbox.audit.encoding import SALT_SIZE, decode, encode
from sandbox.audit.forms import Malformed
from sandbox.audit.merkle import Unverified
from sandbox.audit.notes import Note
from sandbox.audit.quorum import WitnessPolicy
from sandbox.audit.receipt import Receipt
from sandbox.audit.tiles import read_bundle, write_bundle
from sandbox.audit.tree_head import Checkpoint
from sandbox.errors import Fault, Refusal
from sandbox.identity import verify
from sandbox.keys import read_public_key
from sandbox.plan.canonical import encode as encode_plan
from sandbox.plan.decoding import decode as decode_plan
from sandbox.plan.nodes import Type
from sandbox.queries.requests import read_batch, read_query
from sandbox.serving import door
from sandbox.serving.frames import HttpAnswer, receive_answer, receive_request, send_answer, send_request
from sandbox.settings import read_settings, write_settings
from sandbox.workers.job import Job
from sandbox.workers.wire import JobFailed, judge_rows, receive_rows, send_rows
from tests.support.documents import CARD, DOMAIN, LICENCE
from tests.support.log_history import history
from tests.support.lowering import files, lowered, read
from tests.support.released import BODY, LOG, asked, dry_run, released, released_batch, repeated
from tests.support.served_state import SETTINGS
from tests.support.spoilt import changed, spoilt
from tests.unit.test_identity import AUTHORITY, NOW, get, look_up, signed
from tests.unit.test_quorum import EXAMPLE
from tests.unit.test_signed_licences import DEPARTMENT

KEY: LogPublicKey = LOG.public


@dataclass(frozen=True, slots=True)
class Reader:
    """How something from outside is read."""

    read: Callable[[bytes], object]
    refuses: tuple[type[Exception], ...]
    valid: tuple[bytes, ...]


def through(send: Callable[[socket.socket], None]) -> bytes:
    """What is written."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours)
        ours.shutdown(socket.SHUT_WR)
        found = b""
        while chunk := theirs.recv(1 << 16):
            found += chunk
        return found


def arriving(receive: Callable[[socket.socket], object]) -> Callable[[bytes], object]:
    """Reads what comes over a socket and ends."""

    def reading(data: bytes) -> object:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(data[: 1 << 16])
            ours.shutdown(socket.SHUT_WR)
            return receive(theirs)

    return reading


def text(reading: Callable[[str], object]) -> Callable[[bytes], object]:
    """Reads a text, half characters too."""
    return lambda data: reading(data.decode("utf-8", "surrogateescape"))


def stored(name: str, reading: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Reads a file."""

    def found(data: bytes) -> object:
        path = FOLDER / name
        path.write_bytes(data)
        return reading(path)

    return found


FOLDER = Path()
"""Of each test; set by it."""


def requested() -> bytes:
    return through(lambda connection: send_request(connection, signed()))


def answered() -> bytes:
    found = HttpAnswer(200, b'{"a": 1}', (("location", "/v1/queries/1"),))
    return through(lambda connection: send_answer(connection, found))


JOB = Job("SELECT", (), (), (Type.INTEGER, Type.DOUBLE, Type.TEXT, Type.DATE, Type.TIMESTAMP, Type.BOOLEAN), 3, 1.0)
ROWS = ((1, Fraction(1, 2), "a", date(2026, 1, 1), datetime.fromisoformat("2026-01-01"), True), (None,) * 6)


def settings_text() -> bytes:
    write_settings(FOLDER, SETTINGS)
    return (FOLDER / "vitrine.toml").read_bytes()


def entries() -> list[bytes]:
    return [encode(step.entry, b"s" * SALT_SIZE) for step in history()]


def plans() -> tuple[bytes, ...]:
    cases = [case for path in files("accepted") for case in read(path)]
    return tuple(encode_plan(lowered(case.sql, case.dataset).plan) for case in cases[::20])


RECEIPT = canonical_json(released()["receipt"])
NOTE = str(released()["receipt"]["checkpoint"]).encode()
QUERY = json.dumps({**BODY, "bounds": {"groups": 2, "rows": 3}, "expected_size": 5, "dry_run": False}).encode()
BATCH = json.dumps({**{k: v for k, v in BODY.items() if k != "sql"}, "queries": ["SELECT 1", "SELECT 2"]}).encode()
REPEATED = released(message="cd" * 32)
CLIENT = b'url = "https://a"\nkey = "k"\nlog_key = "a+00000000+AQ"\nlicence = "L"\n'
PEM = DEPARTMENT.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

READERS: Mapping[str, Callable[[], Reader]] = {
    "a frame of the gateway's": lambda: Reader(
        arriving(lambda connection: receive_request(connection, 1 << 16)), (Refusal,), (requested(),)
    ),
    "a frame of the sandbox's": lambda: Reader(
        arriving(lambda connection: receive_answer(connection, 1 << 16)), (Refusal, Fault), (answered(),)
    ),
    "rows of a worker": lambda: Reader(
        arriving(lambda connection: judge_rows(receive_rows(connection, 3), JOB)),
        (EOFError, JobFailed, ValueError, RecursionError),
        (through(lambda connection: send_rows(connection, ROWS)),),
    ),
    "a plan": lambda: Reader(decode_plan, (Refusal,), plans()),
    "a query": lambda: Reader(read_query, (Refusal,), (QUERY,)),
    "a batch": lambda: Reader(read_batch, (Refusal,), (BATCH,)),
    "an entry": lambda: Reader(decode, (Malformed,), tuple(entries())),
    "a bundle of entries": lambda: Reader(
        lambda data: read_bundle(data, 3), (Malformed,), (write_bundle(entries()[:3]),)
    ),
    "a note": lambda: Reader(text(Note.parse), (Unverified,), (NOTE,)),
    "a checkpoint": lambda: Reader(text(lambda note: open_note(note, KEY)), (Unverified,), (NOTE,)),
    "a tree head": lambda: Reader(text(Checkpoint.parse), (Unverified,), (NOTE.partition(b"\n\n")[0] + b"\n",)),
    "a log's public key": lambda: Reader(text(LogPublicKey.parse), (Unverified,), (str(KEY).encode(),)),
    "a receipt": lambda: Reader(lambda data: receipt.verify_leaf(Receipt.parse(data), KEY), (Unverified,), (RECEIPT,)),
    "a repeat's header": lambda: Reader(
        text(lambda proof: checked_answer(REPEATED, KEY, asked=asked(BODY), repeat=True, repeated=proof)),
        (Unproven,),
        (repeated(asked(BODY)).encode(),),
    ),
    "a submission to a witness": lambda: Reader(
        witness._read,
        (Unverified, UnicodeDecodeError),
        (witness.write_submission(7, (b"h" * 32,), NOTE.decode()),),
    ),
    "a policy of witnesses": lambda: Reader(text(WitnessPolicy.parse), (Unverified,), (EXAMPLE.encode(),)),
    "a card": lambda: Reader(read_card, (PolicyError,), (CARD.encode(),)),
    "a unit domain": lambda: Reader(read_domain, (PolicyError,), (DOMAIN.encode(),)),
    "a licence's text": lambda: Reader(read_licence_text, (PolicyError,), (LICENCE.encode(),)),
    "a licence": lambda: Reader(
        lambda data: read_licence(data, DEPARTMENT.public_key()), (PolicyError,), (sign_licence(LICENCE, DEPARTMENT),)
    ),
    "the department's key": lambda: Reader(read_department_key, (PolicyError,), (PEM,)),
    "a person's key": lambda: Reader(stored("person.pub", read_public_key), (Refusal,), (PEM,)),
    "the settings": lambda: Reader(
        stored("vitrine.toml", lambda path: read_settings(path.parent)), (Refusal,), (settings_text(),)
    ),
    "the client's settings": lambda: Reader(
        stored("config.toml", lambda path: read_client_settings(path, {}, {})), (Unset,), (CLIENT,)
    ),
    "what is accepted": lambda: Reader(
        text(lambda header: (accepted(header, ("text/csv", "a/b")), language(header))),
        (),
        (b"text/csv;q=0.5, */*;q=0.1", b"zh-CN,zh;q=0.9,en;q=0.1"),
    ),
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.property.test_readers.FOLDER", tmp_path)


def judged(reader: Reader, data: bytes) -> bool:
    """Whether it was read; anything but the reader's own refusal is raised."""
    try:
        reader.read(data)
    except reader.refuses:
        return False
    return True


BOMBS = (
    *(b"", b"\0", b"\xff" * 100, b"9" * 60_000, b"1e999999999"),
    *(b"[" * 50_000, b'{"a":' * 10_000, b"a = " + b"[" * 30_000),
)


@pytest.mark.parametrize("name", READERS)
def test_bytes(name: str) -> None:
    reader = READERS[name]()
    for valid in reader.valid:
        assert judged(reader, valid)
    for bomb in BOMBS:
        judged(reader, bomb)

    @given(spoilt(*reader.valid))
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def search(data: bytes) -> None:
        judged(reader, data)

    search()


SQL = "SELECT COUNT(*) AS n FROM persons"
LOWERED = lowered(SQL, "clinic")
SPANS = {name: [span.start, span.end] for name, span in LOWERED.spans.items()}


def sorted_json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


VALUES: Mapping[str, tuple[tuple[Any, ...], Callable[[Any], object], tuple[type[Exception], ...]]] = {
    "an answer, to the client": (
        (released(),),
        lambda found: checked_answer(found, KEY, asked=asked(BODY), repeat=False, repeated=None),
        (Unproven,),
    ),
    "a repeat, to the client": (
        (released(message="cd" * 32),),
        lambda found: checked_answer(found, KEY, asked=asked(BODY), repeat=True, repeated=repeated(asked(BODY))),
        (Unproven,),
    ),
    "a dry run, to the client": (
        (dry_run(),),
        lambda found: checked_dry_run(found, KEY, asked=asked(BODY | {"dry_run": True})),
        (Unproven,),
    ),
    "a batch, to the client": (
        (released_batch(2, BODY),),
        lambda found: checked_batch(found, KEY, asked=None, repeat=False, repeated=None),
        (Unproven,),
    ),
    "a plan of the lowering child": (
        ({"plan": encode_plan(LOWERED.plan).decode(), "spans": SPANS},),
        lambda found: frontend._lowered(found, SQL),
        (Refusal, frontend._Malformed),
    ),
    "a refusal of the lowering child": (
        ({"refusal": {"code": "sql.syntax", "detail": {"what": "it is incomplete"}, "span": [0, 6]}},),
        lambda found: canonical(frontend._lowered(found, SQL)),
        (Refusal, frontend._Malformed),
    ),
    "a rewrite of the lowering child": (
        ({"span": [0, 6], "rewrite": "SELECT 1"},),
        lambda found: canonical(frontend._explained(found, SQL, Refusal("plan.raw_rows"))),
        (frontend._Malformed,),
    ),
    "a query's body": ((json.loads(QUERY),), lambda found: read_query(json.dumps(found).encode()), (Refusal,)),
    "a batch's body": ((json.loads(BATCH),), lambda found: read_batch(json.dumps(found).encode()), (Refusal,)),
    "a plan": (
        tuple(json.loads(each) for each in plans()),
        lambda found: decode_plan(json.dumps(found).encode()),
        (Refusal,),
    ),
    "an entry": (
        tuple(json.loads(each[SALT_SIZE:]) for each in entries()),
        lambda found: decode(b"s" * SALT_SIZE + sorted_json(found)),
        (Malformed,),
    ),
    "a receipt": (
        (released()["receipt"],),
        lambda found: receipt.verify_leaf(Receipt.from_json(found), KEY),
        (Unverified,),
    ),
    "a refusal of the sandbox, to the gateway": (
        (
            {
                "code": "plan.cells",
                "detail": {"cells": "9", "limit": "1"},
                "span": [0, 6],
                "rewrite": None,
                "query": 0,
                "trace": "00",
            },
        ),
        lambda found: orjson.dumps(problems.document(found, QUERY, "zh")[1]),
        relay.BROKEN,
    ),
}


def canonical(found: object) -> object:
    """What is told of a refusal can be written."""
    if isinstance(found, Refusal):
        door.refused(found)
    return found


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str) -> None:
    valid, reading, refuses = VALUES[name]
    for each in valid:
        reading(each)

    @given(changed(*valid))
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def search(value: Any) -> None:
        with suppress(*refuses):
            reading(value)

    search()


FOUND: tuple[tuple[str, Any], ...] = (
    ("a batch, to the client", {**released_batch(2, BODY), "answers": [{"digest": "\ud800"}]}),
    ("a plan of the lowering child", {"plan": "\ud800", "spans": {}}),
    ("a rewrite of the lowering child", {"span": None, "rewrite": "\ud800"}),
    (
        "a refusal of the lowering child",
        {"refusal": {"code": "sql.syntax", "detail": {"what": "\ud800"}, "span": None}},
    ),
    ("a receipt", {**released()["receipt"], "checkpoint": "\ud800\n\n— a AAAAAAAA\n"}),
)
"""What a search has found once."""


@pytest.mark.parametrize(("name", "value"), FOUND, ids=[name for name, _ in FOUND])
def test_what_was_found_once(name: str, value: Any) -> None:
    _, reading, refuses = VALUES[name]
    with pytest.raises(refuses):
        reading(value)


@given(st.data())
def test_signed_headers(data: st.DataObject) -> None:
    """Whatever stands in them, the request is somebody's or is refused."""
    request = data.draw(st.sampled_from((signed(), get())))
    headers = [list(pair) for pair in request.headers]
    for _ in range(data.draw(st.integers(1, 2))):
        header = headers[data.draw(st.integers(0, len(headers) - 1))]
        header[1] = data.draw(spoilt(header[1].encode("latin-1", "replace"))).decode("latin-1")
    if data.draw(st.booleans()):
        headers.append(headers[data.draw(st.integers(0, len(headers) - 1))])
    path = data.draw(spoilt(request.path.encode())).decode("latin-1") if data.draw(st.booleans()) else request.path
    changed_request = replace(request, path=path, headers=tuple((name, value) for name, value in headers))
    with suppress(Refusal):
        found = verify(changed_request, NOW, look_up, AUTHORITY)
        assert found.signer.person == "li"
        assert (changed_request.path, changed_request.body) == (request.path, request.body)
