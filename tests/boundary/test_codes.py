"""Bad input, a row each: its documented code, nothing charged, a leaf where a person acted, no value in any word."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from gzip import compress
from pathlib import Path

import pytest

from policies.bundle import read_bundle
from policies.documents import read_card
from policies.errors import PolicyError
from sandbox.audit.entry import Refused
from sandbox.clock import milliseconds
from sandbox.confinement.machine import found as layers
from sandbox.datasets.intake import load_dataset, vault_folder
from sandbox.datasets.vault import Vault
from sandbox.errors import PROBLEMS, Refusal
from sandbox.frontend import Frontend
from sandbox.keys import key_id
from sandbox.registry import acts
from sandbox.serving.door import refused
from sandbox.serving.frames import HttpAnswer, HttpRequest, receive_answer, send_request
from sandbox.serving.server import Server
from tests.support.broker_world import (
    CARD,
    DOMAIN,
    EVERYTHING,
    ZCDP,
    BrokerWorld,
    broker_world,
    licence_text,
    private_key,
    query,
)
from tests.support.documents import CARD as CARD_TEXT
from tests.support.documents import spoil
from tests.support.records import Records

CANARIES = ("27182.81", "8675309", "27182", "1937")
"""Values of the only person: no answer and no log may hold them."""
_CANARY = re.compile(rf"(?<![0-9A-Za-z])({'|'.join(map(re.escape, CANARIES))})(?![0-9A-Za-z])")
"""Standing alone: digests and nonces hold any four digits by chance."""
RECORDS = Records(
    (("1", "女", "1937", "27182.81", "A"),),
    (("8675309", "1", "内科", "2024-02-29", "271.82", "true"),),
    (("8675309", "A", "7"),),
)
LIFE = 500
"""Milliseconds that a key is in force that expires."""
SPEND = {"epsilon": "0.25"}
COUNT = "SELECT COUNT(*) FROM persons"
Answering = Callable[[BrokerWorld], HttpAnswer]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWorld]:
    """A world with one licence for each way in which one may be unfit."""
    with broker_world(tmp_path_factory.mktemp("codes"), RECORDS, lambda _: Frontend(1, layers())) as found:
        no_income = {**EVERYTHING, "persons": ("pid", "性别")}
        no_visits = {name: columns for name, columns in EVERYTHING.items() if name != "visits"}
        found.issue(licence_text("expired", term=("2020-01-01", "2021-01-01")))
        found.issue(licence_text("future", term=("2119-01-01", "2120-01-01")))
        found.issue(licence_text("no-income", grants=no_income))
        found.issue(licence_text("no-visits", grants=no_visits))
        found.issue(licence_text("poor", ZCDP.replace("1000000", "0.0001", 1)))
        found.issue(licence_text("rich", ZCDP.replace("1000000", "4000000", 1)))
        assert found.ask(query(COUNT, {"rho": "1"})).status == 200
        for name, change in (("suspended", acts.suspend_licence), ("revoked", acts.revoke_licence)):
            found.issue(licence_text(name))
            found.act(change, name)
        yield found


def sql(text: str, **changes: object) -> Answering:
    """A query whose SQL is this."""
    return lambda world: world.ask(query(text, SPEND, **changes))


def body(text: bytes) -> Answering:
    return lambda world: world.ask(text)


def changed(**changes: object) -> Answering:
    """A good query but for these fields."""
    return sql(COUNT, **changes)


def spending(number: str) -> Answering:
    """A query whose spend is this number, as JSON writes numbers."""
    return body(query(COUNT, {"epsilon": "?"}).replace(b'"?"', number.encode()))


def exactly(error: Mapping[str, str], text: str = COUNT, **more: object) -> Answering:
    """A query that is to be so exact."""
    spend = {**error, "confidence": "0.95", "at_most": {"rho": "9"}, **more}
    return lambda world: world.ask(query(text, spend))


def proof(kind: str, parameters: str) -> Answering:
    return lambda world: world.door.handle(world.signed(None, f"/v1/audit/proofs/{kind}", parameters=parameters))


def first_entry(world: BrokerWorld) -> HttpAnswer:
    """The log's first entry."""
    return world.door.handle(world.signed(None, "/v1/audit/entries", parameters="start=0&end=1"))


AVERAGE = "SELECT AVG(income) FROM persons"
INCOME = "SELECT SUM(income) FROM persons"
BY_COST = "SELECT 费用, COUNT(*) FROM visits GROUP BY 1"
ALL_OF_IT = {"rho": "1000000"}
"""More than is left of the data set's budget once anything was asked."""

NESTED = (
    f"{COUNT} p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.pid = p.pid AND EXISTS"
    " (SELECT 1 FROM visits w WHERE w.pid = v.pid AND w.visit_no > income))"
)
SQL: Mapping[str, tuple[str, str]] = {
    "no SQL": ("sql.syntax", "SELEC COUNT(*) FROM persons"),
    "an open parenthesis": ("sql.syntax", "SELECT COUNT(* FROM persons"),
    "two statements": ("sql.several_statements", f"{COUNT}; {COUNT}"),
    "a change": ("sql.not_select", "DELETE FROM persons"),
    "a setting": ("sql.not_select", "SET threads = 1"),
    "a file": ("sql.unknown_table", "SELECT COUNT(*) FROM 'persons.csv'"),
    "LATERAL": ("sql.lateral", "SELECT COUNT(*) FROM persons p, LATERAL (SELECT 1 AS x) l"),
    "a table function": ("sql.table_function", "SELECT COUNT(*) FROM read_csv('/etc/passwd')"),
    "an unknown table": ("sql.unknown_table", "SELECT COUNT(*) FROM secrets"),
    "a system table": ("sql.unknown_table", "SELECT COUNT(*) FROM duckdb_settings"),
    "a hidden column": ("sql.unknown_column", "SELECT COUNT(_seed) FROM persons"),
    "an unknown column": ("sql.unknown_column", "SELECT COUNT(salary) FROM persons"),
    "an unknown function": ("sql.unknown_function", "SELECT SUM(reveal(income)) FROM persons"),
    "another aggregate": ("sql.aggregate", "SELECT STRING_AGG(city) FROM persons"),
    "a window": ("sql.window", "SELECT ROW_NUMBER() OVER (ORDER BY income) FROM persons"),
    "a subquery of rows": (
        "sql.subquery_rows",
        "SELECT COUNT(*) FROM persons WHERE income > (SELECT income FROM persons)",
    ),
    "a subquery tied by an order": (
        "sql.correlated_value",
        "SELECT COUNT(*) FROM persons p WHERE income > (SELECT AVG(income) FROM persons q WHERE q.income < p.income)",
    ),
    "a subquery in an outer join": (
        "sql.subquery",
        f"SELECT COUNT(*) FROM persons p LEFT JOIN visits v ON p.pid = v.pid AND v.费用 > ({COUNT})",
    ),
    "a multiset difference": ("sql.set_operation", f"{COUNT} EXCEPT ALL {COUNT}"),
    "a union across persons": (
        "sql.set_units",
        "SELECT COUNT(*) FROM (SELECT city FROM persons UNION SELECT city FROM persons)",
    ),
    "a union of unequal columns": ("sql.union_columns", f"{COUNT} UNION ALL SELECT 'a', COUNT(*) FROM persons"),
    "private rows with public ones": (
        "plan.union_kinds",
        "SELECT COUNT(*) FROM (SELECT city FROM persons UNION ALL SELECT code FROM cities)",
    ),
    "distinct values of units": (
        "sql.distinct",
        "SELECT COUNT(*) FROM (SELECT DISTINCT COUNT(*) AS n FROM visits GROUP BY pid)",
    ),
    "a window in WHERE": ("sql.window_place", "SELECT COUNT(*) FROM visits WHERE RANK() OVER (PARTITION BY pid) = 1"),
    "a sample": ("sql.volatile", "SELECT COUNT(*) FROM persons USING SAMPLE 1"),
    "a random number": ("sql.volatile", "SELECT COUNT(*) FROM persons WHERE random() < 0.5"),
    "raw rows": ("plan.raw_rows", "SELECT income FROM persons"),
    "every row": ("plan.raw_rows", "SELECT * FROM persons"),
    "the unit": ("sql.unit_value", "SELECT pid, COUNT(*) FROM persons GROUP BY pid"),
    "a group of one unit": ("sql.one_unit", "SELECT visit_no, COUNT(*) FROM drugs GROUP BY visit_no"),
    "a unit in arithmetic": ("sql.unit_value", "SELECT SUM(pid + 1) FROM persons"),
    "a unit compared": ("sql.unit_value", "SELECT COUNT(*) FROM persons WHERE pid = 1"),
    "an unbounded sum": ("plan.unbounded_sum", "SELECT SUM(visit_no) FROM visits"),
    "two people joined": (
        "plan.join_unit",
        "SELECT COUNT(*) FROM persons p JOIN visits v ON birth_year = visit_no",
    ),
    "public rows that have private ones": (
        "plan.exists_private",
        "SELECT COUNT(*) FROM persons, (SELECT code FROM cities SEMI JOIN persons ON city = code) c",
    ),
    "a query further out": (
        "sql.correlated",
        NESTED,
    ),
    "two columns compared with": (
        "sql.subquery_columns",
        "SELECT COUNT(*) FROM persons WHERE city IN (SELECT code, name_zh FROM cities)",
    ),
    "public rows kept": ("plan.join_preserved", "SELECT COUNT(*) FROM cities c LEFT JOIN persons p ON p.city = c.code"),
    "a text added up": ("plan.type", "SELECT SUM(city) FROM persons"),
    "nested too deep": ("sql.too_deep", f"SELECT SUM({'(' * 200}income{')' * 200}) FROM persons"),
    "too many words": ("sql.too_large", f"SELECT {', '.join(['COUNT(*)'] * 20_000)} FROM persons"),
    "no table": ("sql.no_table", "SELECT 1 AS x"),
}
"""What the SQL is refused for."""

FIELDS: Mapping[str, tuple[str, Answering]] = {
    "no JSON": ("request.body", body(b"{")),
    "not UTF-8": ("request.body", body(b'{"sql": "\xff"}')),
    "a name twice": ("request.body", body(b'{"sql": "a", "sql": "b"}')),
    "an unknown field": ("request.body", changed(explain=True)),
    "a spend of two kinds": ("request.body", changed(spend={"epsilon": "1", "rho": "1"})),
    "a spend of NaN": ("request.body", changed(spend={"epsilon": "NaN"})),
    "a spend below zero": ("request.body", changed(spend={"epsilon": "-1"})),
    "a spend of infinity": ("request.body", spending("Infinity")),
    "a spend beyond numbers": ("request.body", spending("1e999999999")),
    "a spend below numbers": ("request.body", spending("1e-999999999")),
    "a spend of many digits": ("request.body", spending("9" * 60_000)),
    "a spend of many places": ("request.body", spending("0." + "0" * 60_000 + "1")),
    "a spend in other digits": ("request.body", changed(spend={"epsilon": "٣"})),
    "a long name": ("request.body", body(b'{"' + b"k" * 60_000 + b'": 1}')),
    "many names": ("request.body", body(b"{" + b", ".join(b'"%d": 1' % n for n in range(6_000)) + b"}")),
    "a long list": ("request.body", body(b"[" + b"1, " * 20_000 + b"1]")),
    "half a character": ("request.body", body(query(f"{COUNT} WHERE city = '?'", SPEND).replace(b"?", b"\\ud83d"))),
    "a mark of byte order": ("request.body", body(b"\xef\xbb\xbf" + query(COUNT, SPEND))),
    "UTF-16": ("request.body", body(query(COUNT, SPEND).decode().encode("utf-16"))),
    "more than JSON": ("request.body", body(query(COUNT, SPEND) + b"{}")),
    "compressed": ("request.body", body(compress(query(COUNT, SPEND)))),
    "JSON too deep": ("request.body", body(b"[" * 60_000)),
    "an unknown data set": ("dataset.unknown", changed(dataset="payroll")),
    "an unknown licence": ("licence.unknown", changed(licence="L9")),
    "an expired licence": ("licence.expired", changed(licence="expired")),
    "a future licence": ("licence.not_yet", changed(licence="future")),
    "a suspended licence": ("licence.suspended", changed(licence="suspended")),
    "a revoked licence": ("licence.revoked", changed(licence="revoked")),
    "another scenario": ("policy.scenario", changed(scenario="marketing")),
    "a table out of scope": ("policy.scope", sql("SELECT COUNT(*) FROM visits", licence="no-visits")),
    "a column out of scope": ("policy.column", sql("SELECT AVG(income) FROM persons", licence="no-income")),
    "a filter out of scope": ("policy.column", sql(f"{COUNT} WHERE income > 1", licence="no-income")),
    "another institution's": ("licence.unknown", lambda world: world.ask(query(COUNT, SPEND), person="mallory")),
    "a licence's budget": ("budget.exhausted", changed(licence="poor")),
    "the data set's budget": ("budget.exhausted", changed(spend=ALL_OF_IT, licence="rich")),
    "ρ under a pure licence": ("spend.notion", changed(licence="P1", spend={"rho": "1"})),
    "private keys under one": ("plan.private_keys_pure", sql(BY_COST, licence="P1")),
    "an accuracy without a limit": ("spend.at_most", changed(spend={"half_width": "9", "confidence": "0.95"})),
    "an accuracy above its limit": ("spend.above_most", exactly({"half_width": "9"}, at_most={"rho": "0.001"})),
    "an accuracy of nothing": ("spend.column", exactly({"half_width": "9"}, column="x")),
    "an accuracy of unknown groups": (
        "spend.expected_size",
        exactly({"half_width": "9"}, "SELECT AVG(income) FROM persons"),
    ),
    "an accuracy of the unknown": ("spend.expected_value", exactly({"relative": "0.1"})),
    "an accuracy beyond reach": (
        "spend.unreachable",
        exactly({"half_width": "1e-9"}, "SELECT SUM(clamp(visit_no, 0, 1000000000)) FROM visits"),
    ),
    "an accuracy of two kinds": ("request.body", exactly({"relative": "0.1", "half_width": "9"})),
    "an accuracy that is certain": ("request.body", exactly({"half_width": "9"}, confidence="1")),
    "a weight of nothing": ("spend.column", changed(spend={"epsilon": "0.1", "weights": {"x": "2"}})),
    "a weight of none": ("request.body", changed(spend={"epsilon": "0.1", "weights": {"n": "0"}})),
    "a size twice": ("request.body", changed(expected_size=9, spend={"half_width": "9", "expected_size": 9})),
    "a spend too small": ("spend.too_small", sql(INCOME, licence="P1", spend={"epsilon": "0.000000001"})),
    "a route that is none": ("request.route", lambda world: world.ask(None, "/v1/secrets")),
    "a query by GET of none": ("request.route", lambda world: world.ask(None, f"/v1/queries/{'0' * 32}")),
    "a range that is none": ("request.range", lambda world: world.ask(None, "/v1/audit/entries")),
    "a proof from nothing": ("request.range", proof("consistency", "old=0&new=0")),
    "a proof backwards": ("request.range", proof("consistency", "old=3&new=2")),
    "a proof of what is not there": ("request.range", proof("inclusion", "index=1&size=999999")),
    "a proof of a leaf beyond": ("request.range", proof("inclusion", "index=2&size=2")),
    "the log, not an auditor": ("policy.denied", first_entry),
}
"""What a signed request is refused for beside its SQL."""


def _header(request: HttpRequest, name: str, value: str | None) -> HttpRequest:
    kept = tuple(pair for pair in request.headers if pair[0] != name)
    return replace(request, headers=kept if value is None else (*kept, (name, value)))


GOOD = query(COUNT, SPEND)
DEARER = query(COUNT, {"epsilon": "9.25"})
STRANGERS: Mapping[str, tuple[str, Callable[[BrokerWorld], HttpRequest]]] = {
    "unsigned": ("identity.unsigned", lambda world: replace(world.signed(GOOD), headers=())),
    "signature gone": ("identity.unsigned", lambda world: _header(world.signed(GOOD), "signature", None)),
    "body altered": ("identity.signature", lambda world: replace(world.signed(GOOD), body=DEARER)),
    "path altered": ("identity.signature", lambda world: replace(world.signed(GOOD), path="/v1/estimates")),
    "order altered": ("identity.signature", lambda world: _header(world.signed(GOOD), "idempotency-key", "another")),
    "an hour old": (
        "identity.time",
        lambda world: world.signed(GOOD, at=datetime.now(UTC) - timedelta(hours=1)),
    ),
    "an unknown key": ("identity.unknown_key", lambda world: world.signed(GOOD, person="nobody")),
}
"""Requests of nobody: they leave no leaf."""


@dataclass(frozen=True, slots=True)
class Before:
    """What must be as it was."""

    spent: Mapping[str, tuple[int | None, ...]]
    entries: int
    runs: int


def before(world: BrokerWorld) -> Before:
    return Before(world.spent(), len(world.entries()), sum(world.engine.runs.values()))


def judge(world: BrokerWorld, was: Before, answer: HttpAnswer, code: str) -> None:
    """The code with its documented status, nothing charged or run, no value in any word."""
    found = json.loads(answer.body)
    assert found["code"] == code, found
    assert answer.status == PROBLEMS[code].status
    sentences(code, found["detail"])
    assert world.spent() == was.spent
    assert sum(world.engine.runs.values()) == was.runs
    silent(answer.body.decode())


def sentences(code: str, detail: Mapping[str, str]) -> None:
    """Both sentences can be written with the words given."""
    for sentence in (PROBLEMS[code].en, PROBLEMS[code].zh):
        assert sentence.format(**detail)


def silent(text: str) -> None:
    assert _CANARY.search(text) is None


def logged(world: BrokerWorld, was: Before, code: str) -> None:
    """One leaf more, which names the code."""
    entries = world.entries()
    assert len(entries) == was.entries + 1
    act = entries[-1].act
    assert isinstance(act, Refused)
    assert act.code == code
    silent(repr(entries[-1]))


@pytest.mark.parametrize("case", SQL)
@pytest.mark.parametrize("path", ["/v1/queries", "/v1/estimates"])
def test_sql(world: BrokerWorld, case: str, path: str) -> None:
    code, text = SQL[case]
    was = before(world)
    judge(world, was, world.ask(query(text, SPEND), path), code)
    logged(world, was, code)


@pytest.mark.parametrize("case", FIELDS)
def test_signed_requests(world: BrokerWorld, case: str) -> None:
    code, ask = FIELDS[case]
    was = before(world)
    judge(world, was, ask(world), code)
    logged(world, was, code)


@pytest.mark.parametrize("case", STRANGERS)
def test_requests_of_nobody(world: BrokerWorld, case: str) -> None:
    code, request = STRANGERS[case]
    was = before(world)
    judge(world, was, world.door.handle(request(world)), code)
    assert len(world.entries()) == was.entries


def test_a_replayed_request_is_not_answered_again(world: BrokerWorld) -> None:
    """A stolen copy of a signed request, body and headers: the same idempotency key would find the stored answer."""
    request = world.signed(query(COUNT, {"epsilon": "0.125"}))
    assert world.door.handle(request).status == 200
    was = before(world)
    judge(world, was, world.door.handle(request), "identity.replayed")
    assert len(world.entries()) == was.entries


def test_an_idempotency_key_is_of_one_request(world: BrokerWorld) -> None:
    assert world.ask(query(COUNT, SPEND), idempotency="once").status == 200
    was = before(world)
    other = query("SELECT COUNT(*) FROM visits", SPEND)
    judge(world, was, world.ask(other, idempotency="once"), "request.idempotency_conflict")
    logged(world, was, "request.idempotency_conflict")


@pytest.mark.parametrize(("person", "code"), [("gone", "identity.key_revoked"), ("late", "identity.key_expired")])
def test_a_signing_key_that_is_not_in_force(world: BrokerWorld, person: str, code: str) -> None:
    expires = milliseconds() + (LIFE if person == "late" else 10**6)
    world.add_person(person, "clinic", expires)
    if person == "gone":
        world.act(acts.revoke_key, key_id(private_key(person).public_key()))
    while person == "late" and milliseconds() <= expires:
        time.sleep(0.01)
    was = before(world)
    judge(world, was, world.ask(query(COUNT, SPEND), person=person), code)
    assert len(world.entries()) == was.entries


def test_a_body_too_large(tmp_path: Path) -> None:
    """The door reads no more of it, and does not answer what it carries."""
    asked: list[HttpRequest] = []

    def handle(request: HttpRequest) -> HttpAnswer:
        asked.append(request)
        return HttpAnswer(200, b"{}")

    server = Server(tmp_path / "s", handle, refused, 2, 1 << 16)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        for size, status in (((1 << 16) + 1, 413), (1 << 16, 200)):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(tmp_path / "s"))
                send_request(connection, HttpRequest("POST", "/v1/queries", "", (), b" " * size))
                answer = receive_answer(connection, 1 << 16)
            assert answer.status == status
            assert size > 1 << 16 or len(asked) == 1
            assert status == 200 or json.loads(answer.body)["code"] == "request.too_large"
    finally:
        server.close()
        thread.join()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "clinic"', 'name = "clinic'),
        ("version = 1", "version = 0"),
        ("rows_per_unit = 50", ""),
        ('unit = "pid"', 'unit = "nobody"'),
        ("range = [0, 120]", "range = [120, 0]"),
        ('key_of = "cities"', 'key_of = "visits"'),
    ],
)
def test_a_corrupt_card_stops_the_start(tmp_path: Path, old: str, new: str) -> None:
    """`policy.invalid` at the operator's terminal: no part of a policy is in force."""
    (tmp_path / "cards").mkdir()
    (tmp_path / "domains").mkdir()
    (tmp_path / "cards" / "clinic.toml").write_bytes(spoil(CARD_TEXT, old, new))
    with pytest.raises(PolicyError):
        read_card(tmp_path / "cards" / "clinic.toml")
    with pytest.raises(PolicyError) as refusal:
        read_bundle(tmp_path)
    assert any("clinic.toml" in problem for problem in refusal.value.problems)


def _replaced(table: str, old: str, new: str) -> dict[str, str]:
    files = RECORDS.files
    assert old in files[table]
    return {**files, table: files[table].replace(old, new)}


DATA: Mapping[str, tuple[str, dict[str, str]]] = {
    "a column missing": ("load.rejected", _replaced("persons", "income", "salary")),
    "a value of another type": ("load.rejected", _replaced("persons", "27182.81", "27182.81x")),
    "a line too long": ("load.rejected", _replaced("visits", "8675309,1", "8675309,1,1")),
    "a value missing": ("load.rejected", _replaced("persons", "1937", "")),
    "a key twice": ("load.rejected", _replaced("visits", "visit_no", "visit_no")),
    "a reference to nothing": ("load.rejected", _replaced("drugs", "8675309", "8675308")),
    "a unit key malformed": ("load.rejected", _replaced("persons", "\n1,", "\n27182.81,")),
    "a file missing": ("load.files", {name: text for name, text in RECORDS.files.items() if name != "drugs"}),
    "a file too many": ("load.files", {**RECORDS.files, "secrets": "a\n1\n"}),
}
"""What a provider's files are refused for."""
_VISITS = RECORDS.files["visits"]
DATA["a key twice"][1]["visits"] = _VISITS + _VISITS.splitlines()[1] + "\n"


@pytest.mark.parametrize("case", DATA)
def test_data_that_violate_their_card(tmp_path: Path, case: str) -> None:
    """Nothing is loaded; the provider's own terminal is told columns and rows, and not even it a value (rule 4)."""
    code, files = DATA[case]
    Vault.create(vault_folder(tmp_path))
    paths = [tmp_path / f"{name}.csv" for name in files]
    for path in paths:
        path.write_text(files[path.stem])
    told: list[str] = []
    with pytest.raises(Refusal) as refusal:
        load_dataset(CARD, DOMAIN, paths, tmp_path, datetime.now(UTC), told.append)
    assert refusal.value.code == code
    assert bool(told) == (code == "load.rejected")
    sentences(code, refusal.value.detail)
    silent(repr((told, refusal.value.detail)))
    assert not (tmp_path / "snapshots").exists()
