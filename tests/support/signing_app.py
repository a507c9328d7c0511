"""Signs each request as its sender would, just before the gateway gets it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from query_gateway.client.signing import sign
from sandbox.keys import key_id

SIGNED = (b"signature", b"signature-input", b"content-digest", b"idempotency-key")
Signer: TypeAlias = Callable[[bytes], Ed25519PrivateKey | None]
"""Who signs a request of this method, target and body; None leaves it as it came."""


class SigningApp:
    """The application, for somebody whose requests are all validly signed, whatever they say."""

    def __init__(self, app: ASGIApp, authority: str, signer: Signer) -> None:
        self._app, self._authority, self._signer = app, authority, signer
        self._numbers = count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(("/v1/", "/log/")):
            await self._app(scope, receive, send)
            return
        body, more = bytearray(), True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        sent = iter([{"type": "http.request", "body": bytes(body), "more_body": False}])

        async def again() -> Message:
            return next(sent, {"type": "http.disconnect"})

        await self._app({**scope, "headers": self._headers(scope, bytes(body))}, again, send)

    def _headers(self, scope: Scope, body: bytes) -> list[tuple[bytes, bytes]]:
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        key = self._signer(b"\n".join((scope["method"].encode(), scope["raw_path"], scope["query_string"], body)))
        found: list[tuple[bytes, bytes]] = list(scope["headers"])
        if key is None:
            return found
        number, reading = next(self._numbers), scope["method"] == "GET"
        said = sign(
            scope["method"],
            self._authority,
            path,
            query,
            None if reading else body,
            key,
            key_id(key.public_key()),
            None if reading else f"order-{number}",
            datetime.now(UTC),
            f"nonce-{number}",
        )
        kept = [(name, value) for name, value in found if name not in SIGNED]
        return kept + [(name.lower().encode(), value.encode()) for name, value in said.items()]
