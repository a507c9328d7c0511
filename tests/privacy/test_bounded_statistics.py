"""Rules 11 and 14–20: the engine's bounded totals are the reference's, and one unit moves them no more than claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from policies.cards import Bounds
from sandbox.errors import Refusal
from sandbox.plan.arithmetic import UnknownValueError
from sandbox.plan.plan import Plan
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.clip import Clip, ClipAt, Norm
from sandbox.privacy.keys import Key
from sandbox.privacy.notices import NoticeKind, change, due
from sandbox.privacy.quantiles import Quantile, scores
from sandbox.privacy.selection import heaviest
from sandbox.privacy.sensitivity import full_groups, sensitivity
from tests.support.exact import Laboratory, laboratory, private_group, with_nothing
from tests.support.plans import plans
from tests.support.queries import Query, every_measure, queries
from tests.support.records import FULL, SMALL, UNITS, Records, records

ROUNDS = 6
"""Queries asked of each pair of databases: loading them is what takes time."""
CLIPS = st.builds(ClipAt, st.fractions(Fraction(1, 3), 4, max_denominator=50))
BOUNDS = st.none() | st.builds(Bounds, st.integers(1, 3), st.integers(1, 3)) | CLIPS | st.just(ClipAt(None))
"""Mostly tighter than what the relation allows: then the engine folds, chooses, clips and scales."""

_THREE_HALVES, _ONE = ClipAt(Fraction(3, 2)), ClipAt(Fraction(1))
TIGHT_BOUNDS = (Bounds(1, 1), _THREE_HALVES, Bounds(2, 1), None, Bounds(1, 2), _ONE, Bounds(2, 2), ClipAt(None))
REFUSED = ("plan.overflow", "plan.too_large")
"""What bounding refuses: a range that no grid has a point in, and more private keys than an engine can hold."""


@settings(max_examples=settings().max_examples // 5)
@given(
    records(),
    st.sampled_from(UNITS),
    st.lists(
        st.tuples(queries() | queries() | plans([SMALL]), BOUNDS, st.sampled_from(Norm)), min_size=1, max_size=ROUNDS
    ),
    st.randoms(),
)
def test_one_unit_changes_totals_within_the_claim(
    everybody: Records, unit: int, asked: list[tuple[Query | Plan, Bounds | ClipAt | None, Norm]], order: Random
) -> None:
    """And the totals are those of the pure reference, key by key."""
    with laboratory(everybody) as before, laboratory(everybody.without(unit, order)) as after:
        for query, bounds, norm in asked:
            note(f"{query} with {bounds}")
            neighbours(before, after, query, bounds, norm)


@pytest.mark.parametrize("unit", UNITS[:2])
def test_every_kind_of_measure(unit: int) -> None:
    """Each with one of the bounds, and with the next one for the next unit."""
    with laboratory(FULL) as before, laboratory(FULL.without(unit, Random(unit))) as after:
        for place, query in enumerate(every_measure(), unit):
            norm = tuple(Norm)[place // len(TIGHT_BOUNDS) % 2]
            neighbours(before, after, query, TIGHT_BOUNDS[place % len(TIGHT_BOUNDS)], norm)


def neighbours(
    before: Laboratory, after: Laboratory, asked: Query | Plan, bounds: Bounds | ClipAt | None, norm: Norm
) -> None:
    """Both databases' totals are the reference's, and within the claim of one another."""
    for checked in before.measures(asked):
        try:
            measure = before.bound(checked, bounds, norm)
        except Refusal as refusal:
            if refusal.code not in REFUSED:
                raise
            continue
        if measure.statistics:
            compare(measure, exact(before, measure), exact(after, measure))
        ranked(measure, before, after)
        for kind in due(measure):
            noticed(measure, kind, before, after)
        for clip in measure.clips:
            if clip.undecided:
                weighed(measure, clip, before, after)


def noticed(measure: BoundedMeasure, kind: NoticeKind, before: Laboratory, after: Laboratory) -> None:
    """Rule 28: what a notice counts is the reference's, and one unit changes it by no more than is claimed.

    Also where a clip is short, and where a minimum keeps every group in the engine.
    """
    shorter = tuple(replace(clip, most=max(1, clip.row), candidates=()) for clip in measure.clips)
    for each in (measure, replace(measure, clips=shorter), replace(measure, minimum=1000)):
        one, other = before.notice(each, kind), after.notice(each, kind)
        assert 0 <= one - other <= change(measure, kind).l1
        for lab, found in ((before, one), (after, other)):
            with suppress(UnknownValueError):
                assert found == lab.expected_notice(each, kind)


def ranked(measure: BoundedMeasure, before: Laboratory, after: Laboratory) -> None:
    """Rules 22 and 23: what buckets hold is the reference's; with one unit more, no score of a group changes by more
    than is claimed, and all groups' together by no more than what the loss is counted for."""
    keys = sorted({*before.keys(measure), *after.keys(measure)} if measure.quantiles else (), key=repr)
    counted = dict[str, list[dict[Key, dict[int, int]]]]()
    for asked in measure.buckets:
        counted[asked.name] = [lab.buckets(measure, asked, keys) for lab in (before, after)]
        for lab, found in zip((before, after), counted[asked.name], strict=True):
            with suppress(UnknownValueError):
                assert found == lab.expected_buckets(measure, asked, keys)
    for quantile in measure.quantiles:
        one, other = counted[quantile.buckets.name]
        for moved in (0, 3 * quantile.inward * quantile.buckets.fine):
            changes = [changed(quantile, one.get(key, {}), other.get(key, {}), moved) for key in keys]
            assert max(changes, default=0) <= quantile.sensitivity
            assert sum(changes) <= full_groups(measure, quantile) * quantile.sensitivity


def changed(quantile: Quantile, one: Mapping[int, int], other: Mapping[int, int], moved: int) -> int:
    """The most that any score of a group differs: those of buckets that hold something, and of one after each."""
    held = sorted(one.keys() | other.keys())
    places = sorted({*held, *(place + 1 for place in held)})
    both = [scores(quantile, [found.get(place, 0) for place in places], moved) for found in (one, other)]
    return max((abs(ours - theirs) for ours, theirs in zip(*both, strict=True)), default=0)


def weighed(measure: BoundedMeasure, clip: Clip, before: Laboratory, after: Laboratory) -> None:
    """Rule 19: what a clip's norm is chosen from is the reference's, and one unit changes one bucket by its weight."""
    found = [lab.weights(measure, clip) for lab in (before, after)]
    for lab, weights in zip((before, after), found, strict=True):
        with suppress(UnknownValueError):
            assert weights == lab.expected_weights(measure, clip)
    one, other = found
    changes = [abs(int(one.get(key, 0) or 0) - int(other.get(key, 0) or 0)) for key in one.keys() | other.keys()]  # type: ignore[arg-type]
    assert sum(changes) <= heaviest(measure, clip)


def exact(lab: Laboratory, measure: BoundedMeasure) -> dict[Key, tuple[int, ...]]:
    """The engine's totals, checked against the reference's where every function has one."""
    found = lab.statistics(measure)
    try:
        expected = lab.expected(measure)
    except UnknownValueError:
        return found
    assert found == with_nothing(measure, expected)
    return found


def compare(measure: BoundedMeasure, one: dict[Key, tuple[int, ...]], other: dict[Key, tuple[int, ...]]) -> None:
    """Neighbours' totals of each statistic differ within its claimed sensitivity, on every level (rule 25). Where
    private keys need several units, a key can go with one of them: what decides that counts the units beyond (rule 24),
    and all else is measured on keys that were released.
    """
    nothing = (0,) * len(measure.statistics)
    if measure.existence is not None and measure.minimum > 1:
        place = [each.name for each in measure.statistics].index(measure.existence)
        units = [{key: sums[place] - measure.minimum + 1 for key, sums in found.items()} for found in (one, other)]
        gone = {key for key in one.keys() ^ other.keys() if private_group(measure, key)}
        assert all(abs(units[0].get(key, 0) - units[1].get(key, 0)) <= 1 for key in gone)
        one, other = ({key: sums for key, sums in found.items() if key not in gone} for found in (one, other))
    keys = one.keys() | other.keys()
    claimed(measure, {key: _less(one.get(key, nothing), other.get(key, nothing)) for key in keys})


def _less(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    return tuple(a - b for a, b in zip(one, other, strict=True))


def claimed(measure: BoundedMeasure, moved: Mapping[Key, Sequence[int]]) -> None:
    """What one unit moves, per group key and statistic, is within what is claimed of it."""
    several = measure.checked.measure.levels is not None
    for at, level in enumerate(measure.checked.levels):
        of_level = {key: vector for key, vector in moved.items() if not several or key[-1] == level.number}
        for place, statistic in enumerate(measure.statistics):
            changes = [abs(vector[place]) for vector in of_level.values()]
            change = sensitivity(measure, statistic, at)
            assert sum(each > 0 for each in changes) <= change.l0, statistic
            assert max(changes, default=0) <= change.linf, statistic
            assert sum(changes) <= change.l1, statistic
            assert sum(each**2 for each in changes) <= change.l2_squared, statistic
    for clip in measure.clips:
        places = [place for place, each in enumerate(measure.statistics) if each.name in clip.fine]
        assert within(clip, [vector[place] for vector in moved.values() for place in places])


def within(clip: Clip, moved: Sequence[int]) -> bool:
    """Rule 19: all of a clip's statistics together move by no more than C, exactly."""
    if clip.norm is Norm.L1:
        return sum(map(abs, moved)) <= clip.most
    return sum(one**2 for one in moved) <= clip.most**2
