# ruff: noqa: S608  statements are made of generated names; values are bound
"""What the steps of a load share: the engine behind a narrow door, the order, and the findings so far."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from policies.cards import ColumnCard, ColumnType, TableCard
from sandbox.datasets.order import Finding, LoadOrder, What

SHOWN = 5
"""Row numbers shown with a finding."""


class Unreadable(Exception):
    """The engine could not read an input file as what it claims to be."""


class Refused(Exception):
    """There are findings: nothing is loaded."""


class Engine(Protocol):
    """Runs one statement; values are bound by name."""

    def rows(self, sql: str, **values: object) -> list[tuple[Any, ...]]:
        """What the statement returns. Raises Unreadable."""


class Workbench:
    """One load under way. Tables by stage: raw r{i}, parsed s{i}, with unit a{i}, enforced e{i}."""

    def __init__(self, order: LoadOrder, engine: Engine, scratch: Path) -> None:
        self.order = order
        self.tables = order.card.tables
        self.scratch = scratch
        """Folder of links: input{n}, segment{n}, private, public, grown."""
        self.findings: list[Finding] = []
        self.warnings: list[Finding] = []
        self.rows = engine.rows

    def number(self, name: str) -> int:
        """The table's place on the card."""
        return next(i for i, table in enumerate(self.tables) if table.name == name)

    def count(self, table: TableCard, source: str, checks: Sequence[tuple[What, tuple[str, ...], str]]) -> None:
        """A finding for every condition that holds for a row."""
        for what, columns, condition in checks:
            [(count, rows)] = self.rows(f"SELECT count(*), min(n, {SHOWN}) FROM {source} WHERE {condition}")
            if count:
                self.findings.append(Finding(what, table.name, columns, count, tuple(rows)))

    def unique(self, what: What, table: TableCard, names: tuple[str, ...], source: str, columns: list[str]) -> None:
        """A finding for every combination of values that more than one row has; a missing part is no key."""
        if not columns:
            return
        present = " AND ".join(f"{column} IS NOT NULL" for column in columns)
        groups = f"SELECT max(n) AS n FROM {source} WHERE {present} GROUP BY {', '.join(columns)} HAVING count(*) > 1"
        [(count, rows)] = self.rows(f"SELECT count(*), min(n, {SHOWN}) FROM ({groups})")
        if count:
            self.findings.append(Finding(what, table.name, names, count, tuple(rows)))

    def judge(self) -> None:
        """Raises Refused when there are findings."""
        if self.findings:
            raise Refused


def place(table: TableCard, name: str) -> int:
    """The column's place on the card."""
    return next(j for j, column in enumerate(table.columns) if column.name == name)


def stored(table: TableCard) -> list[tuple[int, ColumnCard]]:
    """The columns that a part holds: all but unit keys."""
    return [(j, column) for j, column in enumerate(table.columns) if column.type is not ColumnType.UNIT]
