"""Dummies: every bound of the card holds, no record enters one, and neither is ever taken for the other."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from policies.cards import ColumnType, DatasetCard, TableCard
from policies.domains import Canonical
from sandbox.confinement.machine import found as layers
from sandbox.datasets.dummies import Dummies
from sandbox.datasets.dummy import UNITS, dummy_card, dummy_files
from sandbox.datasets.snapshot import Snapshot, Snapshots
from sandbox.datasets.vault import Vault
from sandbox.errors import Fault
from sandbox.plan.checked import PublicFacts
from sandbox.workers.job import DummyPart, Job, Limits, Part, Side
from sandbox.workers.pool import Pool
from tests.support.cards import CENSUS, CLINIC, VISITS, card, column, day, domain, private, public, unit, words
from tests.support.engine import load_as, loaded
from tests.support.records import FULL, PEOPLE, SMALL

FACTS = {"cities": PublicFacts(3, {"code": ("A", "B", "C")}, {"code": 1})}
ODD = card(
    "odd",
    private(
        "a",
        unit("who"),
        column("n", ColumnType.INTEGER),
        column("t", ColumnType.TIMESTAMP, span=(datetime(2024, 1, 1), datetime(2024, 1, 2))),  # noqa: DTZ001
        words("w"),
        column("d", ColumnType.DOUBLE),
        column("day", ColumnType.DATE, nullable=True),
        path="who",
        rows=3,
        key=("who", "n"),
        unit_key=("n",),
    ),
    private("b", unit("who"), words("kind", "x", 'y, "z"', " s"), path="who", rows=40, unit_key=("kind",)),
    private("c", unit("who"), words("lost", key_of="empty"), path="who", rows=1, unit_key=()),
    public("empty", words("code"), day("since", date(2020, 1, 1), date(2021, 1, 1)), key=("code",)),
)
NOTHING = {"empty": PublicFacts(0, {"code": ()}, {"code": 0, "since": 0})}
CARDS: list[tuple[DatasetCard, dict[str, PublicFacts]]] = [
    (CLINIC, FACTS),
    (SMALL, FACTS),
    (CENSUS, {}),
    (VISITS, {}),
    (ODD, NOTHING),
]
NAMES = ["clinic", "clinic, few rows a unit", "census", "visits", "odd"]


class PublicOnly:
    """A store of snapshots that has no private part to give."""

    def __init__(self, public_part: int) -> None:
        self.asked = list[Side]()
        self._public = public_part
        self.leak = False

    def part(self, snapshot: str, side: Side) -> Part:
        self.asked.append(side)
        return Part(snapshot, self._public if self.leak else None, self._public)


def snapshot(of: DatasetCard, facts: dict[str, PublicFacts]) -> Snapshot:
    return Snapshot("5" * 64, of, datetime(2026, 1, 1, tzinfo=UTC), "0" * 64, "0" * 64, facts)


def tables(of: DatasetCard, facts: dict[str, PublicFacts], units: int) -> dict[str, list[dict[str, str]]]:
    """The rows of each file."""
    files = dummy_files(dummy_card(of, facts), units)
    return {name: list(csv.DictReader(io.StringIO(text))) for name, text in files.items()}


@pytest.fixture
def dummies(tmp_path: Path) -> Iterator[Dummies]:
    with (tmp_path / "public").open("wb") as file:
        found = Dummies(PublicOnly(file.fileno()), {each.unit_domain: domain(max_units=300) for each, _ in CARDS})
        yield found
        found.close()


def stored(part: DummyPart, of: DatasetCard, table: TableCard) -> list[dict[str, Any]]:
    place = of.tables.index(table)
    names = {f"c{j}": one.name for j, one in enumerate(table.columns)}
    with duckdb.connect() as engine:
        engine.execute(f"ATTACH '/proc/self/fd/{part.private}' AS part (READ_ONLY)")
        found = engine.execute(f"FROM part.main.t{place}")
        columns = [names.get(str(one[0]), str(one[0])) for one in found.description]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


@pytest.mark.parametrize(("of", "facts"), CARDS, ids=NAMES)
def test_the_same_card_gives_the_same_records(of: DatasetCard, facts: dict[str, PublicFacts]) -> None:
    assert tables(of, facts, 50) == tables(of, facts, 50)
    other = replace(of, version=of.version + 1)
    assert tables(other, facts, 50) != tables(of, facts, 50)


@pytest.mark.parametrize(("of", "facts"), CARDS, ids=NAMES)
def test_a_dummy_is_loaded_and_keeps_every_bound(
    dummies: Dummies, of: DatasetCard, facts: dict[str, PublicFacts]
) -> None:
    """The load itself judges value sets, ranges, keys and references; what it would cut away is not there."""
    part = dummies.part(snapshot(of, facts))
    made = tables(of, facts, 300)
    for table in of.tables:
        if table.unit is None:
            continue
        rows = stored(part, of, table)
        assert len(rows) == len(made[table.name]) >= 240
        per_unit = Counter(row["_unit"] for row in rows)
        assert max(per_unit.values()) <= (table.rows_per_unit or 0)
        if (table.rows_per_unit or 0) > 1:
            assert max(per_unit.values()) > 1
        for one in table.columns:
            found = {row[one.name] for row in rows} if one.type is not ColumnType.UNIT else set()
            if one.values is not None:
                assert found - {None} == set(one.values)
            if one.key_of == "cities":
                assert found - {None} == {"A", "B", "C"}
            if one.lo is not None and one.hi is not None:
                assert all(value is None or one.lo <= value <= one.hi for value in found)
                assert len(found) > 1
            assert (None in found) == (one.nullable and one.type is not ColumnType.UNIT)
    assert part == dummies.part(snapshot(of, facts))  # loaded once


def test_people_of_one_domain_are_the_same_in_every_data_set(dummies: Dummies) -> None:
    """Data sets of one domain are joined on the unit, in a dry run too."""
    units = [
        {row["_unit"]: row["_seed"] for row in stored(dummies.part(snapshot(of, facts)), of, of.tables[0])}
        for of, facts in CARDS
    ]
    assert units[0] == units[1] == units[2] == units[3] == units[4]
    assert len(units[0]) == 300


@pytest.mark.parametrize("form", Canonical)
def test_unit_keys_are_good_in_every_form(tmp_path: Path, form: Canonical) -> None:
    with (tmp_path / "public").open("wb") as file:
        found = Dummies(PublicOnly(file.fileno()), {"people": domain(max_units=20, canonical=form)})
        assert len(stored(found.part(snapshot(CENSUS, {})), CENSUS, CENSUS.tables[0])) == 20
        found.close()


def test_there_are_never_many() -> None:
    assert len(tables(CENSUS, {}, 10**9)["persons"]) == UNITS


def test_a_dummy_asks_for_no_private_part_and_takes_none(tmp_path: Path) -> None:
    """No record can enter a dummy: it is made from the card, and what holds records is not even asked for."""
    with (tmp_path / "public").open("wb") as file:
        store = PublicOnly(file.fileno())
        found = Dummies(store, {"people": domain(max_units=5)})
        assert found.part(snapshot(CENSUS, {})).public == file.fileno()
        assert found.public(snapshot(CENSUS, {})).private is None
        assert set(store.asked) == {Side.PUBLIC}
        store.leak = True
        with pytest.raises(Fault):
            found.part(snapshot(CENSUS, {}))
        found.close()


def test_a_dummy_and_records_share_no_unit_no_seed_and_no_worker(tmp_path: Path) -> None:
    """The keys of dummies are known to everybody and no domain's own; a worker holds one kind of part."""
    with loaded(SMALL, FULL.files, **load_as(PEOPLE)) as real:
        vault = Vault.create(tmp_path / "vault")
        store = Snapshots(tmp_path / "snapshots", vault)
        kept = store.add(SMALL, datetime(2026, 1, 1, tzinfo=UTC), real.facts, real.private, real.public)
        found = Dummies(store, {PEOPLE.name: PEOPLE})
        dummy = found.part(kept)
        assert dummy.private != store.part(kept.id, Side.PRIVATE).private
        assert dummy.public == store.part(kept.id, Side.PUBLIC).public
        seeds = {row["_seed"] for row in stored(dummy, SMALL, SMALL.tables[0])}
        assert not seeds & {row["_seed"] for row in real.table(SMALL.tables[0].name)}
        with pytest.raises(Fault):
            store.part(kept.id, Side.DUMMY)
        pool = Pool(Limits(1, 256), 1, 10, layers())
        job = Job("SELECT 1::BIGINT", (), (), (), 1, 10.0)
        for side in (Side.PRIVATE, Side.PUBLIC):
            with pytest.raises(Fault):
                pool.run((dummy,), side, job)
            with pytest.raises(Fault):
                pool.run((store.part(kept.id, side),), Side.DUMMY, job)
        pool.close()
        found.close()
        store.close()
