"""Queries over public tables alone: no record is read and nothing charged; an act like any other all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from policies.canonical import canonical_json
from sandbox.audit.chains import Chains
from sandbox.audit.entry import FailureCause, QueryAuthorized, QueryFailed, QueryReleased
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
from sandbox.workers.job import Job, Parts, Rows, Side
from sandbox.workers.pool import FailureKind, WorkerFailure
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


def failing(world: BrokerWorld, kind: FailureKind, side: Side) -> BrokerWorld:
    """The world whose workers of a side can no job."""

    def run(parts: Parts, of: Side, job: Job) -> Rows:
        if of is side:
            raise WorkerFailure(kind)
        return world.engine(parts, of, job)

    broker = world.broker
    runs = replace(broker.runs, run=run, settings=replace(broker.settings, max_failures=1))
    return replace(world, door=replace(world.door, broker=replace(broker, runs=runs)))


TOO_MUCH = (FailureKind.DEADLINE, FailureKind.MEMORY, FailureKind.ENGINE)


@pytest.mark.parametrize("kind", TOO_MUCH)
def test_public_tables_that_are_too_much_are_no_incident(world: BrokerWorld, kind: FailureKind) -> None:
    """No record took part (rule 2): it is told, the licence is not suspended, and the answer stays what it was."""
    licence = f"public-{kind}"
    world.issue(licence_text(licence))
    spent = world.spent()
    broken = failing(world, kind, Side.PUBLIC)
    sql = f"SELECT COUNT(*) AS n FROM cities WHERE population > {len(kind)}"
    answers = [broken.ask(query(sql, SPEND, licence=licence), idempotency=f"{kind}-{n % 2}") for n in range(4)]
    assert [(each.status, json.loads(each.body)["code"]) for each in answers] == [(422, "plan.worker_limits")] * 4
    assert answers[0].body == answers[2].body
    assert world.spent() == spent
    causes = [each.act.cause for each in world.entries() if isinstance(each.act, QueryFailed)]
    assert causes[-2:] == [FailureCause.PUBLIC] * 2
    assert world.ask(query("SELECT COUNT(*) AS n FROM cities", SPEND, licence=licence)).status == 200
    chains = Chains()
    assert [finding for index, entry in enumerate(world.entries()) for finding in chains.take(index, entry)] == []


@pytest.mark.parametrize("kind", TOO_MUCH)
@pytest.mark.parametrize("side", [Side.PRIVATE, Side.PUBLIC])
def test_once_records_took_part_every_failure_is_one_and_the_same(
    world: BrokerWorld, kind: FailureKind, side: Side
) -> None:
    """Nobody learns whether the measure failed or what was computed of its release: an incident either way (rule 2)."""
    licence = f"incident-{side}-{kind}"
    world.issue(licence_text(licence))
    sql = f"SELECT COUNT(*) AS n FROM persons WHERE birth_year > {1900 + len(kind) + 7 * len(side)}"
    answer = failing(world, kind, side).ask(query(sql, {"rho": "0.001"}, licence=licence))
    assert (answer.status, json.loads(answer.body)["code"]) == (500, "service.failed")
    assert json.loads(world.ask(query(sql, SPEND, licence=licence)).body)["code"] == "licence.suspended"
    assert [each.act.cause for each in world.entries() if isinstance(each.act, QueryFailed)][-1] == "incident"


@pytest.mark.parametrize("kind", TOO_MUCH)
def test_dry_runs_and_reuse_that_are_too_much_are_refused(world: BrokerWorld, kind: FailureKind) -> None:
    kept = query("SELECT city, COUNT(*) AS n FROM persons GROUP BY city", {"rho": "0.5"})
    follows = query(f"SELECT COUNT(*) AS n{kind} FROM persons", {"rho": "0.0001"})
    assert world.ask(kept).status == 200
    spent = world.spent()
    broken = failing(world, kind, Side.PUBLIC)
    for body in (query("SELECT COUNT(*) AS n FROM persons", SPEND, dry_run=True), follows):
        answer = broken.ask(body)
        assert (answer.status, json.loads(answer.body)["code"]) == (422, "plan.worker_limits")
    assert world.spent() == spent


HUNDRED = f"(VALUES {', '.join(f'({n})' for n in range(100))}) AS v(x)"
BOMBS = {
    "all with all": f"SELECT COUNT(*) AS n FROM {HUNDRED}, " + ", ".join(f"cities c{n}" for n in range(12)),
    "ON true": f"SELECT COUNT(*) AS n FROM {HUNDRED} " + " ".join(f"JOIN cities c{n} ON true" for n in range(12)),
    "by a condition": f"SELECT COUNT(*) AS n FROM {HUNDRED} "
    + " ".join(f"JOIN cities c{n} ON c{n}.population <> x" for n in range(12)),
    "a product of constants": f"WITH v AS (SELECT x FROM {HUNDRED}) SELECT COUNT(*) AS n FROM cities, "
    + ", ".join(f"v v{n}" for n in range(5)),
    "over releases": "WITH r AS (SELECT city, birth_year, COUNT(*) AS n FROM persons GROUP BY 1, 2)"
    " SELECT COUNT(*) AS n FROM r a, r b, r c, r d",
    "doubled again and again": "WITH c0 AS (SELECT code FROM cities), "
    + ", ".join(f"c{n} AS (SELECT * FROM c{n - 1} UNION ALL SELECT * FROM c{n - 1})" for n in range(1, 12))
    + " SELECT COUNT(*) AS n FROM c11 a, c11 b",
}


@pytest.mark.parametrize("case", BOMBS)
def test_a_product_of_public_tables_stops_at_its_limit(world: BrokerWorld, case: str) -> None:
    """Before anything is charged or run, by sizes that are public."""
    spent, runs = world.spent(), sum(world.engine.runs.values())
    answer = world.ask(query(BOMBS[case], SPEND))
    assert (answer.status, json.loads(answer.body)["code"]) in ((422, "plan.too_large"), (422, "sql.too_large"))
    assert (world.spent(), sum(world.engine.runs.values())) == (spent, runs)


@pytest.mark.parametrize(
    "text",
    [
        "repeat(repeat(repeat(repeat(code, 1000000), 1000000), 1000000), 1000000)",
        "lpad(code, 2147483647, 'b')",
        f"replace(repeat('A', 256), 'A', '{'B' * 200}')",
        " || ".join(["repeat(code, 1000)"] * 40),
    ],
)
def test_a_text_stops_growing(world: BrokerWorld, text: str) -> None:
    answer = world.ask(query(f"SELECT {text} AS x FROM cities", SPEND))
    found = json.loads(answer.body)
    assert answer.status == 200 or found["code"] == "plan.too_large"
    assert all(len(row[0]) <= 256 for row in found.get("release", {"rows": []})["rows"])
