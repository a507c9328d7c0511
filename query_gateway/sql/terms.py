"""AND terms of conditions, and which of them equate privacy units: by unit keys, or by keys that name one row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from query_gateway.sql.context import Rows
from query_gateway.sql.prune import refs
from query_gateway.sql.scalar import Scalars, Typed
from query_gateway.sql.schema import TableSchema
from query_gateway.sql.scope import Column, Origin
from sandbox.plan.nodes import Call, Expression, Type

Pair = tuple[Origin, Origin]


@dataclass(frozen=True, slots=True)
class Term:
    """One AND term of a condition."""

    expression: Expression | None
    """None when the equality of units says it all."""
    refs: frozenset[str]
    """The columns it is about."""
    units: bool
    """Whether it equates two unit keys."""
    pair: Pair | None
    """The scan columns it equates."""


def plain(expression: Expression, pair: Pair | None = None) -> Term:
    """A term that is no equality of unit keys."""
    return Term(expression, frozenset(refs(expression)), units=False, pair=pair)


def equality(rows: Rows, left: Column, right: Column, node: exp.Expr) -> Term:
    """The equality of two columns: of units, of a foreign key with the key it refers to, or of values.

    Refuses: `sql.unit_value`.
    """
    state = rows.state
    pair = None if left.origin is None or right.origin is None else (left.origin, right.origin)
    units = Type.UNIT in (left.type, right.type)
    if units and (left.type is right.type or (pair is not None and _refers((pair,)))):
        state.mentioned |= {one.origin.ref for one in (left, right) if one.origin is not None}
        both = frozenset(name for one in (left, right) for name in refs(one.expression))
        return Term(None, both, units=True, pair=None)
    if units or Type.PRESENCE in (left.type, right.type):
        raise state.refuse("sql.unit_value", node, column=left.name)
    sides = (Typed(left.expression, left.type, 1), Typed(right.expression, right.type, 1))
    return plain(Scalars(state, rows).call("equal", sides, node).expression, pair)


def conjunction(terms: Sequence[Term]) -> Expression | None:
    """The terms that are more than an equality of units; None where there is none."""
    parts: list[Expression] = []
    for term in terms:
        match term.expression:
            case None:
                pass
            case Call("and", arguments):
                parts += arguments
            case expression:
                parts.append(expression)
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else Call("and", tuple(parts))


def equates(terms: Iterable[Term]) -> bool:
    """Whether the terms equate the units of two private relations."""
    found = list(terms)
    if any(term.units for term in found):
        return True
    return _refers([term.pair for term in found if term.pair is not None])


def anchored(origins: Sequence[Origin]) -> bool:
    """Whether these columns of one scan name one row of a private table, and so a unit: they are never NULL."""
    columns = tuple(one.column for one in origins)
    return len({one.scan for one in origins}) == 1 and any(
        sorted(columns) == sorted(named) for _, named in _anchors(origins[0].table)
    )


def identified(origins: Iterable[Origin | None]) -> bool:
    """Whether some of these columns name one row of a private table, and so a unit, whatever stands beside them."""
    found: dict[int, list[Origin]] = {}
    for one in origins:
        if one is not None:
            found.setdefault(one.scan, []).append(one)
    return any(
        set(named) <= {one.column for one in of_scan}
        for of_scan in found.values()
        for _, named in _anchors(of_scan[0].table)
    )


def _refers(pairs: Sequence[Pair]) -> bool:
    """Whether equal columns lead to one row of a private table on either side: they include its whole key, or a whole
    foreign key through which rows get their unit from it.
    """
    return any(
        _covers(
            ours.table,
            theirs.table,
            {(a.column, b.column) for a, b in pairs if (a.scan, b.scan) == (ours.scan, theirs.scan)}
            | {(b.column, a.column) for a, b in pairs if (b.scan, a.scan) == (ours.scan, theirs.scan)},
        )
        for ours, theirs in pairs
    )


def _covers(table: TableSchema, other: TableSchema, equal: set[tuple[str, str]]) -> bool:
    return table.dataset == other.dataset and any(
        name == named and set(zip(columns, theirs, strict=True)) <= equal
        for name, columns in _anchors(table)
        for named, theirs in _anchors(other)
    )


def _anchors(table: TableSchema) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The private tables of which each row names a row, and by which columns, in the order of their keys."""
    path = table.unit
    if path is None:
        return
    if table.key:
        yield table.name, table.key
    if path.references is not None:
        yield path.references, path.columns
