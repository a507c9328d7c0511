"""Intervals from SQL to release: of aggregates, windows, unions and choices over what was released (rule 29)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from sandbox.queries import uncertainty
from tests.support.answers import InProcess
from tests.support.broker_world import BrokerWorld, broker_world, query
from tests.support.records import Records

RECORDS = Records(
    tuple((str(n), "女" if n <= 90 else "男", "1950", "12.5", "A" if n % 2 else "B") for n in range(1, 130)),
    tuple(
        (str(n), str(1 + n % 120), "内科" if n % 3 else "外科", "2024-01-31", "10", "true" if n % 4 else "false")
        for n in range(1, 600)
    ),
    (("1", "A", "1"),),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWorld]:
    with broker_world(tmp_path_factory.mktemp("released"), RECORDS, lambda _: InProcess()) as found:
        yield found


def asked(world: BrokerWorld, sql: str) -> dict[str, Any]:
    answer = world.ask(query(sql, {"rho": "20"}, reuse=False))
    assert answer.status == 200, answer.body
    release: dict[str, Any] = json.loads(answer.body)["release"]
    return release


def spans(release: dict[str, Any], column: int, truths: Sequence[float]) -> None:
    for row, ends, truth in zip(release["rows"], release["intervals"], truths, strict=True):
        low, high = ends[column]
        assert low <= row[column] <= high
        assert low - (high - low) <= truth <= high + (high - low)


def test_each_side_of_a_self_join_has_its_own(world: BrokerWorld) -> None:
    """One measure read twice: its rows differ, and so does the noise."""
    by_sex = "WITH t AS (SELECT 性别 AS g, COUNT(*) AS n FROM persons WHERE 性别 IS NOT NULL GROUP BY 1)"
    pairs = asked(world, f"{by_sex} SELECT a.n, b.n AS m, a.n - b.n AS d FROM t a JOIN t b ON a.g < b.g")
    spans(pairs, 0, [90])
    spans(pairs, 1, [39])
    spans(pairs, 2, [51])


def test_through_joins_of_releases_having_and_derived_tables(world: BrokerWorld) -> None:
    sql = """SELECT v.k, ROUND(100.0 * v.e / v.n, 1) AS pct, v.n / p.n AS per
             FROM (SELECT 科室 AS k, COUNT(*) AS n, COUNT_IF(emergency) AS e FROM visits GROUP BY 1) v
             CROSS JOIN (SELECT COUNT(*) AS n FROM persons) p WHERE v.n > 100 ORDER BY v.n DESC"""
    release = asked(world, sql)
    assert [row[0] for row in release["rows"]] == ["内科", "外科"]
    assert [column["measured"] for column in release["columns"]] == [False, True, True]
    spans(release, 1, [75.0, 75.1])
    assert all(
        0 < ends[2][1] - ends[2][0] < row[2] / 5
        for row, ends in zip(release["rows"], release["intervals"], strict=True)
    )
    spans(release, 2, [row[2] for row in release["rows"]])


def test_computed_intervals_take_bounded_effort(world: BrokerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are too many, what came with an interval keeps it."""
    monkeypatch.setattr(uncertainty, "PROPAGATED", 3)
    sql = "SELECT 科室, COUNT(*) AS n, COUNT(*) / 2 AS half FROM visits GROUP BY 1"
    release = asked(world, sql)
    assert len(release["rows"]) == 4
    assert all(ends[1] is not None and ends[2] is None for ends in release["intervals"])
    assert [column["measured"] for column in release["columns"]] == [False, True, True]


def test_texts_and_truths_have_none(world: BrokerWorld) -> None:
    release = asked(world, "SELECT COUNT(*) > 5 AS many, CASE WHEN COUNT(*) > 5 THEN 'a' ELSE 'b' END AS w FROM visits")
    assert release["intervals"] == [[None, None]]
    assert [column["measured"] for column in release["columns"]] == [False, False]


BY_K = "(SELECT 科室 AS k, COUNT(*) AS n FROM visits GROUP BY 1)"
BY_KE = "(SELECT 科室 AS k, emergency AS e, COUNT(*) AS n FROM visits GROUP BY 1, 2)"
AGGREGATES: dict[str, tuple[str, list[float]]] = {
    "a sum": (f"SELECT SUM(n) AS v FROM {BY_K}", [360]),
    "a sum of sums": (f"SELECT SUM(t) AS v FROM (SELECT k, SUM(n) AS t FROM {BY_KE} GROUP BY k)", [360]),
    "sums by key": (f"SELECT SUM(n) AS v FROM {BY_KE} GROUP BY k ORDER BY k", [0, 0, 240, 120]),
    "an average": (f"SELECT AVG(n) AS v FROM {BY_K}", [90]),
    "the largest": (f"SELECT MAX(n) AS v FROM {BY_K}", [240]),
    "the least of two": (f"SELECT MIN(n) AS v FROM {BY_K} WHERE k IN ('内科', '外科')", [120]),
    "the median": (f"SELECT MEDIAN(n) AS v FROM {BY_K}", [60]),
    "a disc quantile": (f"SELECT QUANTILE_DISC(n, 0.75) AS v FROM {BY_K}", [120]),
    "a spread": (f"SELECT MAX(n) - MIN(n) AS v FROM {BY_K}", [240]),
    "rows above": (f"SELECT COUNT_IF(n > 100) AS v FROM {BY_K}", [2]),
    "a filtered sum": (f"SELECT SUM(n) FILTER (WHERE k <> '内科') AS v FROM {BY_K}", [120]),
    "a running sum": (f"SELECT SUM(n) OVER (ORDER BY k) AS v FROM {BY_K} ORDER BY k", [0, 0, 240, 360]),
    "a moving average": (
        f"SELECT AVG(n) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS v FROM {BY_K} ORDER BY k",
        [0, 0, 120, 180],
    ),
    "the row before": (
        f"SELECT v FROM (SELECT k, LAG(n, 1, 0) OVER (ORDER BY k) AS v FROM {BY_K}) ORDER BY k",
        [0, 0, 0, 240],
    ),
    "a change": (
        f"SELECT v FROM (SELECT k, n - LAG(n) OVER (ORDER BY k) AS v FROM {BY_K}) WHERE v IS NOT NULL ORDER BY k",
        [0, 240, -120],
    ),
    "the first and the last": (
        (
            f"SELECT LAST_VALUE(n) OVER (ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
            f" - FIRST_VALUE(n) OVER (ORDER BY k) AS v FROM {BY_K}"
        ),
        [120] * 4,
    ),
    "a place": (
        f"SELECT RANK() OVER (ORDER BY n DESC) AS v FROM {BY_K} WHERE k IN ('内科', '外科') ORDER BY k",
        [1, 2],
    ),
    "a share": (f"SELECT n / SUM(n) OVER () AS v FROM {BY_K} WHERE k IN ('内科', '外科') ORDER BY k", [2 / 3, 1 / 3]),
    "a share of a scalar subquery": (
        f"SELECT n / (SELECT SUM(n) FROM {BY_K}) AS v FROM {BY_K} WHERE k IN ('内科', '外科') ORDER BY k",
        [2 / 3, 1 / 3],
    ),
    "what clearly stands out": (f"SELECT SUM(n) AS v FROM {BY_K} WHERE n > 60", [360]),
    "a choice": (f"SELECT SUM(CASE WHEN k = '内科' THEN n ELSE 0 END) AS v FROM {BY_K}", [240]),
    "two releases": (
        (
            f"SELECT SUM(a.n + b.n) AS v FROM {BY_K} a "
            "JOIN (SELECT 科室 AS k, COUNT_IF(emergency) AS n FROM visits GROUP BY 1) b ON a.k = b.k"
        ),
        [360 + 268],
    ),
    "a union": (
        f"SELECT SUM(n) AS v FROM (SELECT k, n FROM {BY_K} UNION ALL SELECT 性别, COUNT(*) FROM persons GROUP BY 1)",
        [489],
    ),
    "a union with a constant": (
        f"SELECT n AS v FROM (SELECT SUM(n) AS n FROM {BY_K} UNION ALL SELECT 5) ORDER BY n",
        [5, 360],
    ),
    "distinct rows": (f"SELECT DISTINCT k, n AS v FROM {BY_K} ORDER BY k", [0, 0, 240, 120]),
    "public values": (
        "SELECT SUM(n * w) AS v FROM (VALUES ('内科', 2), ('外科', 3)) t(k, w) JOIN " + BY_K + " USING (k)",
        [840],
    ),
}
"""Over 240, 120, 0 and 0 visits: the query, and the true values of its column v in the order of its rows."""


@pytest.mark.parametrize(("sql", "truths"), AGGREGATES.values(), ids=AGGREGATES)
def test_what_is_made_of_releases_has_intervals(world: BrokerWorld, sql: str, truths: Sequence[float]) -> None:
    """Rule 29."""
    release = asked(world, sql)
    names = [column["name"] for column in release["columns"]]
    assert release["columns"][names.index("v")]["measured"] is True
    assert release["columns"][names.index("v")]["no_interval"] is None
    spans(release, names.index("v"), truths)


SILENT: dict[str, tuple[str, str]] = {
    "rows that noise has chosen": (f"SELECT COUNT(*) AS v FROM {BY_K} WHERE n > 50", "kind"),
    "the first ones in a noisy order": (
        f"SELECT SUM(n) AS v FROM (SELECT n FROM {BY_K} ORDER BY n DESC LIMIT 2)",
        "kind",
    ),
    "a running sum in a noisy order": (f"SELECT SUM(n) OVER (ORDER BY n) AS v FROM {BY_K}", "kind"),
    "groups that noise has made": (f"SELECT COUNT(*) AS v FROM {BY_K} GROUP BY n", "kind"),
    "a number of different values": (f"SELECT COUNT(DISTINCT n) AS v FROM {BY_K}", "kind"),
    "tiles": (f"SELECT NTILE(2) OVER (ORDER BY n) AS v FROM {BY_K}", "kind"),
    "a text": (f"SELECT CASE WHEN n > 100 THEN 'a' ELSE 'b' END AS v FROM {BY_K}", "type"),
}


@pytest.mark.parametrize(("sql", "why"), SILENT.values(), ids=SILENT)
def test_what_has_none_says_why(world: BrokerWorld, sql: str, why: str) -> None:
    release = asked(world, sql)
    (column,) = release["columns"]
    assert column["measured"] is (why != "type")
    assert column["no_interval"] == why
    assert all(cells == [None] for cells in release["intervals"])


def test_what_is_exact_is_not_measured(world: BrokerWorld) -> None:
    release = asked(world, f"SELECT COUNT(*) AS v, MAX(LENGTH(k)) AS l FROM {BY_K}")
    assert [column["measured"] for column in release["columns"]] == [False, False]
    assert [column["no_interval"] for column in release["columns"]] == [None, None]
    assert release["intervals"] == [[None, None]]


def column(asked_: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in asked_["columns"] if each["name"] == name)
    return found


FORESEEN = {
    "a sum": f"SELECT SUM(n) AS v FROM {BY_K}",
    "a sum over everything": f"SELECT k, SUM(n) OVER () AS v FROM {BY_K}",
    "sums by key": f"SELECT k, SUM(n) AS v FROM {BY_KE} GROUP BY k",
    "sums of a part": f"SELECT SUM(n) OVER (PARTITION BY k) AS v FROM {BY_KE}",
    "an average": f"SELECT AVG(n) AS v FROM {BY_K}",
    "a multiple": "SELECT COUNT(*) / 4 AS v FROM visits",
    "a difference": "SELECT 3 * COUNT_IF(emergency) - COUNT(*) + 5 AS v FROM visits",
    "of two measures": "SELECT (SELECT COUNT(*) FROM visits) - (SELECT COUNT(*) FROM persons) AS v",
    "beside a total": f"SELECT n - t AS v FROM {BY_K} CROSS JOIN (SELECT COUNT(*) AS t FROM persons)",
    "of two sides of a release": f"WITH t AS {BY_K} SELECT a.n - b.n AS v FROM t a JOIN t b ON a.k < b.k",
}


@pytest.mark.parametrize("sql", FORESEEN.values(), ids=FORESEEN)
def test_the_error_of_a_sum_is_told_with_the_price(world: BrokerWorld, sql: str) -> None:
    """Before the run as after it: rule 3 keeps the estimate away from what is released."""
    spend = {"rho": "0.001"}
    told = column(json.loads(world.ask(query(sql, spend, reuse=False, bounds="card"), "/v1/estimates").body), "v")
    assert told["assumed"] is False
    release = json.loads(world.ask(query(sql, spend, reuse=False, bounds="card")).body)["release"]
    place = [each["name"] for each in release["columns"]].index("v")
    for row in release["intervals"]:
        low, high = row[place]
        if "a.n - b.n" in sql:
            assert told["half_width"] is None  # two rows of one release, or the same twice
        else:
            assert told["half_width"] == pytest.approx((high - low) / 2, rel=1e-3, abs=1)


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT SUM(n) AS v FROM {BY_K} WHERE n > 10",
        f"SELECT MAX(n) AS v FROM {BY_K}",
        "SELECT COUNT(*) * COUNT_IF(emergency) AS v FROM visits",
        f"SELECT n / SUM(n) OVER () AS v FROM {BY_K}",
        f"SELECT SUM(n) OVER (ORDER BY k) AS v FROM {BY_K}",
        "SELECT SUM(n) AS v FROM (SELECT patient, COUNT(*) AS n FROM visits GROUP BY 1)",
    ],
)
def test_other_errors_are_not(world: BrokerWorld, sql: str) -> None:
    told = json.loads(world.ask(query(sql, {"rho": "0.001"}, reuse=False, bounds="card"), "/v1/estimates").body)
    if "columns" in told:
        assert column(told, "v")["half_width"] is None


def test_a_share_is_foreseen_for_an_assumed_size(world: BrokerWorld) -> None:
    sql, spend = "SELECT 100.0 * COUNT_IF(emergency) / COUNT(*) AS v FROM visits", {"rho": "0.1"}
    told = column(json.loads(world.ask(query(sql, spend, reuse=False, bounds="card"), "/v1/estimates").body), "v")
    assert (told["half_width"], told["assumed"]) == (None, False)
    told = column(
        json.loads(world.ask(query(sql, spend, expected_size=360, reuse=False, bounds="card"), "/v1/estimates").body),
        "v",
    )
    assert told["assumed"] is True
    ((low, high),) = json.loads(world.ask(query(sql, spend, expected_size=360, reuse=False, bounds="card")).body)[
        "release"
    ]["intervals"][0]
    assert (high - low) / 2 <= 1.2 * told["half_width"]
