"""What one lowering keeps: generated names and their places, the work done so far, the unit keys mentioned."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from query_gateway.sql.places import Places
from query_gateway.sql.schema import Schema
from sandbox.errors import Refusal, Span

MAX_NODES = 4_096
"""Nodes of the plan, every use of a shared part counted."""


class State:
    """One lowering."""

    def __init__(self, schema: Schema, places: Places) -> None:
        self.schema = schema
        self.places = places
        self.spans: dict[str, Span] = {}
        self.mentioned: set[str] = set()
        """Scan columns that are unit keys the query names: they are read, though no expression holds them."""
        self._names = 0
        self._nodes = 0
        self._scans = 0

    def fresh(self, prefix: str, place: exp.Expr | None = None) -> str:
        """A generated name that no other part of the plan has."""
        self._names += 1
        name = f"{prefix}{self._names}"
        if place is not None:
            self.locate(name, place)
        return name

    def scan(self) -> int:
        """A number for one more scan."""
        self._scans += 1
        return self._scans

    def locate(self, name: str, place: exp.Expr) -> None:
        """Remembers the first place of a generated name."""
        if name not in self.spans and (span := self.places.span(place)) is not None:
            self.spans[name] = span

    def spend(self, nodes: int = 1) -> None:
        """Counts nodes of the plan before they are made. Refuses `sql.too_large`."""
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise Refusal("sql.too_large", {"what": "parts", "limit": str(MAX_NODES)})

    def refuse(self, code: str, place: exp.Expr | None, **detail: str) -> Refusal:
        """A refusal that points at a node."""
        short = {name: value if name == "known" else value[:60] for name, value in detail.items()}
        return Refusal(code, short, span=None if place is None else self.places.span(place))


def conjuncts(nodes: Iterable[exp.Expr]) -> list[exp.Expr]:
    """The top-level AND terms, in reading order."""
    pending, found = list(nodes)[::-1], []
    while pending:
        node = pending.pop()
        if isinstance(node, exp.And):
            pending += [node.expression, node.this]
        elif isinstance(node, exp.Paren) and isinstance(node.this, exp.And | exp.Paren):
            pending.append(node.this)
        else:
            found.append(node)
    return found
