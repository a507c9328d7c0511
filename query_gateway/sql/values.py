"""Scalar subqueries: one released value among the rows that ask for it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlglot import exp

from query_gateway.sql.prune import refs
from query_gateway.sql.scalar import Typed
from sandbox.plan.nodes import (
    Constants,
    Expression,
    Filter,
    Group,
    Join,
    JoinKind,
    Limit,
    Mark,
    Project,
    Relation,
    Released,
    Sort,
)


@dataclass(frozen=True, slots=True)
class Value:
    """A relation of one row, or of at most one that meets the condition."""

    relation: Relation
    kind: JoinKind
    condition: Expression | None
    unit: bool = False
    """Whether its rows are private ones, of the unit that asks."""


@dataclass(slots=True)
class Asked:
    """The scalar subqueries of one SELECT's rows, or of its groups. Each is asked once."""

    values: dict[exp.Select, Typed] = field(default_factory=dict)
    waiting: list[Value] = field(default_factory=list)
    """Not yet part of the relation that reads them."""

    @property
    def columns(self) -> frozenset[str]:
        """The columns that hold the values."""
        return frozenset(name for one in self.values.values() for name in refs(one.expression))

    def attached(self, relation: Relation) -> Relation:
        """The relation with the values that its expressions read, on every row."""
        for one in self.waiting:
            relation = Join(relation, one.relation, one.kind, one.unit, one.condition)
        self.waiting.clear()
        return relation


def scalar(node: exp.Expr) -> exp.Select | None:
    """The SELECT of a scalar subquery; None of any other node."""
    if not isinstance(node, exp.Subquery) or isinstance(node.parent, exp.In | exp.Exists | exp.Any | exp.All):
        return None
    inner = node.unnest()
    return inner if isinstance(inner, exp.Select) else None


@dataclass(frozen=True, slots=True)
class Rowcount:
    """How many rows a public relation can have."""

    most_one: bool
    least_one: bool


def rowcount(relation: Relation, grouped: Collection[str]) -> Rowcount:
    """What its form tells of a public relation; `grouped` are the measures with group keys."""
    match relation:
        case Released(measure):
            return Rowcount(measure not in grouped, measure not in grouped)
        case Constants(rows=rows):
            return Rowcount(len(rows) < 2, len(rows) > 0)
        case Group(_, keys):
            return Rowcount(not keys, not keys)
        case Filter(source):
            return Rowcount(rowcount(source, grouped).most_one, least_one=False)
        case Project(source) | Sort(source) | Mark(source):
            return rowcount(source, grouped)
        case Limit(source, count, offset):
            found = rowcount(source, grouped)
            return Rowcount(found.most_one or count < 2, found.least_one and count > 0 and offset == 0)
        case Join(left, right, kind, _, condition):
            one, other = rowcount(left, grouped), rowcount(right, grouped)
            sure = one.least_one and (kind is not JoinKind.INNER or (other.least_one and condition is None))
            return Rowcount(one.most_one and other.most_one and kind is not JoinKind.FULL, sure)
        case _:
            return Rowcount(most_one=False, least_one=False)
