"""Rules broken on purpose: what is put in the place of the line that holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, update
from sqlglot import exp

from sandbox.audit.records import AccountKind, Amounts
from sandbox.datasets import load, units
from sandbox.engines import duckdb, groups, inputs, measures
from sandbox.engines.choices import choice_sql
from sandbox.engines.distinct import kept_values
from sandbox.engines.operands import number
from sandbox.engines.selects import Selects
from sandbox.engines.sources import derived, named, select_from
from sandbox.ledger.accounts import Line, account_id, lines_of, open_account
from sandbox.ledger.schema import accounts
from sandbox.plan import check
from sandbox.plan.checked import KeySet
from sandbox.plan.nodes import Type
from sandbox.plan.signatures import VALUES
from sandbox.privacy import bounding, intervals, sensitivity


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule, broken in one place."""

    rule: int
    how: str
    where: Any
    what: str
    put: Any
    guard: Callable[[], object]


EVERYTHING = (*VALUES, Type.UNIT, Type.PRESENCE)
"""Types as if unit keys had values."""


_REAL: Mapping[str, Callable[..., Any]] = {
    "rows": load._DuckDB.rows,
    "over": groups.Grouping._over,
    "key_set": check._Checker._key_set,
    "lock": duckdb._lock,
    "matching": Selects._matching,
    "unclipped": sensitivity.unclipped,
}
"""What is put away while a mutant stands in its place."""


def halved(told: Any) -> property:
    """Half of what a property says."""
    return property(lambda of: told.fget(of) // 2)


def first_level(measure: bounding.BoundedMeasure, statistic: Any, *_: int, **__: int) -> Any:
    """What one unit moves on the first level, on every one."""
    return _REAL["unclipped"](measure, statistic, 0)


def scaled(function: Callable[..., Any], factor: Fraction) -> Callable[..., Any]:
    return lambda *given: function(*given) * factor


def reopened(connection: Connection, kind: AccountKind, name: str, limit: Amounts) -> tuple[Any, ...]:
    """An account with nothing spent, whether or not there was one."""
    whole = {"rho_spent": 0, "delta_spent": 0, "epsilon_spent": 0}
    connection.execute(update(accounts).where(accounts.c.id == account_id(kind, name)).values(**whole))
    return open_account(connection, kind, name, limit)


def as_long_as_it_is(header: bytes, *given: Any) -> Any:
    return [header, given[-1]]


def all_rows(engine: Any, sql: str, **values: Any) -> Any:
    return _REAL["rows"](engine, sql, **values | ({"limit": 10**6} if "limit" in values else {}))


def across_units(grouping: groups.Grouping, piece: exp.Expr, one: Any) -> exp.Expr:
    """A window whose partition is not the unit's."""
    found: exp.Expr = _REAL["over"](grouping, piece, one)
    found.set("partition_by", found.args["partition_by"][1:])
    return found


def without_seed(_: exp.Expr, key: Sequence[tuple[Type, exp.Expr]]) -> exp.Expr:
    return choice_sql(number(7), key)


def unlimited(digest: exp.Expr, value: exp.Expr, counted: exp.Expr | None, _: int) -> exp.Expr:
    return kept_values(digest, value, counted, 1000)


def unclamped(_: exp.Expr, steps: exp.Expr, *given: Any) -> exp.Expr:
    return steps if given[1].centre == 0 else exp.Sub(this=exp.Paren(this=steps), expression=number(given[1].centre))


def told_early(bounded: bounding.BoundedMeasure, estimate: Any, steps: Any, *_: Any) -> float:
    """A half-width before the clip's norm is chosen."""
    return intervals._linear(bounded, estimate, steps, intervals.OUTSIDE)


def without_null(checker: Any, keys: Any) -> KeySet:
    found: KeySet = _REAL["key_set"](checker, keys)
    return KeySet(found.cells and tuple(cell for cell in found.cells if None not in cell))


def rows_of_units(_: measures.MeasureSelect, read: inputs.Inputs, __: str) -> exp.Expr:
    return read.count()


def own_line(loss: Any, licence: str, *_: Any) -> tuple[Line, ...]:
    return tuple(line for line in lines_of(loss, licence, (), ("",)) if line.kind is AccountKind.LICENCE)


def unlocked(limits: Any) -> tuple[str, ...]:
    return tuple(one.replace("'UTC'", "'Asia/Shanghai'") for one in _REAL["lock"](limits))


def differently(selects: Selects, _: bool, *given: Any) -> exp.Expr:
    """A match of rows of any two units."""
    found: exp.Expr = _REAL["matching"](selects, False, *given)
    return found


def without_the_seed(outer: str, inner: str, message: str) -> str:
    return units.hmac_sql(outer, inner, message.replace("_seed", "'7'"))


def groups_that_pass(self: measures.MeasureSelect) -> exp.Select:
    """Groups as they leave the engine: those with fewer units than a minimum demands are not among them."""
    found = exp.Cast(this=exp.Count(this=exp.Star()), to=exp.DataType.build("BIGINT"))
    return select_from([named(found, measures.GROUPS)], derived(self.select(), self.parameters.fresh("r")))
