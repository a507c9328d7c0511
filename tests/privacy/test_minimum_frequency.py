"""Rule 24: no group of fewer units than card or licence demand is released, by a count that is measured and paid."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from policies.bundle import Bundle
from policies.canonical import card_from_json, card_to_json, digest, plain
from policies.card_consistency import card_problems
from policies.documents import read_card, read_licence_text
from policies.errors import PolicyError
from policies.licences import Notion
from sandbox.plan.nodes import Scalar
from sandbox.privacy.bounding import BoundedMeasure, bound, demanding
from sandbox.privacy.calibrate import PricedMeasure, price
from sandbox.privacy.intervals import ReleasedMeasure, release
from sandbox.privacy.keys import Totals, align
from sandbox.privacy.loss import Spend
from sandbox.privacy.mechanisms import measure
from sandbox.privacy.statistics import StatisticKind
from sandbox.queries import execution
from tests.support import broker_world as worlds
from tests.support.answers import InProcess
from tests.support.broker_world import ZCDP, BrokerWorld, broker_world, licence_text, query
from tests.support.coverage import covered, needed
from tests.support.documents import CARD as CARD_TEXT
from tests.support.documents import spoil
from tests.support.measures import AVG_X, COUNT_ROWS, COUNT_UNITS, checked, key
from tests.support.records import Records

DELTA = Fraction(1, 10**6)
HUGE = Spend(None, Fraction(10**5))
"""Noise of less than a tenth."""
RECORDS = Records(
    tuple((str(n), "女" if n <= 9 else "男", "1950", "12.5", "A" if n <= 6 else "B") for n in range(1, 13)),
    tuple((str(n), str(1 + n % 12), "内科", "2024-01-31", "10" if n % 12 < 8 else "20", "true") for n in range(1, 60)),
    (("1", "A", "1"),),
)
BY_SEX = "SELECT 性别, COUNT(*) AS n FROM persons GROUP BY 1"
BY_COST = "SELECT 费用, COUNT(*) AS n FROM visits GROUP BY 1"


def bounded(*aggregates: Any, private: bool = False, minimum: int) -> BoundedMeasure:
    keys = [key(None if private else [1, 2, 3])]
    return demanding(bound(checked(aggregates, rows=4, keys=keys), None, None, 100), minimum)


def units(found: BoundedMeasure) -> list[str]:
    return [each.name for each in found.statistics if each.kind is StatisticKind.UNITS and each.filter is None]


def test_units_are_counted_once() -> None:
    plain_measure, asked = bounded(COUNT_ROWS, minimum=1), bounded(COUNT_ROWS, COUNT_UNITS, minimum=5)
    assert (plain_measure.frequency, units(plain_measure)) == (None, [])
    added = bounded(COUNT_ROWS, minimum=5)
    assert units(added) == [added.frequency]
    assert units(asked) == [asked.frequency]
    assert len(asked.statistics) == len(added.statistics) == 2


def test_private_keys_are_held_against_it_before_the_threshold() -> None:
    found = bounded(COUNT_ROWS, private=True, minimum=7)
    assert (found.frequency, found.minimum, len(units(found))) == (None, 7, 1)
    (each,) = price([found], HUGE, Notion.ZCDP, DELTA).measures
    threshold = each.measurements[0].threshold
    assert threshold is not None
    assert threshold.minimum == 7


def priced(minimum: int) -> PricedMeasure:
    (each,) = price([bounded(COUNT_ROWS, AVG_X, minimum=minimum)], HUGE, Notion.ZCDP, DELTA).measures
    return each


def released(each: PricedMeasure, counts: tuple[int, ...]) -> ReleasedMeasure:
    keys: tuple[tuple[Scalar, ...], ...] = tuple((number,) for number in range(1, len(counts) + 1))
    columns = {statistic.name: counts for statistic in each.bounded.statistics}
    return release(each, measure(each.measurements, Totals(keys, columns), []))


def test_groups_below_are_withheld_whole() -> None:
    found = released(priced(10), (3, 9, 10, 11, 40))
    assert [row[0] for row in found.rows] == [3, 4, 5]
    assert len(found.intervals) == 3
    assert [row[0] for row in released(priced(1), (3, 9, 10)).rows] == [1, 2, 3]


@pytest.mark.parametrize("near", [-1, 0, 1, 20])
def test_the_count_that_decided_is_covered(near: int) -> None:
    """Near the minimum only its largest values are released: there its interval reaches down to nothing."""
    each = price([bounded(COUNT_UNITS, minimum=10)], Spend(None, Fraction(1, 10)), Notion.ZCDP, DELTA).measures[0]
    count = round(10 + near * each.measurements[0].scale)
    found = released(each, (count,) * 2000)
    intervals = [cell[0] for cell in found.intervals]
    assert len(intervals) >= 200
    assert covered(intervals, float(count)) >= needed(len(intervals))
    ends = {cell.low == 0 for cell in intervals if cell is not None}
    assert (True in ends) is (near < 20)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWorld]:
    with broker_world(tmp_path_factory.mktemp("frequency"), RECORDS, lambda _: InProcess()) as found:
        found.issue(licence_text("K5", "minimum_frequency = 5\n" + ZCDP))
        found.issue(licence_text("K5b", "minimum_frequency = 5\n" + ZCDP))
        yield found


def ask(world: BrokerWorld, sql: str, licence: str, rho: str = "9999") -> dict[str, Any]:
    answer = world.ask(query(sql, {"rho": rho}, licence=licence))
    assert answer.status == 200, answer.body
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_a_licence_demands_it(world: BrokerWorld) -> None:
    assert [row[0] for row in ask(world, BY_SEX, "L1")["release"]["rows"]] == ["女", "男", None]
    found = ask(world, BY_SEX, "K5")["release"]
    assert [row[0] for row in found["rows"]] == ["女"]
    assert [each["minimum_frequency"] for each in found["privacy"]["bounds"]] == [5]
    assert [each["parts"][0]["kind"] for each in found["privacy"]["mechanisms"]] == ["rows", "units"]


def test_a_release_without_it_is_never_copied_for_a_licence_that_demands_it(world: BrokerWorld) -> None:
    """The same mechanisms with the same noise, yet another query (rule 8)."""
    sql = "SELECT 性别, COUNT(DISTINCT pid) AS n FROM persons GROUP BY 1"
    assert len(ask(world, sql, "L1")["release"]["rows"]) == 3
    before = world.spent()["dataset:clinic"]
    first = ask(world, sql, "K5")["release"]
    assert len(first["rows"]) == 1
    assert world.spent()["dataset:clinic"] != before
    assert ask(world, sql, "K5b")["release"] == first


def test_private_keys_with_fewer_units_never_leave_the_engine(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Scalar] = []

    def aligned(measure: BoundedMeasure, rows: Any) -> Totals:
        seen.extend(row[0] for row in rows)
        return align(measure, rows)

    monkeypatch.setattr(execution, "align", aligned)
    assert len(ask(world, BY_COST, "L1")["release"]["rows"]) == len(seen) == 2
    seen.clear()
    assert [row[0] for row in ask(world, BY_COST, "K5")["release"]["rows"]] == [10.0]
    assert seen == [Fraction(10)]


def test_the_larger_of_card_and_licence_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = replace(worlds.CARD, minimum_frequency=3)
    monkeypatch.setattr(worlds, "CARD", card)
    bundle = worlds.BUNDLE
    monkeypatch.setattr(
        worlds,
        "BUNDLE",
        Bundle({card.name: card}, bundle.domains, bundle.rules, bundle.department, bundle.digest),
    )
    with broker_world(tmp_path, RECORDS, lambda _: InProcess()) as found:
        for k, expected in ((2, 3), (5, 5)):
            found.issue(licence_text(f"K{k}", f"minimum_frequency = {k}\n" + ZCDP))
            answer = ask(found, BY_SEX, f"K{k}")
            assert answer["release"]["privacy"]["bounds"][0]["minimum_frequency"] == expected
        assert ask(found, BY_SEX, "L1")["release"]["privacy"]["bounds"][0]["minimum_frequency"] == 3


def test_what_was_signed_before_stays_as_it_was() -> None:
    """An absent demand is no part of card, licence or their digests."""
    assert b"minimum_frequency" not in card_to_json(worlds.CARD)
    assert b"expected_size" not in card_to_json(worlds.CARD)
    licence = read_licence_text(licence_text("L").encode())
    assert "minimum_frequency" not in plain(licence)
    demanded = replace(worlds.CARD, minimum_frequency=20)
    assert card_from_json(card_to_json(demanded)) == demanded
    assert digest(demanded) != digest(worlds.CARD)
    assert read_licence_text(licence_text("L", "minimum_frequency = 5\n" + ZCDP).encode()).minimum_frequency == 5
    assert read_card(spoil(CARD_TEXT, "version = 1", "version = 1\nminimum_frequency = 9")).minimum_frequency == 9


@pytest.mark.parametrize("minimum", [1, 0, -3, 2**20 + 1])
def test_a_demand_of_nothing_is_refused(minimum: int) -> None:
    assert card_problems(replace(worlds.CARD, minimum_frequency=minimum))
    with pytest.raises(PolicyError):
        read_licence_text(licence_text("L", f"minimum_frequency = {minimum}\n" + ZCDP).encode())
