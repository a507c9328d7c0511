"""Rule 28: an answer says how many units its bounds cut, each of them once, with noise, at a price told before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from math import log, sqrt
from typing import Any

import pytest
from rich.console import Console

from policies.cards import Bounds
from policies.licences import Notion
from query_gateway import wire
from query_gateway.terminal import tables
from query_gateway.terminal.words import Words
from sandbox.errors import Fault, Refusal
from sandbox.privacy.bounding import BoundedMeasure, bound, demanding
from sandbox.privacy.calibrate import PricedMeasure, price
from sandbox.privacy.loss import Spend
from sandbox.privacy.mechanisms import Measurement, noisy_number
from sandbox.privacy.notices import NoticeKind
from sandbox.privacy.reach import quantile
from tests.support.answers import InProcess
from tests.support.broker_world import BrokerWorld, broker_world, query
from tests.support.exact import Laboratory, laboratory
from tests.support.measures import COUNT_ROWS, COUNT_UNITS, DISTINCT_X, SUM_X, checked, key
from tests.support.records import Records

DELTA = Fraction(1, 10**6)
WARDS = ("内科", "外科", "儿科")
RECORDS = Records(
    tuple((str(n), "女", "1950", "12.5", "A") for n in range(1, 13)),
    tuple(
        (str(10 * n + place), str(n), WARDS[place % (3 if n <= 4 else 1)], "2024-01-31", "100", "true")
        for n in range(1, 13)
        for place in range(3 if n <= 7 else 1)
    ),
    (("10", "A", "1"),),
)
"""Of twelve people four have a visit in each of three wards, three have three visits in one, five have one visit."""
BY_WARD = "SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 科室"


def counted(lab: Laboratory, measure: BoundedMeasure) -> int:
    """Units whose bound binds."""
    return lab.notice(measure, NoticeKind.BINDING)


@pytest.mark.parametrize(
    ("bounds", "units"), [(Bounds(1, 3), 4), (Bounds(3, 1), 3), (Bounds(1, 1), 7), (Bounds(2, 2), 7)], ids=str
)
def test_each_unit_counts_once_over_all_of_its_groups(bounds: Bounds, units: int) -> None:
    """Whether a key is dropped or rows of it are, and also where no group has the units that a minimum demands."""
    with laboratory(RECORDS) as lab:
        (found,) = lab.check(lab.lower(BY_WARD)).measures
        for minimum in (1, 1000):
            assert counted(lab, demanding(lab.bound(found, bounds), minimum)) == units


def test_private_groups_below_the_minimum_count_too() -> None:
    """Counted before groups are withheld: else a unit would move the count by others' groups."""
    with laboratory(RECORDS) as lab:
        (found,) = lab.check(lab.lower("SELECT visit_no + 0 AS k, COUNT(*) AS n FROM visits GROUP BY k")).measures
        measure = demanding(lab.bound(found, Bounds(1, 1)), 1000)
        assert measure.existence is not None
        assert lab.statistics(measure) == {}
        assert counted(lab, measure) == 7


@pytest.mark.parametrize(("bounds", "units"), [(Bounds(1, 1), 4), (Bounds(1, 2), 4), (Bounds(1, 3), 0)], ids=str)
def test_distinct_values_that_do_not_count_bind(bounds: Bounds, units: int) -> None:
    """Rule 21's bound: of twelve people four have visits in three wards; a value that comes back is one."""
    with laboratory(RECORDS) as lab:
        (found,) = lab.check(lab.lower("SELECT COUNT(DISTINCT 科室) AS n FROM visits")).measures
        assert counted(lab, lab.bound(found, bounds)) == units


@pytest.mark.parametrize("notion", Notion)
def test_it_costs_a_fiftieth_where_a_bound_could_bind_and_nothing_where_none_could(notion: Notion) -> None:
    spend = Spend(Fraction(1), None)
    found = checked([COUNT_ROWS, SUM_X], rows=6, keys=[key([1, 2, 3])])
    (plain,) = price([bound(found, None, None, 1000)], spend, notion, DELTA).measures
    assert not plain.notices
    cut = price([bound(found, Bounds(1, 2), None, 1000)], spend, notion, DELTA)
    notice = noticed(cut.measures[0])
    part, whole = (each.rho if notion is Notion.ZCDP else each.epsilon for each in (notice.loss, cut.loss))
    assert part is not None
    assert whole is not None
    assert abs(Fraction(part, whole) - Fraction(1, 50)) < Fraction(1, 10**6)


def test_a_bound_of_rows_never_binds_a_count_of_units() -> None:
    found = checked([COUNT_UNITS], rows=6, keys=[key([1, 2, 3])])
    assert not bound(found, Bounds(3, 1), None, 1000).truncates
    assert bound(found, Bounds(2, 1), None, 1000).truncates


def test_a_bound_of_rows_binds_distinct_values_only_where_a_unit_can_have_more() -> None:
    two = checked([DISTINCT_X], rows=6, keys=[key([1, 2, 3])], x=key([1, 2]))
    assert bound(two, Bounds(3, 1), None, 1000).truncates
    assert not bound(two, Bounds(3, 2), None, 1000).truncates
    assert bound(checked([DISTINCT_X], rows=6, keys=[key([1, 2, 3])]), Bounds(3, 2), None, 1000).truncates


def test_a_spend_of_which_nothing_is_left_is_refused() -> None:
    found = bound(checked([COUNT_ROWS], rows=6), Bounds(1, 2), None, 1000)
    with pytest.raises(Refusal, match=r"spend\.too_small"):
        price([found], Spend(None, Fraction(1, 2**40)), Notion.ZCDP, DELTA)


def noticed(priced: PricedMeasure) -> Measurement:
    ((kind, step),) = [(notice.kind, notice.step) for notice in priced.notices]
    assert kind is NoticeKind.BINDING
    assert step.sensitivity == 1
    return step


@pytest.mark.parametrize("notion", Notion)
def test_its_noise_is_that_of_its_scale(notion: Notion) -> None:
    """False alarm ≤ 1e-9 by Hoeffding's inequality, for how often noise is beyond its own 95 % half-width and beyond
    half of that; noise of half or twice the scale would be found."""
    found = bound(checked([COUNT_ROWS], rows=6), Bounds(1, 2), None, 1000)
    notice = noticed(price([found], Spend(Fraction(1, 2), None), notion, DELTA).measures[0])
    runs, half = 4000, quantile(notice.noise, notice.scale, 0.05)
    slack = sqrt(log(2 / 2.5e-10) / (2 * runs))
    drawn = [noisy_number(notice, [(1000,)], []) - 1000 for _ in range(runs)]
    beyond = [sum(abs(each) > limit for each in drawn) / runs for limit in (half, half / 2)]
    assert beyond[0] <= 0.05 + slack
    assert beyond[1] >= (0.32 if notion is Notion.ZCDP else 0.22) - slack - 0.01


@pytest.mark.parametrize("rows", [(), ((1,), (2,)), ((True,),), (("1",),), ((1, 2),)], ids=str)
def test_what_is_no_number_is_a_fault(rows: tuple[tuple[object, ...], ...]) -> None:
    found = bound(checked([COUNT_ROWS], rows=6), Bounds(1, 2), None, 1000)
    notice = noticed(price([found], Spend(Fraction(1, 2), None), Notion.ZCDP, DELTA).measures[0])
    invoked: list[Any] = []
    with pytest.raises(Fault):
        noisy_number(notice, rows, invoked)
    assert not invoked


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWorld]:
    with broker_world(tmp_path_factory.mktemp("truncation"), RECORDS, lambda _: InProcess()) as found:
        yield found


def ask(world: BrokerWorld, bounds: object, rho: str) -> dict[str, Any]:
    answer = world.ask(query(BY_WARD, {"rho": rho}, bounds=bounds, reuse=False))
    assert answer.status == 200, answer.body
    found: dict[str, Any] = json.loads(answer.body)
    wire.QueryAnswer.model_validate(found)
    release: dict[str, Any] = found["release"]
    return release


def test_the_release_says_it_and_how_it_was_made(world: BrokerWorld) -> None:
    found = ask(world, {"groups": 1, "rows": 1}, "9999")
    (notice,) = found["truncation"]
    assert notice == {"measure": "m1", "statistic": "m1t", "units": 7, "interval": [7, 7], "binding": True}
    last = found["privacy"]["mechanisms"][-1]
    assert last["parts"] == [{"statistic": "m1t", "kind": "binding_units", "granularity": "1"}]
    assert "7" in shown(found, "en")
    assert "were cut" in shown(found, "en")
    assert "截断" in shown(found, "zh")


def test_it_warns_by_the_noisy_number_alone(world: BrokerWorld) -> None:
    """Drawn and told in any case; a warning where it is above its own half-width."""
    found = ask(world, {"groups": 1, "rows": 1}, "0.000001")
    (notice,) = found["truncation"]
    scale = next(each["scale"] for each in found["privacy"]["mechanisms"] if each["statistic"] == "m1t")
    assert scale > 1000
    assert notice["units"] >= 0
    assert notice["binding"] is (notice["interval"][0] > 0)
    assert ("were cut" in shown(found, "en")) is notice["binding"]


def shown(release: dict[str, Any], language: Any) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(tables.privacy(release, Words(language)))
    return captured.get()
