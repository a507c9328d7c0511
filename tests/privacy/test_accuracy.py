"""Accuracy first: the least loss that gives it, from card, policy and request alone, within the stated most."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from policies.licences import Notion
from sandbox.plan.nodes import Aggregate
from sandbox.privacy.accuracy import Goal, least_spend
from sandbox.privacy.bounding import bound
from sandbox.privacy.calibrate import Priced, price
from sandbox.privacy.intervals import half_widths
from sandbox.privacy.loss import Spend
from tests.support.answers import InProcess
from tests.support.broker_world import BrokerWorld, broker_world, query
from tests.support.measures import AVG_X, COUNT_ROWS, COUNT_UNITS, SUM_X, checked, key, number
from tests.support.records import Records

DELTA = Fraction(1, 10**6)
RECORDS = Records(
    (("1", "女", "1950", "12.5", "A"), ("2", "男", "1960", "99.25", "B")),
    (("1", "1", "内科", "2024-01-31", "10", "true"),),
    (("1", "A", "1"),),
)
OTHERS = Records(
    tuple((str(person), "女", "1970", "5", "B") for person in range(1, 40)),
    tuple((str(visit), str(1 + visit % 9), "外科", "2024-03-01", "1999", "false") for visit in range(1, 90)),
    (("3", "B", "9"), ("4", "B", "9")),
)
COUNT = "SELECT COUNT(*) AS n FROM visits"


@pytest.mark.parametrize("notion", Notion)
@pytest.mark.parametrize("confidence", ["0.5", "0.95", "0.999"])
@pytest.mark.parametrize(
    ("aggregate", "half_width", "size"),
    [
        (COUNT_ROWS, "100", None),
        (COUNT_ROWS, "12.5", None),
        (COUNT_UNITS, "0.5", None),
        (SUM_X, "33333.3", None),
        (AVG_X, "0.25", 5_000),
        (AVG_X, "7", 400),
    ],
)
def test_the_least_loss_is_found(
    notion: Notion, confidence: str, aggregate: Aggregate, half_width: str, size: int | None
) -> None:
    """The half-width is kept, and a ten-thousandth less of the loss would not keep it."""
    measure = bound(checked([aggregate, COUNT_ROWS], rows=6, keys=[key([1, 2])], x=number(0, 100)), None, None, 10**6)
    delta = DELTA if notion is Notion.ZCDP else Fraction(0)
    sure, goal = Fraction(confidence), Goal(aggregate.name, Fraction(half_width), size)

    def priced_at(spend: Spend) -> Priced:
        return price([measure], spend, notion, delta)

    def half(spend: Spend) -> float:
        found = half_widths(priced_at(spend).measures[0], size, float(1 - sure))[aggregate.name]
        assert found is not None
        return found

    spend = least_spend([goal], sure, notion, priced_at)
    assert (spend.rho is None) is (notion is Notion.PURE)
    assert half(spend) <= goal.half_width
    less = Fraction(9999, 10000)
    assert half(replace(spend, rho=spend.rho and spend.rho * less, epsilon=spend.epsilon and spend.epsilon * less)) > (
        goal.half_width
    )


def test_every_goal_is_met() -> None:
    measure = bound(checked([COUNT_ROWS, SUM_X], rows=6, x=number(0, 100)), None, None, 10**6)
    goals = [Goal("a1", Fraction(50), None), Goal("a4", Fraction(900), None)]
    spends = [
        least_spend(sought, Fraction("0.95"), Notion.ZCDP, lambda spend: price([measure], spend, Notion.ZCDP, DELTA))
        for sought in (goals, goals[:1], goals[1:])
    ]
    losses = [spend.rho or Fraction(0) for spend in spends]
    assert losses[0] == max(losses[1:])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWorld]:
    with broker_world(tmp_path_factory.mktemp("accuracy"), RECORDS, lambda _: InProcess()) as found:
        yield found


def estimate(world: BrokerWorld, sql: str, spend: Mapping[str, object], **changes: object) -> dict[str, Any]:
    answer = world.ask(query(sql, spend, **changes), "/v1/estimates")
    assert answer.status == 200, answer.body
    found: dict[str, Any] = json.loads(answer.body)
    return found


def asked(error: Mapping[str, object], **more: object) -> dict[str, object]:
    return {**error, "confidence": "0.95", **more}


@pytest.mark.parametrize("licence", ["L1", "P1"])
def test_what_is_estimated_is_charged_and_kept(world: BrokerWorld, licence: str) -> None:
    told = estimate(world, COUNT, asked({"half_width": "100"}), licence=licence)
    assert told["affordable"]
    assert told["more"] > 1
    assert told["epsilon_at_delta"] is not None
    assert 90 < told["columns"][0]["half_width"] <= 100
    most = told["spend"]
    answer = world.ask(query(COUNT, asked({"half_width": "100"}, at_most=most), licence=licence))
    found = json.loads(answer.body)
    counted = "rho" if licence == "L1" else "epsilon"
    assert found["charge"][counted] == told["charge"][counted]
    low, high = found["release"]["intervals"][0][0]
    assert high - low <= 200
    assert found["release"]["privacy"]["accuracy"] == told["accuracy"]
    again = world.ask(query(COUNT, asked({"half_width": "100"}, at_most={"epsilon": "900"}), licence=licence))
    assert dict(again.headers)["vitrine-repeat"] == "true"  # what it may cost is no part of the question


def test_the_price_is_told_when_it_is_above_the_most(world: BrokerWorld) -> None:
    told = estimate(world, COUNT, asked({"half_width": "10"}))
    before = world.spent()
    refused = world.ask(query(COUNT, asked({"half_width": "10"}, at_most={"epsilon": "0.1"})))
    found = json.loads(refused.body)
    assert found["code"] == "spend.above_most"
    assert told["charge"]["rho"] in found["detail"]["cost"]
    assert told["epsilon_at_delta"] in found["detail"]["cost"]
    assert world.spent() == before
    enough = world.ask(query(COUNT, asked({"half_width": "10"}, at_most={"epsilon": told["epsilon_at_delta"]})))
    assert enough.status == 200


def test_a_relative_error_is_of_a_value_that_is_assumed(world: BrokerWorld) -> None:
    """Rule 29: never of the data."""
    by_value = estimate(world, COUNT, asked({"relative": "0.02"}, expected_value="5000"))
    by_size = estimate(world, COUNT, asked({"relative": "0.02"}, expected_size=5000))
    plain = estimate(world, COUNT, asked({"half_width": "100"}))
    assert by_value["spend"] == by_size["spend"] == plain["spend"]
    assert by_value["accuracy"]["expected_value"] == "5000"
    assert by_size["accuracy"]["expected_size"] == 5000


def test_a_relative_error_of_what_the_card_bounds_from_below(world: BrokerWorld) -> None:
    sql = "SELECT AVG(clamp(birth_year, 1900, 2020)) AS y, SUM(clamp(birth_year, 1900, 2020)) AS s FROM persons"
    average = estimate(world, sql, asked({"relative": "0.01"}, column="y", expected_size=400))
    absolute = estimate(world, sql, asked({"half_width": "19.2"}, column="y"), expected_size=400)
    assert average["spend"] == absolute["spend"]
    assert average["columns"][0]["assumed"]
    total = estimate(world, sql, asked({"relative": "0.01"}, column="s", expected_size=400))
    assert total["spend"] == estimate(world, sql, asked({"half_width": "7680"}, column="s"))["spend"]


def test_one_column_can_be_meant(world: BrokerWorld) -> None:
    sql = "SELECT COUNT(*) AS n, SUM(费用) AS s FROM visits"
    both, one = (estimate(world, sql, asked({"half_width": "100"}, **more)) for more in ({}, {"column": "n"}))
    assert Fraction(one["charge"]["rho"]) < Fraction(both["charge"]["rho"])
    assert all(column["half_width"] <= 100 for column in both["columns"])


def test_the_price_of_an_accuracy_is_that_of_any_data(world: BrokerWorld, tmp_path: Any) -> None:
    """Rule 3."""
    sql = "SELECT 科室, 费用, COUNT(*) AS n, AVG(费用) AS m FROM visits GROUP BY 1, 2"
    spend = asked({"relative": "0.05"}, column="n", expected_size=300)
    with broker_world(tmp_path, OTHERS, lambda _: InProcess()) as other:
        assert estimate(world, sql, spend)["charge"] == estimate(other, sql, spend)["charge"]
        assert estimate(world, sql, spend)["spend"] == estimate(other, sql, spend)["spend"]


@pytest.mark.parametrize("licence", ["L1", "P1"])
def test_a_column_of_more_weight_is_more_exact_at_the_same_price(world: BrokerWorld, licence: str) -> None:
    sql = "SELECT COUNT(*) AS n, SUM(费用) AS s FROM visits"
    plain, weighed = (
        estimate(world, sql, {"epsilon": "1", **more}, licence=licence, bounds="card")
        for more in ({}, {"weights": {"n": "100"}})
    )
    charges = [Fraction(each["charge"]["rho"]) for each in (plain, weighed)]
    assert max(charges) - min(charges) <= max(charges) / 10**6 or licence == "P1"
    (n, s), (exact, rough) = ([column["half_width"] for column in each["columns"]] for each in (plain, weighed))
    assert exact < n
    assert rough > s
    asked_for = asked({"half_width": "100"}, column="n")
    assert (
        estimate(world, sql, asked_for | {"weights": {"n": "100"}}, licence=licence)["spend"]
        != (estimate(world, sql, asked_for, licence=licence)["spend"])
    )
