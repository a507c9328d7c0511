"""Sends a signed request until it is answered: more than once where it must, under one idempotency key."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import randbelow, token_urlsafe

import httpx2

from query_gateway.client.answers import Unreachable
from query_gateway.client.settings import ClientSettings
from query_gateway.client.signing import sign
from sandbox.keys import key_id, read_private_key

PATIENCE = 20.0
"""Seconds of waiting, all pauses together, before a request that finds no answer is given up."""
_PASSING = frozenset({429, 502, 503, 504})
"""Statuses that a later try may not meet: too many requests, a service that is busy, restarts or cannot be reached."""
_TOO_MANY = 429
_SHORTEST, _LONGEST = 0.5, 8.0
"""Seconds of a pause at most: after the first try, doubled after each, and of any."""
_LOGGER = logging.getLogger("vitrine.client")
_CONNECT_SECONDS = 10.0
_SECONDS = 330.0
"""The longest wait for one answer: more than the gateway's own for the sandbox."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request's last response."""

    response: httpx2.Response
    again: bool
    """It was sent before, and may have been carried out then."""


class Sender:
    """One person's way to the service. Refuses `key.unreadable` and `key.exposed` when made."""

    def __init__(
        self,
        settings: ClientSettings,
        transport: httpx2.BaseTransport | None,
        sleep: Callable[[float], None],
        patience: float,
    ) -> None:
        self._authority = settings.authority
        self._key = read_private_key(settings.key)
        self.key_id = key_id(self._key.public_key())
        self._sleep = sleep
        self._patience = patience
        self._http = httpx2.Client(
            base_url=settings.url,
            timeout=httpx2.Timeout(_SECONDS, connect=_CONNECT_SECONDS),
            transport=transport,
            verify=ssl.create_default_context(cafile=settings.ca),
        )

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def unsigned(self, target: str) -> httpx2.Response:
        """The response to one GET that nobody signs. Raises Unreachable."""
        try:
            return self._http.get(target)
        except httpx2.TransportError:
            raise Unreachable(None) from None

    def send(self, method: str, target: str, body: bytes | None = None, idempotency_key: str | None = None) -> Sent:
        """The response. A connection that is refused or lost, a wait that ends and a passing status are tried again,
        newly signed, with the same body and idempotency key, after a pause; never sooner than `Retry-After` says.

        Raises Unreachable when the patience is at its end, but for a refusal that never was sent on.
        """
        waited, tries, again = 0.0, 0, False
        while True:
            response = None
            try:
                response = self._http.send(self._signed(method, target, body, idempotency_key))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                pass  # nobody has seen it
            except httpx2.TransportError:
                again = True
            if response is not None:
                if response.status_code not in _PASSING:
                    return Sent(response, again)
                again = again or response.status_code != _TOO_MANY
            pause = max(_pause(tries), _asked_pause(response))
            if waited + pause > self._patience:
                if response is not None and not again:
                    return Sent(response, again)
                raise Unreachable(idempotency_key)
            if response is not None and response.status_code == _TOO_MANY:
                _LOGGER.warning("too many requests: going on in %.0f s / 请求过多，%.0f 秒后继续", pause, pause)
            self._sleep(pause)
            waited, tries = waited + pause, tries + 1

    def _signed(self, method: str, target: str, body: bytes | None, idempotency_key: str | None) -> httpx2.Request:
        request = self._http.build_request(method, target, content=body, headers={"accept": "application/json"})
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        headers = sign(
            method,
            self._authority,
            path,
            query,
            body,
            self._key,
            self.key_id,
            idempotency_key,
            datetime.now(UTC),
            token_urlsafe(16),
        )
        request.headers.update(headers)
        if body is not None:
            request.headers["content-type"] = "application/json"
        return request


def _pause(tries: int) -> float:
    """Seconds until the next try: half of them and a random part of the rest, so that clients that lost the service
    together do not come back together."""
    most = min(_LONGEST, _SHORTEST * 2.0**tries)
    return most / 2 + most / 2 * randbelow(1 << 16) / (1 << 16)


def _asked_pause(response: httpx2.Response | None) -> float:
    """The seconds that a response's `Retry-After` asks for; 0 where it says none."""
    text = "" if response is None else str(response.headers.get("retry-after", ""))
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0.0
