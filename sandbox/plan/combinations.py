"""The answer's columns that are sums of released totals: known before anything is released, from the plan alone.

So the error of such a column can be told with the price: how many rows of a release it adds up is known where group
keys are public.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import count
from typing import TypeAlias

from sandbox.plan.checked import CheckedPlan
from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.folds import FRAMED
from sandbox.plan.nodes import (
    Call,
    Expression,
    Filter,
    Group,
    Join,
    JoinKind,
    Literal,
    Mark,
    Project,
    Ref,
    Relation,
    Released,
    Scalar,
    Sort,
    Window,
    Windowed,
)
from sandbox.plan.window_functions import FrameUnit


@dataclass(frozen=True, slots=True)
class Combination:
    """So many rows of one release, each with the same weights of its aggregates; and a constant, which has no noise."""

    measure: str
    use: int
    """Which of the plan's uses of the release: another one may be of other rows."""
    weights: Mapping[str, Fraction]
    """By aggregate."""
    rows: int

    def scaled(self, factor: Fraction) -> Combination:
        return replace(self, weights={name: weight * factor for name, weight in self.weights.items()})


@dataclass(frozen=True, slots=True)
class Share:
    """One sum of aggregates of a released row over another one of the same row."""

    over: Combination
    under: Combination


@dataclass(frozen=True, slots=True)
class _Exact:
    """A number without noise, where it is known which."""

    value: Fraction | None


_Column: TypeAlias = tuple[Combination, ...] | Share | _Exact | None
"""The sum of these; None: of another kind."""
_Cells: TypeAlias = tuple[tuple[Scalar, ...], ...] | None


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a public relation."""

    columns: Mapping[str, _Column]
    cells: _Cells = None
    """The group keys of a release, where its rows are the relation's, one each."""
    keys: Mapping[str, int] | None = None
    """Of the columns that are group keys of it, which."""


def combinations(checked: CheckedPlan) -> Mapping[str, tuple[Combination, ...] | Share]:
    """Of each column of the answer that is a sum of released aggregates, or a share, which."""
    cells = {each.measure.name: each.key_set.cells for each in checked.measures}
    found = _Reader(checked, cells).relation(checked.plan.answer).columns
    return {name: one for name, one in found.items() if isinstance(one, Share) or (isinstance(one, tuple) and one)}


@dataclass(frozen=True, slots=True)
class _Reader:
    checked: CheckedPlan
    cells: Mapping[str, _Cells]
    uses: Iterator[int] = field(default_factory=count)

    def relation(self, relation: Relation) -> _Known:
        match relation:
            case Released(measure):
                return self._released(measure)
            case Project(source, outputs):
                known = self.relation(source)
                columns = {each.name: _column(each.expression, known.columns) for each in outputs}
                keys = known.keys or {}
                named = {each.name: each.expression.name for each in outputs if isinstance(each.expression, Ref)}
                return _Known(columns, known.cells, {name: keys[of] for name, of in named.items() if of in keys})
            case Sort(source):
                return self.relation(source)
            case Filter(source):
                return _Known(self.relation(source).columns)
            case Mark(source):
                return self.relation(source)
            case Join(left, right):
                return _joined(relation, self.relation(left), self.relation(right))
            case Group(source):
                return _grouped(relation, self.relation(source))
            case Window(source, functions):
                known = self.relation(source)
                return replace(known, columns={**known.columns, **{one.name: _over(one, known) for one in functions}})
        return _Known({})

    def _released(self, measure: str) -> _Known:
        node = next(each for each in self.checked.plan.measures if each.name == measure)
        columns: dict[str, _Column] = {key.name: _Exact(None) for key in node.keys}
        use = next(self.uses)
        for each in node.aggregates:
            columns[each.name] = (Combination(measure, use, {each.name: Fraction(1)}, 1),)
        return _Known(columns, self.cells[measure], {key.name: place for place, key in enumerate(node.keys)})


def _joined(join: Join, left: _Known, right: _Known) -> _Known:
    """Rows stay those of one side only where the other is one row and nothing is left out."""
    columns = {**left.columns, **right.columns}
    for one, other in ((left, right), (right, left)):
        if join.kind is JoinKind.INNER and join.condition is None and other.cells is not None and len(other.cells) == 1:
            return _Known(columns, one.cells, one.keys)
    return _Known(columns)


def _grouped(group: Group, known: _Known) -> _Known:
    keys = [key.expression for key in group.keys]
    sizes = _sizes(keys, known)
    columns: dict[str, _Column] = {key.name: _column(key.expression, known.columns) for key in group.keys}
    for fold in group.folds:
        plain = fold.filter is None and not fold.order
        columns[fold.name] = _fold(fold.function, fold.argument, sizes if plain else None, known)
    one = () if not keys else None
    return _Known(columns, None if one is None else ((),), None if one is None else {})


def _over(one: Windowed, known: _Known) -> _Column:
    """A window function over all rows of its partition."""
    frame = one.frame
    if one.function not in FRAMED or frame is None or frame.start is not None:
        return None
    if frame.end is not None and (one.order or frame.unit is FrameUnit.ROWS or frame.end < 0):
        return None
    sizes = None if one.filter is not None else _sizes(list(one.partition), known)
    return _fold(FRAMED[one.function], one.argument, sizes, known)


def _sizes(keys: list[Expression], known: _Known) -> tuple[int, int] | None:
    """The fewest and the most rows of a group by these; None where they are not known before the run."""
    places = [(known.keys or {}).get(key.name) if isinstance(key, Ref) else None for key in keys]
    if known.cells is None or None in places:
        return None
    counts = dict[tuple[Scalar, ...], int]()
    for cell in known.cells:
        key = tuple(cell[place] for place in places if place is not None)
        counts[key] = counts.get(key, 0) + 1
    return (min(counts.values()), max(counts.values())) if counts else None


def _fold(function: FoldFunction, argument: Expression | None, sizes: tuple[int, int] | None, known: _Known) -> _Column:
    """The sum or mean of a column; of groups of several sizes, of that with the most noise."""
    found = None if argument is None else _column(argument, known.columns)
    if function is FoldFunction.ROWS:
        return _Exact(None)
    if isinstance(found, _Exact):
        return _Exact(None)
    if not isinstance(found, tuple) or sizes is None or len(found) != 1 or found[0].rows != 1:
        return None
    fewest, most = sizes
    match function:
        case FoldFunction.SUM:
            return (replace(found[0], rows=most),)
        case FoldFunction.AVG:
            return (replace(found[0], rows=fewest).scaled(Fraction(1, fewest)),)
    return None


def _column(expression: Expression, known: Mapping[str, _Column]) -> _Column:
    match expression:
        case Ref(name):
            return known.get(name)
        case Literal(_, value):
            number = isinstance(value, int | Fraction) and not isinstance(value, bool)
            return _Exact(Fraction(value) if number and isinstance(value, int | Fraction) else None)
        case Call(name, arguments):
            return _called(name, [_column(each, known) for each in arguments])


def _called(name: str, given: list[_Column]) -> _Column:
    if all(isinstance(each, _Exact) for each in given):
        return _Exact(None)
    first, second = given[0], given[1] if len(given) > 1 else None
    if isinstance(second, _Exact) and second.value is not None and isinstance(first, tuple | Share):
        return _with_number(name, first, second.value)
    if isinstance(first, _Exact) and first.value is not None and isinstance(second, tuple | Share):
        return _with_number(name, second, first.value) if name in {"add", "multiply"} else None
    match name, first, second:
        case "cast_double", tuple() | Share(), None:
            return first
        case "negate", tuple(), None:
            return _scaled(first, Fraction(-1))
        case "add", tuple(), tuple():
            return _sum(first, second)
        case "subtract", tuple(), tuple():
            return _sum(first, _scaled(second, Fraction(-1)))
        case "divide", (Combination() as over,), (Combination() as under,):
            return Share(over, under) if over.use == under.use and over.rows == under.rows == 1 else None
    return None


def _with_number(name: str, one: tuple[Combination, ...] | Share, number: Fraction) -> _Column:
    """What a number makes of it."""
    match name:
        case "add" | "subtract":
            return one
        case "nullif" if not number:
            return one
        case "multiply":
            factor = number
        case "divide" if number:
            factor = 1 / number
        case _:
            return None
    return Share(one.over.scaled(factor), one.under) if isinstance(one, Share) else _scaled(one, factor)


def _scaled(parts: tuple[Combination, ...], factor: Fraction) -> tuple[Combination, ...]:
    return tuple(part.scaled(factor) for part in parts)


def _sum(one: tuple[Combination, ...], other: tuple[Combination, ...]) -> tuple[Combination, ...] | None:
    """Aggregates of one row are added up; which rows two other sums of one release share is not known."""
    found = {part.measure: part for part in one}
    for part in other:
        mine = found.get(part.measure)
        if mine is None:
            found[part.measure] = part
        elif mine.use == part.use and mine.rows == part.rows == 1:
            weights = dict(mine.weights)
            for name, weight in part.weights.items():
                weights[name] = weights.get(name, Fraction(0)) + weight
            found[part.measure] = replace(mine, weights=weights)
        else:
            return None
    return tuple(found.values())
