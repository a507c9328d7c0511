"""Small databases as a provider's files: what may stand in them, one unit taken out, every unit put in twice.

The card is `tests.support.cards.CLINIC` with few rows per unit, so that load's own bounds bind.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from hypothesis import strategies as st

from policies.cards import Bounds, DatasetCard
from tests.support.cards import CLINIC, domain

PEOPLE = domain(max_units=1000)
"""Few enough that no grid has to be coarsened."""
TIGHT = {"persons": 1, "visits": 3, "drugs": 4}
"""Rows per unit: fewer than the files may hold."""
HEADERS = {
    "persons": ("pid", "性别", "birth_year", "income", "city"),
    "visits": ("visit_no", "pid", "科室", "日期", "费用", "emergency"),
    "drugs": ("visit_no", "药品", "packs"),
    "cities": ("code", "name_zh", "name_en", "population"),
}
CITIES = (
    ("A", "甲", "Alpha", "1000"),
    ("B", "乙", "Beta", "1950"),
    ("C", "丙", "Beta", "50000000"),
)
"""Two share a name, so that a join on it matches twice."""
UNITS = (1, 2, 3, 4)
SPELLINGS = ("{}", "0{}", " {}", "+{}", "{}.0")
"""Ways to write one unit key."""


@dataclass(frozen=True, slots=True)
class Records:
    """The rows of each file; a person is named by the number that its unit key spells."""

    persons: tuple[tuple[str, ...], ...]
    visits: tuple[tuple[str, ...], ...]
    drugs: tuple[tuple[str, ...], ...]
    cities: tuple[tuple[str, ...], ...] = CITIES

    @property
    def files(self) -> dict[str, str]:
        """CSV texts."""
        return {name: _csv(header, getattr(self, name)) for name, header in HEADERS.items()}

    def without(self, unit: int, order: Random) -> Records:
        """No record of one unit, and the others in another order."""
        gone = {row[0] for row in self.visits if person(row[1]) == unit}
        return Records(
            _shuffled((row for row in self.persons if person(row[0]) != unit), order),
            _shuffled((row for row in self.visits if person(row[1]) != unit), order),
            _shuffled((row for row in self.drugs if row[0] not in gone), order),
            self.cities,
        )

    def doubled(self) -> Records:
        """Every unit with a twin of equal records: no group has one unit only."""
        return Records(
            self.persons + tuple((_twin(row[0]), *row[1:]) for row in self.persons),
            self.visits + tuple((_twin(row[0]), _twin(row[1]), *row[2:]) for row in self.visits),
            self.drugs + tuple((_twin(row[0]), *row[1:]) for row in self.drugs),
            self.cities,
        )


def person(key: str) -> int | None:
    """The unit that a key spells; none where it is blank."""
    return int(float(key)) if key.strip() else None


def _twin(key: str) -> str:
    found = person(key)
    return "" if found is None else str(found + 1000)


def _shuffled(rows: object, order: Random) -> tuple[tuple[str, ...], ...]:
    kept = list(rows)  # type: ignore[call-overload]
    order.shuffle(kept)
    return tuple(kept)


def _csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def tight(of: DatasetCard, rows: Mapping[str, int], bounds: Bounds | None) -> DatasetCard:
    """The card with these rows per unit and, on tables with default bounds, these in their place."""
    tables = (
        replace(table, rows_per_unit=rows.get(table.name, table.rows_per_unit), bounds=table.bounds and bounds)
        for table in of.tables
    )
    return replace(of, tables=tuple(tables))


SMALL = tight(CLINIC, TIGHT, None)
"""Clinic, with bounds at load that bind and none declared for measures."""
ROOMY = tight(CLINIC, {}, None)
"""Clinic, with bounds at load that cut nothing off these records, so that a unit and its twin have equal rows."""

_MONEY = st.sampled_from(("", "0", "0.004", "12.345", "99.99", "1999.999", "3000", "-7", "nan", "inf", "-inf", "1e3"))
_DAYS = st.sampled_from(
    ("2024-01-01", "2024-01-31", "2024-02-29", "2024/6/1", "2024-12-31", "2023-12-31", "2025-02-01")
)
_WARDS = st.sampled_from(("内科", "外科", "儿科", "其他", "牙科", ""))
_YEARS = st.sampled_from(("1920", "1949", "1950", "1985", "2010", "1900", "2030"))
_CODES = st.sampled_from(("A", "B", "C", "Z", ""))


@st.composite
def records(draw: st.DrawFn) -> Records:
    """Rows inside and outside every declared domain, missing and repeated ones, and more than a unit may have."""
    known = draw(st.lists(st.sampled_from(UNITS), unique=True, max_size=len(UNITS)))
    persons = [
        (
            _key(draw, one),
            draw(st.sampled_from(("女", "男", "?", ""))),
            draw(_YEARS),
            draw(_MONEY),
            draw(_CODES),
        )
        for one in known
    ]
    visits: list[tuple[str, ...]] = [
        (
            str(number),
            draw(st.just("")) if one is None else _key(draw, one),
            draw(_WARDS),
            draw(_DAYS),
            draw(_MONEY),
            draw(st.sampled_from(("true", "false"))),
        )
        for number, one in enumerate(draw(st.lists(st.sampled_from((*UNITS, *UNITS, None)), max_size=14)), 1)
    ]
    visits += _repeated(draw, visits)
    numbers = st.sampled_from([row[0] for row in visits] + [""])
    drugs = [
        (draw(numbers), draw(st.sampled_from("ABC")), draw(st.sampled_from(("0", "1", "2", "10", "99", "-1"))))
        for _ in range(draw(st.integers(0, 12)))
    ]
    return Records(tuple(persons), tuple(visits), tuple(drugs + drugs[: draw(st.integers(0, 4))]))


def _key(draw: st.DrawFn, unit: int) -> str:
    return draw(st.sampled_from(SPELLINGS)).format(unit)


def _repeated(draw: st.DrawFn, rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Some rows again under numbers of their own: all that load stores of them is equal, but for the number."""
    again = rows[: draw(st.integers(0, 4))]
    return [(str(len(rows) + number), *row[1:]) for number, row in enumerate(again, 1)]
