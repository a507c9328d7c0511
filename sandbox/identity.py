"""The signed request → who sent it. What the signature library leaves to its caller is demanded here, each by name.

Source: RFC 9421 (HTTP Message Signatures), RFC 9530 (Content-Digest).
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    VerifyResult,
)
from http_message_signatures.algorithms import ED25519

from sandbox.audit.records import Actor, SignedRequest
from sandbox.errors import Refusal
from sandbox.ledger.nonces import Nonce
from sandbox.registry.directory import Signer
from sandbox.serving.frames import HttpRequest, request_digest

MAX_AGE = 60
"""Seconds a signature may be old."""
SKEW = 5
"""Seconds the caller's clock may be ahead."""
TAG = "vitrine"
_TARGET = ("@method", "@authority", "@path", "@query")
_CONTENT = ("content-digest", "idempotency-key")
_PARAMETERS = ("created", "keyid", "alg", "nonce", "tag")
_WORD = re.compile(r"[\x21-\x7e]{1,64}")
_PATH = re.compile(r"/[^?#]*")
_SIGNATURE = re.compile(r"[a-z*][a-z0-9_.*-]*=:([A-Za-z0-9+/]{86}==):")
_QUERY = re.compile(r"[^#]*")


@dataclass(frozen=True, slots=True)
class VerifiedRequest:
    """Who signed this request, and what the log says of it."""

    signer: Signer
    created: int
    """Seconds since 1970, as the caller's clock said."""
    nonce: Nonce
    """Not yet used up: whatever acts on the request consumes it in its own transaction."""
    idempotency_key: str | None
    """None for a request without a body."""
    digest: str
    """SHA-256 of method, path, query and body, hex: two requests that differ in it are not the same."""
    base: str
    """SHA-256 of the signature base, hex."""
    signature: str
    """Hex."""

    @property
    def actor(self) -> Actor:
        return Actor(self.signer.institution, self.signer.person, self.signer.key_id)

    @property
    def signed(self) -> SignedRequest:
        """As its log entry names it."""
        key = self.idempotency_key
        return SignedRequest(
            message=self.digest,
            base=self.base,
            signature=self.signature,
            nonce=_digest(self.nonce.value),
            idempotency=None if key is None else _digest(key),
        )


def verify(
    request: HttpRequest, now: datetime, key_lookup: Callable[[str], Signer | None], authority: str
) -> VerifiedRequest:
    """The request is signed, as a whole and now, by a registered key that is in force.

    `authority` is the configured public name; no header of the request can replace it. `now` is aware of its zone.

    Refuses: identity.unsigned, identity.signature, identity.components, identity.parameters, identity.time,
    identity.unknown_key, identity.key_revoked, identity.key_expired.
    """
    keys = _Keys(key_lookup)
    result = _verified(request, keys, authority)
    signer = keys.found
    if signer is None:
        raise Refusal("identity.unknown_key")
    covered = tuple(result.covered_components.items())[:-1]  # the last is the signature's parameters
    demanded = _TARGET if request.method == "GET" else _TARGET + _CONTENT
    if tuple(name for name, _ in covered) != tuple(f'"{name}"' for name in demanded):
        raise Refusal("identity.components", {"components": ", ".join(demanded)})
    if request.method == "GET" and request.body:
        raise Refusal("identity.components", {"components": ", ".join(_TARGET + _CONTENT)})
    created, nonce = _parameters(result)
    if not now.timestamp() - MAX_AGE <= created <= now.timestamp() + SKEW:
        raise Refusal("identity.time", {"seconds": str(MAX_AGE)})
    if signer.revoked_at is not None:
        raise Refusal("identity.key_revoked")
    if now.timestamp() * 1000 >= signer.expires_at:
        raise Refusal("identity.key_expired")
    base = "\n".join(f"{name}: {value}" for name, value in result.covered_components.items())
    return VerifiedRequest(
        signer=signer,
        created=created,
        nonce=Nonce(signer.key_id, nonce),
        idempotency_key=_idempotency_key(dict(covered)),
        digest=request_digest(request),
        base=_digest(base),
        signature=_signature(request).hex(),
    )


@dataclass(frozen=True, slots=True)
class _Headers:
    pairs: tuple[tuple[str, str], ...]

    def items(self) -> tuple[tuple[str, str], ...]:
        return self.pairs


@dataclass(frozen=True, slots=True)
class _Message:
    method: str
    url: str
    headers: _Headers


class _Keys(HTTPSignatureKeyResolver):
    """Looks the signing key up, once, and keeps who holds it."""

    def __init__(self, lookup: Callable[[str], Signer | None]) -> None:
        self._lookup = lookup
        self.asked = False
        self.found: Signer | None = None
        self.failure: Exception | None = None
        """Why nobody knows whose key it is: the library would say that the key is at fault."""

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        self.asked = True
        try:
            self.found = self._lookup(key_id)
        except Exception as error:
            self.failure = error
            raise
        return None if self.found is None else Ed25519PublicKey.from_public_bytes(self.found.public)


class _Verifier(HTTPMessageVerifier):
    """The library's verifier, with time judged by the caller's clock instead of its own."""

    def validate_created_and_expires(self, sig_input: object, max_age: object = None) -> None:
        """Nothing: `verify` demands `created`, allows no `expires`, and compares with its own `now`."""


def _verified(request: HttpRequest, keys: _Keys, authority: str) -> VerifyResult:
    """The one signature, cryptographically right, over this target and, where it covers a digest, this body."""
    if len({name.lower() for name, _ in request.headers} & {"signature", "signature-input"}) != 2:
        raise Refusal("identity.unsigned")
    if not _PATH.fullmatch(request.path) or not _QUERY.fullmatch(request.query):
        raise Refusal("identity.signature")
    url = f"https://{authority}{request.path}" + (f"?{request.query}" if request.query else "")
    message = _Message(request.method, url, _Headers(request.headers))
    verifier = _Verifier(signature_algorithm=ED25519, key_resolver=keys)
    try:
        results = verifier.verify(message, max_age=None)
    except (HTTPMessageSignaturesException, ValueError):
        if keys.failure is not None:
            raise keys.failure from None
        if keys.asked and keys.found is None:
            raise Refusal("identity.unknown_key") from None
        raise Refusal("identity.signature") from None
    if len(results) != 1:
        raise Refusal("identity.unsigned")
    (result,) = results
    try:
        verifier.content_digest_class.verify_components(result.covered_components, request.body)
    except HTTPMessageSignaturesException:
        raise Refusal("identity.signature") from None
    return result


def _parameters(result: VerifyResult) -> tuple[int, str]:
    """`created` and the nonce, when the parameters are exactly the demanded ones with their demanded values."""
    match result.parameters:
        case {"created": int(created), "keyid": str(), "alg": "ed25519", "nonce": str(nonce), "tag": str(tag), **rest}:
            if not rest and tag == TAG and _WORD.fullmatch(nonce):
                return created, nonce
    raise Refusal("identity.parameters", {"parameters": ", ".join(_PARAMETERS)})


def _idempotency_key(covered: dict[str, str]) -> str | None:
    key = covered.get('"idempotency-key"')
    if key is not None and not _WORD.fullmatch(key):
        raise Refusal("identity.components", {"components": ", ".join(_TARGET + _CONTENT)})
    return key


def _signature(request: HttpRequest) -> bytes:
    """The bytes that the library has just verified: its label is one of any, its form this one."""
    field = ", ".join(value for name, value in request.headers if name.lower() == "signature")
    found = _SIGNATURE.fullmatch(field.strip(" \t"))
    if found is None:
        raise Refusal("identity.unsigned")
    return b64decode(found[1])


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
