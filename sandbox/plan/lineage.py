"""What a plan's relations come from: the tables they read, and the released columns they pass on."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.nodes import (
    Constants,
    Distinct,
    Filter,
    Group,
    Join,
    Limit,
    Mark,
    Project,
    Ref,
    Relation,
    Released,
    Scan,
    Sort,
    Union,
    Window,
    Windowed,
)
from sandbox.plan.plan import Plan
from sandbox.plan.window_functions import Frame, FrameUnit, WindowFunction


def sources(relation: Relation) -> tuple[Relation, ...]:
    """The relations that an operator reads, from left to right."""
    match relation:
        case Scan() | Released() | Constants():
            return ()
        case Filter() | Project() | Sort() | Limit() | Distinct() | Group() | Window():
            return (relation.source,)
        case Join(left, right) | Mark(left, right) | Union(left, right):
            return (left, right)


def scans(relation: Relation) -> tuple[Scan, ...]:
    """Every scan that the relation reads, from left to right."""
    if isinstance(relation, Scan):
        return (relation,)
    return tuple(scan for source in sources(relation) for scan in scans(source))


def releases(relation: Relation) -> tuple[str, ...]:
    """Every measure whose released relation is read, from left to right."""
    if isinstance(relation, Released):
        return (relation.measure,)
    return tuple(measure for source in sources(relation) for measure in releases(source))


def matched(relation: Relation) -> tuple[Scan, ...]:
    """Every scan below an operator that tells units apart: a join of equal units, or what is done within each unit."""
    joins = isinstance(relation, Join | Mark) and relation.unit
    if joins or isinstance(relation, Distinct | Group | Window):
        return scans(relation)
    return tuple(scan for source in sources(relation) for scan in matched(source))


PLACED = frozenset(
    {
        WindowFunction.ROW_NUMBER,
        WindowFunction.NTILE,
        WindowFunction.LAG,
        WindowFunction.LEAD,
        WindowFunction.FIRST_VALUE,
        WindowFunction.LAST_VALUE,
        WindowFunction.NTH_VALUE,
    }
)
"""Functions whose value depends on the place of rows that their order does not tell apart."""


def placed(function: Windowed) -> bool:
    """Whether the function's value depends on a total order (rule 13)."""
    match function.frame:
        case Frame(FrameUnit.ROWS, start, end) if start is not None or end is not None:
            return True
    return function.function in PLACED


def orders(relation: Relation) -> bool:
    """Whether the operator itself asks its source for a total order."""
    match relation:
        case Window(_, functions):
            return any(map(placed, functions))
        case Group(_, _, folds):
            return any(fold.function is FoldFunction.FIRST for fold in folds)
    return False


def ordering(relation: Relation, *, asked: bool = False) -> tuple[Scan, ...]:
    """The scans whose own row order completes an order above; `asked`: one that is asked of the relation itself."""
    match relation:
        case Scan():
            return (relation,) if asked else ()
        case Released() | Constants():
            return ()
        case Mark(source, other):
            return ordering(source, asked=asked) + ordering(other)
        case Join(left, right) | Union(left, right):
            return ordering(left, asked=asked) + ordering(right, asked=asked)
        case Group() | Distinct():
            return ordering(relation.source, asked=orders(relation))
        case Filter() | Project() | Sort() | Limit() | Window():
            return ordering(relation.source, asked=asked or orders(relation))


def measured(plan: Plan) -> Mapping[str, str]:
    """The columns of the public part's result that are a released aggregate as it is, and which one."""
    aggregates = {measure.name: {each.name: each.name for each in measure.aggregates} for measure in plan.measures}
    return _measured(plan.answer, aggregates)


def _measured(relation: Relation, aggregates: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    match relation:
        case Released(measure):
            return aggregates[measure]
        case Scan() | Constants() | Union() | Distinct() | Group():
            return {}
        case Filter() | Mark() | Sort() | Limit() | Window():
            return _measured(relation.source, aggregates)
        case Join(left, right):
            return {**_measured(left, aggregates), **_measured(right, aggregates)}
        case Project(source, outputs):
            known = _measured(source, aggregates)
            refs = {each.name: each.expression.name for each in outputs if isinstance(each.expression, Ref)}
            return {name: known[origin] for name, origin in refs.items() if origin in known}
