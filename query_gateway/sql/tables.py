"""FROM items that are tables of cards, and columns under the names that aliases list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from query_gateway.sql.joins import Item
from query_gateway.sql.schema import fold
from query_gateway.sql.scope import Column, Origin, Scope, Source, nearest
from query_gateway.sql.scope import listed as named
from query_gateway.sql.state import State
from sandbox.errors import Refusal
from sandbox.plan.nodes import Scan, ScanColumn


def renamed(state: State, columns: tuple[Column, ...], node: exp.Expr) -> tuple[Column, ...]:
    """The columns of a FROM item under the names that its alias lists."""
    alias = node.args.get("alias")
    return columns if alias is None else listed(state, columns, alias.args.get("columns") or [], node)


def listed(state: State, columns: tuple[Column, ...], names: Sequence[exp.Expr], node: exp.Expr) -> tuple[Column, ...]:
    """The first columns under these names. Refuses `sql.alias_columns`."""
    if len(names) > len(columns):
        raise state.refuse("sql.alias_columns", node)
    all_names = [one.name for one in names] + [column.name for column in columns[len(names) :]]
    return tuple(replace(column, name=name) for name, column in zip(all_names, columns, strict=True))


def scanned(state: State, node: exp.Table, scope: Scope) -> Item:
    """A card's table. Refuses `sql.unknown_table`, `sql.unknown_dataset`."""
    table = state.schema.find(node.db or None, node.name)
    if table is None:
        raise _unknown(state, node)
    scan = state.scan()
    origins = [Origin(scan, table, column.name, state.fresh("c")) for column in table.columns]
    columns = tuple(
        Column(column.name, origin.ref, column.type, origin)
        for column, origin in zip(table.columns, origins, strict=True)
    )
    columns = renamed(state, columns, node)
    scope.sources.append(Source(node.alias_or_name, columns))
    relation = Scan(table.dataset, table.name, tuple(ScanColumn(one.ref, one.column) for one in origins))
    return Item(relation, frozenset({len(scope.sources) - 1}), table.domain, False, node)


def _unknown(state: State, node: exp.Table) -> Refusal:
    if node.db and fold(node.db) not in map(fold, state.schema.datasets()):
        names = list(state.schema.datasets())
        near = nearest(node.db, names)
        return state.refuse("sql.unknown_dataset", node, dataset=node.db, near=near, known=named(names))
    wanted = fold(node.db or state.schema.default)
    names = [table.name for table in state.schema.tables if fold(table.dataset) == wanted]
    near = nearest(node.name, names)
    return state.refuse("sql.unknown_table", node, table=node.name, near=near, known=named(names))
