"""The lowering child: reads requests from standard input, answers on standard output, one at a time.

Its arguments are the layers of confinement it enters first.

A frame is a length in four bytes, most significant first, and so many bytes of JSON. A request is
`{"op": "lower", "sql", "dataset", "cards"}`, or `{"op": "explain", …, "passed_over", "refusal"}` with a refusal of it
or of `check`; the answer `{"plan", "spans"}`, `{"refusal"}`, or `{"span", "rewrite"}`. No rewrite is one that is passed
over. The first frame, sent unasked, is `{"ready": true}`.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Collection, Mapping
from typing import BinaryIO

from query_gateway.sql.explain import explain
from query_gateway.sql.lower import Lowered, lower
from query_gateway.sql.schema import ColumnSchema, Json, Schema, TableSchema, read_schema
from sandbox.confinement import landlock, namespaces, seccomp, tree, users
from sandbox.confinement.layers import Layer
from sandbox.confinement.rights import give_up_rights
from sandbox.confinement.system_calls import LOWERING
from sandbox.errors import Fault, Refusal, Span
from sandbox.plan.canonical import encode
from sandbox.plan.nodes import Type

MAX_FRAME = 4 * 1024 * 1024
"""Bytes of a request."""
MEMORY = 512 * 1024 * 1024
"""Bytes of address space."""
SECONDS = 2
"""A request that takes longer ends the child, should the parent not be there to do so."""
RECURSION = 4_000


def main() -> None:
    """Serves until standard input ends."""
    reader, writer = sys.stdin.buffer, sys.stdout.buffer
    _warm()
    _confine(frozenset(map(Layer, sys.argv[1:])))
    _send(writer, {"ready": True})
    while (request := _receive(reader)) is not None:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        answer = _answered(request)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _send(writer, answer)


def _answered(request: Json) -> Json:
    """The answer to one request. Anything unforeseen is a refusal without a word of what it was."""
    try:
        return _answer(request)
    except Refusal as refusal:
        return {"refusal": _refusal(refusal)}
    except (MemoryError, RecursionError):
        return {"refusal": _refusal(Refusal("sql.too_complex"))}
    except Exception:  # noqa: BLE001 the text of an unforeseen error is not for the caller
        return {"refusal": _refusal(Refusal("sql.unsupported", {"what": "this form of query"}))}


def _answer(request: Json) -> Json:
    match request:
        case {"op": "lower", "sql": str(sql), "dataset": str(dataset), "cards": cards}:
            return _lowered(lower(sql, read_schema(dataset, cards)))
        case {
            "op": "explain",
            "sql": str(sql),
            "dataset": str(dataset),
            "cards": cards,
            "passed_over": list(texts),
            "refusal": {"code": str(code), "detail": dict(detail), "subject": (None | str()) as subject},
        }:
            words = {name: str(word) for name, word in detail.items()}
            found = explain(sql, read_schema(dataset, cards), code, words, subject, _texts(texts))
            return {"span": _span(found.span), "rewrite": found.rewrite}
    raise Fault("malformed request")


def _texts(texts: list[Json]) -> frozenset[str]:
    return frozenset(text for text in texts if isinstance(text, str))


def _lowered(lowered: Lowered) -> Json:
    spans: Mapping[str, Json] = {name: _span(span) for name, span in lowered.spans.items()}
    return {"plan": encode(lowered.plan).decode(), "spans": spans}


def _refusal(refusal: Refusal) -> Json:
    return {
        "code": refusal.code,
        "detail": dict(refusal.detail),
        "span": _span(refusal.span),
    }


def _span(span: Span | None) -> Json:
    return None if span is None else [span.start, span.end]


def _warm() -> None:
    """Runs the whole path once: whatever is imported late is imported before the limits."""
    column = ColumnSchema("x", Type.INTEGER)
    schema = Schema("d", (TableSchema("d", "t", "u", (column,), None, ()),))
    lower("SELECT x + 1 AS y, COUNT(*) FROM (SELECT x FROM t WHERE x IN (1, 2)) AS s GROUP BY 1 ORDER BY 2", schema)


def _confine(layers: Collection[Layer]) -> None:
    """No more memory than the limit, no new files, sockets or processes, no core; and what the layers take away."""
    if Layer.NAMESPACES in layers:
        namespaces.enter()
    if Layer.TREE in layers:
        tree.enter(processes=False)
    if Layer.USER in layers:
        users.become_nobody(0)
    give_up_rights()
    if Layer.FILES in layers:
        landlock.restrict(())
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limit, (most, most))
    sys.setrecursionlimit(RECURSION)
    if Layer.CALLS in layers:
        seccomp.restrict(LOWERING)


def _receive(reader: BinaryIO) -> Json:
    prefix = reader.read(4)
    size = int.from_bytes(prefix)
    if len(prefix) < 4 or size > MAX_FRAME:
        return None
    body = reader.read(size)
    return json.loads(body) if len(body) == size else None


def _send(writer: BinaryIO, answer: Json) -> None:
    body = json.dumps(answer, separators=(",", ":")).encode()
    writer.write(len(body).to_bytes(4) + body)
    writer.flush()


if __name__ == "__main__":
    main()
