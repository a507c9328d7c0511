"""A request is believed only when its whole target, body and moment are signed: one row per thing left out."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519, HMAC_SHA256

from policies.rules import Role
from query_gateway.client.signing import sign
from sandbox.audit.records import Actor
from sandbox.errors import Refusal
from sandbox.identity import VerifiedRequest, verify
from sandbox.keys import key_id
from sandbox.registry.directory import Signer
from sandbox.serving.frames import HttpRequest, request_digest

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
ID = key_id(KEY.public_key())
NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
AUTHORITY = "sandbox.example"
BODY = b'{"licence":"L1"}'
YEAR = timedelta(days=365)
SIGNER = Signer(
    key_id=ID,
    public=KEY.public_key().public_bytes_raw(),
    person="li",
    institution="clinic",
    roles=frozenset({Role.ANALYST}),
    registered_at=0,
    expires_at=int((NOW + YEAR).timestamp() * 1000),
    revoked_at=None,
)
WITH_BODY = ("@method", "@authority", "@path", "@query", "content-digest", "idempotency-key")


def signed(
    method: str = "POST",
    authority: str = AUTHORITY,
    path: str = "/v1/queries",
    query: str = "a=1&b=%20",
    body: bytes | None = BODY,
    key: Ed25519PrivateKey = KEY,
    idempotency: str | None = "order-1",
    now: datetime = NOW,
    nonce: str = "n0nce",
) -> HttpRequest:
    """A request as the client signs it and the gateway passes it on."""
    headers = sign(method, authority, path, query, body, key, key_id(key.public_key()), idempotency, now, nonce)
    return HttpRequest(method, path, query, lower(headers), body or b"")


def lower(headers: object) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), value) for name, value in dict(headers).items())  # type: ignore[call-overload]


def get() -> HttpRequest:
    return signed("GET", path="/v1/catalogue", query="", body=None, idempotency=None)


def look_up(key: str) -> Signer | None:
    return SIGNER if key == ID else None


def believed(request: HttpRequest, now: datetime = NOW, signer: Signer = SIGNER) -> VerifiedRequest:
    return verify(request, now, lambda key: signer if key == ID else None, AUTHORITY)


def refused(request: HttpRequest, now: datetime = NOW, signer: Signer = SIGNER) -> str:
    with pytest.raises(Refusal) as refusal:
        believed(request, now, signer)
    return refusal.value.code


@dataclass
class Message:
    method: str
    url: str
    headers: dict[str, str]


class Unclocked(HTTPMessageSigner):
    """Signs whatever parameters a test asks for."""

    drop: tuple[str, ...] = ()

    def _build_signature_base(self, message: object, **words: Any) -> tuple[object, ...]:
        for name in self.drop:
            words["signature_params"].pop(name, None)
        return super()._build_signature_base(message, **words)


def free_form(
    components: tuple[str, ...] = WITH_BODY,
    drop: tuple[str, ...] = (),
    method: str = "POST",
    body: bytes = BODY,
    **parameters: Any,
) -> HttpRequest:
    """A signature that is right by the standard and covers or says something else than we demand."""
    url = f"https://{AUTHORITY}/v1/queries?a=1"
    digest = hashlib.sha256(body).digest()
    field = f"sha-256=:{b64encode(digest).decode()}:"
    headers = {"idempotency-key": "order-1", "date": "today", "content-digest": field}
    message = Message(method, url, headers)
    signer = Unclocked(
        signature_algorithm=ED25519, key_resolver=MappingKeyResolver(public_keys={}, private_keys={ID: KEY})
    )
    signer.drop = drop
    words = {"created": NOW, "nonce": "n0nce", "tag": "vitrine", "label": "sig", "key_id": ID, **parameters}
    words["use_existing_digest"] = True
    signer.sign(message, covered_component_ids=components, **words)
    return HttpRequest(method, "/v1/queries", "a=1", lower(message.headers), body)


def test_a_whole_request_is_believed() -> None:
    request = signed()
    found = believed(request)
    assert (found.signer, found.idempotency_key, found.created) == (SIGNER, "order-1", int(NOW.timestamp()))
    assert (found.nonce.key_id, found.nonce.value) == (ID, "n0nce")
    assert found.actor == Actor("clinic", "li", ID)
    assert found.signed.idempotency == hashlib.sha256(b"order-1").hexdigest()
    field = dict(request.headers)["signature"].partition("=:")[2].removesuffix(":")
    assert bytes.fromhex(found.signature) == b64decode(field)
    assert believed(get()).idempotency_key is None


def test_the_logged_base_is_what_the_signature_signs() -> None:
    """An auditor who is shown the request can check the signature again."""
    request = signed(query="")
    parameters = dict(request.headers)["signature-input"].removeprefix("vitrine=")
    headers = dict(request.headers)
    base = (
        f'"@method": POST\n"@authority": {AUTHORITY}\n"@path": /v1/queries\n"@query": ?\n'
        f'"content-digest": {headers["content-digest"]}\n"idempotency-key": order-1\n'
        f'"@signature-params": {parameters}'
    )
    found = believed(request)
    assert found.base == hashlib.sha256(base.encode()).hexdigest()
    KEY.public_key().verify(bytes.fromhex(found.signature), base.encode())


def test_a_free_form_signature_of_what_we_demand_is_believed() -> None:
    """So that the refusals below are for what each leaves out."""
    assert believed(free_form()).nonce.value == "n0nce"


def header(name: str, value: str | None) -> Callable[[HttpRequest], HttpRequest]:
    def change(request: HttpRequest) -> HttpRequest:
        kept = tuple(pair for pair in request.headers if pair[0] != name)
        return replace(request, headers=kept if value is None else (*kept, (name, value)))

    return change


Change: TypeAlias = Callable[[HttpRequest], HttpRequest]
ALTERED: Mapping[str, tuple[str, Change]] = {
    "body, longer": ("identity.signature", lambda r: replace(r, body=r.body + b" ")),
    "body, gone": ("identity.signature", lambda r: replace(r, body=b"")),
    "method": ("identity.signature", lambda r: replace(r, method="PUT")),
    "method, case": ("identity.signature", lambda r: replace(r, method="post")),
    "path": ("identity.signature", lambda r: replace(r, path="/v1/estimates")),
    "path, holding the query": ("identity.signature", lambda r: replace(r, path="/v1/queries?a=1&b=%20", query="")),
    "path, with a fragment": ("identity.signature", lambda r: replace(r, path="/v1/queries#")),
    "path, not encoded": ("identity.signature", lambda r: replace(r, path="/v1/que ries")),
    "path, with a tab": ("identity.signature", lambda r: replace(r, path="/v1/que\tries")),
    "path, with a line end": ("identity.signature", lambda r: replace(r, path="/v1/queries\n")),
    "path, with no character": ("identity.signature", lambda r: replace(r, path="/v1/queries\ud800")),
    "query, with a tab": ("identity.signature", lambda r: replace(r, query="a=1&b=%2\t0")),
    "query, with a line end": ("identity.signature", lambda r: replace(r, query="a=1&b=%20\r\n")),
    "path, empty": ("identity.signature", lambda r: replace(r, path="")),
    "query": ("identity.signature", lambda r: replace(r, query="a=1")),
    "query, with a fragment": ("identity.signature", lambda r: replace(r, query="a=1&b=%20#c")),
    "digest": ("identity.signature", header("content-digest", f"sha-256=:{'A' * 43}=:")),
    "digest, gone": ("identity.signature", header("content-digest", None)),
    "idempotency key": ("identity.signature", header("idempotency-key", "order-2")),
    "idempotency key, gone": ("identity.signature", header("idempotency-key", None)),
    "signature, gone": ("identity.unsigned", header("signature", None)),
    "signature input, gone": ("identity.unsigned", header("signature-input", None)),
    "signature, short": ("identity.signature", header("signature", "vitrine=:AAAA:")),
    "signature, nonsense": ("identity.signature", header("signature", "nonsense;;")),
    "signature input, nonsense": ("identity.signature", header("signature-input", "vitrine=1")),
    "headers, gone": ("identity.unsigned", lambda r: replace(r, headers=())),
}


@pytest.mark.parametrize("altered", ALTERED)
def test_an_altered_request_is_refused(altered: str) -> None:
    code, change = ALTERED[altered]
    assert refused(change(signed())) == code


def test_a_header_cannot_choose_the_authority() -> None:
    elsewhere = signed(authority="other.example")
    for headers in (elsewhere.headers, (*elsewhere.headers, ("host", "other.example"))):
        assert refused(replace(elsewhere, headers=headers)) == "identity.signature"
    named = replace(elsewhere, headers=(*elsewhere.headers, ("x-forwarded-host", AUTHORITY), ("host", AUTHORITY)))
    assert refused(named) == "identity.signature"


def test_a_repeated_header_is_not_the_signed_one() -> None:
    request = signed()
    assert refused(replace(request, headers=(*request.headers, ("idempotency-key", "order-1")))) == "identity.signature"


@pytest.mark.parametrize("left_out", WITH_BODY)
def test_each_component_is_demanded(left_out: str) -> None:
    assert refused(free_form(tuple(name for name in WITH_BODY if name != left_out))) == "identity.components"


@pytest.mark.parametrize(
    "components",
    [
        (*WITH_BODY, "date"),
        (*WITH_BODY, "@target-uri"),
        WITH_BODY[::-1],
        ("@method", "@authority", "@path", '"@query-param";name="a"', "content-digest", "idempotency-key"),
        ("@method", "@authority", "@path", "@query", '"content-digest";sf', "idempotency-key"),
        ("@method", "@authority", "@path", "@query", '"content-digest";key="sha-256"', "idempotency-key"),
        (),
    ],
)
def test_exactly_the_demanded_components_are_covered(components: tuple[str, ...]) -> None:
    assert refused(free_form(components)) == "identity.components"


def test_a_body_is_signed_with_every_method() -> None:
    target = WITH_BODY[:4]
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert refused(free_form(target, method=method)) == "identity.components"
        assert refused(free_form(target, method=method, body=b"")) == "identity.components"
        believed(free_form(method=method))
    assert refused(free_form(target, method="GET")) == "identity.components"
    assert refused(free_form(method="GET")) == "identity.components"
    believed(free_form(target, method="GET", body=b""))


@pytest.mark.parametrize("left_out", ["created", "alg", "nonce", "tag"])
def test_each_parameter_is_demanded(left_out: str) -> None:
    assert refused(free_form(drop=(left_out,))) == "identity.parameters"


@pytest.mark.parametrize(
    "parameters",
    [
        {"tag": "other"},
        {"nonce": ""},
        {"nonce": "n" * 65},
        {"nonce": "a b"},
        {"expires": NOW + YEAR},
    ],
)
def test_exactly_the_demanded_parameters_are_carried(parameters: dict[str, Any]) -> None:
    assert refused(free_form(**parameters)) == "identity.parameters"


def test_the_key_id_is_demanded() -> None:
    assert refused(free_form(drop=("keyid",))) == "identity.signature"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(-5, None), (0, None), (60, None), (61, "identity.time"), (86_000, "identity.time"), (-6, "identity.time")],
)
def test_a_signature_lives_a_minute(seconds: int, code: str | None) -> None:
    """`seconds` after it was made; before, by a clock that is ahead."""
    now = NOW + timedelta(seconds=seconds)
    if code is None:
        believed(signed(), now)
    else:
        assert refused(signed(), now) == code


def test_exactly_one_signature() -> None:
    first, second = dict(signed().headers), dict(signed(nonce="other").headers)
    for name in ("signature", "signature-input"):
        second[name] = second[name].replace("vitrine=", "second=")
    two = tuple(first.items()) + tuple((name, second[name]) for name in ("signature", "signature-input"))
    assert refused(replace(signed(), headers=two)) == "identity.signature"
    twice = tuple(first.items()) + tuple((name, first[name]) for name in ("signature", "signature-input"))
    assert refused(replace(signed(), headers=twice)) == "identity.signature"


def test_the_algorithm_is_ed25519() -> None:
    class Secret(MappingKeyResolver):
        pass

    message = Message("GET", f"https://{AUTHORITY}/v1/catalogue", {})
    public = KEY.public_key().public_bytes_raw()
    signer = HTTPMessageSigner(
        signature_algorithm=HMAC_SHA256, key_resolver=Secret(public_keys={}, private_keys={ID: public})
    )
    signer.sign(
        message, key_id=ID, created=NOW, nonce="n", tag="vitrine", covered_component_ids=WITH_BODY[:4], label="sig"
    )
    assert refused(HttpRequest("GET", "/v1/catalogue", "", lower(message.headers), b"")) == "identity.signature"


def test_keys_are_registered_in_force_and_their_own() -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
    assert refused(signed(key=stranger)) == "identity.unknown_key"
    assert refused(signed(), signer=replace(SIGNER, revoked_at=0)) == "identity.key_revoked"
    assert refused(signed(), signer=replace(SIGNER, expires_at=int(NOW.timestamp() * 1000))) == "identity.key_expired"
    other = replace(SIGNER, public=stranger.public_key().public_bytes_raw())
    assert refused(signed(), signer=other) == "identity.signature"


def test_a_key_that_could_not_be_looked_up_is_not_said_to_be_unknown() -> None:
    def lost(_: str) -> Signer | None:
        raise ConnectionError("the database is away")

    with pytest.raises(ConnectionError):
        verify(signed(), NOW, lost, AUTHORITY)


@pytest.mark.parametrize("key", ["", "k" * 65, "a b", "naïve"], ids=["empty", "long", "two", "not ASCII"])
def test_an_idempotency_key_is_one_short_word(key: str) -> None:
    message = Message("POST", f"https://{AUTHORITY}/v1/queries", {"idempotency-key": key})
    signer = HTTPMessageSigner(
        signature_algorithm=ED25519, key_resolver=MappingKeyResolver(public_keys={}, private_keys={ID: KEY})
    )
    words = {"created": NOW, "nonce": "n", "tag": "vitrine", "label": "sig", "key_id": ID}
    if key.isascii():
        message.headers["content-digest"] = dict(signed().headers)["content-digest"]
        words["use_existing_digest"] = True
        signer.sign(message, covered_component_ids=WITH_BODY, **words)  # type: ignore[arg-type]
        request = HttpRequest("POST", "/v1/queries", "", lower(message.headers), BODY)
        assert refused(request) == "identity.components"
    else:
        assert refused(header("idempotency-key", key)(signed())) == "identity.signature"


def test_what_is_asked_has_one_digest() -> None:
    request = signed()
    digests = {
        request_digest(changed)
        for changed in (
            request,
            replace(request, headers=()),
            replace(request, method="PUT"),
            replace(request, path="/v1/estimates"),
            replace(request, query=""),
            replace(request, body=b""),
        )
    }
    assert len(digests) == 5
    assert believed(request).digest == request_digest(request)


@pytest.mark.parametrize(
    ("method", "body", "idempotency"),
    [("POST", None, "k"), ("POST", None, None), ("POST", b"", None), ("GET", b"", "k"), ("GET", None, "k")],
)
def test_the_client_signs_nothing_that_would_be_refused(
    method: str, body: bytes | None, idempotency: str | None
) -> None:
    with pytest.raises(ValueError, match="idempotency"):
        signed(method, body=body, idempotency=idempotency)
