"""Signs a request with the caller's key, as the sandbox demands it.

Source: RFC 9421 (HTTP Message Signatures), RFC 9530 (Content-Digest).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519

TAG = "vitrine"
TARGET = ("@method", "@authority", "@path", "@query")
"""Covered by every signature."""
CONTENT = ("content-digest", "idempotency-key")
"""Covered as well where there is a body."""


@dataclass(frozen=True, slots=True)
class _Message:
    method: str
    url: str
    headers: dict[str, str]


def sign(
    method: str,
    authority: str,
    path: str,
    query: str,
    body: bytes | None,
    private_key: Ed25519PrivateKey,
    key_id: str,
    idempotency_key: str | None,
    now: datetime,
    nonce: str,
) -> Mapping[str, str]:
    """The headers to send with the request: signature, signature input and, with a body, digest and idempotency key.

    `path` and `query` are percent-encoded as sent, `query` without its question mark; `now` is aware of its zone. A
    request without a body passes None for it and for the idempotency key; an empty body is a body.
    """
    if (body is None) != (idempotency_key is None) or (body is None) != (method == "GET"):
        raise ValueError("an idempotency key goes with a body, and a body with every method but GET")
    message = _Message(method, f"https://{authority}{path}" + (f"?{query}" if query else ""), {})
    if idempotency_key is not None:
        message.headers["Idempotency-Key"] = idempotency_key
    signer = HTTPMessageSigner(
        signature_algorithm=ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key_id: private_key}),
    )
    signer.sign(
        message,
        key_id=key_id,
        created=now,
        nonce=nonce,
        label=TAG,
        tag=TAG,
        covered_component_ids=TARGET if body is None else TARGET + CONTENT,
        body=body,
    )
    return message.headers
