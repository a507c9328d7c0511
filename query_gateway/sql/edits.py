"""A refused query, and edits of its text."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from query_gateway.sql.parse import Parsed
from query_gateway.sql.places import Places
from query_gateway.sql.schema import Schema
from sandbox.errors import Refusal, Span


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
