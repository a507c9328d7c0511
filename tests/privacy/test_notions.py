"""Pure and zero-concentrated licences, each at a δ of its own, from the signed request to the ledger (rule 6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from sandbox.confinement.machine import found as layers
from sandbox.frontend import Frontend
from sandbox.privacy.conversion import epsilon_of
from tests.support.broker_world import ZCDP, BrokerWorld, broker_world, licence_text, query
from tests.support.records import Records

RECORDS = Records(
    (("1", "女", "1950", "12.5", "A"), ("2", "男", "1960", "99.25", "B")),
    (("1", "1", "内科", "2024-01-31", "10", "true"),),
    (("1", "A", "1"),),
)
COUNT = "SELECT COUNT(*) AS n FROM visits"
PRIVATE = {
    "a number": "SELECT 费用, COUNT(*) AS n FROM visits GROUP BY 1",
    "a number, named": "SELECT 费用 AS f, COUNT(*) AS n FROM visits GROUP BY 费用 ORDER BY n",
}
"""Group keys without a public value set."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWorld]:
    with broker_world(tmp_path_factory.mktemp("notions"), RECORDS, lambda _: Frontend(1, layers())) as found:
        found.issue(licence_text("strict", ZCDP.replace("1/1000000", "1/1000000000")))
        yield found


def estimate(world: BrokerWorld, sql: str, licence: str, spend: dict[str, str]) -> dict[str, Any]:
    answer = world.ask(query(sql, spend, licence=licence), "/v1/estimates")
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_a_licence_states_epsilon_at_its_own_delta(world: BrokerWorld) -> None:
    """The same ε buys less ρ at a smaller δ, and every balance is told at the licence's."""
    told = {name: estimate(world, COUNT, name, {"epsilon": "0.5"}) for name in ("L1", "strict")}
    rho = {name: Fraction(found["charge"]["rho"]) for name, found in told.items()}
    assert rho["strict"] < rho["L1"]
    for name, delta in (("L1", Fraction(1, 10**6)), ("strict", Fraction(1, 10**9))):
        assert Fraction(told[name]["balance"][0]["limit"]["delta"]) == pytest.approx(delta)
        assert Fraction(told[name]["epsilon_at_delta"]) <= Fraction(1, 2)
        assert float(epsilon_of(rho[name], delta)) == pytest.approx(0.5, rel=1e-6)


def test_thresholds_are_of_the_licence_s_delta(world: BrokerWorld) -> None:
    sql = PRIVATE["a number"]
    lost = {name: estimate(world, sql, name, {"rho": "0.125"})["charge"]["delta"] for name in ("L1", "strict")}
    assert 0 < Fraction(lost["strict"]) < Fraction(lost["L1"])


def test_a_pure_licence_releases_by_laplace_noise_alone(world: BrokerWorld) -> None:
    before = world.spent()
    sql = "SELECT 科室, COUNT(*) AS n, AVG(费用) AS m FROM visits GROUP BY 1"
    answer = json.loads(world.ask(query(sql, {"epsilon": "0.5"}, licence="P1")).body)
    privacy = answer["release"]["privacy"]
    assert {each["mechanism"] for each in privacy["mechanisms"]} == {"discrete_laplace"}
    assert {each["metric"] for each in privacy["mechanisms"]} == {"l1"}
    assert (privacy["notion"], privacy["delta"]) == ("pure", "0")
    assert Fraction(answer["charge"]["epsilon"]) <= Fraction(1, 2)
    after = world.spent()
    for account in ("dataset:clinic", "domain:people"):
        rho = (after[account][0] or 0) - (before[account][0] or 0)
        assert 0 < Fraction(rho, 2**40) <= Fraction(1, 8)
        assert after[account][1] == before[account][1]


@pytest.mark.parametrize("sql", PRIVATE.values(), ids=PRIVATE)
def test_private_keys_are_refused_under_a_pure_licence_with_a_rewrite_that_passes(world: BrokerWorld, sql: str) -> None:
    refused = estimate(world, sql, "P1", {"epsilon": "0.5"})
    assert refused["code"] == "plan.private_keys_pure"
    start, end = refused["span"]
    assert sql[start:end] == "费用"
    accepted = estimate(world, refused["rewrite"], "P1", {"epsilon": "0.5"})
    assert "charge" in accepted, (refused["rewrite"], accepted)
    assert estimate(world, sql, "L1", {"epsilon": "0.5"})["measures"][0]["private_keys"]


def test_the_notion_is_part_of_the_question(world: BrokerWorld) -> None:
    """A pure licence never gets a copy of a release that is only zero-concentrated (rule 8)."""
    first = json.loads(world.ask(query(COUNT, {"epsilon": "0.25"}, licence="L1")).body)
    second = json.loads(world.ask(query(COUNT, {"epsilon": "0.25"}, licence="P1")).body)
    assert first["release"]["privacy"]["notion"] == "zcdp"
    assert second["release"]["privacy"]["notion"] == "pure"
