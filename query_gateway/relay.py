"""Passes a signed request on to the sandbox, unread, and writes its answer in the format and language asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from time import perf_counter

import orjson
from anyio import move_on_after
from fastapi import Request, Response

from query_gateway import problems
from query_gateway.door import Door, Unreachable
from query_gateway.formats import CSV, JSON, TEXT, release_csv
from query_gateway.negotiation import accepted, language
from sandbox.errors import PROBLEMS, Refusal
from sandbox.serving.frames import HttpAnswer, HttpRequest

_CROSSING = (b"signature", b"signature-input", b"content-digest", b"idempotency-key", b"prefer")
"""The headers that the sandbox reads; no other one crosses."""
_ANSWERED = ("location", "retry-after", "vitrine-dry-run", "vitrine-receipt", "vitrine-repeat")
"""The sandbox's headers that reach the caller."""
_NO_STORAGE = b'{"status":"storage"}'
"""What the sandbox says of its health when it can store nothing."""
_RETRY_AFTER = 1
"""Seconds."""
_BODY_SECONDS = 20.0
"""Until a body has come whole."""
_UNREAD = frozenset({"request.encoding", "request.media_type", "request.slow", "request.too_large"})
"""Refusals of a body that was not read: the connection ends with them, so that nothing of it is waited for."""

BROKEN = (AttributeError, KeyError, TypeError, ValueError)
"""What comes of a refusal that is none: nothing of it is shown."""


@dataclass(slots=True)
class Waiting:
    """How long a request has waited for the sandbox."""

    seconds: float = field(default=0.0)


class Relay:
    """What every route of the API does."""

    def __init__(self, door: Door, max_body: int) -> None:
        self._door = door
        self._max_body = max_body

    async def pass_on(self, request: Request, *formats: str) -> Response:
        """The sandbox's answer in one of `formats`, or a problem document."""
        tongue = language(request.headers.get("accept-language"))
        try:
            wanted = accepted(request.headers.get("accept"), formats)
            if wanted is None:
                raise Refusal("request.format", {"formats": ", ".join(formats)})
            body = await self._body(request)
            answer = await self._ask(request, body)
        except Refusal as refusal:
            return refused(refusal, tongue)
        if answer.status >= 400:
            return _problem(answer, body, tongue)
        return _written(answer, wanted, tongue)

    async def pass_file(self, request: Request, media: str, kept: str) -> Response:
        """A file of the log as the sandbox gives it, to be kept by caches as said; or a problem document."""
        tongue = language(request.headers.get("accept-language"))
        try:
            answer = await self._ask(request, b"")
        except Refusal as refusal:
            return refused(refusal, tongue)
        if answer.status >= 400:
            return _problem(answer, b"", tongue)
        return Response(answer.body, 200, {"cache-control": kept}, media_type=media)

    async def health(self, request: Request) -> str:
        """Whether the sandbox answers: `ok`; `storage`, when what it did last could not be stored; `unreachable`."""
        try:
            answer = await self._timed(request, HttpRequest("GET", "/healthz", "", (), b""))
        except Unreachable:
            return "unreachable"
        if answer.status != 200:
            return "unreachable"
        return "storage" if answer.body == _NO_STORAGE else "ok"

    async def _body(self, request: Request) -> bytes:
        """The body, read no further and no longer than allowed. Refuses request.too_large, request.slow,
        request.encoding, request.media_type."""
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise Refusal("request.encoding")
        media = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
        if request.method == "POST" and media != JSON:
            raise Refusal("request.media_type", {"media": JSON})
        declared = request.headers.get("content-length", "0")
        if not declared.isdecimal() or int(declared) > self._max_body:
            raise Refusal("request.too_large", {"limit": str(self._max_body)})
        body = bytearray()
        with move_on_after(_BODY_SECONDS) as time:
            async for chunk in request.stream():
                body += chunk
                if len(body) > self._max_body:
                    raise Refusal("request.too_large", {"limit": str(self._max_body)})
        if time.cancelled_caught:
            raise Refusal("request.slow")
        return bytes(body)

    async def _ask(self, request: Request, body: bytes) -> HttpAnswer:
        headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in request.scope["headers"]
            if name in _CROSSING
        )
        path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
        try:
            return await self._timed(request, HttpRequest(request.method, path, query, headers, body))
        except Unreachable:
            raise Refusal("service.unreachable") from None

    async def _timed(self, request: Request, asked: HttpRequest) -> HttpAnswer:
        began = perf_counter()
        try:
            return await self._door.ask(asked)
        finally:
            request.scope["state"]["waiting"] = Waiting(perf_counter() - began)


def refused(refusal: Refusal, tongue: str) -> Response:
    """The gateway's own refusal."""
    status, body = problems.own(refusal, tongue)
    answer = _answer(body, status, problems.MEDIA_TYPE, tongue)
    if refusal.code in _UNREAD:
        answer.headers["connection"] = "close"
    return answer


def _problem(answer: HttpAnswer, body: bytes, tongue: str) -> Response:
    """The sandbox's refusal; one that cannot be read is a failure and nothing of it is shown."""
    try:
        status, document = problems.document(json.loads(answer.body), body, tongue)
    except BROKEN:
        return refused(Refusal("service.failed"), tongue)
    return _answer(orjson.dumps(document), status, problems.MEDIA_TYPE, tongue, dict(answer.headers).get("retry-after"))


def _written(answer: HttpAnswer, wanted: str, tongue: str) -> Response:
    headers = {name: value for name, value in answer.headers if name in _ANSWERED}
    if answer.status == 200 and wanted == CSV:
        document = json.loads(answer.body)
        if "answers" in document:  # of a batch: tables of several shapes
            return refused(Refusal("request.format", {"formats": JSON}), tongue)
        headers |= {"vitrine-id": document["id"], "vitrine-digest": document["digest"]}
        text = release_csv(document["release"])
        return Response(text, answer.status, headers, media_type="text/csv; charset=utf-8; header=present")
    if answer.status == 200 and wanted == TEXT:
        return Response(json.loads(answer.body)["checkpoint"] or "", media_type="text/plain; charset=utf-8")
    return Response(answer.body, answer.status, headers, media_type=JSON)


def _answer(body: bytes, status: int, media: str, tongue: str, after: str | None = None) -> Response:
    headers = {"content-language": tongue}
    if after is None and status == PROBLEMS["service.unreachable"].status:
        after = str(_RETRY_AFTER)
    if after is not None:
        headers["retry-after"] = after
    return Response(body, status, headers, media_type=media)
