"""Rules 1 and 9–24 over plans and SQL made of seeds: one unit takes exactly its own rows out of what is measured, none
moves the totals beyond the claim, and the engine's totals are the reference's.

`make test` tries the same plans each time, `make fuzz` others. What fails says its seed, of which plan and bounds are.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from random import Random

import pytest

from policies.cards import Bounds
from sandbox.errors import Refusal
from sandbox.plan.arithmetic import UnknownValueError
from sandbox.plan.canonical import encode
from sandbox.plan.checked import CheckedMeasure
from sandbox.privacy.clip import ClipAt, Norm
from tests.privacy.test_bounded_statistics import REFUSED, claimed
from tests.privacy.test_separability import separate
from tests.support.composed import statement_of
from tests.support.draws import Draws, seeded
from tests.support.exact import Laboratory, laboratory, with_nothing
from tests.support.plans import plan_of
from tests.support.records import SMALL, UNITS, made
from tests.support.reference import Row
from tests.support.search import SEARCHED, Search, fuzzing, tried

SEARCH = Search(shares=6, each=400, fuzzed=100_000)
ACCEPTED = 240
"""Plans of a share, all different, that are not refused for a type or a size."""


def bounds(some: Draws) -> tuple[Bounds | ClipAt | None, Norm]:
    """Mostly tighter than what the relation allows: then the engine folds, chooses, clips and scales."""
    norm = some.one(tuple(Norm))
    match some.number(0, 5):
        case 0:
            return None, norm
        case 1 | 2:
            return Bounds(some.number(1, 3), some.number(1, 3)), norm
        case 3:
            return ClipAt(None), norm
        case _:
            return ClipAt(Fraction(some.number(1, 160), 40)), norm


@pytest.mark.parametrize("share", range(SEARCH.shares))
def test_one_unit_changes_its_own_rows_and_totals_within_the_claim(
    share: int, record_property: Callable[[str, object], None]
) -> None:
    accepted, failed = set[bytes](), list[int]()
    for seeds in SEARCH.batches(share):
        everybody, unit = made(seeds.start, persons=4, visits=14, drugs=12), UNITS[seeds.start % len(UNITS)]
        fewer = everybody.without(unit, Random(seeds.start))
        with laboratory(everybody) as before, laboratory(fewer) as after:

            def once(seed: int, before: Laboratory = before, after: Laboratory = after, unit: int = unit) -> None:
                plan = before.lower(statement_of(seed).sql) if seed % 3 == 0 else plan_of(seed, [SMALL])
                measures = before.measures(plan)
                if measures:
                    accepted.add(encode(plan))
                for measure in measures:
                    rows = separate(before, after, unit, measure)
                    bounded(before, measure, rows, seeded(seed, bounds))

            tried(seeds, once, failed)
    record_property(SEARCHED, len(accepted))
    assert not failed
    assert fuzzing() or len(accepted) >= ACCEPTED


def bounded(
    lab: Laboratory, checked: CheckedMeasure, rows: list[Row], asked: tuple[Bounds | ClipAt | None, Norm]
) -> None:
    """The engine's totals are the reference's, and no unit's part is beyond the claim."""
    try:
        measure = lab.bound(checked, *asked)
    except Refusal as refusal:
        if refusal.code not in REFUSED:
            raise
        return
    for ranked in measure.buckets:
        with suppress(UnknownValueError):
            keys = lab.keys(measure)
            assert lab.buckets(measure, ranked, keys) == lab.expected_buckets(measure, ranked, keys)
    if not measure.statistics:
        return
    found = lab.statistics(measure)
    with suppress(UnknownValueError):
        expected, units = lab.contributed(measure, rows)
        assert found == with_nothing(measure, expected)
        for moved in units:
            claimed(measure, moved)
        for clip in measure.clips:
            if clip.undecided:
                assert lab.weights(measure, clip) == lab.expected_weights(measure, clip)
