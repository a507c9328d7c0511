"""The API under `/v1`: each resource by name, with the bodies and refusals it can answer with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from query_gateway import licence_wire, problems, wire
from query_gateway.formats import CSV, JSON, TEXT
from query_gateway.problem_wire import ProblemDocument
from query_gateway.relay import Relay
from query_gateway.request_wire import BatchBody, QueryBody

_REASONS = {
    400: "The SQL or the request's form cannot be read.",
    401: "Not signed as demanded, or by no registered key in force.",
    403: "Policy, licence or scenario do not allow it.",
    404: "There is no such thing of the caller's.",
    406: "The answer has none of the accepted formats.",
    408: "The body took too long to arrive.",
    409: "The state does not allow it: budget exhausted, idempotency key used for another request, state changed.",
    413: "The body is too large.",
    415: "The body is no JSON, or is encoded.",
    422: "It cannot be answered as asked; the problem says why, where, and what to write instead.",
    429: "The person or the institution sends too much: `Retry-After` says in how many seconds to send it again.",
    431: "The headers are too large.",
    500: "It could not be carried out. A charge that was made stands.",
    503: "The service is busy or unreachable, or can store nothing: send the same request again, with a new signature.",
}
_SCHEMAS = "#/components/schemas/"
_READING = (400, 401, 403, 404, 406, 408, 413, 415, 429, 431, 500, 503)
_ASKING = tuple(_REASONS)
_SIGNING: list[dict[str, Any]] = [
    {
        "name": name,
        "in": "header",
        "required": True,
        "schema": {"type": "string"},
        "description": "RFC 9421 (HTTP Message Signatures) by the caller's registered Ed25519 key.",
    }
    for name in ("Signature-Input", "Signature")
]
_TEXT_SCHEMA: dict[str, Any] = {"schema": {"type": "string"}}
_PATH: dict[str, Any] = {"name": "path", "in": "path", "required": True, "schema": {"type": "string"}}
_BODY_SIGNING: list[dict[str, Any]] = [
    {
        "name": "Content-Digest",
        "in": "header",
        "required": True,
        "schema": {"type": "string"},
        "description": "RFC 9530.",
    },
    {
        "name": "Prefer",
        "in": "header",
        "schema": {"type": "string", "enum": ["respond-async"]},
        "description": "RFC 7240: answer 202 at once and go on. Not signed.",
    },
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "schema": {"type": "string", "maxLength": 64},
        "description": "The same key with the same body is answered once and charged once.",
    },
]


def router(relay: Relay) -> APIRouter:
    """The routes, all answered by the sandbox."""
    api = APIRouter(prefix="/v1")

    @api.get("/catalogue", tags=["data sets"], **_reads(wire.Catalogue))
    async def catalogue(request: Request) -> Response:
        """The data sets, their tables, columns, value sets and ranges."""
        return await relay.pass_on(request, JSON)

    @api.post("/estimates", tags=["queries"], **_asks(wire.EstimateAnswer))
    async def estimate(request: Request) -> Response:
        """What a query would cost and how exact its answer would be; free."""
        return await relay.pass_on(request, JSON)

    @api.post("/queries", tags=["queries"], **_asks(wire.QueryAnswer, wire.QueryPending, CSV))
    async def query(request: Request) -> Response:
        """Asks a query: charged, then answered with intervals and a receipt. Exact repeats and dry runs are free."""
        return await relay.pass_on(request, JSON, CSV)

    @api.post("/queries:batch", tags=["queries"], **_asks(wire.BatchAnswer, wire.QueryPending, body=BatchBody))
    async def batch(request: Request) -> Response:
        """Asks several queries together: equal measures are paid for once, all are charged or none."""
        return await relay.pass_on(request, JSON)

    @api.post("/estimates:batch", tags=["queries"], **_asks(wire.BatchEstimate, body=BatchBody))
    async def estimate_batch(request: Request) -> Response:
        """What several queries would cost together; free."""
        return await relay.pass_on(request, JSON)

    @api.get("/queries", tags=["queries"], **_reads(wire.History, limit="integer"))
    async def history(request: Request) -> Response:
        """The caller's own charged requests, newest first."""
        return await relay.pass_on(request, JSON)

    @api.get("/queries/{id}", tags=["queries"], **_reads(wire.QueryAnswer, wire.QueryPending, CSV, "id"))
    async def queried(request: Request) -> Response:
        """The state of a charged request, and its answer once released."""
        return await relay.pass_on(request, JSON, CSV)

    @api.get("/licences", tags=["licences"], **_reads(licence_wire.Licences))
    async def licences(request: Request) -> Response:
        """The licences of the caller's institution."""
        return await relay.pass_on(request, JSON)

    @api.get("/licences/{id}", tags=["licences"], **_reads(licence_wire.LicenceState, named="id"))
    async def licence(request: Request) -> Response:
        """One licence with its balances. A budget never refills."""
        return await relay.pass_on(request, JSON)

    @api.get("/audit/checkpoint", tags=["audit"], **_reads(wire.SignedCheckpoint, also=TEXT))
    async def checkpoint(request: Request) -> Response:
        """The newest signed tree head: a C2SP signed note."""
        return await relay.pass_on(request, JSON, TEXT)

    @api.get("/audit/entries", tags=["audit"], **_reads(wire.Entries, start="integer", end="integer"))
    async def entries(request: Request) -> Response:
        """Entries [start, end) of the log."""
        return await relay.pass_on(request, JSON)

    @api.get("/audit/proofs/inclusion", tags=["audit"], **_reads(wire.Proof, index="integer", size="integer"))
    async def inclusion(request: Request) -> Response:
        """The proof that an entry stands in the tree of a size."""
        return await relay.pass_on(request, JSON)

    @api.get("/audit/proofs/consistency", tags=["audit"], **_reads(wire.Proof, old="integer", new="integer"))
    async def consistency(request: Request) -> Response:
        """The proof that the tree of one size is the beginning of the tree of another."""
        return await relay.pass_on(request, JSON)

    return api


def log_router(relay: Relay) -> APIRouter:
    """The log as C2SP tlog-tiles serves it: its checkpoint and hashes for everybody, its entries for auditors."""
    api = APIRouter(prefix="/log", tags=["audit"])
    refusals: dict[int | str, dict[str, Any]] = {status: described(status) for status in _READING}
    readable: dict[int | str, dict[str, Any]] = {
        status: each for status, each in refusals.items() if status not in (401, 403)
    }
    file = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}

    @api.get("/checkpoint", response_class=Response, responses={200: {"content": {TEXT: _TEXT_SCHEMA}}, **readable})
    async def checkpoint(request: Request) -> Response:
        """The newest signed tree head: a C2SP signed note."""
        return await relay.pass_file(request, f"{TEXT}; charset=utf-8", "no-cache")

    @api.get(
        "/tile/entries/{path:path}",
        response_class=Response,
        responses={200: file, **refusals},
        openapi_extra={"parameters": [*_SIGNING, _PATH]},
    )
    async def entries(request: Request) -> Response:
        """A bundle of up to 256 entries."""
        return await relay.pass_file(request, "application/octet-stream", "private, no-store")

    @api.get(
        "/tile/{path:path}",
        response_class=Response,
        responses={200: file, **readable},
        openapi_extra={"parameters": [_PATH]},
    )
    async def hashes(request: Request) -> Response:
        """Up to 256 hashes of a level of the tree. They never change."""
        return await relay.pass_file(request, "application/octet-stream", "public, max-age=31536000, immutable")

    return api


def _reads(
    answer: type[BaseModel],
    pending: type[BaseModel] | None = None,
    also: str | None = None,
    named: str | None = None,
    **query: str,
) -> dict[str, Any]:
    """How a GET is described."""
    parameters = [
        *_SIGNING,
        *([{"name": named, "in": "path", "required": True, "schema": {"type": "string"}}] if named else []),
        *({"name": name, "in": "query", "schema": {"type": kind}} for name, kind in query.items()),
    ]
    return {
        "responses": _answers(answer, pending, also, _READING),
        "openapi_extra": {"parameters": parameters},
        "response_class": Response,
    }


def _asks(
    answer: type[BaseModel],
    pending: type[BaseModel] | None = None,
    also: str | None = None,
    body: type[BaseModel] = QueryBody,
) -> dict[str, Any]:
    """How a POST of a query is described."""
    described = {"required": True, "content": {JSON: {"schema": {"$ref": _SCHEMAS + body.__name__}}}}
    return {
        "responses": _answers(answer, pending, also, _ASKING),
        "openapi_extra": {"parameters": [*_SIGNING, *_BODY_SIGNING], "requestBody": described},
        "response_class": Response,
    }


def _answers(
    answer: type[BaseModel], pending: type[BaseModel] | None, also: str | None, refusals: tuple[int, ...]
) -> dict[int | str, dict[str, Any]]:
    content: Mapping[str, Any] = {also: {"schema": {"type": "string"}}} if also else {}
    found: dict[int | str, dict[str, Any]] = {
        200: {"model": answer, "description": answer.__doc__ or "", "content": dict(content)}
    }
    if pending is not None:
        found[202] = {"model": pending, "description": pending.__doc__ or ""}
    return found | {status: described(status) for status in refusals}


def described(status: int) -> dict[str, Any]:
    """How refusals with a status are described."""
    schema = {"$ref": _SCHEMAS + ProblemDocument.__name__}
    return {"description": _REASONS[status], "content": {problems.MEDIA_TYPE: {"schema": schema}}}
