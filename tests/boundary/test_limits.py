"""Each limit on what a request may be, met from outside: its code, its words, nothing charged, nothing run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from sandbox.confinement.machine import found as layers
from sandbox.frontend import Frontend
from sandbox.serving.frames import HttpAnswer
from tests.support.broker_world import BrokerWorld, broker_world, query
from tests.support.records import Records

RECORDS = Records((("1", "女", "1937", "27182.81", "A"),), (), ())
SPEND = {"epsilon": "0.25"}
COUNT = "SELECT COUNT(*) AS n FROM persons"
MANY = f"(VALUES {', '.join(f'({n})' for n in range(400))})"
PRODUCT = f"{MANY} AS v(x), {MANY} AS w(y)"
CASES = {
    "characters of SQL": (COUNT + " -- " + "x" * 20_000, "sql.too_large", "characters"),
    "tokens of SQL": ("SELECT " + "1+" * 2_600 + "1 FROM persons", "sql.too_large", "tokens"),
    "joins of SQL": (COUNT + " JOIN cities" * 13, "sql.too_large", "joins"),
    "parentheses": (f"SELECT {'(' * 33}1{')' * 33} FROM persons", "sql.too_deep", None),
    "levels of a tree": (f"SELECT {'abs(' * 31}{'1 + ' * 80}1{')' * 31} FROM cities", "sql.too_deep", None),
    "an IN list": (f"{COUNT} WHERE birth_year IN ({', '.join(map(str, range(2_600)))})", "sql.too_large", "tokens"),
    "nodes of a plan": (
        "SELECT " + ", ".join(f"COUNT_IF(income > {n})" for n in range(700)) + " FROM persons",
        "plan.too_large",
        "nodes",
    ),
    "joins of a plan": (
        f"{COUNT} p WHERE "
        + " AND ".join(f"EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid AND v.费用 > {n})" for n in range(25)),
        "plan.too_large",
        "joins",
    ),
    "measures": (
        " UNION ALL ".join(f"{COUNT} WHERE birth_year > {n}" for n in range(17)),
        "plan.too_large",
        "measures",
    ),
    "rows of the public part": (
        f"SELECT COUNT(*) AS n FROM {PRODUCT}, cities a, cities b, cities c, cities d, cities e",
        "plan.too_large",
        "public rows",
    ),
    "rows of an answer": (f"SELECT x FROM {PRODUCT}, cities a, cities b", "plan.too_large", "rows of the answer"),
    "rows of a person": (
        f"SELECT COUNT(*) AS n FROM persons, {PRODUCT}, cities a, cities b",
        "plan.too_large",
        "rows per unit",
    ),
    "bytes of a row": (
        "SELECT " + ", ".join(f"repeat(code, population + {n}) AS c{n}" for n in range(260)) + " FROM cities",
        "plan.too_large",
        "row bytes",
    ),
    "grouping sets": (
        f"{COUNT} GROUP BY CUBE (性别, city, {', '.join(f'birth_year + {n}' for n in range(5))})",
        "plan.too_large",
        "grouping sets",
    ),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWorld]:
    with broker_world(tmp_path_factory.mktemp("limits"), RECORDS, lambda _: Frontend(1, layers())) as found:
        yield found


def refused(world: BrokerWorld, answer: HttpAnswer, code: str, what: str | None) -> None:
    found = json.loads(answer.body)
    assert (answer.status, found.get("code")) == (422, code)
    assert found["detail"].get("what") == what
    assert found["detail"]["limit"].isdecimal()
    assert sum(world.engine.runs.values()) == 0
    assert {each for line in world.spent().values() for each in line} <= {0, None}


@pytest.mark.parametrize("case", CASES)
def test_a_request_that_is_too_large(world: BrokerWorld, case: str) -> None:
    sql, code, what = CASES[case]
    refused(world, world.ask(query(sql, SPEND)), code, what)


def test_draws_of_noise(world: BrokerWorld) -> None:
    """Of a batch: all stand in one entry of the log."""
    queries = [
        "SELECT "
        + ", ".join(f"SUM(clamp(income, 0, {1000 + 20 * number + n})) AS s{n}" for n in range(14))
        + " FROM persons"
        for number in range(16)
    ]
    asked = {key: value for key, value in json.loads(query("", SPEND, bounds="card")).items() if key != "sql"}
    refused(
        world,
        world.ask(json.dumps({**asked, "queries": queries}).encode(), "/v1/queries:batch"),
        "plan.too_large",
        "mechanisms",
    )


def test_queries_of_a_batch(world: BrokerWorld) -> None:
    asked = {key: value for key, value in json.loads(query("", SPEND)).items() if key != "sql"}
    answer = world.ask(json.dumps({**asked, "queries": [COUNT] * 17}).encode(), "/v1/queries:batch")
    assert (answer.status, json.loads(answer.body)["code"]) == (422, "request.body")


def test_group_keys(world: BrokerWorld) -> None:
    """More public keys than are allowed are private ones, which a pure licence has not."""
    sql = (
        f"SELECT birth_year, city, {'birth_year + 1'}, birth_year // 2, COUNT(*) AS n FROM persons GROUP BY 1, 2, 3, 4"
    )
    found = json.loads(world.ask(query(sql, SPEND, licence="P1")).body)
    assert found["code"] in ("plan.private_keys_pure", "plan.cells")


def test_a_query_that_would_be_too_slow(world: BrokerWorld) -> None:
    """By declared sizes, not by a clock."""
    decisions = world.broker.decisions
    slow = replace(decisions, settings=replace(decisions.settings, worker_seconds=1, row_nanoseconds=10**9))
    door = replace(world.door, broker=replace(world.broker, decisions=slow))
    answer = door.handle(world.signed(query(COUNT, SPEND)))
    found: dict[str, Any] = json.loads(answer.body)
    assert (answer.status, found["code"], found["detail"]) == (422, "plan.too_slow", {"seconds": "1"})
    assert sum(world.engine.runs.values()) == 0
