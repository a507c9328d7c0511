"""The client: what it signs, when it asks again, and what it does not believe."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from policies.cards import Bounds
from query_gateway.client.answers import Answer, Pending, Problem, Unproven
from query_gateway.client.session import Client
from query_gateway.client.settings import ClientSettings, Unset, read_client_settings
from sandbox.audit.checkpoint import LogKey
from sandbox.errors import Refusal
from sandbox.identity import VerifiedRequest, verify
from sandbox.keys import key_id, make_private_key
from sandbox.registry.directory import Signer
from sandbox.serving.frames import HttpRequest
from tests.support.released import BODY, LOG, RELEASE, asked, dry_run, released, released_batch, repeated

AUTHORITY = "vitrine.example"
ID = "c" * 32
SPEND = {"epsilon": "0.5"}
Responder = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture
def settings(tmp_path: Path) -> ClientSettings:
    key = tmp_path / "key.pem"
    make_private_key(key)
    return ClientSettings("https://gateway:1", AUTHORITY, key, str(LOG.public), None, "L", "S", "D")


class Service:
    """Answers with what it is given, the last one for ever, and keeps what it was asked."""

    def __init__(self, *responses: httpx2.Response | Exception) -> None:
        self.responses = list(responses)
        self.asked: list[httpx2.Request] = []
        self.slept: list[float] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        found = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if isinstance(found, Exception):
            raise found
        return found

    def client(self, settings: ClientSettings) -> Client:
        return Client(settings, httpx2.MockTransport(self), self.slept.append)


def ok(document: object, status: int = 200, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, json=document, headers={k.replace("_", "-"): v for k, v in headers.items()})


def verified(request: httpx2.Request, client: Client, settings: ClientSettings) -> VerifiedRequest:
    """The request as the sandbox judges it."""
    path, _, query = request.url.raw_path.decode().partition("?")
    headers = tuple((name.lower(), value) for name, value in request.headers.items())
    public = client._sender._key.public_key().public_bytes_raw()

    def lookup(identifier: str) -> Signer | None:
        if identifier != client.key_id:
            return None
        return Signer(identifier, public, "p", "i", frozenset(), 0, 2**52, None)

    return verify(HttpRequest(request.method, path, query, headers, request.content), now(), lookup, settings.authority)


def now() -> datetime:
    return datetime.now(UTC)


CALLS: dict[str, Callable[[Client], Any]] = {
    "catalogue": lambda client: client.catalogue(),
    "licences": lambda client: client.licences(),
    "licence with a strange name": lambda client: client.licence("许可/1 ?"),
    "history": lambda client: client.history(5),
    "estimate": lambda client: client.estimate("SELECT 'π'", SPEND, expected_size=9),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_request_is_signed_as_the_sandbox_demands(settings: ClientSettings, call: Callable[[Client], Any]) -> None:
    service = Service(ok({"fine": True}))
    with service.client(settings) as client:
        assert call(client) == {"fine": True}
        [request] = service.asked
        found = verified(request, client, settings)
    assert (found.signer.person, found.idempotency_key is None) == ("p", request.method == "GET")


def test_query_says_what_was_asked(settings: ClientSettings) -> None:
    body = {**BODY, "scenario": "other", "spend": {"rho": "0.1"}, "bounds": {"groups": 2, "rows": 3}}
    service = Service(ok(released(message=asked(body))))
    with service.client(settings) as client:
        client.query("SELECT 1", {"rho": "0.1"}, scenario="other", bounds=Bounds(2, 3), idempotency_key="again")
        assert verified(service.asked[0], client, settings).idempotency_key == "again"
    assert json.loads(service.asked[0].content) == body


def test_answer_is_shown_when_the_log_holds_it(settings: ClientSettings) -> None:
    with Service(ok(released())).client(settings) as client:
        answer = client.query("SELECT 1", SPEND)
    assert (answer.id, answer.repeat, answer.columns) == (ID, False, ["level", "n", "mean"])
    assert (answer.rows, answer.intervals) == (RELEASE["rows"], RELEASE["intervals"])
    assert (answer.proven.index, answer.proven.checkpoint.size) == (0, 1)


def test_a_limit_is_waited_for_as_long_as_the_service_says(
    settings: ClientSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """Again with a new signature, and told in both languages."""
    limited = ok({"code": "limit.person_rate"}, 429, retry_after="7")
    service = Service(limited, ok({"fine": True}))
    with service.client(settings) as client:
        assert client.catalogue() == {"fine": True}
    assert service.slept[0] == 7.0
    assert len({each.headers["signature"] for each in service.asked}) == 2
    assert "in 7 s" in caplog.text
    assert "7 秒" in caplog.text


def test_repeat_is_told(settings: ClientSettings) -> None:
    with Service(ok(released(), vitrine_repeat="true")).client(settings) as client:
        assert client.query("SELECT 1", SPEND).repeat


def test_repeat_of_another_text_is_proven_by_its_own_entry(settings: ClientSettings) -> None:
    answer = released(message="cd" * 32)
    with Service(ok(answer, vitrine_repeat="true", vitrine_receipt=repeated(asked(BODY)))).client(settings) as client:
        assert client.query("SELECT 1", SPEND).repeat


SWAPS = {
    "no entry of its own": None,
    "an entry for another request": repeated("cd" * 32),
    "an entry for another charge": repeated(asked(BODY), authorization=7),
    "an entry for another release": repeated(asked(BODY), release={"rows": []}),
    "not a receipt": "e30=",
    "not base64": "?",
}


@pytest.mark.parametrize("proof", SWAPS.values(), ids=SWAPS)
def test_genuine_answer_to_another_question_is_not_shown(settings: ClientSettings, proof: str | None) -> None:
    answer = ok(released(message="cd" * 32), vitrine_repeat="true")
    if proof is not None:
        answer.headers["vitrine-receipt"] = proof
    with Service(answer).client(settings) as client, pytest.raises(Unproven):
        client.query("SELECT 1", SPEND)


def _change(path: str, value: object) -> dict[str, Any]:
    document = deepcopy(released())
    *inner, last = path.split(".")
    target: Any = document
    for name in inner:
        target = target[name]
    target[last] = value
    return document


FORGERIES = {
    "another number": _change("release.rows", [["高中", 1205, 2.5], ["a,b", -3, None]]),
    "a narrower interval": _change("release.intervals", []),
    "another digest": _change("digest", "00" * 32),
    "another charge": _change("id", "d" * 32),
    "no receipt": _change("receipt", None),
    "another leaf": _change("receipt.index", 1),
    "another release of the same log": released(release={"rows": []}) | {"release": RELEASE},
    "a log of another key": released(key=LogKey.generate(LOG.name)),
    "another charge's receipt": released("d" * 32) | {"id": ID},
    "nothing": {},
}


@pytest.mark.parametrize("document", FORGERIES.values(), ids=FORGERIES)
def test_answer_that_the_log_does_not_hold_is_not_shown(settings: ClientSettings, document: dict[str, Any]) -> None:
    with Service(ok(document)).client(settings) as client, pytest.raises(Unproven):
        client.query("SELECT 1", SPEND)


def test_state_of_another_query_is_not_shown(settings: ClientSettings) -> None:
    with Service(ok(released("d" * 32))).client(settings) as client, pytest.raises(Unproven):
        client.status(ID)


def test_refusal_is_not_sent_again(settings: ClientSettings) -> None:
    document = {"code": "plan.raw_rows", "status": 422, "detail_zh": "不", "detail_en": "no", "rewrite": "SELECT 1"}
    service = Service(ok(document, 422))
    with service.client(settings) as client, pytest.raises(Problem) as raised:
        client.query("SELECT age FROM t", SPEND)
    assert len(service.asked) == 1
    assert (raised.value.code, raised.value.sentence("zh"), raised.value.rewrite) == ("plan.raw_rows", "不", "SELECT 1")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]"])
def test_answer_of_no_service_of_ours(settings: ClientSettings, body: bytes) -> None:
    with Service(httpx2.Response(404, content=body)).client(settings) as client, pytest.raises(Problem) as raised:
        client.catalogue()
    assert (raised.value.status, raised.value.code) == (404, "unknown")


def test_query_under_way_is_looked_at_until_it_ends(settings: ClientSettings) -> None:
    pending = ok({"id": ID, "state": "authorized"}, 202, location="https://elsewhere.example/steal")
    service = Service(pending, pending, pending, ok(released()))
    with service.client(settings) as client:
        assert isinstance(client.query("SELECT 1", SPEND), Answer)
    assert [str(request.url) for request in service.asked[1:]] == [f"https://gateway:1/v1/queries/{ID}"] * 3
    assert service.slept == [0.25, 0.5, 1.0]


def test_status_of_a_query_under_way(settings: ClientSettings) -> None:
    with Service(ok({"id": ID, "state": "authorized"}, 202)).client(settings) as client:
        assert client.status(ID) == Pending(ID)


def test_checkpoint_is_opened_with_the_logs_key(settings: ClientSettings) -> None:
    note = released()["receipt"]["checkpoint"]
    with Service(ok({"checkpoint": note})).client(settings) as client:
        assert client.checkpoint()[1].size == 1
    for wrong in (None, "x", note.replace("\n1\n", "\n2\n")):
        with Service(ok({"checkpoint": wrong})).client(settings) as client, pytest.raises(Unproven):
            client.checkpoint()


def test_key_that_others_can_read_is_not_used(settings: ClientSettings) -> None:
    settings.key.chmod(0o644)
    with pytest.raises(Refusal, match=r"key\.exposed"):
        Client(settings)


def test_key_id_is_the_registrys(settings: ClientSettings) -> None:
    with Service(ok({})).client(settings) as client:
        assert client.key_id == key_id(client._sender._key.public_key())


def test_flag_before_environment_before_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    settings = (
        f'url = "https://file:1/"\nkey = "k"\nlog_key = "{LOG.public.ed25519}"\nlicence = "L1"\nscenario = "S1"\n'
    )
    file.write_text(settings)
    found = read_client_settings(
        file, {"scenario": "S3", "url": None}, {"VITRINE_LICENCE": "L2", "VITRINE_SCENARIO": "S2"}
    )
    assert (found.url, found.authority, found.licence, found.scenario) == ("https://file:1", "file:1", "L2", "S3")


def test_log_key_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    (tmp_path / "log.pub").write_text(f"{LOG.public}\n")
    given = {"url": "https://h", "key": "k", "log_key": str(tmp_path / "log.pub")}
    assert read_client_settings(tmp_path / "config.toml", given, {}).log_public_key == LOG.public


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("", {}),
        ("", {"url": "https://h", "key": "k"}),
        ("urll = 'x'", {}),
        ("url = 5", {}),
        ("url =", {}),
        ("", {"url": "h:80", "key": "k", "log_key": "a+b+c"}),
        ("", {"url": "http://h", "key": "k", "log_key": "a+b+c"}),
        ("", {"url": "http://127.0.0.1.example", "key": "k", "log_key": "a+b+c"}),
        ("", {"url": "https://h/path", "key": "k", "log_key": "a+b+c"}),
        ("", {"url": "https://h", "key": "k", "log_key": "no-such-file"}),
    ],
)
def test_settings_that_cannot_be_used(tmp_path: Path, text: str, given: dict[str, str | None]) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(Unset):
        read_client_settings(file, given, {})


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:8080", "https://h"])
def test_only_a_service_on_this_host_is_reached_without_tls(url: str) -> None:
    assert read_client_settings(None, {"url": url, "key": "k", "log_key": "a+b+c"}, {}).url == url


def test_log_key_that_is_none(settings: ClientSettings) -> None:
    broken = ClientSettings(settings.url, AUTHORITY, settings.key, "a+b+c")
    with pytest.raises(Unset):
        Client(broken)


def test_dry_run_is_shown_when_the_log_holds_it(settings: ClientSettings) -> None:
    service = Service(ok(dry_run()))
    with service.client(settings) as client:
        answer = client.dry_run("SELECT 1", SPEND)
    assert (answer.dry_run, answer.repeat, answer.rows) == (True, False, RELEASE["rows"])
    assert json.loads(service.asked[0].content) == {**BODY, "dry_run": True}


DUMMIES = {
    "to another question": dry_run(asked(BODY)),
    "not marked": dry_run(dummy=False),
    "another number": dry_run() | {"release": RELEASE | {"dummy": True, "rows": []}},
    "a genuine answer": released(message=asked(BODY | {"dry_run": True})),
    "a genuine answer, marked": released(release=RELEASE | {"dummy": True}),
    "another run": dry_run() | {"id": "e" * 32},
    "nothing": {},
}


@pytest.mark.parametrize("document", DUMMIES.values(), ids=DUMMIES)
def test_what_is_no_dry_run_is_not_shown_as_one(settings: ClientSettings, document: dict[str, Any]) -> None:
    with Service(ok(document)).client(settings) as client, pytest.raises(Unproven):
        client.dry_run("SELECT 1", SPEND)


@pytest.mark.parametrize("document", [dry_run(), dry_run(asked(BODY))])
def test_dry_run_is_not_shown_as_an_answer(settings: ClientSettings, document: dict[str, Any]) -> None:
    with Service(ok(document)).client(settings) as client, pytest.raises(Unproven):
        client.query("SELECT 1", SPEND)


TWO = {**{name: each for name, each in BODY.items() if name != "sql"}, "queries": ["SELECT 1", "SELECT 2"]}


def test_batch_is_shown_when_the_log_holds_each_answer(settings: ClientSettings) -> None:
    service = Service(ok(released_batch(2, TWO)))
    with service.client(settings) as client:
        found = client.batch(TWO["queries"], SPEND)
    assert [each.release["number"] for each in found.answers] == [0, 1]
    (request,) = service.asked
    assert (request.url.path, json.loads(request.content)) == ("/v1/queries:batch", TWO)


def swapped(document: dict[str, Any]) -> None:
    document["answers"].reverse()


def cut(document: dict[str, Any]) -> None:
    del document["answers"][1]


def twice(document: dict[str, Any]) -> None:
    document["answers"][1] = document["answers"][0]


def changed(document: dict[str, Any]) -> None:
    document["answers"][1]["release"]["rows"] = []


def of_another_charge(document: dict[str, Any]) -> None:
    document["id"] = "d" * 32


def unproven(document: dict[str, Any]) -> None:
    del document["answers"][0]["receipt"]


@pytest.mark.parametrize("lie", [swapped, cut, twice, changed, of_another_charge, unproven])
def test_batch_that_the_log_does_not_hold_is_not_shown(
    settings: ClientSettings, lie: Callable[[dict[str, Any]], None]
) -> None:
    document = released_batch(2, TWO)
    lie(document)
    with Service(ok(document)).client(settings) as client, pytest.raises(Unproven):
        client.batch(TWO["queries"], SPEND)


def test_batch_of_other_questions_is_not_shown(settings: ClientSettings) -> None:
    document = released_batch(2, TWO | {"queries": ["SELECT 1", "SELECT 3"]})
    with Service(ok(document)).client(settings) as client, pytest.raises(Unproven):
        client.batch(TWO["queries"], SPEND)
