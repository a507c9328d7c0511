"""The gateway's HTTP contract, in front of a sandbox that says what the test wants."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from query_gateway.app import GatewaySettings, create_app
from sandbox.errors import PROBLEMS
from sandbox.serving.frames import HttpAnswer, HttpRequest
from tests.support.fake_sandbox import FakeSandbox, answer, fake_sandbox, nothing, refusal

LIMIT = 1000

RELEASED = {
    "id": "q-1",
    "state": "released",
    "digest": "00" * 32,
    "release": {
        "columns": [
            {"name": "level", "type": "text", "measured": False},
            {"name": "n", "type": "integer", "measured": True},
        ],
        "rows": [["a,b", 12], [None, -3]],
        "intervals": [[None, [10.5, 13.5]], [None, None]],
    },
}

ROUTES = {
    "/v1/catalogue": {"get"},
    "/v1/estimates": {"post"},
    "/v1/estimates:batch": {"post"},
    "/v1/queries": {"get", "post"},
    "/v1/queries:batch": {"post"},
    "/v1/queries/{id}": {"get"},
    "/v1/licences": {"get"},
    "/v1/licences/{id}": {"get"},
    "/v1/audit/checkpoint": {"get"},
    "/v1/audit/entries": {"get"},
    "/v1/audit/proofs/inclusion": {"get"},
    "/v1/audit/proofs/consistency": {"get"},
    "/log/checkpoint": {"get"},
    "/log/tile/{path}": {"get"},
    "/log/tile/entries/{path}": {"get"},
    "/healthz": {"get"},
    "/metrics": {"get"},
    "/problems": {"get"},
    "/problems/{code}": {"get"},
}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeSandbox, TestClient]]:
    with fake_sandbox(tmp_path_factory.mktemp("gateway")) as fake:
        app = create_app(GatewaySettings(fake.socket, max_body=LIMIT, connections=4, answer_seconds=5))
        with TestClient(app, raise_server_exceptions=False) as client:
            yield fake, client


@pytest.fixture
def sandbox(started: tuple[FakeSandbox, TestClient]) -> FakeSandbox:
    fake, _ = started
    fake.respond = nothing
    fake.asked.clear()
    return fake


@pytest.fixture
def http(started: tuple[FakeSandbox, TestClient], sandbox: FakeSandbox) -> TestClient:
    assert sandbox.asked == []
    return started[1]


def test_signed_bytes_cross_unread(http: TestClient, sandbox: FakeSandbox) -> None:
    body = b'{ "sql" :\t"SELECT \xff" }'  # not even UTF-8: judged by the sandbox
    headers = {
        "Signature": "s=:x:",
        "Signature-Input": "i",
        "Content-Digest": "d",
        "Idempotency-Key": "k",
        "Cookie": "c",
    }
    http.post("/v1/queries?b=2&a=%E4%BD%A0", content=body, headers=headers)
    [asked] = sandbox.asked
    assert (asked.method, asked.path, asked.query, asked.body) == ("POST", "/v1/queries", "b=2&a=%E4%BD%A0", body)
    assert dict(asked.headers) == {name.lower(): value for name, value in headers.items() if name != "Cookie"}


def test_path_crosses_as_it_was_signed(http: TestClient, sandbox: FakeSandbox) -> None:
    http.get("/v1/licences/a%20b")
    assert sandbox.asked[0].path == "/v1/licences/a%20b"


def test_repeated_headers_are_kept(http: TestClient, sandbox: FakeSandbox) -> None:
    http.get("/v1/catalogue", headers=[("Signature", "one"), ("Signature", "two")])
    assert sandbox.asked[0].headers == (("signature", "one"), ("signature", "two"))


def test_answers_cross_byte_for_byte(http: TestClient, sandbox: FakeSandbox) -> None:
    sandbox.respond = lambda _: HttpAnswer(200, b'{"a": 1.50}', (("vitrine-repeat", "true"), ("x-inner", "1")))
    got = http.get("/v1/catalogue")
    assert (got.status_code, got.content) == (200, b'{"a": 1.50}')
    assert got.headers["content-type"] == "application/json"
    assert got.headers["vitrine-repeat"] == "true"
    assert "x-inner" not in got.headers


def test_pending_answer_has_its_location(http: TestClient, sandbox: FakeSandbox) -> None:
    sandbox.respond = lambda _: answer({"id": "q-1", "state": "authorized"}, 202, location="/v1/queries/q-1")
    got = http.post("/v1/queries", content=b"{}", headers={"Accept": "text/csv"})
    assert (got.status_code, got.headers["location"], got.json()["state"]) == (202, "/v1/queries/q-1", "authorized")


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("text/*", "text/csv"),
        ("application/json;q=0.4, text/csv;q=0.5", "text/csv"),
        ("text/csv;q=0, */*", "application/json"),
        ("image/png", "application/problem+json"),
    ],
)
def test_format_by_accept(http: TestClient, sandbox: FakeSandbox, accept: str | None, media: str) -> None:
    sandbox.respond = lambda _: answer(RELEASED)
    got = http.post("/v1/queries", content=b"{}", headers={"Accept": accept} if accept else {})
    assert got.headers["content-type"].startswith(media)
    assert (got.status_code == 406) == media.endswith("problem+json")
    assert len(sandbox.asked) == (got.status_code != 406)  # refused before it can cost anything


def test_checkpoint_as_json_or_as_the_note(http: TestClient, sandbox: FakeSandbox) -> None:
    sandbox.respond = lambda _: answer({"checkpoint": "a\n1\n"})
    assert http.get("/v1/audit/checkpoint").json() == {"checkpoint": "a\n1\n"}
    got = http.get("/v1/audit/checkpoint", headers={"Accept": "text/plain"})
    assert (got.text, got.headers["content-type"]) == ("a\n1\n", "text/plain; charset=utf-8")


def test_csv_has_intervals(http: TestClient, sandbox: FakeSandbox) -> None:
    sandbox.respond = lambda _: answer(RELEASED)
    got = http.get("/v1/queries/q-1", headers={"Accept": "text/csv"})
    assert got.text == 'level,n,n_low,n_high\r\n"a,b",12,10.5,13.5\r\n,-3,,\r\n'
    assert (got.headers["vitrine-id"], got.headers["vitrine-digest"]) == ("q-1", "00" * 32)


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_every_code_is_a_problem_document(http: TestClient, sandbox: FakeSandbox, code: str) -> None:
    template = PROBLEMS[code].en + PROBLEMS[code].zh
    words = {part.split("}")[0]: "word" for part in template.split("{")[1:]}
    sandbox.respond = lambda _: refusal(code, detail=words)
    got = http.post("/v1/queries", content=b"{}")
    document = got.json()
    assert got.headers["content-type"] == "application/problem+json"
    assert (got.status_code, document["status"]) == (PROBLEMS[code].status, PROBLEMS[code].status)
    assert (document["code"], document["type"]) == (code, f"/problems/{code}")
    assert "{" not in document["detail_en"] + document["detail_zh"]
    assert http.get(document["type"]).json()["code"] == code


@pytest.mark.parametrize(
    ("wanted", "language"),
    [(None, "en"), ("zh-CN,zh;q=0.9,en;q=0.1", "zh"), ("en;q=0.5, zh;q=0.2", "en"), ("fr", "en"), ("zh;q=x", "en")],
)
def test_sentence_in_the_language_asked_for(
    http: TestClient, sandbox: FakeSandbox, wanted: str | None, language: str
) -> None:
    sandbox.respond = lambda _: refusal("plan.raw_rows")
    got = http.post("/v1/queries", content=b"{}", headers={"Accept-Language": wanted} if wanted else {})
    assert got.headers["content-language"] == language
    assert got.json()["detail"] == got.json()[f"detail_{language}"] == getattr(PROBLEMS["plan.raw_rows"], language)


def test_place_and_rewrite(http: TestClient, sandbox: FakeSandbox) -> None:
    sql = "SELECT 收入,\n  sum(x)\nFROM t"
    start = sql.index("sum")
    sandbox.respond = lambda _: refusal("plan.unbounded_sum", span=[start, start + 6], rewrite="SELECT 1")
    got = http.post("/v1/estimates", content=json.dumps({"sql": sql}).encode()).json()
    assert got["place"] == {"start": start, "end": start + 6, "line": 2, "column": 3, "fragment": "sum(x)"}
    assert (got["rewrite"], got["trace"]) == ("SELECT 1", "00ff")


@pytest.mark.parametrize("body", [b"", b"[" * 900, b"\xff", b'{"sql": 5}', b'{"sql": "x"}'])
def test_no_place_without_that_sql(http: TestClient, sandbox: FakeSandbox, body: bytes) -> None:
    sandbox.respond = lambda _: refusal("plan.raw_rows", span=[0, 9])
    got = http.post("/v1/queries", content=body)
    assert got.status_code == 422
    assert "place" not in got.json()


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"[]",
        b'{"code": "no.such"}',
        b'{"code": ["x"]}',
        b'{"code": "plan.cells", "detail": {}}',
        b'{"detail": "secret"}',
    ],
)
def test_unreadable_refusal_is_one_failure(http: TestClient, sandbox: FakeSandbox, broken: bytes) -> None:
    sandbox.respond = lambda _: HttpAnswer(422, broken)
    got = http.get("/v1/catalogue")
    assert (got.status_code, got.json()["code"]) == (500, "service.failed")
    assert "secret" not in got.text


def test_a_batch_is_no_table(http: TestClient, sandbox: FakeSandbox) -> None:
    sandbox.respond = lambda _: HttpAnswer(200, b'{"answers": []}')
    got = http.get("/v1/queries/q-1", headers={"Accept": "text/csv"})
    assert (got.status_code, got.json()["code"]) == (406, "request.format")


def test_the_place_of_a_problem_is_in_its_own_query(http: TestClient, sandbox: FakeSandbox) -> None:
    refusal = {"code": "plan.raw_rows", "detail": {}, "span": [7, 10], "query": 1}
    sandbox.respond = lambda _: HttpAnswer(422, json.dumps(refusal).encode())
    body = {"queries": ["SELECT 1", "SELECT age FROM t"]}
    got = http.post("/v1/queries:batch", json=body).json()
    assert (got["query"], got["place"]["fragment"]) == (1, "age")


def test_failure_of_our_own_is_one_failure(http: TestClient, sandbox: FakeSandbox) -> None:
    sandbox.respond = lambda _: HttpAnswer(200, b'{"secret": 1}')
    got = http.get("/v1/queries/q-1", headers={"Accept": "text/csv"})
    assert (got.status_code, got.json()["code"]) == (500, "service.failed")
    assert got.headers["x-content-type-options"] == "nosniff"


def test_body_at_the_limit_passes(http: TestClient) -> None:
    assert http.post("/v1/queries", content=b"x" * LIMIT).status_code == 200


def _chunks(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b"x" * 100


@pytest.mark.parametrize("content", [b"x" * (LIMIT + 1), _chunks(11)], ids=["declared", "chunked"])
def test_larger_body_is_refused_by_the_gateway(
    http: TestClient, sandbox: FakeSandbox, content: bytes | Iterator[bytes]
) -> None:
    got = http.post("/v1/queries", content=content)
    assert (got.status_code, got.json()["code"]) == (413, "request.too_large")
    assert sandbox.asked == []


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "request.route"),
        ("GET", "/v1/catalogue/", 404, "request.route"),
        ("GET", "/", 404, "request.route"),
        ("GET", "/docs/nothing", 404, "request.route"),
        ("GET", "/problems/no.such", 404, "request.route"),
        ("DELETE", "/v1/queries", 405, "request.method"),
        ("GET", "/v1/estimates", 405, "request.method"),
    ],
)
def test_no_other_route(http: TestClient, sandbox: FakeSandbox, method: str, path: str, status: int, code: str) -> None:
    got = http.request(method, path)
    assert (got.status_code, got.json()["code"]) == (status, code)
    assert sandbox.asked == []


def test_sandbox_that_is_away(tmp_path: Path) -> None:
    app = create_app(GatewaySettings(tmp_path / "none.sock", max_body=LIMIT, connections=1, answer_seconds=1))
    with TestClient(app) as http:
        got = http.post("/v1/queries", content=b"{}")
        assert (got.status_code, got.json()["code"]) == (503, "service.unreachable")
        assert int(got.headers["retry-after"]) > 0
        assert (http.get("/healthz").status_code, http.get("/healthz").json()["sandbox"]) == (503, "unreachable")


def test_a_sandbox_that_comes_back_is_asked_again(tmp_path: Path) -> None:
    """As after a crash: the gateway says in both languages that it is gone, and needs no start of its own."""
    app = create_app(GatewaySettings(tmp_path / "sandbox.sock", max_body=LIMIT, connections=1, answer_seconds=1))
    with TestClient(app) as http:
        for _ in range(2):
            for tongue in ("en", "zh"):
                got = http.get("/v1/catalogue", headers={"accept-language": tongue})
                assert got.status_code == 503
                assert got.json()["detail"] == getattr(PROBLEMS["service.unreachable"], tongue)
            with fake_sandbox(tmp_path):
                assert http.get("/v1/catalogue").status_code == 200
                assert http.get("/healthz").status_code == 200
            (tmp_path / "sandbox.sock").touch()  # left behind by a killed one


def test_health(http: TestClient, sandbox: FakeSandbox) -> None:
    got = http.get("/healthz")
    assert (got.status_code, got.json()) == (200, {"gateway": "ok", "sandbox": "ok"})
    assert sandbox.asked == [HttpRequest("GET", "/healthz", "", (), b"")]


def test_health_without_storage(http: TestClient, sandbox: FakeSandbox) -> None:
    sandbox.respond = lambda _: HttpAnswer(200, b'{"status":"storage"}')
    got = http.get("/healthz")
    assert (got.status_code, got.json()) == (503, {"gateway": "ok", "sandbox": "storage"})


def test_metrics_know_templates_only(http: TestClient) -> None:
    http.get("/v1/queries/q-secret")
    http.get("/v1/nothing-secret")
    text = http.get("/metrics").text
    assert 'vitrine_gateway_requests_total{method="GET",route="/v1/queries/{id}",status="200"}' in text
    assert 'vitrine_gateway_requests_total{method="GET",route="none",status="404"}' in text
    assert "secret" not in text


PROTECTION = {
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
REQUESTS = [
    ("GET", "/v1/catalogue"), ("GET", "/v1/nothing"), ("POST", "/v1/queries"), ("DELETE", "/v1/queries"),
    ("OPTIONS", "/v1/queries"), ("TRACE", "/v1/queries"), ("GET", "/docs"), ("GET", "/openapi.json"),
    ("GET", "/metrics"), ("GET", "/healthz"), ("GET", "/problems"), ("GET", "/docs/docs.js"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_every_answer_is_protected(http: TestClient, method: str, path: str) -> None:
    got = http.request(method, path, headers={"Origin": "https://evil.example", "X-Forwarded-For": "192.0.2.1"})
    expected = PROTECTION | ({"cache-control": "max-age=3600"} if path == "/docs/docs.js" else {})
    assert {name: got.headers.get(name) for name in expected} == expected
    policy = {part.split()[0]: part.split()[1:] for part in got.headers["content-security-policy"].split(";")}
    for directive in ("default-src", "object-src", "base-uri", "form-action", "frame-ancestors"):
        assert policy[directive] == ["'none'"]
    assert ("sandbox" in policy) == (path != "/docs")
    assert not {"'unsafe-eval'", "*", "https:"} & {each for values in policy.values() for each in values}
    assert "'unsafe-inline'" not in policy.get("script-src", [])
    assert not {"server", "x-powered-by", "set-cookie"} & got.headers.keys()
    assert not [name for name in got.headers if name.startswith("access-control-")]
    assert got.headers["content-type"].split(";")[0] in TYPES
    if got.headers["content-type"].startswith("text/"):
        assert "charset=utf-8" in got.headers["content-type"]


TYPES = {
    "application/json", "application/problem+json", "text/csv", "text/html", "text/javascript", "text/css",
    "text/plain",
}  # fmt: skip


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "HEAD", "PUT", "PATCH", "DELETE", "CONNECT", "JEFF"])
def test_no_other_method(http: TestClient, sandbox: FakeSandbox, method: str) -> None:
    """None crosses, and none is answered with what was sent."""
    got = http.request(method, "/v1/queries/q-1", headers={"X-Secret": "secret"})
    assert got.status_code == 405
    assert "secret" not in got.text
    assert sandbox.asked == []


def test_documentation_comes_from_this_host(http: TestClient) -> None:
    page = http.get("/docs").text
    assets = [part.split('"')[0] for mark in ('src="', 'href="') for part in page.split(mark)[1:]]
    assert len(assets) == 3
    assert all(http.get(asset).status_code == 200 and asset.startswith("/docs/") for asset in assets)
    assert "<script>" not in page


def test_openapi_names_every_route_and_body(http: TestClient) -> None:
    document = http.get("/openapi.json").json()
    assert {path: set(methods) for path, methods in document["paths"].items()} == ROUTES
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            statuses = {int(status) for status in described["responses"]}
            assert 200 in statuses, path
            if path.startswith("/v1"):
                assert {401, 413, 500, 503} <= statuses
                assert {"Signature", "Signature-Input"} <= {each["name"] for each in described["parameters"]}
                assert ("requestBody" in described) == (method == "post")
    statuses = {problem.status for code, problem in PROBLEMS.items() if not code.startswith("key.")}
    assert statuses - {405} <= {int(status) for status in document["paths"]["/v1/queries"]["post"]["responses"]}


def test_openapi_references_resolve(http: TestClient) -> None:
    document = http.get("/openapi.json").json()
    text = json.dumps(document)
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(document["components"]["schemas"])
    assert "#/$defs/" not in text
