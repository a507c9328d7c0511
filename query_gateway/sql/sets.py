"""UNION, INTERSECT, EXCEPT and VALUES: rows that come of no FROM clause."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from sqlglot import exp

from query_gateway.sql.context import Rows
from query_gateway.sql.endings import limited
from query_gateway.sql.joins import Item
from query_gateway.sql.scalar import Typed
from query_gateway.sql.schema import fold
from query_gateway.sql.scope import Column, Scope, Source, listed, nearest
from query_gateway.sql.state import State
from sandbox.plan.nodes import (
    Call,
    Constants,
    Distinct,
    Expression,
    Filter,
    Literal,
    Mark,
    Order,
    Output,
    Project,
    Ref,
    Relation,
    Sort,
    Type,
    Union,
    UnionColumn,
)

_NO_VALUE = (Type.UNIT, Type.PRESENCE)
_WIDER = {
    (Type.INTEGER, Type.DOUBLE): "cast_double",
    (Type.DATE, Type.TIMESTAMP): "cast_timestamp",
}
"""From one type to the wider one of two."""


@dataclass(frozen=True, slots=True)
class Selected:
    """The relation that a query yields."""

    relation: Relation
    columns: tuple[Column, ...]
    domain: str | None
    """Unit domain; None when public."""
    released: bool


def combined(state: State, node: exp.SetOperation, left: Selected, right: Selected) -> Selected:
    """A set operation. Over private rows those that compare rows compare those of one unit, which is among the columns.

    Refuses: `sql.union_columns`, `sql.set_operation`, `sql.set_units`, `plan.union_kinds`, `plan.domains`, `plan.type`,
    `plan.order`.
    """
    what = type(node).__name__.upper()
    if len(left.columns) != len(right.columns):
        raise state.refuse("sql.union_columns", node, what=what)
    if (left.domain is None) != (right.domain is None):
        raise state.refuse("plan.union_kinds", node)
    if left.domain != right.domain:
        raise state.refuse("plan.domains", node)
    if not node.args.get("distinct") and not isinstance(node, exp.Union):
        raise state.refuse("sql.set_operation", node, what=f"{what} ALL")
    pairs = list(zip(left.columns, right.columns, strict=True))
    units = frozenset(place for place, (one, other) in enumerate(pairs) if one.type is other.type is Type.UNIT)
    if node.args.get("distinct") and left.domain is not None and not units:
        raise state.refuse("sql.set_units", node, what=what)
    wanted = [_wanted(state, node, one, other) for one, other in pairs]
    left, right = _cast(state, left, wanted), _cast(state, right, wanted)
    left, right = _without_units(state, left, units), _without_units(state, right, units)
    found = _united(state, left, right) if isinstance(node, exp.Union) else _matched(state, node, left, right)
    if node.args.get("distinct"):
        found = replace(found, relation=Distinct(found.relation))
    return _ended(state, node, found)


def _wanted(state: State, node: exp.Expr, one: Column, other: Column) -> Type:
    """The type of a column that is one or the other. Refuses `plan.type`."""
    if one.untyped or other.untyped:
        return other.type if one.untyped else one.type
    if one.type is other.type or {one.type, other.type} == set(_NO_VALUE):
        return one.type if one.type is other.type else Type.PRESENCE
    found = next((wide for narrow, wide in _WIDER if {narrow, wide} == {one.type, other.type}), None)
    if found is None:
        function = type(node).__name__.upper()
        raise state.refuse("plan.type", node, function=function, types=f"{one.type}, {other.type}")
    return found


def _cast(state: State, of: Selected, wanted: Sequence[Type]) -> Selected:
    """The rows with columns of these types."""
    if all(column.type is type_ or column.type in _NO_VALUE for column, type_ in zip(of.columns, wanted, strict=True)):
        return of
    outputs, columns = list[Output](), list[Column]()
    for column, type_ in zip(of.columns, wanted, strict=True):
        expression: Expression = Ref(column.ref)
        if column.type is not type_ and column.untyped:
            expression = Literal(type_, None)
        elif (column.type, type_) in _WIDER:
            expression = Call(_WIDER[column.type, type_], (expression,))
        outputs.append(Output(state.fresh("o"), expression))
        columns.append(Column(column.name, outputs[-1].name, type_))
    return replace(of, relation=Project(of.relation, tuple(outputs)), columns=tuple(columns))


def _without_units(state: State, of: Selected, units: Collection[int]) -> Selected:
    """The rows with a constant for each unit key that both sides have: only rows of one unit are compared or put
    together, whichever column has its key.
    """
    if not units:
        return of
    outputs, columns = list[Output](), list[Column]()
    for place, column in enumerate(of.columns):
        state.mentioned |= {column.origin.ref} if place in units and column.origin is not None else set()
        found = Literal(Type.BOOLEAN, value=True) if place in units else Ref(column.ref)
        outputs.append(Output(state.fresh("o"), found))
        columns.append(replace(column, ref=outputs[-1].name, origin=None))
    return replace(of, relation=Project(of.relation, tuple(outputs)), columns=tuple(columns))


def _united(state: State, left: Selected, right: Selected) -> Selected:
    pairs, columns = list[UnionColumn](), list[Column]()
    for one, other in zip(left.columns, right.columns, strict=True):
        pairs.append(UnionColumn(state.fresh("u"), one.ref, other.ref))
        type_ = one.type if one.type is other.type else Type.PRESENCE
        columns.append(Column(one.name, pairs[-1].name, type_, untyped=one.untyped and other.untyped))
        state.mentioned |= {each.origin.ref for each in (one, other) if type_ in _NO_VALUE and each.origin is not None}
    relation = Union(left.relation, right.relation, tuple(pairs))
    return Selected(relation, tuple(columns), left.domain, left.released or right.released)


def _matched(state: State, node: exp.Expr, left: Selected, right: Selected) -> Selected:
    """INTERSECT or EXCEPT: the left side's rows that have, or have not, an equal one; NULL equals NULL."""
    terms = list[Expression]()
    for one, other in zip(left.columns, right.columns, strict=True):
        if Type.PRESENCE in (one.type, other.type):
            raise state.refuse("sql.unit_value", node, column=one.name)
        if one.type is not Type.UNIT:
            terms.append(Call("not", (Call("is_distinct_from", (Ref(one.ref), Ref(other.ref))),)))
    condition = None if not terms else terms[0] if len(terms) == 1 else Call("and", tuple(terms))
    name = state.fresh("e", node)
    marked = Mark(left.relation, right.relation, name, left.domain is not None, condition)
    kept = Ref(name) if isinstance(node, exp.Intersect) else Call("not", (Ref(name),))
    outputs = [Output(state.fresh("o"), Ref(column.ref)) for column in left.columns]
    columns = tuple(
        replace(column, ref=output.name, origin=None) for column, output in zip(left.columns, outputs, strict=True)
    )
    relation = Project(Filter(marked, kept), tuple(outputs))
    return Selected(relation, columns, left.domain, left.released or right.released)


def _ended(state: State, node: exp.SetOperation, found: Selected) -> Selected:
    """The rows in the order that the operation asks for, by its columns' names or places. Refuses `plan.order`."""
    order = node.args.get("order")
    if found.domain is not None and any(node.args.get(one) is not None for one in ("order", "limit", "offset")):
        raise state.refuse("plan.order", order or node)
    terms = []
    for term in order.expressions if order is not None else []:
        ref = Ref(_named(state, term.this, found.columns).ref)
        terms.append(Order(ref, bool(term.args.get("desc")), bool(term.args.get("nulls_first"))))
    relation = Sort(found.relation, tuple(terms)) if terms else found.relation
    return replace(found, relation=limited(state, node, relation))


def _named(state: State, node: exp.Expr, columns: Sequence[Column]) -> Column:
    if isinstance(node, exp.Literal) and not node.is_string:
        place = int(node.name) if node.name.isdecimal() and len(node.name) < 5 else 0
        if not 1 <= place <= len(columns):
            raise state.refuse("sql.ordinal", node, position=node.name)
        return columns[place - 1]
    name = node.name if isinstance(node, exp.Column) and not node.table else ""
    found = next((column for column in columns if name and fold(column.name) == fold(name)), None)
    if found is None:
        names = [column.name for column in columns]
        wanted = name or state.places.text(node)
        near = nearest(wanted, names)
        raise state.refuse("sql.unknown_column", node, column=wanted, near=near, known=listed(names))
    return found


def constants(state: State, node: exp.Values) -> Selected:
    """VALUES. Refuses `sql.union_columns`, `sql.unsupported`."""
    rows = [[_constant(state, one) for one in row.expressions] for row in node.expressions]
    if len({len(row) for row in rows}) != 1:
        raise state.refuse("sql.union_columns", node, what="VALUES")
    made = [_column(state, node, list(column)) for column in zip(*rows, strict=True)]
    columns = tuple(
        Column(f"col{place}", state.fresh("v"), literals[0].type, untyped=all(one.value is None for one in literals))
        for place, literals in enumerate(made)
    )
    names = tuple(column.ref for column in columns)
    return Selected(Constants(names, tuple(zip(*made, strict=True))), columns, None, released=False)


def _constant(state: State, node: exp.Expr) -> Typed:
    found = Rows(state, Scope(), {}).lower(node)
    if not isinstance(found.expression, Literal):
        raise state.refuse("sql.unsupported", node, what="VALUES of more than constants")
    return found


def _column(state: State, node: exp.Expr, column: list[Typed]) -> list[Literal]:
    """The constants of one column, of one type."""
    types = list(dict.fromkeys(one.type for one in column if one.type is not None)) or [Type.INTEGER]
    if set(types) == {Type.INTEGER, Type.DOUBLE}:
        types = [Type.DOUBLE]
    if len(types) > 1:
        raise state.refuse("plan.type", node, function="VALUES", types=", ".join(types))
    found = list[Literal]()
    for one in column:
        value = one.expression.value if isinstance(one.expression, Literal) else None
        if types[0] is Type.DOUBLE and isinstance(value, int):
            value = Fraction(value)
        found.append(Literal(types[0], value))
    return found


def one_row(place: exp.Expr, scope: Scope) -> Item:
    """What a SELECT without FROM reads: one row without columns."""
    scope.sources.append(Source("", ()))
    return Item(Constants((), ((),)), frozenset({0}), None, False, place)
