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

MONEY = ("", "0", "0.004", "12.345", "99.99", "1999.999", "3000", "-7", "nan", "inf", "-inf", "1e3")
DAYS = ("2024-01-01", "2024-01-31", "2024-02-29", "2024/6/1", "2024-12-31", "2023-12-31", "2025-02-01")
FLAGS = ("true", "false")
WARDS = ("内科", "外科", "儿科", "其他", "牙科", "")
YEARS = ("1920", "1949", "1950", "1985", "2010", "1900", "2030")


def made(seed: int, persons: int, visits: int, drugs: int) -> Records:
    """Rows inside and outside every declared domain, missing and repeated ones, and more than a unit may have."""
    pick = Random(seed)

    def key(unit: int) -> str:
        return pick.choice(SPELLINGS).format(unit)

    people = tuple(
        (key(one), pick.choice(("女", "男", "?", "")), pick.choice(YEARS), pick.choice(MONEY), pick.choice("ABCZ"))
        for one in pick.sample(UNITS, persons)
    )
    went = [
        (key(one) if one else "", pick.choice(WARDS), pick.choice(DAYS), pick.choice(MONEY), pick.choice(FLAGS))
        for one in pick.choices((*UNITS, *UNITS, 0), k=visits)
    ]
    went += went[: visits // 4]
    numbers = [str(number) for number, _ in enumerate(went, 1)]
    took = [
        (pick.choice([*numbers, ""]), pick.choice("ABC"), pick.choice(("0", "1", "2", "10", "99", "-1")))
        for _ in range(drugs)
    ]
    took += took[: drugs // 4]
    return Records(people, tuple((number, *row) for number, row in zip(numbers, went, strict=True)), tuple(took))


SEEDS = st.integers(0, 2**32 - 1)
"""What rows hold is drawn by a seed, which is quick; how many there are, so that failures shrink."""
FULL = made(7, persons=4, visits=14, drugs=12)
"""Everybody, with as many rows as there may be."""


def records() -> st.SearchStrategy[Records]:
    """Databases of up to four units."""
    return st.builds(made, SEEDS, st.integers(0, 4), st.integers(0, 14), st.integers(0, 12))
