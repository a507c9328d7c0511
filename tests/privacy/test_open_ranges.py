"""Rule 19: sums and averages of values of unknown range, where a caller asks for it: a clip is chosen and paid for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from random import Random
from statistics import fmean
from typing import Any

import pytest

from policies.cards import Bounds
from query_gateway import wire
from sandbox.errors import Refusal
from sandbox.plan.aggregates import judged_aggregate
from sandbox.plan.nodes import Type
from sandbox.plan.values import Values
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.clip import ClipAt, Norm
from sandbox.privacy.clipping import bound_by, longest
from sandbox.privacy.statistics import CAPACITY, INTERMEDIATE, OPEN_STEP, Estimate
from sandbox.privacy.structure import row_room
from tests.privacy.test_truncation import RECORDS
from tests.support.answers import InProcess
from tests.support.broker_world import BrokerWorld, broker_world, query
from tests.support.exact import Laboratory, laboratory
from tests.support.measures import AVG_X, COUNT_ROWS, SUM_X, VAR_X, checked
from tests.support.records import FULL, UNITS

AUTO = ClipAt(None)
PEOPLE = 10**6
SQL = "SELECT 科室, SUM(visit_no * 7 - 300) AS s, AVG(visit_no) AS a, COUNT(*) AS n FROM visits GROUP BY 科室"


def of_values(*aggregates: Any, values: Values, rows: int = 40, asked: Any = AUTO) -> BoundedMeasure:
    return bound_by(checked(aggregates, rows=rows, x=values), asked, None, PEOPLE, Norm.L2, minimum=1)


def unknown(kind: Type = Type.INTEGER, lo: int | None = None, granularity: Fraction | None = None) -> Values:
    return Values(kind, nullable=True, lo=lo, hi=None, granularity=granularity)


@pytest.mark.parametrize("asked", [None, Bounds(1, 3), ClipAt(Fraction(2))], ids=str)
def test_only_a_clip_that_is_chosen_bounds_what_has_no_range(asked: Any) -> None:
    with pytest.raises(Refusal, match=r"plan\.unbounded_sum"):
        of_values(SUM_X, values=unknown(), asked=asked)


@pytest.mark.parametrize("aggregate", [SUM_X, AVG_X, VAR_X], ids=lambda each: each.function.value)
def test_sums_and_averages_alone_may_have_no_range_and_only_if_asked(aggregate: Any) -> None:
    with pytest.raises(Refusal, match=r"plan\.unbounded_sum"):
        judged_aggregate(aggregate, unknown(), None, 10)
    if aggregate is VAR_X:
        with pytest.raises(Refusal, match=r"plan\.unbounded_sum"):
            judged_aggregate(aggregate, unknown(), None, 10, open_ranges=True)
    else:
        assert judged_aggregate(aggregate, unknown(), None, 10, open_ranges=True).aggregate == aggregate


@pytest.mark.parametrize("rows", [1, 40, 10**6])
@pytest.mark.parametrize(
    "values", [unknown(), unknown(Type.DOUBLE), unknown(Type.DOUBLE, 0, Fraction(1, 100))], ids=str
)
@pytest.mark.parametrize("aggregate", [SUM_X, AVG_X], ids=lambda each: each.function.value)
def test_its_candidates_are_public_and_no_number_is_too_large(rows: int, values: Values, aggregate: Any) -> None:
    """Rules 3, 19 and 27: they double from a few steps of the grid to all the room that there is."""
    measure = of_values(aggregate, COUNT_ROWS, values=values, rows=rows)
    estimate = measure.estimates[0]
    assert isinstance(estimate, Estimate)
    clip = measure.clip(estimate.statistic)
    assert clip is not None
    (name,) = clip.fine
    statistic = measure.statistic(name)
    room = row_room(measure.checked, PEOPLE)
    assert (statistic.centre, statistic.high) == (0, room)
    assert statistic.low == (-room if values.lo is None else 0)
    assert statistic.granularity == (values.granularity or (1 if values.type is Type.INTEGER else OPEN_STEP))
    assert all(2 * one == other for one, other in pairwise(clip.candidates))
    assert clip.candidates[0] < 128 * clip.fine[name]
    assert clip.most >= longest(measure, clip)
    assert longest(measure, clip) * PEOPLE < CAPACITY
    assert longest(measure, clip) * clip.most < INTERMEDIATE


def test_both_sides_of_such_an_average_have_clips_of_their_own() -> None:
    """Beside the room for values a counted row would be nothing, or all."""
    measure = of_values(AVG_X, values=unknown(), rows=40)
    assert [len(clip.fine) for clip in measure.clips] == [1, 1]
    one_row = of_values(AVG_X, values=unknown(), rows=1)
    assert [len(clip.fine) for clip in one_row.clips] == [1]


def measures(lab: Laboratory) -> list[BoundedMeasure]:
    """With the clip of values at several candidates."""
    (found,) = lab.check(lab.lower(SQL), open_ranges=True).measures
    measure = lab.bound(found, AUTO)
    shapes = []
    for part in (0.0, 0.3, 0.5, 0.9, 1.0):
        clips = tuple(
            replace(clip, most=clip.candidates[round(part * (len(clip.candidates) - 1))], candidates=())
            for clip in measure.clips
        )
        shapes.append(replace(measure, clips=clips))
    return shapes


@pytest.mark.parametrize("unit", UNITS[:3])
def test_one_unit_moves_the_totals_by_no_more_than_the_clip(unit: int) -> None:
    """The engine's totals are the reference's, on neighbours too."""
    with laboratory(FULL) as before, laboratory(FULL.without(unit, Random(unit))) as after:
        for one, other in zip(measures(before), measures(after), strict=True):
            totals, less = before.statistics(one), after.statistics(other)
            assert totals == before.expected(one)
            assert less == after.expected(other)
            for clip in one.clips:
                places = [place for place, each in enumerate(one.statistics) if each.name in clip.fine]
                changes = [
                    totals.get(key, zeros)[place] - less.get(key, zeros)[place]
                    for key in totals.keys() | less.keys()
                    for zeros in [(0,) * len(one.statistics)]
                    for place in places
                ]
                assert sum(each**2 for each in changes) <= clip.most**2


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWorld]:
    with broker_world(tmp_path_factory.mktemp("ranges"), RECORDS, lambda _: InProcess()) as found:
        yield found


def test_with_a_huge_spend_it_is_the_plain_answer(world: BrokerWorld) -> None:
    """To 15 scales of the noise that a clip no longer than twice the longest vector has: of one that is far too long it
    would be more.
    """
    answer = world.ask(query(SQL, {"rho": "999999"}, ranges="auto"))
    assert answer.status == 200, answer.body
    release = json.loads(answer.body)["release"]
    wire.QueryAnswer.model_validate(json.loads(answer.body))
    numbers: dict[str, list[int]] = {}
    for no, _, ward, *_ in RECORDS.visits:
        numbers.setdefault(ward, []).append(int(no))
    for ward, total, mean, n in release["rows"]:
        found = numbers.get(ward, [])
        assert n == len(found)
        assert abs(total - sum(7 * each - 300 for each in found)) <= 60
        assert not found or abs(mean - fmean(found)) < 3


@pytest.mark.parametrize(("changes", "code"), [
    ({}, "plan.unbounded_sum"),
    ({"ranges": "auto", "bounds": "card"}, "plan.unbounded_sum"),
    ({"ranges": "auto", "bounds": {"clip": 2}}, "plan.unbounded_sum"),
    ({"ranges": "wide"}, "request.body"),
])  # fmt: skip
def test_it_is_refused_unless_asked_for(world: BrokerWorld, changes: dict[str, Any], code: str) -> None:
    answer = world.ask(query(SQL, {"rho": "1"}, **changes))
    assert json.loads(answer.body)["code"] == code
