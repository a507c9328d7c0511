"""The lowering child from outside: what it answers, what ends it, and what the sandbox makes of a child that lies."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from query_gateway.sql import __main__ as child
from sandbox import frontend as module
from sandbox.confinement.machine import found
from sandbox.errors import Fault, Refusal
from sandbox.frontend import Frontend
from sandbox.plan.canonical import encode
from tests.support.lowering import CARDS, files, lowered, read

COUNT = "SELECT COUNT(*) FROM persons"
LIE = """
import json, sys
def send(value):
    body = json.dumps(value).encode() if not isinstance(value, bytes) else value
    sys.stdout.buffer.write(len(body).to_bytes(4) + body); sys.stdout.buffer.flush()
send({"ready": True})
while True:
    size = int.from_bytes(sys.stdin.buffer.read(4))
    sys.stdin.buffer.read(size)
    """


@pytest.fixture(scope="module")
def frontend() -> Iterator[Frontend]:
    made = Frontend(2, found())
    yield made
    made.close()


def refused(frontend: Frontend, sql: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        frontend.lower(sql, "clinic", CARDS)
    return caught.value


def test_the_child_gives_the_plan_of_the_golden_files(frontend: Frontend) -> None:
    for path in files("accepted"):
        for case in read(path):
            found = frontend.lower(case.sql, case.dataset, CARDS)
            here = lowered(case.sql, case.dataset)
            assert found.plan == here.plan
            assert found.spans == here.spans


def test_a_refusal_comes_with_place_and_rewrite(frontend: Frontend) -> None:
    sql = "SELECT pid, COUNT(*) FROM visits GROUP BY pid"
    refusal = refused(frontend, sql)
    assert refusal.code == "sql.unit_value"
    assert refusal.span is not None
    assert sql[refusal.span.start : refusal.span.end] == "pid"
    assert refusal.rewrite == "SELECT AVG(x) FROM (SELECT pid, COUNT(*) AS x FROM visits GROUP BY pid)"


def test_check_s_refusal_is_located_and_mended(frontend: Frontend) -> None:
    sql = "SELECT 科室, SUM(visit_no * 2) AS s FROM visits GROUP BY 科室"
    found = frontend.lower(sql, "clinic", CARDS)
    subject = f"{found.plan.measures[0].aggregates[0].name}.argument"
    refusal = frontend.explain(
        sql, "clinic", CARDS, Refusal("plan.unbounded_sum", {"aggregate": "sum"}, subject=subject)
    )
    assert (refusal.code, refusal.detail, refusal.subject) == ("plan.unbounded_sum", {"aggregate": "sum"}, subject)
    assert refusal.span is not None
    assert sql[refusal.span.start : refusal.span.end] == "visit_no * 2"
    assert refusal.rewrite == "SELECT 科室, SUM(clamp(visit_no * 2, 0, 100)) AS s FROM visits GROUP BY 科室"
    frontend.lower(refusal.rewrite, "clinic", CARDS)


def test_a_refusal_of_nothing_in_the_text_stays_as_it_is(frontend: Frontend) -> None:
    refusal = frontend.explain(COUNT, "clinic", CARDS, Refusal("plan.cells", {"cells": "9", "limit": "1"}))
    assert (refusal.code, refusal.span, refusal.rewrite) == ("plan.cells", None, None)


BOMBS = {
    "parentheses": "SELECT " + "(" * 5_000 + "1" + ")" * 5_000,
    "brackets": "SELECT " + "[" * 5_000,
    "unclosed": "SELECT " + "((((a," * 700,
    "NOT": "SELECT COUNT(*) FROM persons WHERE " + "NOT " * 4_900 + "true",
    "minus": "SELECT " + "- " * 4_900 + "1 FROM persons",
    "CASE": "SELECT " + "CASE WHEN true THEN " * 1_000 + "1" + " END" * 1_000,
    "functions": "SELECT " + "abs(" * 1_000 + "1" + ")" * 1_000,
    "additions": "SELECT " + "1+" * 2_000 + "1 FROM persons",
    "casts": "SELECT 1" + "::INT" * 1_500,
    "dots": "SELECT a" + ".b" * 2_000,
    "subqueries": "SELECT COUNT(*) FROM " + "(SELECT pid FROM " * 500 + "persons" + ")" * 500,
    "joins without ON": "SELECT COUNT(*) FROM persons" + " JOIN persons" * 24,
    "lateral aliases": "SELECT birth_year AS a0, "
    + ", ".join(f"a{n} + a{n} AS a{n + 1}" for n in range(60))
    + ", COUNT(*) FROM persons GROUP BY ALL",
    "264 characters of aliases": (
        "SELECT COUNT(*) AS a, "
        + ", ".join(f"{c}+{c} AS {d}" for c, d in zip("abcdefghijklmnopqrs", "bcdefghijklmnopqrst", strict=True))
    )[:240]
    + " FROM persons",
    "CTEs": "WITH c0 AS (SELECT pid FROM persons), "
    + ", ".join(f"c{n + 1} AS (SELECT x.pid FROM c{n} x JOIN c{n} y ON x.pid = y.pid)" for n in range(12))
    + " SELECT COUNT(*) FROM c12",
    "measured CTEs": "WITH c0 AS (SELECT 性别, COUNT(*) AS n FROM persons GROUP BY 性别), "
    + ", ".join(f"c{n + 1} AS (SELECT x.性别, x.n FROM c{n} x JOIN c{n} y ON x.性别 = y.性别)" for n in range(12))
    + " SELECT 性别 FROM c12",
    "a long IN list": f"SELECT COUNT(*) FROM persons WHERE birth_year IN ({', '.join(map(str, range(4_000)))})",
    "a long text": f"SELECT COUNT(*) FROM persons WHERE city = '{'x' * 30_000}'",
    "a long number": "SELECT COUNT(*) FROM persons WHERE income > " + "9" * 5_000,
    "an exponent": "SELECT COUNT(*) FROM persons WHERE income > 1e999999999",
    "powers": "SELECT COUNT(*) FROM persons WHERE income > " + " * ".join(["1e300"] * 30),
    "divisions": "SELECT COUNT(*) FROM persons WHERE income > 1" + " / 0.00000000000000001" * 30,
    "a comment": "SELECT COUNT(*) /* " + "x" * 30_000 + " */ FROM persons",
    "a million digits": "SELECT COUNT(*) FROM persons WHERE income > " + "9" * 1_000_000,
    "a million digits after the point": "SELECT COUNT(*) FROM persons WHERE income > 0." + "0" * 1_000_000,
    "digits and an exponent": "SELECT COUNT(*) FROM persons WHERE income > " + "9" * 300 + "e999999999",
    "an exponent below": "SELECT COUNT(*) FROM persons WHERE income > 1e-999999999 * 1e999999999",
    "digits in hexadecimal": "SELECT COUNT(*) FROM persons WHERE income > 0x" + "f" * 4_000,
    "digits with underscores": "SELECT COUNT(*) FROM persons WHERE income > 1" + "_0" * 4_000,
    "a precision": "SELECT SUM(CAST(income AS DECIMAL(999999999, 999999998))) FROM persons",
    "comments within comments": "SELECT COUNT(*) " + "/*" * 3_000 + "*/" * 3_000 + " FROM nobody",
    "comments that do not end": "SELECT COUNT(*) FROM persons " + "/*" * 9_000,
    "comments between all": "SELECT/**/" + "COUNT(*)/**/,--x\n" * 900 + "1 FROM nobody",
    "quotes": "SELECT COUNT(*) FROM persons WHERE city = " + "'" * 9_999,
    "doubled quotes": "SELECT COUNT(*) FROM persons WHERE city = 'a" + "''" * 9_000,
    "escapes": "SELECT COUNT(*) FROM persons WHERE city = E'" + "\\x41" * 4_000 + "'",
    "backslashes": "SELECT COUNT(*) FROM persons WHERE city = E'" + "\\" * 9_001 + "'",
    "dollars": "SELECT COUNT(*) FROM persons WHERE city = $a$" + "$b$" * 3_000,
    "a long name": "SELECT " + "x" * 15_000 + " FROM persons",
    "a long quoted name": 'SELECT "' + "x" * 15_000 + '" FROM persons',
    "quoted names": 'SELECT "' + '""' * 7_000 + '" FROM persons',
    "combining marks": 'SELECT "a' + "\u0301" * 9_000 + '" FROM persons',
    "a name turned around": 'SELECT COUNT(*) FROM "\u202epersons\u202c"',
    "a wide name": "SELECT COUNT(*) FROM ｐｅｒｓｏｎｓ",
    "a Cyrillic name": "SELECT COUNT(*) FROM pеrsоns",
    "a ligature": "SELECT COUNT(ofﬁce) FROM persons",
    "invisible characters": "SELECT COUNT(*) FROM per\u200bsons",
    "a mark of byte order": "\ufeffSELECT COUNT(*) FROM nobody",
    "spaces of all kinds": "SELECT" + "\u00a0\u2003\u3000" * 5_000 + "COUNT(*) FROM nobody",
    "ORs": "SELECT COUNT(*) FROM nobody WHERE " + " OR ".join(f"a = {n}" for n in range(1_200)),
    "concatenations": "SELECT COUNT(*) FROM persons WHERE city = " + " || ".join("'a'" for _ in range(2_000)),
    "unions": " UNION ".join("SELECT COUNT(*) FROM persons" for _ in range(500)),
    "lambdas": "SELECT " + "list_transform([1], x -> " * 400 + "x" + ")" * 400,
    "lists": "SELECT " + ", ".join("[[[[[[1]]]]]]" for _ in range(60)) + " FROM persons",
    "structs": "SELECT " + "{'a': " * 400 + "1" + "}" * 400,
    "windows": "SELECT "
    + ", ".join(f"SUM(1) OVER (PARTITION BY pid ORDER BY income ROWS {n} PRECEDING)" for n in range(300))
    + " FROM persons",
    "a cube": "SELECT COUNT(*) FROM persons GROUP BY CUBE (" + ", ".join(f"birth_year + {n}" for n in range(25)) + ")",
    "cubes": "SELECT COUNT(*) FROM persons GROUP BY " + ", ".join("CUBE (性别, birth_year, city)" for _ in range(12)),
    "grouping sets": "SELECT COUNT(*) FROM persons GROUP BY GROUPING SETS ("
    + ", ".join("(性别)" for _ in range(1_000))
    + ")",
    "a recursion": "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT COUNT(*) FROM r",
    "a range": "SELECT COUNT(*) FROM range(1000000000000000000)",
    "a pattern": "SELECT COUNT(*) FROM persons WHERE regexp_matches(city, '" + "(a*)*" * 900 + "b')",
    "patterns of LIKE": "SELECT COUNT(*) FROM persons WHERE city LIKE '" + "%a_" * 900 + "' ESCAPE 'a'",
    "a date": "SELECT COUNT(*) FROM visits WHERE 日期 > DATE '999999999-01-01'",
    "NUL": "SELECT COUNT(*) FROM persons WHERE city = '\0'",
    "half a character": "SELECT COUNT(*) FROM persons WHERE city = '\ud800'",
}


HARMLESS = {
    "a repetition": "SELECT COUNT(*) FROM persons WHERE city = repeat('a', 1000000000)",
    "a padding": "SELECT COUNT(*) FROM persons WHERE city = lpad('a', 2147483647, 'b')",
    "an interval": "SELECT COUNT(*) FROM visits WHERE 日期 > DATE '2024-01-01' + INTERVAL 999999999999999 YEAR",
    "doubling": "WITH c0 AS (SELECT city FROM persons), "
    + ", ".join(f"c{n} AS (SELECT city || city AS city FROM c{n - 1})" for n in range(1, 40))
    + " SELECT COUNT(*) FROM c39 WHERE city = 'a'",
    "squaring": "WITH c0 AS (SELECT income AS x FROM persons), "
    + ", ".join(f"c{n} AS (SELECT x * x AS x FROM c{n - 1})" for n in range(1, 40))
    + " SELECT SUM(x) FROM c39",
}
"""Plans as small as their text: values that they could make are cut by the functions that would make them."""


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_by_rule_and_not_by_the_deadline(frontend: Frontend, bomb: str) -> None:
    refusal = refused(frontend, bomb)
    assert refusal.code.partition(".")[0] in ("sql", "plan")
    assert refusal.code != "sql.too_complex"


@pytest.mark.parametrize("sql", HARMLESS.values(), ids=HARMLESS)
def test_what_only_looks_like_a_bomb_is_a_small_plan(frontend: Frontend, sql: str) -> None:
    assert len(encode(frontend.lower(sql, "clinic", CARDS).plan)) < 100_000


def test_a_child_has_a_second_and_half_a_gigabyte(frontend: Frontend) -> None:
    """What ends every bomb that no rule knows: the parent's deadline, the child's own, and the kernel's limits."""
    assert module.SECONDS <= 1
    assert child.SECONDS <= 2
    assert child.MEMORY <= 512 << 20
    frontend.lower(COUNT, "clinic", CARDS)
    for one in frontend._children:
        found = Path(f"/proc/{one._process.pid}/limits").read_text()
        assert re.search(rf"Max address space +{child.MEMORY} +{child.MEMORY} ", found) or not one._ready


def test_many_threads_share_the_children(frontend: Frontend) -> None:
    queries = [f"SELECT COUNT(*) AS n{number} FROM persons WHERE birth_year > {number}" for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        plans = list(pool.map(lambda sql: frontend.lower(sql, "clinic", CARDS).plan, queries))
    assert plans == [lowered(sql, "clinic").plan for sql in queries]


def lying(monkeypatch: pytest.MonkeyPatch, answer: str) -> Frontend:
    monkeypatch.setattr(module, "COMMAND", (sys.executable, "-c", LIE + answer))
    return Frontend(1, ())


@pytest.mark.parametrize(
    "answer",
    ["import time; time.sleep(60)", "while True: pass", "sys.exit(3)", "x = 'y' * (1 << 40)", "send(b'[' * 100_000)"],
)
def test_a_child_that_does_not_answer_is_replaced(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    frontend = lying(monkeypatch, answer)
    try:
        assert refused(frontend, COUNT).code == "sql.too_complex"
        monkeypatch.undo()
        assert refused(frontend, COUNT).code == "sql.too_complex"
        assert frontend.lower(COUNT, "clinic", CARDS).plan == lowered(COUNT, "clinic").plan
    finally:
        frontend.close()


SQL_PLAN = json.dumps({"measures": [], "answer": {"node": "released", "measure": "m1"}, "labels": [], "more": 1})
LIES = {
    "no object": "3",
    "a fault": '{"fault": "text of an exception"}',
    "a plan and a refusal": '{"plan": "{}", "spans": {}, "refusal": {}}',
    "a place outside the text": '{"plan": "{}", "spans": {"a1": [0, 9999]}}',
    "an unknown code": '{"refusal": {"code": "sql.nonsense", "detail": {}, "span": None}}',
    "another part's code": '{"refusal": {"code": "budget.exhausted", "detail": {}, "span": None}}',
    "missing words": '{"refusal": {"code": "sql.syntax", "detail": {}, "span": None}}',
    "half a character in a plan": '{"plan": "\\ud800", "spans": {}}',
    "half a character in a word": '{"refusal": {"code": "sql.syntax", "detail": {"what": "\\ud800"}, "span": None}}',
    "too many words": '{"refusal": {"code": "sql.clock", "detail": {str(n): "x" for n in range(99)}, "span": None}}',
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_child_that_lies_is_not_believed(monkeypatch: pytest.MonkeyPatch, lie: str) -> None:
    frontend = lying(monkeypatch, f"send({lie})")
    try:
        refusal = refused(frontend, COUNT)
        assert refusal.code in ("sql.unsupported", "plan.invalid")
        assert "exception" not in str(refusal.detail)
    finally:
        frontend.close()


def test_a_plan_is_decoded_strictly(monkeypatch: pytest.MonkeyPatch) -> None:
    frontend = lying(monkeypatch, f"send({{'plan': {SQL_PLAN!r}, 'spans': {{}}}})")
    try:
        assert refused(frontend, COUNT).code == "plan.invalid"
    finally:
        frontend.close()


def test_a_child_inherits_nothing_and_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_SECRET", "secret")
    script = (
        "import sys; sys.argv = ['x'];"
        "import query_gateway.sql.__main__ as child, os, socket, resource, threading;"
        "child._warm(); child._confine(()); found = [];\n"
        "for name, act in (('file', lambda: open('/etc/hostname')), ('socket', socket.socket),"
        " ('memory', lambda: bytearray(1 << 30))):\n"
        "    try: act(); found.append(name)\n"
        "    except (OSError, MemoryError): pass\n"
        "found += ['environment'] if 'VITRINE_SECRET' in os.environ else []\n"
        "found += ['core'] if resource.getrlimit(resource.RLIMIT_CORE) != (0, 0) else []\n"
        "child._send(sys.stdout.buffer, {'ready': True}); child._receive(sys.stdin.buffer)\n"
        "child._send(sys.stdout.buffer, {'refusal': {'code': 'sql.unsupported', 'span': None,"
        " 'detail': {'what': ','.join(found) or 'nothing'}}})"
    )
    monkeypatch.setattr(module, "COMMAND", (sys.executable, "-s", "-c", script))
    frontend = Frontend(1, ())
    try:
        assert refused(frontend, COUNT).detail == {"what": "nothing"}
    finally:
        frontend.close()


def test_a_command_that_does_not_start_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMAND", (sys.executable, "-c", "raise SystemExit(1)"))
    monkeypatch.setattr(module, "START_SECONDS", 5.0)
    frontend = Frontend(1, ())
    try:
        with pytest.raises(Fault):
            frontend.lower(COUNT, "clinic", CARDS)
    finally:
        frontend.close()


def test_a_busy_pool_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.1)
    frontend = lying(monkeypatch, "import time; time.sleep(60)")
    try:
        with ThreadPoolExecutor(2) as pool:
            codes = {one.code for one in pool.map(lambda _: refused(frontend, COUNT), range(2))}
        assert codes == {"sql.too_complex", "service.busy"}
    finally:
        frontend.close()
