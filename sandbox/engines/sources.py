"""A relation as a SELECT, and the pieces that SELECTs are made of: generated names, quoted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from sandbox.engines.operands import wrap
from sandbox.plan.nodes import Order
from sandbox.plan.origins import Trace
from sandbox.plan.values import Values

UNIT, SEED, ORDER = "_unit", "_seed", "_order"
ROW = "_row"
"""Of a stored private row: its place among those of its unit, by content."""
NUMBER = "_number"
"""Of a released row, from 0, in the order of the group keys."""
EMPTY = "_empty"
"""Stands in for the columns of a relation that has none."""


@dataclass(frozen=True, slots=True)
class Source:
    """A relation as a SELECT."""

    select: exp.Select
    columns: Mapping[str, Values]
    hidden: tuple[str, ...]
    """Columns that no expression can name: unit and seed of a private relation; place and markers of a public one."""
    trace: Trace = field(default_factory=Trace)
    """Of a public relation whose rows are to tell of which released cells they are made."""
    order: tuple[str, ...] | None = None
    """Hidden columns that tell apart any two rows of one unit, where a total order was asked for (rule 13)."""

    @property
    def private(self) -> bool:
        return UNIT in self.hidden

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.columns, *self.hidden)


def identifier(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def named(expression: exp.Expr, name: str) -> exp.Expr:
    return exp.Alias(this=expression, alias=identifier(name))


def derived(select: exp.Query, alias: str) -> exp.Subquery:
    """A SELECT as a relation of another one."""
    return exp.Subquery(this=select, alias=exp.TableAlias(this=identifier(alias)))


def select_from(outputs: Sequence[exp.Expr], source: exp.Expr) -> exp.Select:
    """SELECT outputs FROM source; a constant where there is no output."""
    return exp.Select(expressions=list(outputs) or [named(exp.true(), EMPTY)]).from_(source, copy=False)


def temporary(table: str, alias: str) -> exp.Table:
    """A table handed to the job."""
    return exp.Table(
        this=identifier(table),
        db=identifier("main"),
        catalog=identifier("temp"),
        alias=exp.TableAlias(this=identifier(alias)),
    )


def where(select: exp.Select, condition: exp.Expr) -> exp.Select:
    return select.where(condition, copy=False)


def ordered(terms: Sequence[tuple[exp.Expr, bool]]) -> exp.Order:
    """ORDER BY, descending where said; NULLs last."""
    return exp.Order(
        expressions=[exp.Ordered(this=wrap(term), desc=descending, nulls_first=False) for term, descending in terms]
    )


def put(term: exp.Expr, order: Order) -> exp.Expr:
    """A term of ORDER BY as the plan says."""
    return exp.Ordered(this=wrap(term), desc=order.descending, nulls_first=order.nulls_first)


def put_in_order(select: exp.Select, order: exp.Order) -> None:
    """The SELECT's own ORDER BY; none where there is nothing to tell rows apart by."""
    if order.expressions:
        select.set("order", order)


def place(order: exp.Order, partition: Sequence[exp.Expr] = ()) -> exp.Expr:
    """The number of a row in an order."""
    return exp.Window(this=exp.RowNumber(), partition_by=list(partition), order=order)
