"""What the service said: answers that were checked, and problems."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from policies.canonical import canonical_json
from sandbox.audit import receipt
from sandbox.audit.checkpoint import LogPublicKey
from sandbox.audit.entry import QueryDryRun, QueryReleased, QueryRepeated, QueryReused
from sandbox.audit.forms import joint_digest
from sandbox.audit.merkle import Unverified
from sandbox.audit.receipt import Proven, Receipt


class Problem(Exception):
    """The service did not carry the request out; `document` is its problem document (RFC 9457)."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        self.document = document
        self.code = str(document.get("code", "unknown"))
        super().__init__(f"{self.code}: {document.get('detail_en', f'HTTP status {status}')}")

    def sentence(self, language: str) -> str:
        """Why, in `zh` or `en`."""
        return str(self.document.get(f"detail_{language}", self))

    @property
    def rewrite(self) -> str | None:
        """A query that would be accepted."""
        return self.document.get("rewrite")

    @property
    def place(self) -> Mapping[str, Any] | None:
        """Where in the SQL: `start`, `end`, `line`, `column`, `fragment`."""
        return self.document.get("place")


class Unreachable(Exception):
    """No answer came; a query may have been charged: send it again with the same idempotency key."""

    def __init__(self, idempotency_key: str | None) -> None:
        self.idempotency_key = idempotency_key
        super().__init__("the service cannot be reached")


class Unproven(Exception):
    """The answer does not stand in the log as it came: it must not be believed."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A query that is charged and still under way."""

    id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A released query whose receipt was checked."""

    document: Mapping[str, Any]
    """As it came."""
    proven: Proven
    """The entry of the log that vouches for the release."""
    repeat: bool
    """Nothing was charged: it had been asked before."""

    @property
    def id(self) -> str:
        return str(self.document["id"])

    @property
    def dry_run(self) -> bool:
        """The rows are dummy: made from cards alone, they say nothing of anybody."""
        return isinstance(self.proven.entry.act, QueryDryRun)

    @property
    def reused(self) -> bool:
        """It was computed from earlier releases of the licence, which its release names: nothing was charged."""
        return isinstance(self.proven.entry.act, QueryReused)

    @property
    def release(self) -> Mapping[str, Any]:
        """What left the sandbox: columns, rows, intervals, and how privacy was kept."""
        return self.document["release"]  # type: ignore[no-any-return]

    @property
    def columns(self) -> Sequence[str]:
        return [column["name"] for column in self.release["columns"]]

    @property
    def rows(self) -> Sequence[Sequence[Any]]:
        return self.release["rows"]  # type: ignore[no-any-return]

    @property
    def intervals(self) -> Sequence[Sequence[Sequence[float] | None]]:
        """Of each cell, at the release's confidence; None where no noise was added or none can be given."""
        return self.release["intervals"]  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """Released queries of one charge, each with a receipt that was checked."""

    document: Mapping[str, Any]
    """As it came."""
    answers: tuple[Answer, ...]
    """In the order of the queries."""

    @property
    def id(self) -> str:
        return str(self.document["id"])


def checked_batch(
    document: Mapping[str, Any], log_key: LogPublicKey, *, asked: str | None, repeat: bool, repeated: str | None
) -> BatchAnswer:
    """The answers, when their receipts prove that the log holds each of them as that query's of this charge; words as
    of `checked_answer`. Raises Unproven.
    """
    match document:
        case {"id": str(charge), "answers": [*answers]} if answers and all(isinstance(each, dict) for each in answers):
            digests = [str(each.get("digest")) for each in answers]
        case _:
            raise Unproven("the answer is malformed")
    if not all(map(str.isascii, digests)):
        raise Unproven("the answer is malformed")
    whole = joint_digest(digests)
    found = []
    for number, each in enumerate(answers):
        proven, release = _proven(each, log_key)
        own = Answer({**document, **each}, proven, repeat)
        match proven.entry.act:
            case QueryReleased(charge=logged, number=place) as act if (logged, place) == (charge, number):
                if sha256(release).hexdigest() != act.release:
                    raise Unproven("the receipt is for another release")
                paid, message = act.authorization, act.request
            case QueryReused(charge=logged, release=released) if (logged, released) == (charge, whole):
                paid, message = proven.index, str(_message(proven))
            case QueryDryRun(run=logged, release=released) if (logged, released) == (charge, whole):
                if each["release"].get("dummy") is not True:
                    raise Unproven("the answer is no dry run of this question")
                paid, message = proven.index, str(_message(proven))
            case _:
                raise Unproven("the receipt is for another query")
        if asked is not None and message != asked:
            _require_repeat(repeated, log_key, paid, whole, asked)
        found.append(own)
    return BatchAnswer(document, tuple(found))


def _proven(answer: Mapping[str, Any], log_key: LogPublicKey) -> tuple[Proven, bytes]:
    """A release whose digest is the one it names, and its entry of the log."""
    try:
        release, digest = canonical_json(answer["release"]), answer["digest"]
    except (KeyError, TypeError, ValueError):
        raise Unproven("the answer is malformed") from None
    if sha256(release).hexdigest() != digest:
        raise Unproven("the release is not the one that its digest names")
    return _entry(answer.get("receipt"), log_key), release


def checked_answer(
    document: Mapping[str, Any], log_key: LogPublicKey, *, asked: str | None, repeat: bool, repeated: str | None
) -> Answer:
    """The answer, when its receipt proves that the log holds the release of this charge, made for this request.

    `asked` is the digest of what the caller signed, None where an earlier charge is looked at; `repeated` the receipt
    of a repeat's own entry, as its header gives it. Raises Unproven.
    """
    try:
        release = canonical_json(document["release"])
        found = Receipt.from_json(document["receipt"])
        charge, digest = document["id"], document["digest"]
    except (KeyError, TypeError, ValueError):
        raise Unproven("the answer is malformed") from None
    except Unverified as error:
        raise Unproven(str(error)) from None
    if sha256(release).hexdigest() != digest:
        raise Unproven("the release is not the one that its digest names")
    try:
        proven = receipt.verify(found, log_key, release)
    except Unverified as error:
        raise Unproven(str(error)) from None
    match proven.entry.act:
        case QueryReleased(charge=logged) as act if logged == charge:
            if asked is not None and act.request != asked:
                _require_repeat(repeated, log_key, act.authorization, act.release, asked)
            return Answer(document, proven, repeat)
        case QueryReused(charge=logged, release=released) if logged == charge:
            if asked is not None and _message(proven) != asked:
                _require_repeat(repeated, log_key, proven.index, released, asked)
            return Answer(document, proven, repeat)
    raise Unproven("the receipt is for another query")


def checked_dry_run(document: Mapping[str, Any], log_key: LogPublicKey, *, asked: str) -> Answer:
    """The answer to a dry run, when its receipt proves that the log holds it as that of this request.

    Raises Unproven, also for a genuine answer that is no dry run's.
    """
    try:
        release = canonical_json(document["release"])
        dummy, digest = document["release"]["dummy"], sha256(release).hexdigest()
        run, named = document["id"], document["digest"]
    except (KeyError, TypeError, ValueError):
        raise Unproven("the answer is malformed") from None
    proven = _entry(document.get("receipt"), log_key)
    match proven.entry.act:
        case QueryDryRun(run=logged, release=released) if (logged, released, named) == (run, digest, digest):
            if dummy is True and _message(proven) == asked:
                return Answer(document, proven, repeat=False)
    raise Unproven("the answer is no dry run of this question")


def _require_repeat(repeated: str | None, log_key: LogPublicKey, authorization: int, release: str, asked: str) -> None:
    """The caller's own request stands in the log as a repeat of the one that was accepted at that leaf."""
    if repeated is None:
        raise Unproven("the answer is to another question")
    try:
        own = _entry(json.loads(b64decode(repeated, validate=True)), log_key)
    except (ValueError, RecursionError):
        raise Unproven("the repeat's receipt is malformed") from None
    match own.entry.act:
        case QueryRepeated(authorization=leaf, release=released) if _message(own) == asked:
            if leaf == authorization and released in (release, None):
                return
    raise Unproven("the answer is to another question")


def _entry(value: object, log_key: LogPublicKey) -> Proven:
    try:
        return receipt.verify_leaf(Receipt.from_json(value), log_key)
    except Unverified as error:
        raise Unproven(str(error)) from None


def _message(proven: Proven) -> str | None:
    """The digest of the signed request that an entry names."""
    request = proven.entry.header.request
    return None if request is None else request.message
