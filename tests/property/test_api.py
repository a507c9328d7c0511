"""The API as its description says: whatever is sent, signed or not, the answer is one that the description promises.

A generated request is signed by a registered person just before the gateway gets it, so that it passes identity and is
judged for what it asks. Behind the gateway stands a whole sandbox; the engine runs in this process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import settings
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from query_gateway.app import GatewaySettings, create_app
from sandbox.confinement.machine import found as layers
from sandbox.frontend import Frontend
from sandbox.serving.door import refused
from sandbox.serving.server import Server
from tests.support.broker_world import AUTHORITY, BrokerWorld, broker_world, private_key
from tests.support.lowering import files, read
from tests.support.records import Records
from tests.support.signing_app import SigningApp

RECORDS = Records(tuple((str(n), "女", str(1950 + n), "1000.00", "A") for n in range(20)), (), ())
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_headers_conformance,
    schemathesis.checks.response_schema_conformance,
]
SQL = [
    case.sql
    for kind, step in (("accepted", 3), ("refused", 12), ("mistaken", 12))
    for path in files(kind)
    for case in read(path)[::step]
    if case.dataset == "clinic"
]
"""Fewer of those that are refused: looking for a rewrite takes longest."""
KNOWN = {"licence": "L1", "scenario": "planning", "dataset": "clinic"}
SPENDS: tuple[object, ...] = (
    {"epsilon": "0.125"},
    {"rho": 1},
    {"half_width": "500", "confidence": "0.95", "at_most": {"rho": "9"}},
)


class Served:
    """An application that is there when it is asked."""

    def __init__(self) -> None:
        self.app: ASGIApp = create_app(GatewaySettings(Path("none"), 1 << 16, 4, 60))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def signer(request: bytes) -> Ed25519PrivateKey | None:
    """Mostly an analyst, now and then one of another institution, a stranger, nobody."""
    match crc32(request) % 16:
        case 0:
            return None
        case 1:
            return private_key("nobody")
        case 2:
            return private_key("mallory")
        case 3:
            return private_key("wang")
        case _:
            return private_key("li")


SERVED = Served()
schema = schemathesis.openapi.from_asgi("/openapi.json", SERVED)


@schema.hook
def map_body(_: Any, body: Any) -> Any:
    """Most objects name what there is and ask something that has a meaning: else nothing passes the first look."""
    if not isinstance(body, dict):
        return body
    chance = crc32(repr(sorted(body.items(), key=repr)).encode("utf-8", "surrogatepass"))
    if chance % 3 == 0:
        return body
    changed = {**(body if chance % 7 < 3 else {}), **KNOWN, "spend": SPENDS[chance % len(SPENDS)]}
    several = [SQL[(chance + at) % len(SQL)] for at in range(1 + chance % 3)]
    return changed | ({"queries": several} if "queries" in body else {"sql": several[0]})


@pytest.fixture(scope="module", autouse=True)
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWorld]:
    folder = tmp_path_factory.mktemp("api")
    with broker_world(folder, RECORDS, lambda _: Frontend(1, layers())) as found:
        server = Server(folder / "door", found.door.handle, refused, 4, 1 << 16)
        thread = threading.Thread(target=server.serve)
        thread.start()
        before = SERVED.app
        SERVED.app = SigningApp(create_app(GatewaySettings(folder / "door", 1 << 16, 4, 300)), AUTHORITY, signer)
        try:
            yield found
        finally:
            SERVED.app = before
            server.close()
            thread.join()


@schema.parametrize()
@settings(max_examples=settings().max_examples // 8)
def test_every_answer_is_described(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(checks=CHECKS)


COUNT = {**KNOWN, "spend": {"rho": "1"}, "sql": "SELECT COUNT(*) AS n FROM persons"}
BATCH = {
    **KNOWN,
    "spend": {"rho": "1"},
    "queries": [COUNT["sql"], "SELECT 性别, AVG(income) AS mean FROM persons GROUP BY 1"],
}
GOOD: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("GET", "/v1/catalogue", {}),
    ("POST", "/v1/estimates", {"body": COUNT}),
    ("POST", "/v1/queries", {"body": COUNT}),
    ("POST", "/v1/queries", {"body": {**COUNT, "dry_run": True}}),
    ("POST", "/v1/queries:batch", {"body": BATCH}),
    ("POST", "/v1/estimates:batch", {"body": BATCH}),
    ("GET", "/v1/queries", {"query": {"limit": 5}}),
    ("GET", "/v1/licences", {}),
    ("GET", "/v1/licences/{id}", {"path_parameters": {"id": "L1"}}),
    ("GET", "/v1/audit/checkpoint", {}),
    ("GET", "/v1/audit/proofs/inclusion", {"query": {"index": 3, "size": 9}}),
    ("GET", "/v1/audit/proofs/consistency", {"query": {"old": 3, "new": 9}}),
    ("GET", "/healthz", {}),
    ("GET", "/metrics", {}),
    ("GET", "/problems", {}),
    ("GET", "/problems/{code}", {"path_parameters": {"code": "plan.cells"}}),
)


@pytest.mark.parametrize(
    ("method", "path", "words"),
    GOOD,
    ids=[f"{number}-{method}-{path}" for number, (method, path, _) in enumerate(GOOD)],
)
def test_answers_to_what_is_right_are_described(
    monkeypatch: pytest.MonkeyPatch, method: str, path: str, words: dict[str, Any]
) -> None:
    """So that the search judges answers too, not refusals alone."""
    monkeypatch.setattr(SERVED.app, "_signer", lambda _: private_key("li"))
    media: dict[str, Any] = {"media_type": "application/json"} if "body" in words else {}
    response = schema[path][method].Case(**words, **media).call_and_validate(checks=CHECKS)
    assert response.status_code == 200, response.text


def test_a_status_that_is_not_described_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a body that is not, and a type: the checks can fail."""

    def teapot(status: int, body: bytes, media: str) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                raise NotImplementedError
            await Response(body, status, media_type=media)(scope, receive, send)

        return app

    for status, body, media in (
        (418, b"{}", "application/json"),
        (200, b"{}", "application/json"),
        (200, b"", "text/plain"),
    ):
        monkeypatch.setattr(SERVED, "app", teapot(status, body, media))
        with pytest.raises(schemathesis.core.failures.FailureGroup):
            schema["/v1/catalogue"]["GET"].Case().call_and_validate(checks=CHECKS)
