"""Checked measures built by hand: one relation with group key columns `c1`, `c2`, … and a value column `x`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product

from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.checked import CheckedAggregate, CheckedMeasure, GroupKey, KeySet, Relation
from sandbox.plan.grouping_sets import Levels
from sandbox.plan.levels import judged_levels
from sandbox.plan.nodes import Aggregate, Expression, Measure, Output, Ref, Scalar, Scan, Type
from sandbox.plan.values import Values

COUNT_ROWS = Aggregate("a1", AggregateFunction.ROWS, None, None)
COUNT_X = Aggregate("a2", AggregateFunction.ROWS, Ref("x"), None)
COUNT_UNITS = Aggregate("a3", AggregateFunction.UNITS, None, None)
SUM_X = Aggregate("a4", AggregateFunction.SUM, Ref("x"), None)
VAR_X = Aggregate("a6", AggregateFunction.VAR_POP, Ref("x"), None)
CORR_XX = Aggregate("a7", AggregateFunction.CORR, Ref("x"), None, Ref("x"))
DISTINCT_X = Aggregate("a8", AggregateFunction.DISTINCT, Ref("x"), None)
MEDIAN_X = Aggregate("a9", AggregateFunction.QUANTILE_DISC, Ref("x"), None, None, Fraction(1, 2))
AVG_X = Aggregate("a5", AggregateFunction.AVG, Ref("x"), None)


def key(members: Sequence[Scalar] | None, *, per_unit: bool = False, nullable: bool = False) -> Values:
    """A group key part: INTEGER with this value set, or private."""
    public = None if members is None else tuple(members)
    return Values(Type.INTEGER, nullable=nullable, members=public, per_unit=per_unit)


def number(
    lo: int | Fraction = 0,
    hi: int | Fraction = 10,
    *,
    kind: Type = Type.INTEGER,
    granularity: Fraction | None = Fraction(1),
    nullable: bool = True,
) -> Values:
    """The value column's values."""
    return Values(kind, nullable=nullable, lo=lo, hi=hi, granularity=granularity)


def checked(
    aggregates: Iterable[Aggregate],
    *,
    keys: Sequence[Values] = (),
    rows: int = 1,
    x: Values | None = None,
    y: Values | None = None,
    unit_keys: Iterable[frozenset[str]] = (),
    sets: Sequence[Sequence[int]] | None = None,
) -> CheckedMeasure:
    """A measure `m1` over a relation of at most `rows` rows per unit, grouped by columns with these values: by all, or
    by each of these sets of them.
    """
    found = {"x": number() if x is None else x} | ({} if y is None else {"y": y})
    names = [f"c{index}" for index in range(1, len(keys) + 1)]
    outputs = tuple(Output(f"k{index}", Ref(name)) for index, name in enumerate(names, 1))
    levels = None if sets is None else Levels("l1", tuple(tuple(outputs[place].name for place in one) for one in sets))
    aggregates = tuple(aggregates)
    measure = Measure("m1", Scan("d", "t", ()), outputs, aggregates, levels)
    group_keys = tuple(GroupKey(f"k{index}", each) for index, each in enumerate(keys, 1))
    return CheckedMeasure(
        measure=measure,
        source=Relation(
            domain="people",
            rows=rows,
            unit_keys=frozenset(unit_keys),
            values={**dict(zip(names, keys, strict=True)), **found},
            row_bytes=64,
        ),
        keys=group_keys,
        key_set=_key_set(group_keys),
        levels=judged_levels(measure, group_keys, _key_set),
        aggregates=tuple(
            CheckedAggregate(each, _of(each.argument, found), _of(each.other, found)) for each in aggregates
        ),
        work=rows,
        givens=(),
        folded={},
    )


def _key_set(keys: Sequence[GroupKey]) -> KeySet:
    parts = [_parts(each.values) for each in keys]
    public = [part for part in parts if part is not None]
    return KeySet(tuple(product(*public)) if len(public) == len(parts) else None)


def _parts(values: Values) -> tuple[Scalar, ...] | None:
    if values.members is None:
        return None
    return (*values.members, None) if values.nullable else values.members


def _of(argument: Expression | None, found: Mapping[str, Values]) -> Values | None:
    return found[argument.name] if isinstance(argument, Ref) else None
