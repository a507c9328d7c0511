"""Queries over public tables alone: no record is read and nothing charged; an act like any other all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from policies.canonical import canonical_json
from sandbox.audit.chains import Chains
from sandbox.audit.entry import QueryAuthorized, QueryReleased
from sandbox.audit.receipt import Receipt, verify
from sandbox.audit.records import AccountKind, Amounts
from sandbox.datasets.snapshot import Snapshots
from sandbox.errors import Fault, Refusal
from sandbox.ledger.accounts import lines_of
from sandbox.plan.check import check
from sandbox.plan.limits import standard
from sandbox.plan.nodes import Constants, Literal, Scan, ScanColumn, Type
from sandbox.plan.plan import Label, Plan
from sandbox.privacy.loss import Loss
from sandbox.registry import acts
from sandbox.workers.job import Side
from tests.support.answers import InProcess
from tests.support.broker_world import EVERYTHING, LOG, PURE, ZCDP, BrokerWorld, broker_world, licence_text, query
from tests.support.cards import CLINIC, DOMAINS
from tests.support.judging import FACTS
from tests.support.lowering import lowered
from tests.support.records import CITIES, FULL

SPEND = {"epsilon": "0.25"}
QUERIES = {
    "SELECT COUNT(*) AS n FROM cities": [[len(CITIES)]],
    "SELECT code FROM cities ORDER BY code LIMIT 2": [[code] for code in sorted(row[0] for row in CITIES)[:2]],
    "SELECT MAX(n) AS n FROM (SELECT code, COUNT(*) AS n FROM cities GROUP BY code)": [[1]],
    "SELECT COUNT(*) AS n FROM cities c JOIN (VALUES ('A'), ('?')) AS v(x) ON c.code = v.x": [[1]],
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWorld]:
    with broker_world(tmp_path_factory.mktemp("public"), FULL, lambda _: InProcess()) as found:
        yield found


def asked(world: BrokerWorld, sql: str, **changes: Any) -> dict[str, Any]:
    answer = world.ask(query(sql, SPEND, **changes))
    assert answer.status == 200, answer.body
    document: dict[str, Any] = json.loads(answer.body)
    return document


@pytest.mark.parametrize("sql", QUERIES)
def test_it_is_answered_exactly_and_costs_nothing(world: BrokerWorld, sql: str) -> None:
    before = world.spent()
    world.engine.runs.clear()
    found = asked(world, sql)
    assert found["release"]["rows"] == QUERIES[sql]
    assert not any(column["measured"] for column in found["release"]["columns"])
    assert all(interval is None for row in found["release"]["intervals"] for interval in row)
    assert found["charge"] == {"rho": "0", "delta": "0", "epsilon": None}
    assert [each["account"] for each in found["balance"]] == ["licence:L1"]
    assert found["balance"][0]["more"] is None
    assert found["release"]["privacy"]["mechanisms"] == found["release"]["privacy"]["unit_domains"] == []
    assert world.spent() == before
    assert world.engine.runs == {Side.PUBLIC: 1}


def test_no_private_part_is_opened(world: BrokerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, part = list[Side](), Snapshots.part

    def watched(self: Snapshots, snapshot: str, side: Side) -> object:
        opened.append(side)
        return part(self, snapshot, side)

    monkeypatch.setattr(Snapshots, "part", watched)
    asked(world, "SELECT SUM(population) AS p FROM cities")
    assert opened == [Side.PUBLIC]


def test_the_act_is_logged_with_a_receipt(world: BrokerWorld) -> None:
    leaves = len(world.entries())
    found = asked(world, "SELECT MIN(population) AS p FROM cities")
    authorized, released = world.entries()[leaves:]
    assert isinstance(authorized.act, QueryAuthorized)
    assert isinstance(released.act, QueryReleased)
    assert authorized.act.mechanisms == ()
    assert [(each.kind, each.loss) for each in authorized.act.accounts] == [(AccountKind.LICENCE, Amounts(0, 0, None))]
    proven = verify(Receipt.from_json(found["receipt"]), LOG.public, canonical_json(found["release"]))
    assert proven.index == len(world.entries()) - 1
    chains = Chains()
    assert [finding for index, entry in enumerate(world.entries()) for finding in chains.take(index, entry)] == []


def test_a_repeat_is_the_same_release(world: BrokerWorld) -> None:
    sql = "SELECT AVG(population) AS p FROM cities"
    assert asked(world, sql)["digest"] == asked(world, sql)["digest"] == asked(world, sql, licence="L2")["digest"]


def test_the_estimate_says_that_it_is_free(world: BrokerWorld) -> None:
    answer = world.ask(query("SELECT COUNT(*) AS n FROM cities", SPEND), "/v1/estimates")
    told = json.loads(answer.body)
    assert (told["charge"], told["more"], told["affordable"]) == (
        {"rho": "0", "delta": "0", "epsilon": None},
        None,
        True,
    )
    assert told["measures"] == []


def test_a_batch_of_them_is_free_too(world: BrokerWorld) -> None:
    before = world.spent()
    together = {"queries": ["SELECT COUNT(*) AS n FROM cities", "SELECT MIN(code) AS c FROM cities"]}
    asked = json.loads(query("", SPEND)) | together
    del asked["sql"]
    answer = world.ask(json.dumps(asked).encode(), "/v1/queries:batch")
    assert answer.status == 200, answer.body
    assert [each["release"]["rows"] for each in json.loads(answer.body)["answers"]] == [[[len(CITIES)]], [["A"]]]
    assert world.spent() == before


def test_a_pure_licence_asks_for_free_too(world: BrokerWorld) -> None:
    found = asked(world, "SELECT MAX(population) AS p FROM cities", licence="P1")
    assert found["charge"] == {"rho": None, "delta": "0", "epsilon": "0"}


def test_what_a_licence_does_not_allow_is_refused(world: BrokerWorld) -> None:
    few = {name: columns for name, columns in EVERYTHING.items() if name != "cities"}
    world.issue(licence_text("no-cities", ZCDP, few))
    world.issue(licence_text("suspended", PURE))
    world.act(acts.suspend_licence, "suspended")
    sql = "SELECT COUNT(*) AS n FROM cities"
    assert json.loads(world.ask(query(sql, SPEND, licence="no-cities")).body)["code"] == "policy.scope"
    assert json.loads(world.ask(query(sql, SPEND, licence="suspended")).body)["code"] == "licence.suspended"


def test_check_lets_nothing_private_stand_in_it() -> None:
    """Whatever the front end proposes: a public part reads no private table, and a plan reads something."""
    private = Scan("clinic", "persons", (ScanColumn("c1", "income"),))
    for answer, code in (
        (private, "plan.raw_rows"),
        (Constants(("c1",), ((Literal(Type.INTEGER, 1),),)), "plan.invalid"),
    ):
        with pytest.raises(Refusal) as refusal:
            check(Plan((), answer, (Label("c1", "x"),)), {"clinic": CLINIC}, FACTS, DOMAINS, standard(cells=10))
        assert refusal.value.code == code


def test_a_public_table_is_bounded_in_rows() -> None:
    plan = lowered("SELECT a.code FROM cities a, cities b, cities c", "clinic").plan
    many = {place: replace(facts, rows=1_000) for place, facts in FACTS.items()}
    with pytest.raises(Refusal) as refusal:
        check(plan, {"clinic": CLINIC}, many, DOMAINS, standard(cells=10))
    assert refusal.value.code == "plan.too_large"


def test_what_is_lost_is_lost_of_people() -> None:
    with pytest.raises(Fault):
        lines_of(Loss(rho=1, delta=0, epsilon=None), "L1", ("clinic",), ())
    assert [line.account for line in lines_of(Loss(rho=0, delta=0, epsilon=None), "L1", ("clinic",), ())] == [
        "licence:L1"
    ]
