"""Several queries planned together: equal measures measured and paid for once, one charge, a release of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from query_gateway import wire
from sandbox.audit import verify as audit
from sandbox.audit.entry import Estimated, QueryAuthorized, QueryDryRun, QueryReleased, QueryRepeated, QueryReused
from sandbox.audit.export import export
from sandbox.audit.forms import joint_digest
from sandbox.ledger.charges import pending
from sandbox.privacy.loss import total
from sandbox.queries import runs
from sandbox.queries.decisions import MECHANISMS
from sandbox.queries.execution import Execution, execute
from sandbox.queries.preparation import Prepared
from sandbox.workers.job import Side
from sandbox.workers.pool import FailureKind, WorkerFailure
from tests.privacy.test_charge import RECORDS, difference
from tests.support.answers import InProcess
from tests.support.broker_world import DEPARTMENT, LOG, BrokerWorld, broker_world, query

SPEND = {"rho": "0.5"}
QUERIES = (
    "SELECT city, COUNT(*) AS n FROM persons GROUP BY 1",
    "SELECT city, SUM(income) AS s, COUNT(*) AS m FROM persons GROUP BY 1 ORDER BY s",
    "SELECT COUNT(*) AS v FROM visits WHERE emergency",
    "SELECT city, COUNT(*) AS n FROM persons GROUP BY city HAVING n > 0",
)
"""The first, second and fourth measure the same rows by the same group key."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[BrokerWorld]:
    folder = tmp_path / "world"
    folder.mkdir()
    with broker_world(folder, RECORDS, lambda _: InProcess()) as found:
        yield found
        with found.broker.engine.begin() as connection:
            export(connection, LOG.public, tmp_path / "log")
        report = audit.verify(tmp_path / "log", LOG.public, DEPARTMENT.public_key())
        assert report.findings == ()
        spent = {name: account.spent for name, account in report.accounts.items()}
        assert {name: (one.rho, one.delta, one.epsilon) for name, one in spent.items()} == found.spent()


def body(queries: Sequence[str], spend: Mapping[str, object] = SPEND, /, **changes: object) -> bytes:
    asked = json.loads(query("", spend, **changes))
    del asked["sql"]
    return json.dumps(asked | {"queries": queries}, ensure_ascii=False).encode()


def ask(world: BrokerWorld, asked: bytes, **words: Any) -> dict[str, Any]:
    found = world.ask(asked, "/v1/queries:batch", **words)
    assert found.status == 200, found.body
    answer: dict[str, Any] = json.loads(found.body)
    wire.BatchAnswer.model_validate(answer)
    return answer


def test_equal_measures_are_measured_and_paid_for_once(world: BrokerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum of what the mechanisms lost is what the ledger moved by, once (the charge oracle)."""
    seen: list[tuple[Prepared, Execution]] = []

    def watch(prepared: Prepared, *words: Any) -> Execution:
        found = execute(prepared, *words)
        seen.append((prepared, found))
        return found

    monkeypatch.setattr(runs, "execute", watch)
    before = world.spent()
    answer = ask(world, body(QUERIES))
    ((prepared, execution),) = seen
    loss = total(each.loss for each in execution.invocations)
    assert loss == prepared.priced.loss
    assert Fraction(loss.rho, 2**40) <= Fraction(SPEND["rho"])
    assert difference(before, world.spent()) == dict.fromkeys(
        ("licence:L1", "dataset:clinic", "domain:people"), (loss.rho, loss.delta, None)
    )
    jobs = sum(prepared.readings)
    assert world.engine.runs == {Side.PRIVATE: jobs, Side.PUBLIC: 4}, "one relation, and its keys"
    assert len(prepared.priced.measures) == 2
    first, second, third, fourth = (each["release"] for each in answer["answers"])
    assert {row[0]: row[1] for row in first["rows"]} == {row[0]: row[2] for row in second["rows"]}
    assert all(row in first["rows"] for row in fourth["rows"])
    assert first["privacy"]["mechanisms"] == second["privacy"]["mechanisms"]
    assert {each["measure"] for each in third["privacy"]["mechanisms"]}.isdisjoint(
        each["measure"] for each in first["privacy"]["mechanisms"]
    )
    parts = [Fraction(each["privacy"]["rho"]) for each in (first, third)]
    assert abs(sum(parts) - Fraction(answer["charge"]["rho"])) < Fraction(1, 10**11), "decimals are rounded up"


def test_each_query_has_its_own_leaf_and_digest(world: BrokerWorld) -> None:
    answer = ask(world, body(QUERIES[:3]))
    acts = [each.act for each in world.entries()]
    (authorized,) = [each for each in acts if isinstance(each, QueryAuthorized)]
    released = [each for each in acts if isinstance(each, QueryReleased)]
    assert authorized.queries == 3
    assert [each.number for each in released] == [0, 1, 2]
    assert [each.release for each in released] == [each["digest"] for each in answer["answers"]]
    assert len({each["receipt"]["index"] for each in answer["answers"]}) == 3
    assert [len(each.measured) for each in released] == [1, 0, 1]


def test_it_is_all_or_nothing(world: BrokerWorld) -> None:
    """One query that is refused, or a budget that does not cover all, charges nothing; the place is in its own SQL."""
    before = world.spent()
    found = world.ask(body([*QUERIES, "SELECT income FROM persons"]), "/v1/queries:batch")
    refused = json.loads(found.body)
    assert (refused["code"], refused["query"]) == ("plan.raw_rows", 4)
    assert world.spent() == before
    dear = world.ask(body(QUERIES, {"rho": "1000000"}), "/v1/queries:batch")
    assert dear.status == 200
    again = world.ask(body(QUERIES, {"rho": "999999"}, reuse=False), "/v1/queries:batch")
    assert json.loads(again.body)["code"] == "budget.exhausted"


def test_more_mechanisms_than_an_entry_of_the_log_can_name_are_refused(world: BrokerWorld) -> None:
    """Before the charge; as many as are allowed fit in one."""

    def sums(count: int) -> list[str]:
        terms = [f"SUM(clamp(income, 0, {most})) AS s{most}" for most in range(1, count + 1)]
        return [f"SELECT {', '.join(terms[start : start + 50])} FROM persons" for start in range(0, count, 50)]

    before = world.spent()
    found = world.ask(body(sums(MECHANISMS + 1), {"rho": "500"}), "/v1/queries:batch")
    assert json.loads(found.body)["code"] == "plan.too_large"
    assert world.spent() == before
    assert len(ask(world, body(sums(MECHANISMS), {"rho": "500"}))["answers"]) == 4


def test_retries_repeats_and_look_ups_are_the_same_answer(world: BrokerWorld) -> None:
    asked = body(QUERIES)
    first = world.ask(asked, "/v1/queries:batch", idempotency="one")
    spent = world.spent()
    retried = world.ask(asked, "/v1/queries:batch", idempotency="one")
    repeated = world.ask(asked, "/v1/queries:batch", person="wang")
    looked = world.ask(None, f"/v1/queries/{json.loads(first.body)['id']}")
    assert first.body == retried.body == repeated.body == looked.body
    assert dict(repeated.headers)["vitrine-repeat"] == "true"
    assert world.spent() == spent
    digests = [each["digest"] for each in json.loads(first.body)["answers"]]
    (repeat,) = [each.act for each in world.entries() if isinstance(each.act, QueryRepeated)]
    assert repeat.release == joint_digest(digests)
    conflict = world.ask(body(QUERIES[:2]), "/v1/queries:batch", idempotency="one")
    assert json.loads(conflict.body)["code"] == "request.idempotency_conflict"


def test_another_licence_pays_in_full_for_the_same_answers(world: BrokerWorld) -> None:
    """Rule 8."""
    first = ask(world, body(QUERIES))
    before = world.spent()
    other = ask(world, body(QUERIES, licence="L2"))
    assert [each["release"] for each in other["answers"]] == [each["release"] for each in first["answers"]]
    assert list(difference(before, world.spent())) == ["licence:L2"]
    assert other["charge"] == first["charge"]


def test_a_batch_is_answered_from_earlier_releases_where_all_of_it_follows(world: BrokerWorld) -> None:
    ask(world, body(QUERIES))
    spent = world.spent()
    found = ask(world, body(QUERIES[:2], {"rho": "0.001"}))
    assert world.spent() == spent
    assert all(each["release"]["privacy"]["reused"] for each in found["answers"])
    act = world.entries()[-1].act
    assert isinstance(act, QueryReused)
    assert act.release == joint_digest([each["digest"] for each in found["answers"]])
    single = world.ask(query(QUERIES[2], {"rho": "0.001"}))
    assert json.loads(single.body)["release"]["privacy"]["reused"]
    assert world.spent() == spent


def test_estimates_and_dry_runs_of_batches_are_free(world: BrokerWorld) -> None:
    before = world.spent()
    priced = json.loads(world.ask(body(QUERIES), "/v1/estimates:batch").body)
    wire.BatchEstimate.model_validate(priced)
    assert [len(each["columns"]) for each in priced["queries"]] == [2, 3, 1, 2]
    assert priced["queries"][0]["measures"] == priced["queries"][1]["measures"] == priced["queries"][3]["measures"]
    dry = ask(world, body(QUERIES, dry_run=True))
    assert all(each["release"]["dummy"] for each in dry["answers"])
    assert dry["price"] == priced["charge"]
    assert world.spent() == before
    acts = [each.act for each in world.entries()[-2:]]
    assert [type(each) for each in acts] == [Estimated, QueryDryRun]
    assert ask(world, body(QUERIES))["charge"] == priced["charge"]


def test_a_batch_of_one_is_the_query(world: BrokerWorld) -> None:
    """One path: the same identity, hence a repeat, in the form that was asked for."""
    single = json.loads(world.ask(query(QUERIES[0], SPEND)).body)
    before = world.spent()
    found = ask(world, body(QUERIES[:1]))
    assert (found["id"], found["answers"][0]["release"]) == (single["id"], single["release"])
    assert world.spent() == before


@pytest.mark.parametrize("queries", [[], ["SELECT 1"] * 17, "SELECT 1", [1], [""]], ids=str)
def test_what_is_no_batch_is_refused(world: BrokerWorld, queries: Any) -> None:
    found = world.ask(body(queries), "/v1/queries:batch")
    assert json.loads(found.body)["code"] == "request.body"
    assert json.loads(world.ask(body(["SELECT 1"])).body)["code"] == "request.body"
    assert json.loads(world.ask(query("SELECT 1", SPEND), "/v1/queries:batch").body)["code"] == "request.body"


def test_a_batch_that_is_stopped_is_run_again_as_a_whole(world: BrokerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """What several queries share has one noise, also when the run before ended in the middle."""
    runs_before: list[int] = []

    def once(prepared: Prepared, *words: Any) -> Execution:
        runs_before.append(len(prepared.queries))
        if len(runs_before) == 1:
            raise WorkerFailure(FailureKind.KILLED)
        return execute(prepared, *words)

    monkeypatch.setattr(runs, "execute", once)
    answer = ask(world, body(QUERIES))
    assert runs_before == [4, 4]
    first, second = (each["release"] for each in answer["answers"][:2])
    assert {row[0]: row[1] for row in first["rows"]} == {row[0]: row[2] for row in second["rows"]}
    assert world.read(pending) == ()


def test_a_batch_that_fails_fails_as_a_whole(world: BrokerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> Execution:
        raise WorkerFailure(FailureKind.ENGINE)

    monkeypatch.setattr(runs, "execute", never)
    before = world.spent()
    found = world.ask(body(QUERIES), "/v1/queries:batch")
    assert json.loads(found.body)["code"] == "service.failed"
    assert len(difference(before, world.spent())) == 3, "a charge stands"
