"""Dry runs: the whole path on dummies. Nothing is charged, no record is read, and every output says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from query_gateway import wire
from query_gateway.formats import release_csv
from sandbox.audit.checkpoint import open_note
from sandbox.audit.entry import QueryAuthorized, QueryDryRun, Refused
from sandbox.audit.merkle import Unverified
from sandbox.audit.receipt import Receipt, verify, verify_leaf
from sandbox.audit.records import AccountKind, Amounts
from sandbox.errors import Fault
from sandbox.ledger.charges import history, pending
from sandbox.queries.execution import execute, rehearse
from sandbox.queries.preparation import prepare
from sandbox.queries.requests import read_query
from sandbox.registry import acts
from sandbox.workers.job import DummyPart, Side
from sandbox.workers.pool import FailureKind
from tests.support.answers import InProcess
from tests.support.broker_world import LOG, BrokerWorld, broker_world, failing, query
from tests.support.records import FULL

SQL = "SELECT 科室, COUNT(*) AS n, AVG(费用) AS mean FROM visits GROUP BY 科室"
SPEND = {"epsilon": "1"}
QUERIES = [
    SQL,
    "SELECT COUNT(DISTINCT pid) AS n, SUM(费用) AS s FROM visits WHERE emergency",
    "SELECT visit_no + 0 AS k, COUNT(*) AS n FROM visits GROUP BY k",
    "SELECT name_en, COUNT(*) AS n FROM persons JOIN cities ON code = city GROUP BY name_en HAVING COUNT(*) > 5",
    "SELECT d.药品, SUM(d.packs) AS n FROM drugs d JOIN visits v ON d.visit_no = v.visit_no GROUP BY d.药品 ORDER BY n",
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWorld]:
    with broker_world(tmp_path_factory.mktemp("dry"), FULL, lambda _: InProcess()) as found:
        yield found


def dry(world: BrokerWorld, sql: str, **changes: Any) -> dict[str, Any]:
    answer = world.ask(query(sql, SPEND, dry_run=True, **changes))
    assert answer.status == 200, answer.body
    assert dict(answer.headers) == {"vitrine-dry-run": "true"}
    document: dict[str, Any] = json.loads(answer.body)
    return document


def _shape(column: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on how large the noise is beside the values."""
    return {name: value for name, value in column.items() if name != "no_interval"}


@pytest.mark.parametrize("sql", QUERIES)
def test_it_has_the_shape_of_the_answer_and_costs_nothing(world: BrokerWorld, sql: str) -> None:
    before, leaves = world.spent(), len(world.entries())
    world.engine.runs.clear()
    found = dry(world, sql, bounds="card")
    assert world.spent() == before
    assert world.engine.runs[Side.PRIVATE] == 0
    assert world.engine.runs[Side.DUMMY] >= 1
    [entry] = world.entries()[leaves:]
    assert isinstance(entry.act, QueryDryRun)
    wire.QueryAnswer.model_validate(found)
    charged = json.loads(world.ask(query(sql, SPEND, bounds="card")).body)
    wire.QueryAnswer.model_validate(charged)
    assert found["price"] == charged["charge"]
    assert {name for name, value in found["charge"].items() if value not in ("0", None)} == set()
    same = ("snapshots", "privacy", "confidence")
    assert {name: found["release"][name] for name in same} == {name: charged["release"][name] for name in same}
    assert [_shape(each) for each in found["release"]["columns"]] == [
        _shape(each) for each in charged["release"]["columns"]
    ]
    assert (found["release"]["dummy"], charged["release"]["dummy"]) == (True, False)
    assert (found["state"], charged["state"]) == ("dry_run", "released")
    assert found["balance"] == []


def test_every_output_says_that_it_is_dummy(world: BrokerWorld) -> None:
    found = dry(world, SQL)
    lines = release_csv(found["release"]).splitlines()
    assert len(lines) == 5
    assert all(line.startswith("DUMMY,") for line in lines)
    charged = json.loads(world.ask(query(SQL, SPEND)).body)
    assert "DUMMY" not in release_csv(charged["release"])


def test_the_receipt_proves_a_dry_run_and_no_release(world: BrokerWorld) -> None:
    found = dry(world, SQL)
    receipt = Receipt.from_json(found["receipt"])
    proven = verify_leaf(receipt, LOG.public)
    assert isinstance(proven.entry.act, QueryDryRun)
    assert (proven.entry.act.run, proven.entry.act.release) == (found["id"], found["digest"])
    assert open_note(receipt.checkpoint, LOG.public).size > receipt.index
    with pytest.raises(Unverified):
        verify(receipt, LOG.public, json.dumps(found["release"]).encode())


def test_the_dummy_is_stable_and_the_noise_is_drawn(world: BrokerWorld) -> None:
    """At a huge spend twice the same numbers; at a small one not."""
    huge = [dry(world, SQL, spend={"epsilon": "100000"})["release"]["rows"] for _ in range(2)]
    huge = [[row[:2] for row in rows] for rows in huge]
    assert huge[0] == huge[1]
    small = [dry(world, SQL, spend={"epsilon": "0.01"})["release"]["rows"] for _ in range(2)]
    assert small[0] != small[1]


def test_neither_repeats_nor_history_nor_open_charges_know_of_it(world: BrokerWorld) -> None:
    sql = "SELECT COUNT(*) AS n FROM visits WHERE 费用 > 17"
    found = dry(world, sql)
    assert world.read(lambda connection: [each.id for each in history(connection, "li", 100)]).count(found["id"]) == 0
    assert world.read(pending) == ()
    assert world.ask(None, f"/v1/queries/{found['id']}").status == 404
    before = world.spent()
    answer = world.ask(query(sql, SPEND))
    assert (answer.status, dict(answer.headers)) == (200, {})  # no repeat
    assert world.spent() != before
    again = dry(world, sql)  # a stored release answers no dry run
    assert again["release"]["dummy"] is True


def test_it_needs_a_licence_in_force_and_the_grant(world: BrokerWorld) -> None:
    for changes, code in (
        ({"licence": "none"}, "licence.unknown"),
        ({"scenario": "other"}, "policy.scenario_not_granted"),
        ({"dataset": "other"}, "dataset.unknown"),
    ):
        answer = world.ask(query(SQL, SPEND, dry_run=True, **changes))
        assert answer.status in (403, 404, 422)
        assert json.loads(answer.body)["code"] in (code, "policy.denied", "policy.scenario")
        assert isinstance(world.entries()[-1].act, Refused)
    assert json.loads(world.ask(query(SQL, SPEND, dry_run=True), person="mallory").body)["code"] == "licence.unknown"


def test_an_exhausted_budget_is_no_matter(world: BrokerWorld) -> None:
    spent = dict(world.spent())["licence:L1"]
    world.act(acts.limit_account, AccountKind.LICENCE, "L1", Amounts(spent[0], spent[1], None))
    try:
        new = "SELECT COUNT(*) AS n FROM visits WHERE 费用 > 18"
        assert json.loads(world.ask(query(new, SPEND)).body)["code"] == "budget.exhausted"
        assert dry(world, new)["release"]["rows"]
    finally:
        world.act(acts.limit_account, AccountKind.LICENCE, "L1", Amounts(2**60, 2**50, None))


@pytest.mark.parametrize("value", ["true", 1, None, [], {}])
def test_the_flag_is_true_or_false(world: BrokerWorld, value: object) -> None:
    assert json.loads(world.ask(query(SQL, SPEND, dry_run=value)).body)["code"] == "request.body"


def test_an_estimate_is_no_dry_run(world: BrokerWorld) -> None:
    assert json.loads(world.ask(query(SQL, SPEND, dry_run=True), "/v1/estimates").body)["code"] == "request.body"


def test_false_is_a_query(world: BrokerWorld) -> None:
    leaves = len(world.entries())
    world.ask(query("SELECT COUNT(*) AS n FROM visits WHERE 费用 > 19", SPEND, dry_run=False))
    assert any(isinstance(entry.act, QueryAuthorized) for entry in world.entries()[leaves:])


def test_a_replayed_dry_run_leaves_nothing(world: BrokerWorld) -> None:
    request = world.signed(query(SQL, SPEND, dry_run=True))
    assert world.door.handle(request).status == 200
    leaves = len(world.entries())
    assert json.loads(world.door.handle(request).body)["code"] == "identity.replayed"
    assert len(world.entries()) == leaves


def test_records_and_dummies_have_a_door_each(world: BrokerWorld) -> None:
    """A query cannot run on a dummy nor a dry run on records: not by request, part, side or worker."""
    broker = world.broker
    licence = broker.registry.licence("L1")
    assert licence is not None
    held = {"clinic": broker.snapshots.open(world.snapshot)}
    asked, rehearsed = (
        prepare(
            read_query(query(SQL, SPEND, dry_run=dry_run)),
            licence.licence,
            broker.decisions.frontend,
            held,
            broker.decisions.bundle.domains,
            broker.decisions.limits,
        )
        for dry_run in (False, True)
    )
    with pytest.raises(Fault, match="a dry run reads no records"):
        execute(rehearsed, broker.snapshots, broker.runs.run, 10)
    with pytest.raises(Fault, match="a query is answered from records"):
        rehearse(asked, broker.dummies, broker.runs.run, 10)
    assert isinstance(broker.dummies.part(held["clinic"]), DummyPart)


@pytest.mark.parametrize("kills", [1, 2, 3])
def test_a_worker_killed_at_a_dry_run_costs_nobody_the_answer(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch, kills: int
) -> None:
    """It is run again; killed each time, the caller is told to come back, and not that it failed."""
    before, left = world.spent(), [FailureKind.KILLED] * kills
    failing(monkeypatch, left)
    answer = world.ask(query(SQL, SPEND, dry_run=True))
    assert (answer.status, json.loads(answer.body).get("code")) == ((200, None) if kills < 3 else (503, "service.busy"))
    left.append(FailureKind.ENGINE)
    assert json.loads(world.ask(query(SQL, SPEND, dry_run=True)).body)["code"] == "plan.worker_limits"
    assert world.spent() == before
