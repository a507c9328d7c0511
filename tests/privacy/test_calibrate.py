"""What measures cost: exact sums, the least noise, thresholds inside δ, and the charge oracle."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.cards import Bounds
from policies.licences import Notion
from sandbox.errors import Refusal
from sandbox.privacy.bounding import BoundedMeasure, bound
from sandbox.privacy.calibrate import THRESHOLD_SHARE, Priced, price
from sandbox.privacy.conversion import epsilon_of, rho_of
from sandbox.privacy.keys import Totals
from sandbox.privacy.loss import DELTA_UNIT, EPSILON_UNIT, RHO_UNIT, Loss, Spend, down, total
from sandbox.privacy.mechanisms import Invocation, Noise, measure, noisy_number, stated_loss
from sandbox.privacy.sensitivity import sensitivity
from sandbox.privacy.shares import split
from sandbox.privacy.tails import gaussian_tail
from tests.support.measures import AVG_X, COUNT_ROWS, COUNT_UNITS, COUNT_X, SUM_X, checked, key, number

DELTA = Fraction(1, 10**6)


def bounded(*aggregates: object, rows: int = 6, private: bool = False, bounds: Bounds | None = None) -> BoundedMeasure:
    keys = [key(None if private else [1, 2, 3])]
    return bound(checked(aggregates, rows=rows, keys=keys, x=number(0, 100)), bounds, None, 10**6)  # type: ignore[arg-type]


SHAPES = {
    "count": [bounded(COUNT_ROWS)],
    "count, sum, average": [bounded(COUNT_X, SUM_X, AVG_X)],
    "folded": [bounded(COUNT_UNITS, SUM_X, AVG_X, bounds=Bounds(2, 2))],
    "private keys": [bounded(COUNT_ROWS, SUM_X, private=True, bounds=Bounds(2, 3))],
    "two measures": [bounded(COUNT_ROWS), bounded(AVG_X, private=True), bounded(COUNT_UNITS, private=True)],
}


def run(priced: Priced) -> list[Invocation]:
    """Every mechanism of a request, on totals large enough to release every key."""
    invocations: list[Invocation] = []
    for each in priced.measures:
        columns = {statistic.name: (10**9, 10**9, 10**9) for statistic in each.bounded.statistics}
        measure(each.measurements, Totals(((1,), (2,), (3,)), columns), invocations)
        for notice in each.notices:
            noisy_number(notice.step, [[10**9]], invocations)
    return invocations


@pytest.mark.parametrize("spend", [Spend(Fraction(1, 2), None), Spend(None, Fraction(1, 50))], ids=["epsilon", "rho"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_charge_is_the_sum_of_all_mechanisms_invoked(shape: Sequence[BoundedMeasure], spend: Spend) -> None:
    priced = price(shape, spend, Notion.ZCDP, DELTA)
    assert total(each.loss for each in run(priced)) == priced.loss


@pytest.mark.parametrize("shape", [SHAPES["count"], SHAPES["count, sum, average"], SHAPES["folded"]])
def test_the_charge_under_pure(shape: Sequence[BoundedMeasure]) -> None:
    priced = price(shape, Spend(Fraction(1, 2), None), Notion.PURE, Fraction(0))
    assert total(each.loss for each in run(priced)) == priced.loss
    assert {step.noise for each in priced.measures for step in each.measurements} == {Noise.LAPLACE}
    assert priced.loss.delta == 0
    assert priced.loss.epsilon is not None
    assert 0 <= down(Fraction(1, 2), EPSILON_UNIT) - priced.loss.epsilon < 8
    assert priced.loss.rho * RHO_UNIT <= Fraction(1, 2) ** 2 / 2


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_epsilon_is_dp_of_the_whole_request_thresholds_included(shape: Sequence[BoundedMeasure]) -> None:
    """Rule 6."""
    epsilon = Fraction(1, 2)
    loss = price(shape, Spend(epsilon, None), Notion.ZCDP, DELTA).loss
    spent = loss.delta * DELTA_UNIT
    assert epsilon_of(loss.rho * RHO_UNIT, DELTA - spent) <= epsilon
    private = any(each.existence for each in shape)
    assert (spent > 0) is private
    assert spent <= THRESHOLD_SHARE * DELTA
    assert loss.rho * RHO_UNIT >= rho_of(epsilon, DELTA * (1 - THRESHOLD_SHARE)) * (1 - Fraction(1, 10**9))


@settings(max_examples=60, deadline=None)
@given(
    rho=st.fractions(min_value=Fraction(1, 10**5), max_value=50, max_denominator=10**7),
    aggregates=st.lists(st.sampled_from([COUNT_ROWS, COUNT_X, COUNT_UNITS, SUM_X, AVG_X]), min_size=1, unique=True),
    rows=st.integers(1, 40),
    bounds=st.one_of(st.none(), st.builds(Bounds, st.integers(1, 3), st.integers(1, 9))),
    hi=st.integers(1, 10**9),
)
def test_each_statistic_has_the_least_noise_its_share_allows(
    rho: Fraction, aggregates: list[object], rows: int, bounds: Bounds | None, hi: int
) -> None:
    relation = checked(aggregates, rows=rows, keys=[key([1, 2, 3])], x=number(0, hi))  # type: ignore[arg-type]
    each = bound(relation, bounds, None, 10**6)
    (priced,) = price([each], Spend(None, rho), Notion.ZCDP, DELTA).measures
    (shares,) = split(down(rho, RHO_UNIT), [each], Notion.ZCDP, {})
    assert [step.statistic for step in priced.measurements] == [statistic.name for statistic in each.statistics]
    for step in priced.measurements:
        share = shares[0, step.statistic]
        share -= len(priced.notices) * -(share // -50)
        assert share - share // 10**9 <= step.loss.rho <= share
        change = sensitivity(each, each.statistic(step.statistic))
        true_rho = change.l2_squared / (2 * Fraction(step.scale) ** 2)
        stated, _ = stated_loss(step.noise, step.scale, step.sensitivity, None)
        assert true_rho <= stated <= share * RHO_UNIT
        assert true_rho >= share * RHO_UNIT * (1 - Fraction(1, 10**9))


@pytest.mark.parametrize("private", [1, 2])
@pytest.mark.parametrize("groups", [1, 2, 50])
@pytest.mark.parametrize("spend", ["0.02", "0.5", "5"])
def test_thresholds_stay_inside_their_delta_and_are_least(private: int, groups: int, spend: str) -> None:
    measures = [bounded(COUNT_ROWS, rows=60, private=True, bounds=Bounds(groups, 1))] * private
    priced = price(measures, Spend(Fraction(spend), None), Notion.ZCDP, DELTA)
    part = THRESHOLD_SHARE * DELTA / private
    for each in priced.measures:
        step = each.measurements[0]
        assert step.threshold is not None
        assert step.threshold.groups == groups
        assert step.loss.delta * DELTA_UNIT <= part + DELTA_UNIT
        assert groups * gaussian_tail(Fraction(step.scale), step.threshold.value - 1) <= part
        assert groups * gaussian_tail(Fraction(step.scale), step.threshold.value - 2) > part
        assert each.measurements[1].threshold is None


def test_estimates_of_one_request_do_not_depend_on_anything_else() -> None:
    """The same plan, spend and licence always give the same bytes: replay depends on it."""
    first, second = (price(SHAPES["two measures"], Spend(Fraction(1, 3), None), Notion.ZCDP, DELTA) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("shape", "spend", "notion", "code"),
    [
        ("private keys", Spend(Fraction(1), None), Notion.PURE, "plan.private_keys_pure"),
        ("count", Spend(None, Fraction(1)), Notion.PURE, "spend.notion"),
        ("count", Spend(None, Fraction(1, 10**15)), Notion.ZCDP, "spend.too_small"),
        ("count", Spend(Fraction(1, 10**15), None), Notion.PURE, "spend.too_small"),
    ],
)
def test_refused(shape: str, spend: Spend, notion: Notion, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        price(SHAPES[shape], spend, notion, DELTA)
    assert refused.value.code == code


def test_a_delta_below_what_opendp_can_state_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        price(SHAPES["private keys"], Spend(None, Fraction(1, 10)), Notion.ZCDP, Fraction(1, 10**14))
    assert refused.value.code == "spend.too_small"


def test_noise_that_could_saturate_is_refused() -> None:
    wide = bound(checked([SUM_X], x=number(0, 2**40)), None, None, 10**6)
    with pytest.raises(Refusal) as refused:
        price([wide], Spend(None, Fraction(1, 10**11)), Notion.ZCDP, DELTA)
    assert refused.value.code == "spend.too_small"


def test_nothing_measured_costs_nothing() -> None:
    assert price([], Spend(Fraction(1), None), Notion.ZCDP, DELTA).loss == Loss(0, 0)
    assert price([], Spend(Fraction(1), None), Notion.PURE, Fraction(0)).loss == Loss(0, 0, 0)
