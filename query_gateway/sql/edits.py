"""A refused query, and edits of its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from query_gateway.sql.parse import Parsed
from query_gateway.sql.places import Extent, Places
from query_gateway.sql.schema import Schema
from sandbox.errors import Refusal, Span

CLAMP = ("0", "100")
"""Limits that a rewrite proposes where nothing is known; the caller is to choose."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters [start, end) of the text become `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused query: its tree and tokens, and what was refused where."""

    parsed: Parsed
    places: Places
    schema: Schema
    refusal: Refusal
    span: Span

    @property
    def text(self) -> str:
        """The fragment that was refused."""
        return self.parsed.sql[self.span.start : self.span.end]

    def selects(self) -> list[exp.Select]:
        """The SELECTs around the fragment, innermost first."""
        around = []
        for select in self.parsed.select.find_all(exp.Select):
            span = self.places.span(select)
            if span is not None and span.start <= self.span.start and self.span.end <= span.end:
                around.append((span.end - span.start, select))
        return [select for _, select in sorted(around, key=lambda pair: pair[0])]


def without(refused: Refused, extent: Extent) -> Edit:
    """Leaves a clause out, with the white space before it."""
    span = refused.places.of(extent)
    start = span.start
    while start and refused.parsed.sql[start - 1].isspace():
        start -= 1
    return Edit(start, span.end, "")


def applied(sql: str, edits: Sequence[Edit]) -> str:
    for edit in sorted(edits, key=lambda one: (one.start, one.end), reverse=True):
        sql = sql[: edit.start] + edit.text + sql[edit.end :]
    return sql.rstrip()
