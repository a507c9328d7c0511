"""Rule 2: when an answer leaves follows from declared sizes, and lateness shows by doublings alone."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.queries.ticks import remaining, time_class
from tests.support.cards import domain


@pytest.mark.parametrize(
    ("passed", "milliseconds", "leaves"),
    [(0.0, 100, 0.1), (0.0999, 100, 0.1), (0.1, 100, 0.1), (0.11, 100, 0.2), (0.21, 100, 0.4), (0.39, 100, 0.4)],
)
def test_answers_leave_at_the_class_or_a_doubling(passed: float, milliseconds: int, leaves: float) -> None:
    assert passed + remaining(passed, milliseconds) == pytest.approx(leaves)


@dataclass(frozen=True)
class _Checked:
    measures: tuple[Any, ...]


@pytest.mark.parametrize(
    ("work", "expected"), [((1,), 10), ((1000,), 10), ((1001,), 20), ((1000, 1000), 20), ((16_001,), 320)]
)
def test_the_class_covers_the_work_of_the_declared_units(work: tuple[int, ...], expected: int) -> None:
    checked: Any = _Checked(tuple(SimpleNamespace(source=SimpleNamespace(domain="people"), work=each) for each in work))
    people = {"people": domain(max_units=1000)}
    once, twice = [1] * len(work), [2] * len(work)
    assert time_class(checked, people, row_nanoseconds=10, tick_milliseconds=10, readings=once) == expected
    assert time_class(checked, people, row_nanoseconds=5, tick_milliseconds=10, readings=twice) == expected
