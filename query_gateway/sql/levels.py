"""ROLLUP, CUBE and GROUPING SETS: the sets of group keys that a GROUP BY names, and what tells them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TypeAlias

from sqlglot import exp

from query_gateway.sql.state import State
from sandbox.plan.aggregates import CHOSEN
from sandbox.plan.grouping_sets import Levels
from sandbox.plan.nodes import (
    Aggregate,
    Call,
    Constants,
    Expression,
    Join,
    JoinKind,
    Literal,
    Output,
    Ref,
    Relation,
    Released,
    Type,
)

MOST = 64
"""Sets of one GROUP BY, each as often as it is written."""

Terms: TypeAlias = tuple[exp.Expr, ...]
Keys: TypeAlias = Mapping[Expression, tuple[Output, Type]]
"""Group keys by the expression that they are of."""


def grouping_sets(state: State, clause: exp.Group) -> list[Terms] | None:
    """The sets of a GROUP BY, as often as they are written, each of its terms; None where it names no sets.

    What stands beside one another is combined, each set with each. Refuses: `plan.too_large`.
    """
    if not any(isinstance(term, exp.Rollup | exp.Cube | exp.GroupingSets) for term in clause.expressions):
        return None
    return _combined(state, clause, clause.expressions)


def _combined(state: State, clause: exp.Expr, terms: Sequence[exp.Expr]) -> list[Terms]:
    found = list[Terms]([()])
    for term in terms:
        found = [one + other for one, other in product(found, _sets(state, term))]
        if len(found) > MOST:
            raise state.refuse("plan.too_large", clause, what="grouping sets", limit=str(MOST))
    return found


def _sets(state: State, term: exp.Expr) -> list[Terms]:
    """The sets that one term of GROUP BY, or of GROUPING SETS, stands for."""
    parts = [_listed(part) for part in term.expressions]
    match term:
        case exp.Rollup():
            found = [parts[:size] for size in range(len(parts), -1, -1)]
        case exp.Cube() if len(parts) <= MOST.bit_length():
            sizes = range(len(parts), -1, -1)
            found = [list(chosen) for size in sizes for chosen in combinations(parts, size)]
        case exp.Cube():
            raise state.refuse("plan.too_large", term, what="grouping sets", limit=str(MOST))
        case exp.GroupingSets():
            return [each for part in term.expressions for each in _sets(state, part)]
        case _:
            return [_listed(term)]
    return [tuple(part for listed in one for part in listed) for one in found]


def _listed(term: exp.Expr) -> Terms:
    """The terms in brackets, or the one without."""
    return tuple(term.expressions) if isinstance(term, exp.Tuple) else (term.unnest(),)


@dataclass(frozen=True, slots=True)
class Sets:
    """The grouping sets of one SELECT."""

    name: str
    """Of the released column that tells them."""
    sets: tuple[frozenset[Expression], ...]
    """Of key expressions, as often as they are written."""

    def levels(self, state: State, place: exp.Expr, keys: Keys, aggregates: Sequence[Aggregate]) -> Levels:
        """Each set once. Refuses `sql.unsupported` for quantiles, which are no sums."""
        if any(one.function in CHOSEN for one in aggregates):
            raise state.refuse("sql.unsupported", place, what="quantiles of grouping sets")
        return Levels(self.name, tuple(_names(one, keys) for one in dict.fromkeys(self.sets)))

    def released(self, state: State, measure: str, keys: Keys) -> Relation:
        """What the measure releases, the rows of each set as often as it is written."""
        counts = Counter(_number(one, keys) for one in self.sets)
        if max(counts.values()) == 1:
            return Released(measure)
        column = state.fresh("c")
        rows = tuple((Literal(Type.INTEGER, number),) for number in counts.elements())
        condition = Call("equal", (Ref(self.name), Ref(column)))
        return Join(Released(measure), Constants((column,), rows), JoinKind.INNER, False, condition)

    def grouping(self, asked: Sequence[Expression], keys: Keys) -> Expression:
        """GROUPING of some keys: a bit for each, the first one's highest, which is 1 where it is not in the set."""
        if list(asked) == list(keys):
            return Ref(self.name)
        bits = [self._bit(one, len(asked) - 1 - place, keys) for place, one in enumerate(asked)]
        found = bits[0]
        for bit in bits[1:]:
            found = Call("add", (found, bit))
        return found

    def _bit(self, key: Expression, shift: int, keys: Keys) -> Expression:
        place = len(keys) - 1 - list(keys).index(key)
        divided = Call("integer_divide", (Ref(self.name), _whole(2**place)))
        bit = Call("modulo", (divided, _whole(2)))
        return bit if shift == 0 else Call("multiply", (bit, _whole(2**shift)))


def _whole(number: int) -> Literal:
    return Literal(Type.INTEGER, number)


def _names(one: frozenset[Expression], keys: Keys) -> tuple[str, ...]:
    return tuple(output.name for expression, (output, _) in keys.items() if expression in one)


def _number(one: frozenset[Expression], keys: Keys) -> int:
    return sum(2**place for place, expression in enumerate(reversed(list(keys))) if expression not in one)
