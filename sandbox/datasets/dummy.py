"""Dummy records, made from a card alone: a dry run's stand-in for records that nobody may see.

Every value set, range, key, reference and bound of the card holds; nothing else about the records does. Reads the card
and what is public about public tables. The same card gives the same records for ever.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from hashlib import sha256
from math import ceil, floor

from policies.canonical import card_to_json
from policies.cards import CardValue, ColumnCard, ColumnType, DatasetCard, TableCard, Text, UnitPath, Violation
from sandbox.plan.checked import PublicFacts

UNITS = 1000
"""The most dummy units; fewer where the unit domain declares fewer."""
ROWS = 16
"""The most rows of one dummy unit in one table."""
_WORDS = 20
"""Different texts where the card declares none."""
_NUMBERS = 100
"""Different integers where the card declares no range."""
_TRIES = 4
"""Rows drawn until one repeats no key."""
_GAP = 16
"""One in so many values that may be missing is."""
_FIRST = datetime(2024, 1, 1)  # noqa: DTZ001 - moments of a card have no zone
_DAYS = 366
_EMPTY = ColumnCard(
    "nothing", Text("无", "nothing"), ColumnType.BOOLEAN, True, None, None, None, None, None, Violation.NULL, None
)


def dummy_card(card: DatasetCard, facts: Mapping[str, PublicFacts]) -> DatasetCard:
    """The card of the dummy's load: private tables in their places, keys of public tables as value sets.

    A public table keeps its place and nothing else: dry runs read the real one.
    """
    return replace(card, tables=tuple(_table(card, table, facts) for table in card.tables))


def dummy_files(card: DatasetCard, units: int) -> Mapping[str, str]:
    """A CSV text per table of a dummy's card, for at most `units` units."""
    made: dict[str, list[_Row]] = {}
    draws = _Draws(sha256(b"vitrine dummy " + card_to_json(card)).digest())
    people = min(units, UNITS)
    first = True
    while len(made) < len(card.tables):
        for table in card.tables:
            if table.name in made:
                continue
            if table.unit is None:
                made[table.name] = []
            elif table.unit.references is None:
                made[table.name] = _Maker(table, draws).rows(_roots(table, people, draws, everybody=first))
                first = False
            elif table.unit.references in made:
                parent = next(each for each in card.tables if each.name == table.unit.references)
                made[table.name] = _Maker(table, draws).rows(_branches(table, parent, made[parent.name], draws))
    return {table.name: _csv(table, made[table.name]) for table in card.tables}


@dataclass(frozen=True, slots=True)
class _Row:
    unit: int
    cells: Mapping[str, str]


class _Draws:
    """Numbers that follow from the card and a place in its tables, and from nothing else."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed

    def below(self, count: int, *place: object) -> int:
        """A number from 0 to `count` − 1."""
        return int.from_bytes(sha256(self._seed + repr(place).encode()).digest()) % count

    def few(self, most: int, *place: object) -> int:
        """A number from 0 to `most` − 1, smaller ones more often."""
        return self.below(1 + self.below(most, *place), "few", *place)


class _Maker:
    """Makes the rows of one private table; a row that would repeat a key is drawn again, then left out."""

    def __init__(self, table: TableCard, draws: _Draws) -> None:
        self._table = table
        self._draws = draws
        self._keys = [set[tuple[object, ...]](), set[tuple[object, ...]]()]
        self._counts: dict[int, int] = {}

    def rows(self, starts: Iterator[_Row]) -> list[_Row]:
        made = []
        most = min(self._table.rows_per_unit or 1, ROWS)
        for number, start in enumerate(starts):
            if self._counts.get(start.unit, 0) >= most:
                continue
            found = next(filter(None, (self._row(start, number, attempt) for attempt in range(_TRIES))), None)
            if found is not None:
                self._counts[start.unit] = self._counts.get(start.unit, 0) + 1
                made.append(found)
        return made

    def _row(self, start: _Row, number: int, attempt: int) -> _Row | None:
        cells = dict(start.cells)
        for column in self._table.columns:
            if column.name not in cells:
                named = column.name in self._table.key or column.name in (self._table.unit_key or ())
                value = self._value(column, number if named else None, number, attempt)
                if not value and not column.nullable:
                    return None
                cells[column.name] = value or ""
        return _Row(start.unit, cells) if self._new(start.unit, cells) else None

    def _new(self, unit: int, cells: Mapping[str, str]) -> bool:
        """Whether neither the table's key nor the key within the unit repeats; both are taken then."""
        table = self._table
        found: list[tuple[object, ...] | None] = [
            tuple(cells[name] for name in table.key) if table.key else None,
            None if table.unit_key is None else (unit, *(cells[name] for name in table.unit_key)),
        ]
        if any(key in taken for key, taken in zip(found, self._keys, strict=True) if key is not None):
            return False
        for key, taken in zip(found, self._keys, strict=True):
            if key is not None:
                taken.add(key)
        return True

    def _value(self, column: ColumnCard, serial: int | None, *place: int) -> str | None:
        """A cell of the column; None where it is missing or no value can be."""
        where = (self._table.name, column.name, *place)
        if column.nullable and self._draws.below(_GAP, "gap", *where) == 0:
            return None
        count = _choices(column)
        if count is None and serial is not None:
            return _text(_free(column, serial))
        if count == 0:
            return None
        index = self._draws.below(count or _default(column), *where)
        return _text(_free(column, index) if count is None else _declared(column, index))


def _table(card: DatasetCard, table: TableCard, facts: Mapping[str, PublicFacts]) -> TableCard:
    if not table.private:
        return TableCard(table.name, table.title, (_EMPTY,), None, (), None, None, None)
    return replace(table, columns=tuple(_column(card, column, facts) for column in table.columns))


def _column(card: DatasetCard, column: ColumnCard, facts: Mapping[str, PublicFacts]) -> ColumnCard:
    if column.key_of is None:
        return column
    target = card.table(column.key_of)
    members = () if target is None else facts[target.name].members[target.key[0]]
    if not members:
        return replace(column, key_of=None, violation=Violation.NULL, other=None)
    return replace(column, key_of=None, values=tuple(value for value in members if value is not None))


def _roots(table: TableCard, people: int, draws: _Draws, *, everybody: bool) -> Iterator[_Row]:
    """The beginnings of a table's rows that name their unit; some units have none, except where `everybody` has."""
    (name,) = (table.unit or UnitPath((), None)).columns
    most = 1 if table.unit_key == () else min(table.rows_per_unit or 1, ROWS)
    for unit in range(1, people + 1):
        if not everybody and draws.below(8, "absent", table.name, unit) == 0:
            continue
        for _ in range(1 + draws.few(most, "rows", table.name, unit)):
            yield _Row(unit, {name: str(unit)})


def _branches(table: TableCard, parent: TableCard, above: Sequence[_Row], draws: _Draws) -> Iterator[_Row]:
    """The beginnings of a table's rows that refer to a row of another: none, one, or some for each."""
    names = (table.unit or UnitPath((), None)).columns
    most = 1 if table.unit_key == () else min(table.rows_per_unit or 1, ROWS)
    for number, row in enumerate(above):
        cells = {ours: row.cells[theirs] for ours, theirs in zip(names, parent.key, strict=True)}
        for _ in range(draws.few(most + 1, "rows", table.name, number)):
            yield _Row(row.unit, cells)


def _choices(column: ColumnCard) -> int | None:
    """How many values the card declares; None where it declares neither set nor range."""
    if column.values is not None:
        return len(column.values)
    match column.type, column.lo, column.hi:
        case ColumnType.BOOLEAN, _, _:
            return 2
        case ColumnType.INTEGER, int(lo), int(hi):
            return hi - lo + 1
        case ColumnType.DOUBLE, (int() | Fraction()) as lo, (int() | Fraction()) as hi:
            grid = column.granularity or Fraction(1)
            return max(0, floor(hi / grid) - ceil(lo / grid) + 1)
        case ColumnType.TIMESTAMP, datetime() as lo, datetime() as hi:
            return (hi - lo) // timedelta(seconds=1) + 1
        case ColumnType.DATE, date() as lo, date() as hi:
            return (hi - lo).days + 1
    return None


def _declared(column: ColumnCard, index: int) -> CardValue:
    """The value of that number among the declared ones."""
    if column.values is not None:
        return column.values[index]
    match column.type, column.lo:
        case ColumnType.INTEGER, int(lo):
            return lo + index
        case ColumnType.DOUBLE, (int() | Fraction()) as lo:
            grid = column.granularity or Fraction(1)
            return (ceil(lo / grid) + index) * grid
        case ColumnType.TIMESTAMP, datetime() as lo:
            return lo + timedelta(seconds=index)
        case ColumnType.DATE, date() as lo:
            return lo + timedelta(days=index)
    return index == 1


def _default(column: ColumnCard) -> int:
    """How many values a column has of which nothing is declared."""
    match column.type:
        case ColumnType.TEXT:
            return _WORDS
        case ColumnType.DATE | ColumnType.TIMESTAMP:
            return _DAYS
        case _:
            return _NUMBERS


def _free(column: ColumnCard, index: int) -> CardValue:
    """The value of that number where nothing is declared."""
    match column.type:
        case ColumnType.TEXT:
            return f"dummy {index + 1}"
        case ColumnType.DOUBLE:
            return Fraction(index)
        case ColumnType.DATE:
            return _FIRST.date() + timedelta(days=index)
        case ColumnType.TIMESTAMP:
            return _FIRST + timedelta(days=index)
        case _:
            return index


def _text(value: CardValue) -> str:
    """A value as a provider's file writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case Fraction():
            return repr(float(value))
        case datetime():
            return value.isoformat(sep=" ")
        case date():
            return value.isoformat()
    return str(value)


def _csv(table: TableCard, rows: Sequence[_Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.name for column in table.columns)
    writer.writerows([row.cells[column.name] for column in table.columns] for row in rows)
    return text.getvalue()
