"""When an answer leaves: on multiples of a time class that follows from plan and declared sizes alone (rule 2)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from policies.cards import DatasetCard
from policies.domains import UnitDomain
from sandbox.plan.checked import CheckedPlan
from sandbox.plan.nodes import Scan, scans


def time_class(
    checked: CheckedPlan,
    cards: Mapping[str, DatasetCard],
    domains: Mapping[str, UnitDomain],
    row_nanoseconds: int,
    tick_milliseconds: int,
) -> int:
    """The time class of a plan: the least tick × 2ᵏ that the declared rows of its private scans need.

    Unit: milliseconds.
    """
    rows = sum(
        _declared_rows(scan, cards, domains) for measure in checked.plan.measures for scan in scans(measure.source)
    )
    needed = rows * row_nanoseconds // 1_000_000
    allowed = tick_milliseconds
    while allowed < needed:
        allowed *= 2
    return allowed


def leave(started: float, milliseconds: int, clock: Callable[[], float] = time.monotonic) -> None:
    """Returns at the next whole multiple of the time class after `started`, never before the first.

    Unit: `started` in seconds of the monotonic clock.
    """
    period = milliseconds / 1000
    passed = clock() - started
    time.sleep(max(1, -(-passed // period)) * period - passed)


def _declared_rows(scan: Scan, cards: Mapping[str, DatasetCard], domains: Mapping[str, UnitDomain]) -> int:
    card = cards[scan.dataset]
    table = card.table(scan.table)
    if table is None or table.rows_per_unit is None:
        return 0
    return domains[card.unit_domain].max_units * table.rows_per_unit
