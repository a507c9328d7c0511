"""Refusals as problem documents: a stable code, a sentence in both languages, the place in the SQL, what to do instead.

Source: RFC 9457.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from sandbox.errors import PROBLEMS, Refusal

MEDIA_TYPE = "application/problem+json"
_MOST_FRAGMENT = 200
"""Characters of the SQL that are repeated in a problem."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the SQL text: characters [start, end), and the line and column of the first, counted from 1."""

    start: int
    end: int
    line: int
    column: int
    fragment: str

    def to_json(self) -> dict[str, object]:
        return {
            "start": self.start,
            "end": self.end,
            "line": self.line,
            "column": self.column,
            "fragment": self.fragment,
        }


def place(sql: str, start: int, end: int) -> Place | None:
    """The place of a span; None when it does not lie in this text."""
    if not 0 <= start < end <= len(sql):
        return None
    before = sql[:start]
    line = before.count("\n") + 1
    return Place(start, end, line, start - (before.rfind("\n") + 1) + 1, sql[start:end][:_MOST_FRAGMENT])


def document(refusal: Mapping[str, Any], body: bytes, language: str) -> tuple[int, dict[str, object]]:
    """Status and problem document of the sandbox's refusal; `body` is the request's, where the SQL stands.

    Raises KeyError and TypeError when this is no refusal of a known code.
    """
    code = refusal["code"]
    problem = PROBLEMS[code]
    detail = {str(name): str(value) for name, value in (refusal.get("detail") or {}).items()}
    sentences = {"en": problem.en.format(**detail), "zh": problem.zh.format(**detail)}
    written: dict[str, object] = {
        "type": f"/problems/{code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": code,
        "detail": sentences[language],
        "detail_en": sentences["en"],
        "detail_zh": sentences["zh"],
    }
    match refusal.get("span"):
        case [int(start), int(end)] if found := place(_sql(body, refusal.get("query")), start, end):
            written["place"] = found.to_json()
    for name in ("query", "rewrite", "id", "trace"):
        if refusal.get(name) is not None:
            written[name] = refusal[name]
    return problem.status, written


def own(refusal: Refusal, language: str) -> tuple[int, bytes]:
    """Status and problem document of a refusal by the gateway itself."""
    status, written = document({"code": refusal.code, "detail": refusal.detail}, b"", language)
    return status, orjson.dumps(written)


def _sql(body: bytes, query: object) -> str:
    """The SQL of a request's body, or of that query of a batch; empty when there is none."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    match asked:
        case {"sql": str(sql)}:
            return sql
        case {"queries": list(queries)} if isinstance(query, int) and 0 <= query < len(queries):
            return str(queries[query])
    return ""
