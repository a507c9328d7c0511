"""The lowering child from outside: what it answers, what ends it, and what the sandbox makes of a child that lies."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox import frontend as module
from sandbox.confinement.machine import found
from sandbox.errors import Fault, Refusal
from sandbox.frontend import Frontend
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
    "NUL": "SELECT COUNT(*) FROM persons WHERE city = '\0'",
    "half a character": "SELECT COUNT(*) FROM persons WHERE city = '\ud800'",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_by_rule_and_not_by_the_deadline(frontend: Frontend, bomb: str) -> None:
    refusal = refused(frontend, bomb)
    assert refusal.code.partition(".")[0] in ("sql", "plan")
    assert refusal.code != "sql.too_complex"


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
