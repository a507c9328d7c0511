"""What follows from a licence's earlier releases is answered from them: as it was released, at no charge, and never
from what others paid for (rule 8)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from query_gateway import wire
from query_gateway.client.answers import checked_answer
from sandbox.audit import verify as audit
from sandbox.audit.entry import QueryReleased, QueryReused
from sandbox.audit.export import export
from sandbox.registry import acts
from sandbox.serving.frames import request_digest
from sandbox.workers.job import Side
from sandbox.workers.pool import FailureKind
from tests.privacy.test_charge import RECORDS, difference
from tests.support.answers import InProcess
from tests.support.broker_world import BUNDLE, DEPARTMENT, LOG, BrokerWorld, broker_world, failing, query

RHO = {"rho": "8"}
LESS = {"rho": "0.1"}
"""A spend whose noise is greater than that of what was bought with `RHO`, summed over a few groups."""
FINER = (
    "SELECT 性别, city, COUNT(*) AS n, SUM(income) AS s, AVG(income) AS a, COUNT(DISTINCT pid) AS u "
    "FROM persons GROUP BY 1, 2"
)
FOLLOWING = (
    "SELECT 性别, COUNT(*) AS n FROM persons GROUP BY 1",
    "SELECT city, SUM(income) AS s FROM persons GROUP BY 1",
    "SELECT COUNT(*) AS n, SUM(income) AS s FROM persons",
    "SELECT AVG(income) AS a FROM persons WHERE city = 'A'",
    "SELECT COUNT(DISTINCT pid) AS u FROM persons WHERE 性别 = '女' AND city IN ('A', 'B')",
    "SELECT lower(city) AS c, COUNT(*) AS n FROM persons GROUP BY 1",
    "SELECT COUNT(*) FILTER (WHERE city = 'A') AS n FROM persons",
    "SELECT city, 性别, COUNT(*) * 2 AS n FROM persons GROUP BY 1, 2 HAVING COUNT(*) > 0 ORDER BY n DESC LIMIT 2",
)
"""What follows from it: fewer columns, missing keys, conditions on group keys, another public part."""


@pytest.fixture
def world(tmp_path: Path, ledger: str) -> Iterator[BrokerWorld]:
    folder = tmp_path / "world"
    folder.mkdir()
    with broker_world(folder, RECORDS, lambda _: InProcess(), ledger) as found:
        yield found
        with found.broker.engine.begin() as connection:
            export(connection, LOG.public, tmp_path / "log")
        assert audit.verify(tmp_path / "log", LOG.public, DEPARTMENT.public_key()).findings == ()


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWorld]:
    """A world where the finer query was paid for under L1."""
    with broker_world(tmp_path_factory.mktemp("reuse"), RECORDS, lambda _: InProcess()) as found:
        asked(found, FINER, RHO)
        yield found


def asked(world: BrokerWorld, sql: str, spend: Mapping[str, object] = LESS, /, **changes: object) -> dict[str, Any]:
    """The answer to a query."""
    found = world.ask(query(sql, spend, **changes))
    assert found.status == 200, found.body
    answer: dict[str, Any] = json.loads(found.body)
    wire.QueryAnswer.model_validate(answer)
    return answer


def names(answer: Mapping[str, Any]) -> list[str]:
    """The earlier releases that an answer was computed from."""
    return [each["release"]["id"] for each in answer["release"]["privacy"]["reused"]]


def code(world: BrokerWorld, sql: str, spend: Mapping[str, object] = LESS, /, **words: object) -> str:
    """What a query is refused with."""
    found = world.ask(query(sql, spend, **words))
    assert found.status != 200, found.body
    return str(json.loads(found.body)["code"])


@pytest.mark.parametrize("sql", FOLLOWING)
def test_what_follows_from_a_release_is_free(furnished: BrokerWorld, sql: str) -> None:
    world = furnished
    before, runs = world.spent(), world.engine.runs[Side.PRIVATE]
    found = asked(world, sql)
    assert names(found) == [json.loads(world.ask(query(FINER, RHO)).body)["id"]]
    assert difference(before, world.spent()) == {}
    assert world.engine.runs[Side.PRIVATE] == runs
    assert found["charge"] == {"rho": "0", "delta": "0", "epsilon": None}
    assert found["release"]["privacy"] | {"bounds": [], "reused": []} == {
        "notion": "zcdp",
        "rho": "0",
        "delta": "0",
        "epsilon": None,
        "unit_domains": ["people"],
        "accuracy": None,
        "mechanisms": [],
        "selections": [],
        "quantiles": [],
        "bounds": [],
        "reused": [],
    }


def test_it_is_the_sum_of_what_was_released(world: BrokerWorld) -> None:
    """Values and noise: of n groups together, √n times the scale of one."""
    paid = asked(world, "SELECT 性别, city, COUNT(*) AS n FROM persons GROUP BY 1, 2", RHO)
    (step,) = paid["release"]["privacy"]["mechanisms"]
    found = asked(world, "SELECT city, COUNT(*) AS n FROM persons GROUP BY 1 ORDER BY 1")
    sums: dict[Any, int] = {}
    for _, city, count in paid["release"]["rows"]:
        sums[city] = sums.get(city, 0) + count
    assert dict(found["release"]["rows"]) == sums
    (reused,) = found["release"]["privacy"]["reused"]
    (noise,) = reused["mechanisms"]
    cells = reused["cells"]
    assert cells == len(paid["release"]["rows"]) // len(sums) > 1
    assert 0 <= Fraction(noise["scale"]) ** 2 - cells * Fraction(step["scale"]) ** 2 < Fraction(1, 10**9)
    assert reused["release"] == {"id": paid["id"], "digest": paid["digest"]}


def test_groups_of_several_sizes_have_intervals_of_their_own(world: BrokerWorld) -> None:
    """A decade of which one year alone is declared has less noise than one of ten."""
    paid = asked(world, "SELECT birth_year AS y, COUNT(*) AS n FROM persons GROUP BY 1", {"rho": "0.02"})
    scale = paid["release"]["privacy"]["mechanisms"][0]["scale"]
    sql = "SELECT birth_year // 10 AS d, COUNT(*) AS n FROM persons GROUP BY 1 ORDER BY 1"
    found = asked(world, sql, {"rho": "0.0001"})
    assert names(found) == [paid["id"]]
    sums, years = dict[int | None, int](), dict[int | None, int]()
    for year, count in paid["release"]["rows"]:
        decade = None if year is None else year // 10
        sums[decade], years[decade] = sums.get(decade, 0) + count, years.get(decade, 0) + 1
    assert dict(found["release"]["rows"]) == sums
    assert len(set(years.values())) > 1
    for (decade, count), (_, ends) in zip(found["release"]["rows"], found["release"]["intervals"], strict=True):
        half = 1.96 * scale * years[decade] ** 0.5
        assert half - 1 <= ends[1] - count <= half + 1.1 or count + half < 1


NOT_FOLLOWING: tuple[tuple[str, str, str, dict[str, object]], ...] = (
    ("a statistic that was not measured", FINER, "SELECT STDDEV_SAMP(income) AS v FROM persons", {}),
    ("another table", FINER, "SELECT COUNT(*) AS n FROM visits", {}),
    ("a column that is no key", FINER, "SELECT COUNT(*) AS n FROM persons WHERE birth_year < 1960", {}),
    ("a key that is none", FINER, "SELECT birth_year < 1960 AS o, COUNT(*) AS n FROM persons GROUP BY 1", {}),
    (
        "a condition fewer",
        "SELECT COUNT(*) AS n FROM persons WHERE city = 'A'",
        "SELECT COUNT(*) AS n FROM persons",
        {},
    ),
    (
        "units in several groups",
        "SELECT 科室, COUNT(DISTINCT pid) AS u FROM visits GROUP BY 1",
        "SELECT COUNT(DISTINCT pid) AS u FROM visits",
        {},
    ),
    (
        "distinct values of several groups",
        "SELECT 科室, COUNT(DISTINCT 日期) AS d FROM visits GROUP BY 1",
        "SELECT COUNT(DISTINCT 日期) AS d FROM visits",
        {},
    ),
    (
        "groups of units that were cut",
        "SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 1",
        "SELECT COUNT(*) AS n FROM visits",
        {"bounds": {"groups": 1, "rows": 1}},
    ),
    (
        "groups under a clip",
        "SELECT 科室, COUNT(*) AS n FROM visits GROUP BY 1",
        "SELECT COUNT(*) AS n FROM visits WHERE 科室 = '内科'",
        {"bounds": {"clip": "1"}},
    ),
    (
        "private groups together: those withheld are missing (rule 25)",
        "SELECT 费用, COUNT(*) AS n FROM visits GROUP BY 1",
        "SELECT COUNT(*) AS n FROM visits",
        {},
    ),
    (
        "one total in two statistics, whose errors would not be independent",
        "SELECT city, COUNT(*) AS n FROM persons GROUP BY 1",
        "SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE city = 'A') AS m FROM persons",
        {},
    ),
    (
        "what reads a release",
        "SELECT COUNT(*) AS n FROM persons WHERE income > (SELECT AVG(income) FROM persons)",
        "SELECT COUNT(*) * 2 AS n FROM persons WHERE income > (SELECT AVG(income) FROM persons)",
        {},
    ),
    (
        "an outer join's rows in place of an inner one's",
        "SELECT p.city, COUNT(*) AS n FROM persons p JOIN visits v ON p.pid = v.pid GROUP BY 1",
        "SELECT p.city, COUNT(*) AS n FROM persons p LEFT JOIN visits v ON p.pid = v.pid GROUP BY 1",
        {},
    ),
)


@pytest.mark.parametrize(
    ("before", "sql", "changes"), [each[1:] for each in NOT_FOLLOWING], ids=[each[0] for each in NOT_FOLLOWING]
)
def test_what_does_not_follow_is_paid_for(
    furnished: BrokerWorld, before: str, sql: str, changes: Mapping[str, object]
) -> None:
    paid = asked(furnished, before, RHO, licence="L2", **changes)
    found = asked(furnished, sql, LESS, licence="L2", **changes)
    assert paid["id"] not in names(found)
    assert (found["charge"]["rho"] == "0") is bool(names(found))


SAME = (
    (
        "SELECT 科室, COUNT(*) AS n, SUM(费用) AS s FROM visits GROUP BY 1",
        "SELECT 科室, SUM(费用) AS s FROM visits GROUP BY 1",
    ),
    (
        "SELECT 费用, COUNT(*) AS n FROM visits GROUP BY 1",
        "SELECT 费用, COUNT(*) AS n FROM visits GROUP BY 1 HAVING n > 1",
    ),
    (
        "SELECT 科室, COUNT(DISTINCT 日期) AS d FROM visits GROUP BY 1",
        "SELECT MAX(d) AS d FROM (SELECT 科室, COUNT(DISTINCT 日期) AS d FROM visits GROUP BY 1) AS t",
    ),
)


@pytest.mark.parametrize("bounds", [None, {"groups": 1, "rows": 1}, {"clip": "1"}, "auto"], ids=str)
@pytest.mark.parametrize(("before", "sql"), SAME)
def test_the_same_measure_is_reused_under_the_same_bounds_alone(
    furnished: BrokerWorld, before: str, sql: str, bounds: object
) -> None:
    """Cut, clipped or with private groups: as it was released, with its truncation notice."""
    changes = {} if bounds is None else {"bounds": bounds}
    paid = asked(furnished, before, {"rho": "9"}, licence="L2", **changes)
    found = asked(furnished, sql, LESS, licence="L2", **changes)
    assert names(found) == [paid["id"]]
    assert found["release"]["truncation"] == paid["release"]["truncation"]
    assert found["release"]["privacy"]["bounds"][0]["groups"] == paid["release"]["privacy"]["bounds"][0]["groups"]
    assert names(asked(furnished, sql, LESS, licence="L2", bounds={"groups": 2, "rows": 1})) == []


def test_it_is_used_only_where_it_is_exact_enough(world: BrokerWorld) -> None:
    """A larger spend buys less noise than was released; the estimate offers what there is."""
    paid = asked(world, FINER, RHO)
    sql = "SELECT COUNT(*) AS n FROM persons"
    offered = estimate(world, sql, RHO)
    assert offered["charge"] == offered["fresh"] != offered["reuse"]["charge"]
    assert offered["reuse"]["releases"] == [{"id": paid["id"], "digest": paid["digest"]}]
    assert not offered["reuse"]["used"]
    assert offered["reuse"]["columns"][0]["half_width"] > offered["columns"][0]["half_width"]
    free = estimate(world, sql, LESS)
    assert free["charge"] == free["reuse"]["charge"] == {"rho": "0", "delta": "0", "epsilon": None}
    assert free["reuse"]["used"]
    assert free["columns"] == free["reuse"]["columns"] == offered["reuse"]["columns"]
    assert names(asked(world, sql, LESS)) == [paid["id"]]
    assert names(asked(world, sql, RHO)) == []


def estimate(world: BrokerWorld, sql: str, spend: Mapping[str, object], **changes: object) -> dict[str, Any]:
    found = world.ask(query(sql, spend, **changes), "/v1/estimates")
    assert found.status == 200, found.body
    answer: dict[str, Any] = json.loads(found.body)
    wire.EstimateAnswer.model_validate(answer)
    return answer


def test_fresh_noise_is_paid_for(world: BrokerWorld) -> None:
    asked(world, FINER, RHO)
    before = world.spent()
    sql = FOLLOWING[0]
    assert estimate(world, sql, LESS, reuse=False)["reuse"] is None
    found = asked(world, sql, LESS, reuse=False)
    assert names(found) == []
    assert len(difference(before, world.spent())) == 3
    assert found["id"] == asked(world, sql, LESS)["id"], "the same query's own release comes first"


def test_a_repeat_and_a_retry_of_it_are_the_same_answer(world: BrokerWorld) -> None:
    asked(world, FINER, RHO)
    body = query(FOLLOWING[0], LESS)
    first = world.ask(body, idempotency="one")
    retried, repeated = world.ask(body, idempotency="one"), world.ask(body, person="wang")
    assert first.body == retried.body == repeated.body
    assert "vitrine-receipt" in dict(repeated.headers)
    assert [type(each.act) for each in world.entries()].count(QueryReused) == 1


@pytest.mark.parametrize("following", [False, True])
def test_a_repeat_in_other_words_is_proven_however_often_it_is_sent(world: BrokerWorld, following: bool) -> None:
    """Its first answer may be lost: the second sending brings the proof that the answer is to these words."""
    asked(world, FINER, RHO)
    sql, spend = (FOLLOWING[0], LESS) if following else (FINER, RHO)
    first = json.loads(world.ask(query(sql, spend)).body)
    request = world.signed(query(f"{sql} -- again", spend), person="wang", idempotency="same")
    for sending in (request, world.signed(request.body, person="wang", idempotency="same")):
        answer = world.door.handle(sending)
        headers = dict(answer.headers)
        assert headers["vitrine-repeat"] == "true"
        found = checked_answer(
            json.loads(answer.body),
            LOG.public,
            asked=request_digest(request),
            repeat=True,
            repeated=headers["vitrine-receipt"],
        )
        assert found.id == first["id"]


def test_its_leaf_names_its_sources_and_no_loss(world: BrokerWorld) -> None:
    paid = asked(world, FINER, RHO)
    found = asked(world, FOLLOWING[0])
    act = world.entries()[-1].act
    assert isinstance(act, QueryReused)
    assert (act.charge, act.release) == (found["id"], found["digest"])
    (source,) = act.sources
    assert source.release == paid["digest"]
    (account,) = act.accounts
    assert (account.account, account.loss.rho, account.spent.rho) == ("licence:L1", 0, world.spent()["licence:L1"][0])
    (released,) = [each.act for each in world.entries() if isinstance(each.act, QueryReleased)]
    assert len(released.measured) == 1, "what can be computed from is named by digest (rule 26)"


def test_another_licence_pays_in_full(world: BrokerWorld) -> None:
    """Rule 8: what others paid does not show, neither in the price nor in the answer."""
    asked(world, FINER, RHO)
    fresh = estimate(world, FOLLOWING[0], LESS, licence="L2")
    assert fresh["reuse"] is None
    assert fresh["charge"]["rho"] != "0"
    before = world.spent()
    found = asked(world, FOLLOWING[0], LESS, licence="L2")
    assert names(found) == []
    assert len(difference(before, world.spent())) == 3
    asked(world, FOLLOWING[1], LESS)
    other = asked(world, FOLLOWING[1], LESS, licence="L2")
    assert names(other) == [], "an answer by reuse is no release that others copy"


def test_a_copied_release_is_reused_like_one_of_its_own(world: BrokerWorld) -> None:
    """Rule 8: whether a licence was the first to ask does not show afterwards either."""
    first = asked(world, FINER, RHO)
    copied = asked(world, FINER, RHO, licence="L2")
    assert copied["release"] == first["release"]
    found = asked(world, FOLLOWING[0], LESS, licence="L2")
    assert names(found) == [copied["id"]]
    assert found["release"]["rows"] == asked(world, FOLLOWING[0], LESS)["release"]["rows"]


def test_an_answer_by_reuse_is_no_source(world: BrokerWorld) -> None:
    paid = asked(world, FINER, RHO)
    asked(world, "SELECT 性别, COUNT(*) AS n FROM persons GROUP BY 1")
    assert names(asked(world, "SELECT COUNT(*) AS n FROM persons")) == [paid["id"]]


@pytest.mark.parametrize("change", ["suspended", "revoked", "withdrawn", "key"])
def test_nothing_is_reused_that_a_fresh_query_would_be_refused(world: BrokerWorld, change: str) -> None:
    asked(world, FINER, RHO)
    match change:
        case "suspended":
            world.act(acts.suspend_licence, "L1")
        case "revoked":
            world.act(acts.revoke_licence, "L1")
        case "withdrawn":
            world.act(acts.withdraw_dataset, "clinic")
        case "key":
            (key,) = {each.header.actor.key for each in world.entries() if each.header.actor is not None}
            world.act(acts.revoke_key, key)
    body = query(FOLLOWING[0], LESS)
    refused, fresh = world.ask(body), world.ask(query(FOLLOWING[0], LESS, reuse=False))
    assert refused.status >= 400
    assert json.loads(refused.body)["code"] == json.loads(fresh.body)["code"]


def test_columns_that_the_licence_may_not_read_are_refused(world: BrokerWorld) -> None:
    """The rules judge what the query reads, wherever its answer would come from."""
    asked(world, FINER, RHO)
    assert BUNDLE.digest
    assert code(world, "SELECT COUNT(*) AS n FROM persons", LESS, scenario="another").startswith("policy.")


def test_a_worker_killed_at_an_answer_by_reuse_costs_nobody_the_answer(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(world, FINER, RHO)
    before, left = world.spent(), [FailureKind.KILLED]
    failing(monkeypatch, left)
    assert names(asked(world, FOLLOWING[0]))
    assert left == []
    assert difference(before, world.spent()) == {}
