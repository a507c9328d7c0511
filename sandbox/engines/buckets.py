"""A quantile's buckets as SQL: what the rows of each unit count for, scaled to its bound, added up (rule 22)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from sandbox.engines.choices import choice_sql
from sandbox.engines.clips import LARGEST
from sandbox.engines.expressions import column
from sandbox.engines.operands import Parameters, binary, call, cast, choose, every, number
from sandbox.engines.sources import SEED, UNIT, derived, named, ordered, select_from, temporary, where
from sandbox.plan.checked import GroupKey
from sandbox.privacy.quantiles import Buckets

BUCKET = "_b"
COUNTED = "_c"
RELEASED = "_released"
"""The table of the group keys that quantiles are chosen for, where they are private."""
_OF_UNIT = "_n"
_GROUP = "_g"


def among_released(parts: exp.Select, keys: Sequence[GroupKey], parameters: Parameters) -> exp.Select:
    """The rows per unit, group key and bucket whose group key was released: each meets one row of the table at most."""
    alias, table = parameters.fresh("r"), parameters.fresh("r")
    outputs = [named(column(alias, name), name) for name in (UNIT, SEED, *(key.name for key in keys), BUCKET, COUNTED)]
    same = [exp.NullSafeEQ(this=column(alias, key.name), expression=column(table, key.name)) for key in keys]
    return select_from(outputs, derived(parts, alias)).join(temporary(RELEASED, table), on=every(same), copy=False)


def bucketed(parts: exp.Select, keys: Sequence[GroupKey], buckets: Buckets, parameters: Parameters) -> exp.Select:
    """From rows per unit, group key and bucket: steps per group key and bucket.

    Of a unit at most g group keys, by the keyed choice; of the n rows it has in one, in all buckets together no
    more than r, each bucket's scaled to c·r/n steps, rounded down.
    """
    names = tuple(key.name for key in keys)
    alias = parameters.fresh("r")
    steps: exp.Expr = binary(exp.Mul, cast(column(alias, COUNTED), "HUGEINT"), number(buckets.fine))
    if buckets.cut or buckets.scaled:
        inner = parameters.fresh("r")
        outputs = [named(column(inner, name), name) for name in (*names, BUCKET, COUNTED)]
        if buckets.scaled:
            by = [column(inner, name) for name in (UNIT, *names)]
            outputs.append(named(exp.Window(this=exp.Sum(this=column(inner, COUNTED)), partition_by=by), _OF_UNIT))
            most, rows = number(buckets.rows), column(alias, _OF_UNIT)
            scaled = binary(exp.IntDiv, binary(exp.Mul, steps.copy(), most), rows)
            steps = choose((binary(exp.GT, rows, most), scaled), default=steps)
        if buckets.cut:
            digest = choice_sql(column(inner, SEED), [(key.values.type, column(inner, key.name)) for key in keys])
            order = ordered([(digest, False), *((column(inner, name), False) for name in names)])
            rank = exp.Window(this=exp.DenseRank(), partition_by=[column(inner, UNIT)], order=order)
            outputs.append(named(rank, _GROUP))
        parts = select_from(outputs, derived(parts, inner))
    total = call("LEAST", exp.Sum(this=steps), number(LARGEST))
    outputs = [named(column(alias, name), name) for name in names]
    outputs += [named(cast(column(alias, BUCKET), "BIGINT"), BUCKET), named(cast(total, "BIGINT"), COUNTED)]
    select = select_from(outputs, derived(parts, alias))
    select.set("group", exp.Group(expressions=[column(alias, name) for name in (*names, BUCKET)]))
    if buckets.cut:
        where(select, binary(exp.LTE, column(alias, _GROUP), number(buckets.groups)))
    return select
