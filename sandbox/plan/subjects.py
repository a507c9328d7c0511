"""What a measure is of, whatever its plan's names are: two measures of one subject measure the same rows.

Expressions are dissolved down to the cells of scans: a Ref then names a card's column by the place of its scan, or, by
a digest, a value that takes other rows to know: names that no plan has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from sandbox.plan.arithmetic import UnknownValueError
from sandbox.plan.functions import FUNCTIONS, resolve
from sandbox.plan.lineage import releases
from sandbox.plan.nodes import (
    Call,
    Constants,
    Distinct,
    Expression,
    Filter,
    Group,
    Join,
    JoinKind,
    Limit,
    Literal,
    Mark,
    Measure,
    Order,
    Project,
    Ref,
    Relation,
    Released,
    Scan,
    Sort,
    Union,
    Window,
)
from sandbox.plan.origins import LONGEST, parts
from sandbox.plan.values import stored


@dataclass(frozen=True, slots=True)
class Subject:
    """The private relation of a measure and its group keys."""

    relation: str
    """Digest of the rows that there are without the conditions."""
    conditions: Mapping[str, Expression]
    """The terms that rows are chosen by, after everything else; by their digests."""
    keys: tuple[Expression, ...]
    columns: Mapping[str, Expression]
    """Of the relation: what each is."""

    def dissolved(self, expression: Expression) -> Expression:
        """The expression over the relation's columns, over cells of scans."""
        return dissolved(expression, self.columns)


def subject(measure: Measure) -> Subject | None:
    """What the measure is of; None where it reads what others release, which is another relation each time, or has
    grouping sets, whose totals are no independent ones."""
    if releases(measure.source) or measure.levels is not None:
        return None
    found = _rows(measure.source, "")
    keys = tuple(dissolved(key.expression, found.columns) for key in measure.keys)
    return Subject(digest(found.shape), {digest(each): each for each in found.terms}, keys, found.columns)


def digest(value: object) -> str:
    """SHA-256, hex, of a frozen value as it is written."""
    return sha256(repr(value).encode()).hexdigest()


def conjuncts(condition: Expression | None) -> Iterator[Expression]:
    """The terms that must all be true."""
    match condition:
        case None:
            return
        case Call("and", arguments):
            for argument in arguments:
                yield from conjuncts(argument)
        case _:
            yield condition


def dissolved(expression: Expression, columns: Mapping[str, Expression]) -> Expression:
    """The expression with what its columns are in their place; only named by its digest where it gets too long."""
    match expression:
        case Ref(name):
            return columns[name]
        case Call(name, arguments):
            found = Call(name, tuple(dissolved(argument, columns) for argument in arguments))
            return found if len(parts(found)) <= LONGEST else Ref(f"#{digest(found)}")
        case Literal():
            return expression


def value(expression: Expression, known: Callable[[Expression], Literal | None]) -> Literal:
    """The value of a dissolved expression where `known` tells some parts of it.

    Raises UnknownValueError where that does not decide it.
    """
    found = known(expression)
    if found is not None:
        return found
    match expression:
        case Literal(type_, written):
            return Literal(type_, stored(type_, written))
        case Call(name, arguments):
            given = [value(argument, known) for argument in arguments]
            signature = resolve(name, tuple(one.type for one in given))
            values = [stored(wanted, one.value) for wanted, one in zip(signature.parameters, given, strict=True)]
            return Literal(signature.result, FUNCTIONS[name].of(*values))
    raise UnknownValueError


@dataclass(frozen=True, slots=True)
class _Rows:
    """A relation: which rows without the terms, the terms that choose among them, and what its columns are."""

    shape: object
    terms: tuple[Expression, ...]
    columns: Mapping[str, Expression]

    @property
    def whole(self) -> tuple[object, ...]:
        """Which rows, terms included."""
        return self.shape, _set(self.terms)


def _set(expressions: tuple[Expression, ...] | list[Expression]) -> tuple[str, ...]:
    return tuple(sorted({digest(each) for each in expressions}))


def _named(*parts_: object) -> Ref:
    """A value that takes other rows to know."""
    return Ref(f"#{digest(parts_)}")


def _rows(relation: Relation, place: str) -> _Rows:
    match relation:
        case Scan(dataset, table, columns):
            return _Rows(("scan", dataset, table), (), {each.name: Ref(f"{place}.{each.column}") for each in columns})
        case Filter(source, predicate):
            below = _rows(source, place)
            chosen = tuple(conjuncts(dissolved(predicate, below.columns)))
            return replace(below, terms=below.terms + chosen)
        case Project(source, outputs):
            below = _rows(source, place)
            return replace(below, columns={one.name: dissolved(one.expression, below.columns) for one in outputs})
        case Join():
            return _joined(relation, place)
        case Mark(source, other, name, unit, condition):
            below, beside = _rows(source, place), _rows(other, place + "m")
            tested = _terms(condition, {**below.columns, **beside.columns})
            return replace(
                below, columns={**below.columns, name: _named("mark", place, unit, beside.whole, _set(tested))}
            )
        case Union(left, right, columns):
            one, two = _rows(left, place + "l"), _rows(right, place + "r")
            either = {each.name: _named(place, one.columns[each.left], two.columns[each.right]) for each in columns}
            return _Rows(("union", one.whole, two.whole), (), either)
        case Constants(names, rows):
            return _Rows(("constants", rows), (), {name: Ref(f"{place}.{at}") for at, name in enumerate(names)})
        case Sort(source, terms):
            below = _rows(source, place)
            return _Rows(("sort", below.whole, _orders(terms, below.columns)), (), below.columns)
        case Limit(source, count, offset):
            below = _rows(source, place)
            return _Rows(("limit", below.whole, count, offset), (), below.columns)
        case Distinct(source):
            below = _rows(source, place)
            return _Rows(("distinct", below.whole, _set(list(below.columns.values()))), (), below.columns)
        case Group():
            return _grouped(relation, place)
        case Window():
            return _windowed(relation, place)
        case Released():
            raise ValueError("a release is no subject")


def _terms(condition: Expression | None, columns: Mapping[str, Expression]) -> tuple[Expression, ...]:
    return () if condition is None else tuple(conjuncts(dissolved(condition, columns)))


def _joined(join: Join, place: str) -> _Rows:
    """Of an inner join the terms of both sides and its own choose among the pairs; of a left one those of its left side
    do. What a side that can be missing computes is NULL where it is missing, so that only its cells keep their names.
    """
    left, right = _rows(join.left, place + "l"), _rows(join.right, place + "r")
    terms = _terms(join.condition, {**left.columns, **right.columns})
    match join.kind:
        case JoinKind.INNER:
            shape = ("inner", join.unit, left.shape, right.shape)
            return _Rows(shape, left.terms + right.terms + terms, {**left.columns, **right.columns})
        case JoinKind.LEFT:
            shape_ = ("left", join.unit, left.shape, right.whole, _set(terms))
            return _Rows(shape_, left.terms, {**left.columns, **_missable(right, place + "r")})
        case JoinKind.FULL:
            whole = ("full", join.unit, left.whole, right.whole, _set(terms))
            return _Rows(whole, (), {**_missable(left, place + "l"), **_missable(right, place + "r")})


def _missable(side: _Rows, place: str) -> dict[str, Expression]:
    return {
        name: each if isinstance(each, Ref) else _named("missable", place, each) for name, each in side.columns.items()
    }


def _orders(terms: tuple[Order, ...], columns: Mapping[str, Expression]) -> tuple[Order, ...]:
    return tuple(replace(one, expression=dissolved(one.expression, columns)) for one in terms)


def _grouped(group: Group, place: str) -> _Rows:
    below = _rows(group.source, place)
    keys = {key.name: dissolved(key.expression, below.columns) for key in group.keys}
    shape = ("group", below.whole, _set(list(keys.values())))
    folds = {
        fold.name: _named(
            place,
            shape,
            replace(
                fold,
                name="",
                argument=None if fold.argument is None else dissolved(fold.argument, below.columns),
                filter=None if fold.filter is None else dissolved(fold.filter, below.columns),
                order=_orders(fold.order, below.columns),
            ),
        )
        for fold in group.folds
    }
    return _Rows(shape, (), {**keys, **folds})


def _windowed(window: Window, place: str) -> _Rows:
    below = _rows(window.source, place)
    made = {
        one.name: _named(
            place,
            below.whole,
            replace(
                one,
                name="",
                argument=None if one.argument is None else dissolved(one.argument, below.columns),
                filter=None if one.filter is None else dissolved(one.filter, below.columns),
                partition=tuple(dissolved(each, below.columns) for each in one.partition),
                order=_orders(one.order, below.columns),
            ),
        )
        for one in window.functions
    }
    return replace(below, columns={**below.columns, **made})
