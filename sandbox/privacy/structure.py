"""What the structure of cards alone bounds: how many groups and rows a unit has, and how much a row may add.

Pure: a checked measure in, whole numbers out.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from policies.cards import Bounds
from sandbox.plan.aggregates import STATISTICS
from sandbox.plan.checked import CheckedMeasure, KeySet
from sandbox.plan.nodes import Ref
from sandbox.privacy.statistics import CAPACITY, INTERMEDIATE


def row_room(checked: CheckedMeasure, max_units: int) -> int:
    """The most that a row may add so that no total reaches `CAPACITY`, nor any square of a unit's norm over all
    statistics, nor a part times that norm, `INTERMEDIATE` (rule 27); 0 where nothing may.
    """
    statistics = 1 + sum(max(2, STATISTICS.get(each.aggregate.function, 1)) for each in checked.aggregates)
    most = min((CAPACITY - 1) // max_units, isqrt((INTERMEDIATE - 1) // (statistics * len(checked.levels))))
    return most // checked.source.rows


def structural(checked: CheckedMeasure) -> Bounds:
    """The tightest (g, r) that every unit obeys without any cut, from declared facts alone."""
    rows = checked.source.rows
    named = {output.expression.name for output in checked.measure.keys if isinstance(output.expression, Ref)}
    fixed = {
        name
        for name, values in checked.source.values.items()
        if not values.nullable and (name in named or values.per_unit)
    }
    one_row = any(columns <= fixed for columns in checked.source.unit_keys)
    groups = groups_by(checked, range(len(checked.keys)), checked.key_set)
    return Bounds(groups=min(rows, groups), rows=1 if one_row else rows)


def groups_by(checked: CheckedMeasure, places: Sequence[int], key_set: KeySet) -> int:
    """Groups by these keys that one unit can touch: parts determined by the unit count 1 (rule 20)."""
    varying = [index for index, place in enumerate(places) if not checked.keys[place].values.per_unit]
    if not varying:
        return 1
    if key_set.cells is None:
        return checked.source.rows
    return max(1, len({tuple(cell[index] for index in varying) for cell in key_set.cells}))
