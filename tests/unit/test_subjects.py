"""What a measure is of: the same whatever its names are, and another one wherever rows or values differ."""

from __future__ import annotations

import pytest

from sandbox.plan.arithmetic import UnknownValueError
from sandbox.plan.nodes import Call, Expression, Literal, Ref, Type
from sandbox.plan.subjects import Subject, digest, subject, value
from tests.support.answers import InProcess
from tests.support.cards import CLINIC


def subjects(sql: str) -> Subject:
    """Of the first measure of the query."""
    found = subject(InProcess().lower(sql, "clinic", [CLINIC]).plan.measures[0])
    assert found is not None
    return found


def of(sql: str) -> tuple[object, ...]:
    """The relation, its conditions and the group key, in any order."""
    found = subjects(sql)
    return found.relation, frozenset(found.conditions), frozenset(map(digest, found.keys))


ALIKE = (
    ("SELECT city, COUNT(*) FROM persons GROUP BY 1", "SELECT p.city AS c, SUM(income) FROM persons p GROUP BY c"),
    (
        "SELECT COUNT(*) FROM persons WHERE city = 'A' AND income > 1",
        "SELECT AVG(income) FROM (SELECT * FROM persons WHERE income > 1) WHERE city = 'A'",
    ),
    (
        "SELECT COUNT(*) FROM persons p JOIN visits v ON p.pid = v.pid AND v.费用 > 5",
        "SELECT COUNT(*) FROM persons p JOIN visits v ON p.pid = v.pid WHERE v.费用 > 5",
    ),
    (
        "SELECT birth_year // 10, COUNT(*) FROM persons GROUP BY 1",
        "WITH t AS (SELECT birth_year // 10 AS d FROM persons) SELECT d, COUNT(*) FROM t GROUP BY 1",
    ),
)
DIFFERENT = (
    ("SELECT COUNT(*) FROM persons", "SELECT COUNT(*) FROM visits"),
    ("SELECT COUNT(*) FROM persons WHERE income > 1", "SELECT COUNT(*) FROM persons WHERE income > 2"),
    ("SELECT COUNT(*) FROM persons WHERE income > 1", "SELECT COUNT(*) FROM persons WHERE income >= 1"),
    (
        "SELECT COUNT(*) FROM persons p JOIN visits v ON p.pid = v.pid",
        "SELECT COUNT(*) FROM persons p LEFT JOIN visits v ON p.pid = v.pid",
    ),
    (
        "SELECT COUNT(*) FROM persons p LEFT JOIN visits v ON p.pid = v.pid AND v.费用 > 5",
        "SELECT COUNT(*) FROM persons p LEFT JOIN visits v ON p.pid = v.pid",
    ),
    (
        "SELECT coalesce(v.科室, '无'), COUNT(*) FROM persons p LEFT JOIN visits v ON p.pid = v.pid GROUP BY 1",
        (
            "SELECT v.k, COUNT(*) FROM persons p LEFT JOIN (SELECT pid, coalesce(科室, '无') AS k FROM visits) v "
            "ON p.pid = v.pid GROUP BY 1"
        ),
    ),
    (
        "SELECT a.科室, COUNT(*) FROM visits a JOIN visits b ON a.pid = b.pid GROUP BY 1",
        "SELECT b.科室, COUNT(*) FROM visits a JOIN visits b ON a.pid = b.pid GROUP BY 1",
    ),
    (
        "SELECT COUNT(*) FROM (SELECT pid, COUNT(*) AS n FROM visits GROUP BY pid) WHERE n > 1",
        "SELECT COUNT(*) FROM (SELECT pid, COUNT(费用) AS n FROM visits GROUP BY pid) WHERE n > 1",
    ),
    (
        "SELECT COUNT(*) FROM (SELECT pid, COUNT(*) AS n FROM visits WHERE emergency GROUP BY pid) WHERE n > 1",
        "SELECT COUNT(*) FROM (SELECT pid, COUNT(*) AS n FROM visits GROUP BY pid) WHERE n > 1",
    ),
    (
        (
            "SELECT COUNT(*) FROM (SELECT pid, 费用, row_number() OVER (PARTITION BY pid ORDER BY 日期) AS r "
            "FROM visits WHERE emergency) WHERE r = 1"
        ),
        (
            "SELECT COUNT(*) FROM (SELECT pid, emergency, row_number() OVER (PARTITION BY pid ORDER BY 日期) AS r "
            "FROM visits) WHERE r = 1 AND emergency"
        ),
    ),
    (
        (
            "SELECT COUNT(*) FROM (SELECT pid, row_number() OVER (PARTITION BY pid ORDER BY 日期) AS r FROM visits) "
            "WHERE r = 1"
        ),
        (
            "SELECT COUNT(*) FROM (SELECT pid, row_number() OVER (PARTITION BY pid ORDER BY 日期 DESC) AS r "
            "FROM visits) "
            "WHERE r = 1"
        ),
    ),
    (
        "SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid)",
        "SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid AND v.emergency)",
    ),
    (
        "SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid)",
        "SELECT COUNT(*) FROM persons p WHERE NOT EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid)",
    ),
    (
        "SELECT COUNT(*) FROM (SELECT DISTINCT pid, 科室 FROM visits)",
        "SELECT COUNT(*) FROM (SELECT DISTINCT pid, 日期 FROM visits)",
    ),
    (
        "SELECT COUNT(*) FROM (SELECT pid, city FROM persons UNION ALL SELECT pid, 科室 FROM visits)",
        "SELECT COUNT(*) FROM (SELECT pid, city FROM persons UNION ALL SELECT pid, city FROM persons)",
    ),
)


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_alike(one: str, other: str) -> None:
    assert of(one) == of(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different(one: str, other: str) -> None:
    assert of(one) != of(other)


def test_what_reads_a_release_has_none() -> None:
    sql = "SELECT COUNT(*) FROM persons WHERE income > (SELECT AVG(income) FROM persons)"
    measures = InProcess().lower(sql, "clinic", [CLINIC]).plan.measures
    assert [subject(each) is None for each in measures] == [False, True]


def test_values() -> None:
    """As the engine gives them, where all that decides them is known."""
    known: dict[Expression, Literal] = {Ref("x"): Literal(Type.INTEGER, 7), Ref("z"): Literal(Type.TEXT, None)}
    two = Literal(Type.INTEGER, 2)
    assert value(Call("integer_divide", (Ref("x"), two)), known.get) == Literal(Type.INTEGER, 3)
    assert value(Call("equal", (Ref("z"), Literal(Type.TEXT, "a"))), known.get).value is None
    with pytest.raises(UnknownValueError):
        value(Call("add", (Ref("x"), Ref("y"))), known.get)
