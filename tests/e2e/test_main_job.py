"""The main job over HTTP: real processes, the real client, the real command."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import httpx2
import pytest

from policies.cards import Bounds
from query_gateway import licence_wire, wire
from query_gateway.cli import main
from query_gateway.client.answers import Answer, BatchAnswer, Problem
from query_gateway.client.signing import sign
from query_gateway.problem_wire import ProblemDocument
from sandbox.audit.checkpoint import LogPublicKey, open_note
from sandbox.audit.merkle import leaf_hash, verify_consistency, verify_inclusion
from sandbox.audit.tiles import Tile
from sandbox.audit.verify import verify
from sandbox.keys import key_id, read_private_key, read_public_key
from tests.support.deployment import LICENCE, PERSONS, Deployment, deployed
from tests.support.log_history import mth

SQL = """\
SELECT edlevel, COUNT(*) AS n, AVG(docvis) AS visits
FROM records
WHERE year = 1984
GROUP BY edlevel
ORDER BY edlevel"""
ONE = Bounds(groups=1, rows=1)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    with ExitStack() as stack:
        database = "sqlite"
        if request.param == "postgresql":
            database = stack.enter_context(request.getfixturevalue("server").database())
        yield stack.enter_context(deployed(database))


def rho(service: Deployment) -> str:
    """What the licence has spent."""
    with service.client() as client:
        (balance,) = client.licence(LICENCE)["balance"]
    return str(balance["spent"]["rho"])


def test_catalogue_says_what_the_card_says(service: Deployment) -> None:
    with service.client() as client:
        found = client.catalogue()
    wire.Catalogue.model_validate(found)
    (dataset,) = found["datasets"]
    assert [table["name"] for table in dataset["tables"]] == ["records", "education", "calendar"]
    assert str(PERSONS) not in json.dumps(found)  # rule 4


def test_estimate_is_free_and_holds(service: Deployment) -> None:
    before = rho(service)
    with service.client() as client:
        estimate = client.estimate(SQL, {"rho": "0.01"}, bounds=ONE, expected_size=100)
        assert rho(service) == before
        answer = client.query(SQL, {"rho": "0.01"}, bounds=ONE)
    wire.EstimateAnswer.model_validate(estimate)
    assert estimate["charge"] == answer.document["charge"]
    halves = {column["name"]: column["half_width"] for column in estimate["columns"]}
    for row, intervals in zip(answer.rows, answer.intervals, strict=True):
        low, high = intervals[1] or (0, 0)
        assert (high - low) / 2 == pytest.approx(halves["n"], rel=0.01)
        assert abs(row[1] - PERSONS / 4) < 10 * halves["n"]


def test_answer_is_what_the_api_describes(service: Deployment) -> None:
    with service.client() as client:
        answer = client.query(SQL, {"rho": "0.005"}, bounds=ONE)
    wire.QueryAnswer.model_validate(answer.document)
    assert answer.columns == ["edlevel", "n", "visits"]
    assert [row[0] for row in answer.rows] == [1, 2, 3, 4]
    assert answer.release["privacy"]["rho"] == answer.document["charge"]["rho"]


def test_repeat_is_free_and_the_same_bytes(service: Deployment) -> None:
    with service.client() as client:
        first = client.query(SQL, {"rho": "0.004"}, bounds=ONE)
        spent = rho(service)
        again = client.query(SQL, {"rho": "0.004"}, bounds=ONE)
        looked_up = client.status(first.id)
    assert (first.repeat, again.repeat) == (False, True)
    assert isinstance(looked_up, Answer)
    assert first.document == again.document == looked_up.document
    assert rho(service) == spent


def test_what_follows_from_a_release_is_free(service: Deployment) -> None:
    with service.client() as client:
        client.query(SQL, {"rho": "0.02"}, bounds=ONE)
        spent = rho(service)
        sql = "SELECT edlevel, COUNT(*) AS n FROM records WHERE year = 1984 GROUP BY edlevel ORDER BY n"
        estimate = client.estimate(sql, {"rho": "0.0001"}, bounds=ONE)
        found = client.query(sql, {"rho": "0.0001"}, bounds=ONE)
        again = client.query(sql, {"rho": "0.0001"}, bounds=ONE)
        (latest, _) = client.history(2)["queries"]
        assert rho(service) == spent
        assert not client.query(sql, {"rho": "0.0001"}, bounds=ONE, reuse=False).reused
    wire.QueryAnswer.model_validate(found.document)
    wire.EstimateAnswer.model_validate(estimate)
    (release,) = estimate["reuse"]["releases"]
    assert [each["release"] for each in found.release["privacy"]["reused"]] == [release]
    assert (found.reused, found.repeat, again.repeat) == (True, False, True)
    assert again.document == found.document
    assert latest["state"] == "released"
    assert rho(service) != spent


BATCH = (
    SQL,
    "SELECT edlevel, COUNT(*) AS m FROM records WHERE year = 1984 GROUP BY edlevel",
    "SELECT COUNT(*) FROM records",
)


def test_a_batch_is_charged_once_and_each_query_proven(service: Deployment) -> None:
    with service.client() as client:
        estimate = client.estimate_batch(BATCH, {"rho": "0.03"}, bounds=ONE)
        dry = client.batch(BATCH, {"rho": "0.03"}, bounds=ONE, dry_run=True)
        before = Decimal(rho(service))
        found = client.batch(BATCH, {"rho": "0.03"}, bounds=ONE)
        spent = Decimal(rho(service)) - before
        again, looked_up = client.batch(BATCH, {"rho": "0.03"}, bounds=ONE), client.status(found.id)
        with pytest.raises(Problem) as raised:
            client.batch([*BATCH, "SELECT age FROM records"], {"rho": "0.03"}, bounds=ONE)
    wire.BatchAnswer.model_validate(found.document)
    wire.BatchEstimate.model_validate(estimate)
    assert all(each.dry_run for each in dry.answers)
    assert estimate["charge"] == found.document["charge"] == dry.document["price"]
    assert abs(spent - Decimal(found.document["charge"]["rho"])) < Decimal("1e-9")
    first, second, third = found.answers
    assert [row[1] for row in first.rows] == [row[1] for row in second.rows]
    assert len({each.proven.index for each in found.answers}) == 3
    assert isinstance(looked_up, BatchAnswer)
    assert again.document == found.document == looked_up.document
    assert (raised.value.code, raised.value.document["query"]) == ("plan.raw_rows", 3)
    assert raised.value.place is not None
    assert third.columns


def test_same_idempotency_key_is_charged_once(service: Deployment) -> None:
    with service.client() as client:
        first = client.query(SQL, {"rho": "0.003"}, bounds=ONE, idempotency_key="once")
        spent = rho(service)
        assert client.query(SQL, {"rho": "0.003"}, bounds=ONE, idempotency_key="once").document == first.document
        with pytest.raises(Problem) as raised:
            client.query(SQL, {"rho": "0.002"}, bounds=ONE, idempotency_key="once")
    assert (raised.value.status, raised.value.code) == (409, "request.idempotency_conflict")
    assert rho(service) == spent


def test_history_shows_own_queries(service: Deployment) -> None:
    with service.client() as client:
        made = client.query("SELECT COUNT(*) AS n FROM records", {"rho": "0.001"})
        found = client.history(1)
    wire.History.model_validate(found)
    (latest,) = found["queries"]
    assert (latest["id"], latest["person"], latest["state"]) == (made.id, "analyst", "released")
    assert latest["charge"] == made.document["charge"]


REFUSED = {
    "rows": ("SELECT age FROM records", "plan.raw_rows", "age"),
    "a unit": ("SELECT id, COUNT(*) AS n FROM records GROUP BY id", "sql.unit_value", "id"),
    "a column outside the licence": ("SELECT COUNT(*) AS n FROM records WHERE kids = 1", "policy.column", None),
    "an unknown table": ("SELECT COUNT(*) AS n FROM people", "sql.unknown_table", "people"),
    "no SQL": ("SELECT (", "sql.syntax", None),
}


@pytest.mark.parametrize(("sql", "code", "fragment"), REFUSED.values(), ids=REFUSED)
def test_refusal_explains_and_costs_nothing(service: Deployment, sql: str, code: str, fragment: str | None) -> None:
    before = rho(service)
    with service.client() as client, pytest.raises(Problem) as raised:
        client.query(sql, {"epsilon": "0.1"})
    ProblemDocument.model_validate(raised.value.document)
    assert raised.value.code == code
    if fragment is not None:
        assert raised.value.place is not None
        assert raised.value.place["fragment"] == fragment
    assert rho(service) == before


def test_rewrite_is_accepted(service: Deployment) -> None:
    with service.client() as client:
        with pytest.raises(Problem) as raised:
            client.estimate("SELECT age FROM records", {"epsilon": "0.1"})
        assert raised.value.rewrite is not None
        client.estimate(raised.value.rewrite, {"epsilon": "0.1"})


def test_spend_beyond_the_budget(service: Deployment) -> None:
    with service.client() as client:
        assert not client.estimate(SQL, {"rho": "0.3"})["affordable"]
        with pytest.raises(Problem) as raised:
            client.query(SQL, {"rho": "0.3"})
    assert (raised.value.status, raised.value.code) == (409, "budget.exhausted")


def test_asynchronous_query(service: Deployment) -> None:
    response = post(service, {"sql": "SELECT COUNT(age) AS n FROM records", "reuse": False}, prefer="respond-async")
    assert response.status_code == 202
    pending = response.json()
    wire.QueryPending.model_validate(pending)
    assert response.headers["location"] == f"/v1/queries/{pending['id']}"
    with service.client() as client:
        while not isinstance(found := client.status(pending["id"]), Answer):
            pass
    assert found.columns == ["n"]


def test_csv(service: Deployment) -> None:
    asked = {"sql": SQL, "spend": {"rho": "0.004"}, "bounds": {"groups": 1, "rows": 1}}
    response = post(service, asked, accept="text/csv")
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert list(rows[0]) == ["edlevel", "n", "n_low", "n_high", "visits", "visits_low", "visits_high"]
    assert [row["edlevel"] for row in rows] == ["1", "2", "3", "4"]
    assert all(float(row["n_low"]) <= float(row["n"]) <= float(row["n_high"]) for row in rows)


def signed(service: Deployment, body: bytes, authority: str | None = None) -> dict[str, str]:
    """The headers of a signed query."""
    key = read_private_key(service.folder / "analyst.pem")
    name = key_id(key.public_key())
    now, nonce, once = datetime.now(UTC), token_urlsafe(16), token_urlsafe(16)
    target = authority or service.address
    return dict(sign("POST", target, "/v1/queries", "", body, key, name, once, now, nonce))


def encoded(changes: dict[str, Any]) -> bytes:
    asked = {"licence": LICENCE, "scenario": "public-health", "dataset": "health", "spend": {"rho": "0.001"}}
    return json.dumps(asked | changes).encode()


def post(service: Deployment, changes: dict[str, Any], **headers: str) -> httpx2.Response:
    body = encoded(changes)
    url = f"http://{service.address}/v1/queries"
    return httpx2.post(url, content=body, headers=signed(service, body) | headers, timeout=120)


def refused_by(service: Deployment, body: bytes, headers: dict[str, str]) -> str:
    response = httpx2.post(f"http://{service.address}/v1/queries", content=body, headers=headers, timeout=120)
    assert response.status_code == 401
    return str(response.json()["code"])


def test_request_that_is_not_the_callers_own(service: Deployment) -> None:
    body = encoded({"sql": SQL})
    assert refused_by(service, body, {}) == "identity.unsigned"
    assert refused_by(service, body + b" ", signed(service, body)) == "identity.signature"
    assert refused_by(service, body, signed(service, body, "elsewhere.example")) == "identity.signature"
    headers = signed(service, body)
    assert httpx2.post(f"http://{service.address}/v1/queries", content=body, headers=headers, timeout=120).is_success
    assert refused_by(service, body, headers) == "identity.replayed"


def test_suspended_licence_answers_nothing(service: Deployment) -> None:
    with service.client() as client:
        service.operate("licence", "suspend", LICENCE)
        try:
            with pytest.raises(Problem) as raised:
                client.query("SELECT SUM(docvis) AS n FROM records", {"rho": "0.001"})
        finally:
            service.operate("licence", "resume", LICENCE)
        assert (raised.value.status, raised.value.code) == (403, "licence.suspended")
        client.query("SELECT SUM(docvis) AS n FROM records", {"rho": "0.001"})


def test_licences_are_what_the_api_describes(service: Deployment) -> None:
    with service.client() as client:
        found = client.licences()
    licence_wire.Licences.model_validate(found)
    assert [each["id"] for each in found["licences"]] == [LICENCE]


def test_receipt_stands_in_the_log_for_ever(service: Deployment, tmp_path_factory: pytest.TempPathFactory) -> None:
    with service.client() as client:
        answer = client.query("SELECT AVG(age) AS n FROM records", {"rho": "0.001"})
        _, later = client.checkpoint()
        head = answer.proven.checkpoint
        proof = client._read("/v1/audit/proofs/consistency", old=head.size, new=later.size)
        steps = [b64decode(step) for step in proof["proof"]]
        verify_consistency(head.size, later.size, head.root, later.root, steps)
        path = client._read("/v1/audit/proofs/inclusion", index=answer.proven.index, size=later.size)
    leaf = leaf_hash(b64decode(answer.document["receipt"]["entry"]))
    verify_inclusion(leaf, answer.proven.index, later.size, [b64decode(step) for step in path["proof"]], later.root)

    exported = tmp_path_factory.mktemp("audit") / "log"
    service.operate("audit", "export", str(exported))
    department = read_public_key(service.state / "policy" / "department.pub")
    report = verify(
        exported, LogPublicKey.parse(service.log_key), department, [answer.document["receipt"]["checkpoint"]]
    )
    assert report.findings == ()
    assert report.size >= later.size


def test_anybody_reads_the_tree_and_auditors_the_entries(service: Deployment, tmp_path: Path) -> None:
    url = f"http://{service.address}/log"
    note = httpx2.get(f"{url}/checkpoint")
    assert (note.status_code, note.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    head = open_note(note.text, LogPublicKey.parse(service.log_key))
    tile = httpx2.get(f"{url}/{Tile(0, 0, head.size).path}")
    assert (tile.status_code, tile.headers["content-type"]) == (200, "application/octet-stream")
    assert "immutable" in tile.headers["cache-control"]
    assert mth([tile.content[place : place + 32] for place in range(0, len(tile.content), 32)]) == head.root
    assert httpx2.get(f"{url}/{Tile(0, 0, 255).path}").status_code == 404
    assert httpx2.get(f"{url}/{Tile(None, 0, head.size).path}").status_code == 401

    service.add_person("examiner", "auditor", "demo-institute")
    copy = tmp_path / "copy"
    with service.client("examiner") as client:
        size, fetched = client.copy_log(copy)
        assert size == fetched > head.size
        assert client.copy_log(copy)[0] >= size
    department = read_public_key(service.state / "policy" / "department.pub")
    assert verify(copy, LogPublicKey.parse(service.log_key), department, [note.text]).findings == ()
    with service.client() as client, pytest.raises(Problem) as refused:
        client.copy_log(tmp_path / "other")
    assert refused.value.code == "policy.denied"


SMALL = ("--groups", "1", "--rows", "1")
Vitrine = Callable[..., tuple[int, str, str]]


@pytest.fixture
def vitrine(service: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Vitrine:
    """Runs the command: exit status, standard output, standard error."""
    for name, value in {**service.environment(), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "COLUMNS": "100"}.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, text: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["vitrine", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return run


def test_command_asks_a_batch(vitrine: Vitrine, tmp_path: Path) -> None:
    files = []
    for number, sql in enumerate(BATCH):
        files += ["--batch", str(tmp_path / f"{number}.sql")]
        (tmp_path / f"{number}.sql").write_text(sql, encoding="utf-8")
    status, document, said = vitrine("query", *files, "--rho", "0.004", *SMALL, "--json")
    assert (status, said) == (0, "")
    wire.BatchAnswer.model_validate_json(document)
    _, shown, _ = vitrine("query", *files, "--rho", "0.004", *SMALL)
    assert json.loads(document)["id"] in shown
    assert vitrine("query", *files, SQL, "--rho", "0.004")[0] == 2


def test_command_answers(vitrine: Vitrine) -> None:
    status, document, said = vitrine("query", "--rho", "0.004", *SMALL, "--json", text=SQL)
    assert (status, said.strip()) == (0, "")
    wire.QueryAnswer.model_validate_json(document)
    _, shown, _ = vitrine("--lang", "zh", "query", SQL, "--rho", "0.004", *SMALL)
    assert "±" in shown
    assert "免费" in shown


def test_command_estimates(vitrine: Vitrine) -> None:
    status, shown, _ = vitrine("estimate", SQL, "--rho", "0.02", *SMALL, "--expected-size", "100")
    assert status == 0
    assert "assumed size" in shown


def test_command_explains_a_refusal(vitrine: Vitrine) -> None:
    status, shown, said = vitrine("query", "SELECT age\nFROM records", "--epsilon", "0.1")
    assert (status, shown) == (1, "")
    assert re.search(r"plan\.raw_rows .*\n +1 │ SELECT age\n +\^\^\^\n", said)
    assert "SELECT COUNT(*)" in said
    status, document, _ = vitrine("query", "SELECT age\nFROM records", "--epsilon", "0.1", "--json")
    assert (status, json.loads(document)["code"]) == (1, "plan.raw_rows")


@pytest.mark.parametrize("arguments", [("catalogue",), ("budget",), ("history",), ("status",), ("budget", LICENCE)])
def test_command_reads(vitrine: Vitrine, arguments: tuple[str, ...]) -> None:
    status, shown, _ = vitrine(*arguments)
    assert (status, bool(shown)) == (0, True)
    status, document, _ = vitrine(*arguments, "--json")
    assert (status, bool(json.loads(document))) == (0, True)
