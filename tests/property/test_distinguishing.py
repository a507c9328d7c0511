"""What is really lost, measured from SQL to release: neighbours can be told apart no better than was charged.

`make test` tries a question of each key kind; `make fuzz` all of them, ten times as long. With noise that is 30 % too
small (in `make test` 60 %, for so few runs) the same test fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any
from unittest import mock

import pytest
from hypothesis import settings
from opendp import measurements

from policies.cards import Bounds
from policies.licences import Notion
from sandbox.privacy.loss import Spend
from tests.support.distinguishing import Question, ask, violation
from tests.support.engine import Loaded, load_as, loaded
from tests.support.records import PEOPLE, SMALL, Records

THOROUGH = settings.default is not None and settings.default.max_examples > 100
RUNS, REMAINS = (16_000, 0.7) if THOROUGH else (1_600, 0.4)
"""Of each question, and what is left of the noise where it is too small."""
ZCDP, PURE = Notion.ZCDP, Notion.PURE
RHO, EPSILON = Spend(None, Fraction(2)), Spend(Fraction(1), None)
"""μ = 2, and ε = 1."""
UNIT = 1
"""The one who may be missing: with as many rows as the card allows, each as large."""
RECORDS = Records(
    (("1", "女", "1950", "500000", "A"), ("2", "男", "1960", "99.25", "B"), ("3", "女", "1985", "", "A")),
    (
        ("1", "1", "内科", "2024-01-31", "2000", "true"),
        ("2", "1", "内科", "2024-02-01", "2000", "true"),
        ("3", "1", "内科", "2024-03-01", "2000", "true"),
        ("4", "2", "外科", "2024-12-31", "0", "false"),
        ("5", "3", "外科", "2024-12-31", "12", "false"),
    ),
    (("1", "A", "1"), ("4", "B", "10")),
)


@dataclass(frozen=True, slots=True)
class Case:
    """One question; `first` are tried each time, `alone` has one statistic, so that the whole loss shows."""

    name: str
    sql: str
    notion: Notion = ZCDP
    bounds: Bounds | None = None
    first: bool = False
    alone: bool = True

    @property
    def spend(self) -> Spend:
        return RHO if self.notion is ZCDP else EPSILON


THREE = "CASE WHEN 费用 > 1000 THEN 2 WHEN 费用 > 0 THEN 1 ELSE 0 END"
"""Few candidates, so that each is chosen often: what its noise loses is tested with power in `test_quantiles.py`."""
CASES = (
    Case("count", "SELECT COUNT(*) AS n FROM visits", first=True),
    Case("count, pure", "SELECT COUNT(*) AS n FROM visits", PURE),
    Case("units", "SELECT COUNT(DISTINCT pid) AS n FROM visits"),
    Case("sum", "SELECT SUM(费用) AS total FROM visits"),
    Case("sum, pure", "SELECT SUM(费用) AS total FROM visits", PURE),
    Case("sum, folded", "SELECT SUM(费用) AS total FROM visits", bounds=Bounds(1, 2)),
    Case("average", "SELECT AVG(费用) AS mean, COUNT(费用) AS n FROM visits", alone=False),
    Case("public keys", "SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室"),
    Case("public keys, folded", "SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室", bounds=Bounds(1, 1)),
    Case("private keys", "SELECT 费用, COUNT(DISTINCT pid) AS n FROM visits GROUP BY 费用", first=True, alone=False),
    Case(
        "joined",
        "SELECT p.性别, SUM(v.费用) AS total FROM persons p JOIN visits v ON p.pid = v.pid GROUP BY p.性别",
    ),
    Case("median, pure", f"SELECT MEDIAN({THREE}) AS m FROM visits", PURE, alone=False),
    Case("greatest, pure", f"SELECT 科室, MAX({THREE}) AS m FROM visits GROUP BY 科室", PURE, alone=False),
    Case("several", "SELECT COUNT(*) AS n, SUM(费用) AS s, COUNT(DISTINCT pid) AS u FROM visits", alone=False),
)
TRIED = [case for case in CASES if case.first or THOROUGH]


@pytest.fixture(scope="module")
def neighbours() -> Iterator[tuple[Loaded, Loaded]]:
    """Loaded twice from the input files, with and without the unit (rule 1)."""
    files = RECORDS.files, RECORDS.without(UNIT, Random(1)).files
    with loaded(SMALL, files[0], **load_as(PEOPLE)) as whole, loaded(SMALL, files[1], **load_as(PEOPLE)) as less:
        yield whole, less


@pytest.mark.parametrize("case", TRIED, ids=lambda case: case.name)
def test_no_more_is_lost_than_charged(case: Case, neighbours: tuple[Loaded, Loaded]) -> None:
    assert told(case, neighbours) is None


@pytest.mark.parametrize("case", [case for case in TRIED if case.alone], ids=lambda case: case.name)
def test_noise_that_is_too_small_is_found(case: Case, neighbours: tuple[Loaded, Loaded]) -> None:
    with weakened("make_gaussian"), weakened("make_laplace"):
        assert told(case, neighbours) is not None


def told(case: Case, neighbours: tuple[Loaded, Loaded]) -> str | None:
    """The event that tells the neighbours apart better than the charge allows."""
    questions = [ask(data, case.sql, case.notion, case.spend, bounds=case.bounds) for data in neighbours]
    assert questions[0].claim == questions[1].claim
    return violation(questions[0].claim, *map(_released, questions))


def _released(question: Question) -> list[Any]:
    return [question.release() for _ in range(RUNS)]


class _Weak:
    """A measurement that states its loss and adds less noise."""

    def __init__(self, stated: Any, real: Any) -> None:
        self._stated, self._real = stated, real

    def map(self, distance: Any) -> Any:
        return self._stated.map(distance)

    def __call__(self, totals: Any) -> Any:
        return self._real(totals)


def weakened(name: str) -> Any:
    """Noise of this kind is smaller than it says."""
    make: Callable[..., Any] = getattr(measurements, name)

    def weak(*arguments: Any, scale: float, **options: Any) -> Any:
        return _Weak(make(*arguments, scale=scale, **options), make(*arguments, scale=REMAINS * scale, **options))

    return mock.patch.object(measurements, name, weak)
