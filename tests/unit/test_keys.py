"""The engine's rows aligned with the group keys (rule 23)."""

from __future__ import annotations

import pytest

from sandbox.errors import Fault
from sandbox.plan.nodes import Scalar
from sandbox.privacy.bounding import BoundedMeasure, bound
from sandbox.privacy.keys import align
from tests.support.measures import AVG_X, COUNT_ROWS, checked, key

PUBLIC = bound(checked([COUNT_ROWS, AVG_X], keys=[key([1, 2], nullable=True)]), None, None, 100)
PRIVATE = bound(checked([COUNT_ROWS], keys=[key(None), key(None)]), None, None, 100)
GLOBAL = bound(checked([COUNT_ROWS]), None, None, 100)


def test_every_public_key_appears_in_its_order() -> None:
    totals = align(PUBLIC, [(None, 3, 2, 9), (1, 5, 5, -7)])
    assert totals.keys == ((1,), (2,), (None,))
    assert list(totals.columns.values()) == [(5, 0, 3), (5, 0, 2), (-7, 0, 9)]
    assert list(totals.columns) == [statistic.name for statistic in PUBLIC.statistics]


def test_private_keys_are_in_order_with_null_last() -> None:
    rows: list[tuple[Scalar, ...]] = [("b", 1, 1, 1), (None, 0, 2, 2), ("a", None, 3, 3), ("a", 7, 4, 4)]
    totals = align(PRIVATE, rows)
    assert totals.keys == (("a", 7), ("a", None), ("b", 1), (None, 0))
    assert totals.columns[PRIVATE.statistics[0].name] == (4, 3, 1, 2)


def test_nothing_found() -> None:
    assert align(PRIVATE, []).keys == ()
    assert align(GLOBAL, []).columns == {GLOBAL.statistics[0].name: (0,)}
    assert align(GLOBAL, [(8,)]).columns == {GLOBAL.statistics[0].name: (8,)}


@pytest.mark.parametrize(
    ("measure", "rows"),
    [
        (PUBLIC, [(3, 1, 1, 1)]),
        (PUBLIC, [(1, 1, 1, 1), (1, 1, 1, 1)]),
        (PUBLIC, [(1, 1, 1)]),
        (PUBLIC, [(1, 1, 1, None)]),
        (PUBLIC, [(1, 1, 1, True)]),
        (PUBLIC, [(1, 1, 1, "1")]),
        (GLOBAL, [(1,), (2,)]),
    ],
    ids=["unknown key", "repeated key", "too narrow", "NULL", "boolean", "text", "two rows of none"],
)
def test_rows_that_do_not_fit_are_a_fault(measure: BoundedMeasure, rows: list[tuple[Scalar, ...]]) -> None:
    with pytest.raises(Fault):
        align(measure, rows)
