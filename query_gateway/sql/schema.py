"""What the front end knows of a data set: names, types, units and keys, as the sandbox describes its cards."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from policies.cards import UnitPath
from sandbox.errors import Fault
from sandbox.plan.nodes import Type

Json: TypeAlias = "Mapping[str, Json] | list[Json] | str | int | bool | None"


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """One column of a card."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One table of a card."""

    dataset: str
    name: str
    domain: str | None
    """Unit domain; None for a public table."""
    columns: tuple[ColumnSchema, ...]
    unit: UnitPath | None
    key: tuple[str, ...]

    @property
    def unit_column(self) -> str | None:
        """The column that holds the unit key itself."""
        return next((column.name for column in self.columns if column.type is Type.UNIT), None)


@dataclass(frozen=True, slots=True)
class Schema:
    """The data sets one query may name."""

    default: str
    """The data set of tables named without one."""
    tables: tuple[TableSchema, ...]

    def find(self, dataset: str | None, table: str) -> TableSchema | None:
        """The table of this name, whatever the case of its letters."""
        wanted = fold(self.default if dataset is None else dataset), fold(table)
        return next((one for one in self.tables if (fold(one.dataset), fold(one.name)) == wanted), None)

    def datasets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(table.dataset for table in self.tables))


def fold(name: str) -> str:
    """The form in which two identifiers are compared."""
    return unicodedata.normalize("NFC", name).casefold()


def read_schema(default: str, cards: Json) -> Schema:
    """The schema that the sandbox described. Raises Fault where the description is malformed."""
    if not isinstance(cards, list):
        raise Fault("malformed cards")
    return Schema(default, tuple(table for card in cards for table in _tables(card)))


def _tables(card: Json) -> tuple[TableSchema, ...]:
    match card:
        case {"name": str(name), "domain": str(domain), "tables": list(tables)}:
            return tuple(_table(name, domain, table) for table in tables)
    raise Fault("malformed card")


def _table(dataset: str, domain: str, table: Json) -> TableSchema:
    match table:
        case {"name": str(name), "columns": list(columns), "unit": unit, "key": list(key)}:
            path = _path(unit)
            return TableSchema(
                dataset, name, None if path is None else domain, tuple(map(_column, columns)), path, _names(key)
            )
    raise Fault("malformed table")


def _column(column: Json) -> ColumnSchema:
    match column:
        case {"name": str(name), "type": str(type_)}:
            return ColumnSchema(name, Type(type_))
    raise Fault("malformed column")


def _path(unit: Json) -> UnitPath | None:
    match unit:
        case None:
            return None
        case {"columns": list(columns), "references": (None | str()) as references}:
            return UnitPath(_names(columns), references)
    raise Fault("malformed unit path")


def _names(names: list[Json]) -> tuple[str, ...]:
    return tuple(name for name in names if isinstance(name, str))
