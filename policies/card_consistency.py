"""Whether a card or unit domain makes sense in itself: the list of what does not, empty when all is well.

Judges core types, so that what comes out of a file and what comes out of JSON meet the same demands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from fractions import Fraction
from math import ceil, floor

from policies.budgets import budget_problems, frequency_problems
from policies.cards import CardValue, ColumnCard, ColumnType, DatasetCard, TableCard, UnitPath, Violation
from policies.domains import UnitDomain
from policies.names import name_problems, text_problems, twin_problems

INT64 = 2**63
LARGEST_UNITS = 2**40
LONGEST_TEXT = 256
"""Characters of a text value; load cuts longer ones."""
CHOICES = ("unconditional", "conditional", "none")

_PYTHON: Mapping[ColumnType, type] = {
    ColumnType.BOOLEAN: bool,
    ColumnType.INTEGER: int,
    ColumnType.DOUBLE: Fraction,
    ColumnType.TEXT: str,
    ColumnType.DATE: date,
    ColumnType.TIMESTAMP: datetime,
}


def card_problems(card: DatasetCard) -> tuple[str, ...]:
    """Every inconsistency of a card, in the card's order."""
    return tuple(_card(card))


def domain_problems(domain: UnitDomain) -> tuple[str, ...]:
    """Every inconsistency of a unit domain."""
    return tuple(_domain(domain))


def _card(card: DatasetCard) -> Iterator[str]:
    yield from name_problems("name", card.name)
    if not 1 <= card.version < INT64:
        yield "version: counts from 1"
    yield from text_problems("title", card.title)
    yield from text_problems("description", card.description)
    yield from name_problems("unit_domain", card.unit_domain)
    yield from budget_problems(card.budget)
    yield from frequency_problems(card.minimum_frequency)
    yield from _catalogue(card)
    if not card.tables:
        yield "tables: there is none"
    yield from twin_problems("tables", (table.name for table in card.tables))
    for table in card.tables:
        for problem in _table(card, table):
            yield f"tables.{table.name}.{problem}"


def _catalogue(card: DatasetCard) -> Iterator[str]:
    catalogue = card.catalogue
    for name, text in (
        ("provider", catalogue.provider),
        ("category", catalogue.category),
        ("usage", catalogue.usage),
        ("source", catalogue.source),
    ):
        yield from text_problems(f"catalogue.{name}", text)
    for name, word in (
        ("format", catalogue.format),
        ("security_level", catalogue.security_level),
        ("update_cycle", catalogue.update_cycle),
    ):
        if not word.strip():
            yield f"catalogue.{name}: is empty"
    for name, choice in (("sharing", catalogue.sharing), ("opening", catalogue.opening)):
        if choice not in CHOICES:
            yield f"catalogue.{name}: is one of {', '.join(CHOICES)}"
    if catalogue.opening == "unconditional" and any(table.private for table in card.tables):
        yield "catalogue.opening: private tables are never open unconditionally"


def _table(card: DatasetCard, table: TableCard) -> Iterator[str]:
    yield from name_problems("name", table.name)
    yield from text_problems("title", table.title)
    if not table.columns:
        yield "columns: there is none"
    yield from twin_problems("columns", (column.name for column in table.columns))
    for column in table.columns:
        for problem in _column(card, table, column):
            yield f"columns.{column.name}: {problem}"
    yield from _key(table)
    if table.unit is None:
        for name, value in (
            ("unit_key", table.unit_key),
            ("rows_per_unit", table.rows_per_unit),
            ("bounds", table.bounds),
            ("expected_size", table.expected_size),
        ):
            if value is not None:
                yield f"{name}: a public table has none"
    else:
        yield from _path(card, table, table.unit)
        yield from _contribution(table)
        yield from _expected(table)


def _key(table: TableCard) -> Iterator[str]:
    columns = {column.name: column for column in table.columns}
    yield from twin_problems("key", table.key)
    for name in table.key:
        if name not in columns:
            yield f"key: there is no column {name}"
        elif columns[name].nullable:
            yield f"key: {name} is nullable"


def _path(card: DatasetCard, table: TableCard, path: UnitPath) -> Iterator[str]:
    """What is wrong with the way from a private table's rows to their units."""
    columns = {column.name: column for column in table.columns}
    for name in path.columns:
        if name not in columns:
            yield f"unit: there is no column {name}"
    yield from twin_problems("unit", path.columns)
    for column in table.columns:
        if column.type is ColumnType.UNIT and column.name not in path.columns:
            yield f"columns.{column.name}: a row has one unit key, and this is not the one the card names"
    if path.references is None:
        if len(path.columns) != 1:
            yield "unit: is one column"
        for name in path.columns:
            if name in columns and columns[name].type is not ColumnType.UNIT:
                yield f"unit: column {name} is not of type unit"
        return
    target = card.table(path.references)
    if target is None:
        yield f"unit: there is no table {path.references}"
    elif target.unit is None:
        yield f"unit: {target.name} is public and leads to no unit"
    elif not target.key:
        yield f"unit: {target.name} has no key to refer to"
    else:
        types = {column.name: column.type for column in target.columns}
        ours = tuple(columns[name].type for name in path.columns if name in columns)
        if ours != tuple(types.get(name) for name in target.key):
            yield f"unit: {', '.join(path.columns)} does not match the key of {target.name} in number and types"
    if not _reaches(card, table):
        yield "unit: the references go round in a circle and reach no unit key"


def _reaches(card: DatasetCard, table: TableCard) -> bool:
    """Whether following the references ends, at whatever it ends."""
    seen = set[str]()
    here: TableCard | None = table
    while here is not None and here.unit is not None and here.unit.references is not None:
        if here.name in seen:
            return False
        seen.add(here.name)
        here = card.table(here.unit.references)
    return True


def _expected(table: TableCard) -> Iterator[str]:
    if table.expected_size is not None and not 1 <= table.expected_size < 2**31:
        yield "expected_size: lies from 1 to below 2^31"


def _contribution(table: TableCard) -> Iterator[str]:
    columns = {column.name: column for column in table.columns}
    if table.unit_key is not None:
        yield from twin_problems("unit_key", table.unit_key)
        for name in table.unit_key:
            if name not in columns:
                yield f"unit_key: there is no column {name}"
            elif columns[name].type is ColumnType.UNIT:
                yield f"unit_key: {name} is the unit key itself; it names rows within a unit, () when there is one"
            elif columns[name].nullable:
                yield f"unit_key: {name} is nullable"
    rows = table.rows_per_unit
    if rows is None:
        yield "rows_per_unit: is missing, and a private table needs it"
        return
    if not 1 <= rows < INT64:
        yield "rows_per_unit: is at least 1"
    if table.unit_key == () and rows != 1:
        yield "rows_per_unit: is 1 where unit_key is empty"
    if table.bounds is not None:
        for name, bound in (("groups", table.bounds.groups), ("rows", table.bounds.rows)):
            if not 1 <= bound <= rows:
                yield f"bounds.{name}: lies from 1 to rows_per_unit"


def _column(card: DatasetCard, table: TableCard, column: ColumnCard) -> Iterator[str]:
    yield from name_problems("name", column.name)
    yield from text_problems("title", column.title)
    domains = (column.lo is not None or column.hi is not None, column.values is not None, column.key_of is not None)
    if sum(domains) > 1:
        yield "has more than one of range, values and key_of"
    if column.type is ColumnType.UNIT:
        yield from _unit_column(table, column, any(domains))
        return
    yield from _grid(column)
    yield from _range(column)
    yield from _values(column)
    yield from _reference(card, table, column)
    yield from _outside(column)


def _unit_column(table: TableCard, column: ColumnCard, domain: bool) -> Iterator[str]:
    if table.unit is None:
        yield "a public table has no unit key"
    if domain or column.granularity is not None or column.other is not None:
        yield "a unit key has no value: no range, values, key_of, granularity or other"
    if column.nullable:
        yield "a unit key is never NULL: rows without one are dropped at load"
    if column.violation is not Violation.NULL:
        yield "a unit key has nothing outside it"


def _grid(column: ColumnCard) -> Iterator[str]:
    match column.type:
        case ColumnType.INTEGER:
            if column.granularity != 1:
                yield "granularity: of an integer is 1"
        case ColumnType.DOUBLE:
            if column.granularity is None and column.lo is not None:
                yield "granularity: is missing, and a double with a range needs it"
            if column.granularity is not None and column.granularity <= 0:
                yield "granularity: is above 0"
            if column.granularity is not None and column.lo is None:
                yield "granularity: means nothing without a range"
        case _:
            if column.granularity is not None:
                yield f"granularity: a {column.type} column has none"


def _range(column: ColumnCard) -> Iterator[str]:
    lo, hi = column.lo, column.hi
    if lo is None and hi is None:
        return
    if column.type in {ColumnType.BOOLEAN, ColumnType.TEXT}:
        yield f"range: a {column.type} column has none"
    elif lo is None or hi is None:
        yield "range: has two ends"
    elif not (_fits(column.type, lo) and _fits(column.type, hi)):
        yield f"range: its ends are not of type {column.type}"
    elif isinstance(lo, Fraction) and isinstance(hi, Fraction):
        if lo > hi:
            yield "range: is the wrong way round"
        elif column.granularity is not None and column.granularity > 0:
            steps = (ceil(lo / column.granularity), floor(hi / column.granularity))
            if steps[0] > steps[1]:
                yield "granularity: no point of the grid lies in the range"
            elif max(-steps[0], steps[1]) >= INT64 // 2:
                yield "granularity: too fine, the range has more steps than 62 bits count"
    elif lo > hi:  # type: ignore[operator]
        yield "range: is the wrong way round"


def _values(column: ColumnCard) -> Iterator[str]:
    if column.values is None:
        return
    if column.type is ColumnType.DOUBLE:
        yield "values: a double column has a range, not values"
    elif not column.values:
        yield "values: there is none"
    elif not all(_fits(column.type, value) for value in column.values):
        yield f"values: not all are of type {column.type}"
    elif any(isinstance(value, str) and len(value) > LONGEST_TEXT for value in column.values):
        yield f"values: one is longer than {LONGEST_TEXT} characters"
    elif len(set(column.values)) < len(column.values):
        yield "values: one is listed twice"


def _reference(card: DatasetCard, table: TableCard, column: ColumnCard) -> Iterator[str]:
    if column.key_of is None:
        return
    target = card.table(column.key_of)
    if target is None:
        yield f"key_of: there is no table {column.key_of}"
    elif target.name == table.name:
        yield "key_of: points at its own table"
    elif target.private:
        yield f"key_of: {target.name} is private"
    elif len(target.key) != 1:
        yield f"key_of: {target.name} has no key of one column"
    elif not table.private and card.tables.index(target) > card.tables.index(table):
        yield f"key_of: {target.name} stands below: public tables are loaded in the card's order"
    elif column.type is ColumnType.DOUBLE:
        yield "key_of: a double column is no key"
    elif column.type not in {other.type for other in target.columns if other.name == target.key[0]}:
        yield f"key_of: {target.name}.{target.key[0]} is of another type"


def _outside(column: ColumnCard) -> Iterator[str]:
    ranged = column.lo is not None
    finite = column.values is not None or column.key_of is not None
    if column.violation is Violation.CLAMP and not ranged:
        yield "outside: only a range can clamp"
    if column.violation is Violation.OTHER and not finite:
        yield "outside: `other` needs values or key_of"
    if (column.violation is Violation.OTHER) != (column.other is not None):
        yield "other: goes with outside = other, and only with it"
    elif column.other is not None and not _fits(column.type, column.other):
        yield f"other: is not of type {column.type}"
    elif column.other is not None and column.values is not None and column.other not in column.values:
        yield "other: is not one of the values"


def _fits(kind: ColumnType, value: CardValue) -> bool:
    """Whether a value is of a column's type, exactly: true is no integer, a moment no date."""
    if type(value) is not _PYTHON[kind]:
        return False
    if isinstance(value, datetime):
        return value.tzinfo is None
    return not isinstance(value, int) or -INT64 <= value < INT64


def _domain(domain: UnitDomain) -> Iterator[str]:
    yield from name_problems("name", domain.name)
    yield from text_problems("title", domain.title)
    if not 1 <= domain.max_units <= LARGEST_UNITS:
        yield "max_units: lies from 1 to 2^40"
    yield from budget_problems(domain.budget)
