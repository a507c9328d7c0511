"""Rule 28: an answer with private group keys says how many groups it does not show, from a noisy number of all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from policies.cards import Bounds
from policies.licences import Notion
from query_gateway import wire
from sandbox.privacy.bounding import bound, demanding
from sandbox.privacy.calibrate import price
from sandbox.privacy.loss import Spend
from sandbox.privacy.notices import NoticeKind, due
from tests.privacy.test_truncation import RECORDS, shown
from tests.support.answers import InProcess
from tests.support.broker_world import BrokerWorld, broker_world, query
from tests.support.exact import laboratory
from tests.support.measures import COUNT_ROWS, checked, key

BY_VISIT = "SELECT visit_no + 0 AS k, COUNT(*) AS n FROM visits GROUP BY k"
OF_ALL = "SELECT visit_no - visit_no AS nothing, COUNT(*) AS n FROM visits GROUP BY nothing"
"""26 visits of twelve people, of whom seven have three; a difference of numbers without a range is in no public set."""


@pytest.mark.parametrize(("sql", "bounds", "groups"), [
    (BY_VISIT, Bounds(3, 1), 26),
    (BY_VISIT, Bounds(2, 1), 19),
    (BY_VISIT, Bounds(1, 1), 12),
    (OF_ALL, Bounds(3, 3), 1),
], ids=str)  # fmt: skip
def test_groups_are_counted_after_bounding_and_before_any_minimum(sql: str, bounds: Bounds, groups: int) -> None:
    """A mutant that counts what a minimum leaves, or what there was before bounding, is found here."""
    with laboratory(RECORDS) as lab:
        (found,) = lab.check(lab.lower(sql)).measures
        for minimum in (1, 2, 1000):
            measure = demanding(lab.bound(found, bounds), minimum)
            assert measure.existence is not None
            assert lab.notice(measure, NoticeKind.GROUPS) == groups
        assert lab.statistics(measure) == {}


def test_a_unit_changes_it_by_as_many_groups_as_it_keeps() -> None:
    found = checked([COUNT_ROWS], rows=6, keys=[key(None)])
    for groups in (1, 3, 6):
        measure = bound(found, Bounds(groups, 1), None, 1000)
        (priced,) = price([measure], Spend(Fraction(1), None), Notion.ZCDP, Fraction(1, 10**6)).measures
        steps = {notice.kind: notice.step for notice in priced.notices}
        assert steps[NoticeKind.GROUPS].sensitivity == groups
    assert due(bound(checked([COUNT_ROWS], rows=6, keys=[key([1])]), None, None, 1000)) == ()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWorld]:
    with broker_world(tmp_path_factory.mktemp("withheld"), RECORDS, lambda _: InProcess()) as found:
        yield found


def ask(world: BrokerWorld, sql: str, rho: str) -> dict[str, Any]:
    answer = world.ask(query(sql, {"rho": rho}, bounds={"groups": 3, "rows": 3}, reuse=False))
    assert answer.status == 200, answer.body
    found: dict[str, Any] = json.loads(answer.body)
    wire.QueryAnswer.model_validate(found)
    release: dict[str, Any] = found["release"]
    return release


def test_the_release_says_how_many_are_not_shown(world: BrokerWorld) -> None:
    """Groups of one person each are below the threshold, whatever the noise."""
    found = ask(world, BY_VISIT, "9999")
    assert found["rows"] == []
    assert found["withheld"] == [
        {"measure": "m1", "statistic": "m1g", "groups": 26, "interval": [26, 26], "some": True}
    ]
    assert found["privacy"]["mechanisms"][-1]["parts"] == [
        {"statistic": "m1g", "kind": "existing_groups", "granularity": "1"}
    ]
    assert "26" in shown(found, "en")
    assert "more groups" in shown(found, "en")
    assert "人数过少" in shown(found, "zh")


def test_what_is_shown_is_taken_off(world: BrokerWorld) -> None:
    found = ask(world, OF_ALL, "9999")
    assert found["rows"] == [[0, 26]]
    (notice,) = found["withheld"]
    assert notice == {"measure": "m1", "statistic": "m1g", "groups": 0, "interval": [0, 0], "some": False}
    assert "at most 0" in shown(found, "en")


def test_it_is_said_by_the_noisy_number_alone(world: BrokerWorld) -> None:
    found = ask(world, BY_VISIT, "0.000001")
    (notice,) = found["withheld"]
    scale = next(each["scale"] for each in found["privacy"]["mechanisms"] if each["statistic"] == "m1g")
    assert scale > 1000
    assert notice["groups"] >= 0
    assert notice["some"] is (notice["interval"][0] > 0)
    assert ("of too few people" in shown(found, "en")) is notice["some"]


def test_public_group_keys_have_no_such_notice(world: BrokerWorld) -> None:
    assert ask(world, "SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室", "1")["withheld"] == []
