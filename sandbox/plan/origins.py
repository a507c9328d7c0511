"""Of which released cells the rows of the public part are made, and where noise decided which rows there are.

A *marker* is a name that no plan has. Rows carry, in a hidden column of that name, the number of the released row they
are made of, or a value without noise; an expression over markers and cells says what a column is made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.folds import FRAMED, PICKED, SHIFTED
from sandbox.plan.nodes import Call, Distinct, Expression, Fold, Group, Ref, Type, Window, Windowed
from sandbox.plan.window_functions import WindowFunction

RANKS = frozenset({WindowFunction.ROW_NUMBER, WindowFunction.RANK, WindowFunction.PERCENT_RANK})
"""Functions of which rows come before one."""
FOLDED = frozenset(
    {
        FoldFunction.ROWS,
        FoldFunction.SUM,
        FoldFunction.AVG,
        FoldFunction.MIN,
        FoldFunction.MAX,
        FoldFunction.QUANTILE_CONT,
        FoldFunction.QUANTILE_DISC,
    }
)
"""Functions of which an interval can be said from those of their rows."""
LONGEST = 256
"""Parts of an origin; a longer one is not kept."""

Node: TypeAlias = Group | Window | Distinct
"""What makes one row of others, or looks at others beside each."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Carried: the number of a row that the measure released."""

    measure: str


@dataclass(frozen=True, slots=True)
class Exact:
    """Carried: a value without noise."""

    type: Type


@dataclass(frozen=True, slots=True)
class Members:
    """Not carried: what a fold or window function of that name makes of the node's rows."""

    node: Node
    name: str
    type: Type
    at: tuple[str, ...]
    """Markers of the number of the group or partition; then, of a window function but a rank, those of one place in
    it or of the first and the last."""
    own: Expression | None
    """Of a rank: what the row itself is put in order by."""


Marker: TypeAlias = Rows | Exact | Members


@dataclass(frozen=True, slots=True)
class Trace:
    """What is known of the noise in a public relation; nothing, where none was released."""

    noisy: frozenset[str] = frozenset()
    """Columns that noise takes part in."""
    origins: Mapping[str, Expression] = field(default_factory=dict)
    """Of noisy columns, as far as it is known of what each row's value is made."""
    chosen: tuple[Expression | None, ...] = ()
    """What had to be true of a row to be there, where noise takes part in it; None: something that no row tells."""
    ranked: bool = False
    """Whether noise decided the order."""

    def touches(self, *expressions: Expression | None) -> bool:
        """Whether noise takes part in any of these."""
        named = {part.name for one in expressions if one is not None for part in parts(one) if isinstance(part, Ref)}
        return bool(named & self.noisy)

    def beside(self, other: Trace) -> Trace:
        """Of rows made of one of each."""
        origins = {**self.origins, **other.origins}
        return Trace(self.noisy | other.noisy, origins, self.chosen + other.chosen, self.ranked or other.ranked)


@dataclass(frozen=True, slots=True)
class Made:
    """Of what the rows of a statement are made."""

    origins: Mapping[str, Expression]
    """Of noisy columns, where it is known."""
    markers: Mapping[str, Marker]
    places: Mapping[str, int]
    """Of carried markers, the place in a row."""


@dataclass(frozen=True, slots=True)
class Membership:
    """The rows that a node made others of, or looked at, and of what they are made themselves."""

    made: Made
    """Its origins are those of arguments, by the name of the function."""
    conditions: Mapping[str, Expression | None]
    """Of functions with a filter: what has to be true of a row; None where it is not known of what that is made."""
    chosen: tuple[Expression | None, ...]
    """As of the node's source."""
    argued: frozenset[str]
    """Functions that take an argument."""
    numbers: Mapping[str, tuple[int, ...]]
    """Per function, the places of a row's group or partition and, where it counts, of its place in that."""


def noisy(node: Node, trace: Trace) -> frozenset[str]:
    """The columns a node makes that noise takes part in: in its source's rows, or in which rows those are."""
    match node:
        case Distinct():
            return trace.noisy
        case Group(keys=keys, folds=folds):
            touched = frozenset(key.name for key in keys if trace.touches(key.expression))
            whole = bool(touched or trace.chosen)
            return touched | {fold.name for fold in folds if whole or trace.touches(*_read(fold))}
        case Window(functions=functions):
            whole = bool(trace.chosen)
            return frozenset(one.name for one in functions if whole or trace.touches(*_read(one), *one.partition))


def told(node: Node, trace: Trace) -> tuple[str, ...]:
    """Those of the noisy columns whose rows can be told: noise has decided neither groups nor partitions nor, but for a
    rank, the order."""
    found = noisy(node, trace)
    match node:
        case Distinct():
            return tuple(sorted(found))
        case Group(keys=keys, folds=folds):
            if trace.touches(*(key.expression for key in keys)):
                return ()
            return tuple(fold.name for fold in folds if fold.name in found and fold.function in FOLDED)
        case Window(functions=functions):
            return tuple(one.name for one in functions if one.name in found and _partitioned(one, trace))


def made_of(node: Node, name: str) -> tuple[Expression | None, Expression | None]:
    """What of each row of the source a column is made of, and of which rows: those for which the second is true."""
    if isinstance(node, Distinct):
        return Ref(name), None
    one = function(node, name)
    argument = one.order[0].expression if one.function in RANKS else one.argument
    return argument, one.filter


def function(node: Group | Window, name: str) -> Fold | Windowed:
    """The function that makes a column."""
    functions: tuple[Fold | Windowed, ...] = node.folds if isinstance(node, Group) else node.functions
    return next(one for one in functions if one.name == name)


def _partitioned(one: Windowed, trace: Trace) -> bool:
    if trace.touches(*one.partition):
        return False
    if one.function in RANKS:
        return len(one.order) == 1 and trace.touches(one.order[0].expression)
    ordered = trace.touches(*(term.expression for term in one.order))
    return not ordered and (one.function in FRAMED or one.function in PICKED or one.function in SHIFTED)


def _read(function: Fold | Windowed) -> tuple[Expression | None, ...]:
    """What a function reads of each row."""
    return (function.argument, function.filter, *(term.expression for term in function.order))


def cell(marker: str, column: str) -> Ref:
    """The cell of that column in the row that the marker tells."""
    return Ref(f"{marker}.{column}")


def place(ref: Ref) -> tuple[str, str]:
    """Marker and column of a cell; no column of a marker by itself."""
    marker, _, column = ref.name.partition(".")
    return marker, column


def parts(expression: Expression) -> list[Expression]:
    """The expression and everything in it."""
    if not isinstance(expression, Call):
        return [expression]
    return [expression, *(part for argument in expression.arguments for part in parts(argument))]


def reached(markers: Mapping[str, Marker], *expressions: Expression | None) -> frozenset[str]:
    """Every marker that these need, those that tell the rows of a node among them."""
    found = set[str]()
    left = [expression for expression in expressions if expression is not None]
    while left:
        for part in parts(left.pop()):
            if isinstance(part, Ref) and (marker := place(part)[0]) not in found:
                found.add(marker)
                match markers[marker]:
                    case Members(at=at, own=own):
                        left += [Ref(one) for one in at]
                        left += [] if own is None else [own]
    return frozenset(found)


def wanted(markers: Mapping[str, Marker], *expressions: Expression | None) -> dict[Node, frozenset[str]]:
    """The columns that nodes make, as far as these need them."""
    found = dict[Node, frozenset[str]]()
    for marker in sorted(reached(markers, *expressions)):
        match markers[marker]:
            case Members(node, name):
                found[node] = found.get(node, frozenset()) | {name}
    return found
