"""The levels of a measure as SQL: GROUP BY its grouping sets, and the number that tells the set of a group."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from sandbox.engines.expressions import column
from sandbox.engines.operands import number
from sandbox.engines.sources import named
from sandbox.privacy.bounding import BoundedMeasure

LEVEL = "_level"


def told(bounded: BoundedMeasure, alias: str) -> list[exp.Expr]:
    """What tells the level of a group, where levels are told."""
    if bounded.checked.measure.levels is None:
        return []
    parts: list[exp.Expr] = [column(alias, key.name) for key in bounded.checked.keys]
    return [named(exp.Grouping(expressions=parts) if parts else number(0), LEVEL)]


def by_levels(bounded: BoundedMeasure, alias: str) -> exp.Group | None:
    """GROUP BY the measure's keys, or each of its grouping sets."""
    checked = bounded.checked
    if checked.measure.levels is not None:
        return by_sets(bounded, alias, range(len(checked.levels)))
    keys = [column(alias, key.name) for key in checked.keys]
    return exp.Group(expressions=keys) if keys else None


def by_sets(bounded: BoundedMeasure, alias: str, levels: Iterable[int]) -> exp.Group:
    """GROUP BY the grouping sets of these levels."""
    sets = list[exp.Expr]()
    for level in levels:
        names = [bounded.checked.keys[place].name for place in bounded.checked.levels[level].places]
        parts = [column(alias, name) for name in names]
        sets.append(exp.Paren(this=parts[0]) if len(parts) == 1 else exp.Tuple(expressions=parts))
    return exp.Group(expressions=[exp.GroupingSets(expressions=sets)])
