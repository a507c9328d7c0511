"""What one connection of the network can take: heads are short and come soon, and no more are open than are allowed.

The server's own protocol reads heads of any length for any time, takes trailers for headers, and says why a request is
none in its own words.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from query_gateway import problems
from query_gateway.protection import HEADERS
from sandbox.errors import Refusal

MAX_OPEN = 512
"""Connections; a further one is closed without a word."""
MAX_HEAD = 16 * 1024
"""Bytes of a request's first line and headers; also of what a chunked body says beside its content."""
HEAD_SECONDS = 10.0
"""Until the headers of a request have come."""


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 of one connection. Refuses request.head, request.slow and request.http: then the connection ends."""

    def __init__(self, *arguments: Any, **words: Any) -> None:
        super().__init__(*arguments, **words)
        self._beside = 0
        """Bytes of the request so far, without its body."""
        self._named = 0
        """Bytes of its first line and headers that were read whole."""
        self._in_head = True
        self._late: TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MAX_OPEN:
            transport.abort()
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._come()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        for start in range(0, len(data), MAX_HEAD):
            piece = data[start : start + MAX_HEAD]
            self._beside += len(piece)
            try:
                self.parser.feed_data(piece)
            except HttpParserUpgrade:
                self.cycle.keep_alive = False  # answered as any other request; what follows it is not HTTP
                return
            except HttpParserError:
                self._refuse(_too_long() if self._named > MAX_HEAD else Refusal("request.http"))
            else:
                if self._beside > MAX_HEAD:
                    self._refuse(_too_long())
            if self._refused:
                return

    def on_message_begin(self) -> None:
        self._named, self._in_head = 0, True
        self._wait()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        if self._in_head:  # else a trailer, which is none of ours
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._come()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._beside -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._beside, self._in_head = 0, True
        super().on_message_complete()

    def _count(self, size: int) -> None:
        """Raises within the parser when the head is too long: no application has seen the request then."""
        self._named += size
        if self._named > MAX_HEAD:
            raise ValueError

    def _wait(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEAD_SECONDS, self._is_late)

    def _come(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _is_late(self) -> None:
        self._late = None
        if self._answering():
            self._wait()
        else:
            self._refuse(Refusal("request.slow"))

    def _answering(self) -> bool:
        newest: RequestResponseCycle | None = self.cycle
        return newest is not None and not newest.response_complete

    def _mute(self) -> bool:
        """Whether what is said now would pass for the answer to another request, or stand within one."""
        return self._answering() and (self._in_head or bool(self.pipeline) or self.cycle.response_started)

    def _refuse(self, refusal: Refusal) -> None:
        """Answers with a problem document, where one may stand, and ends the connection."""
        self._refused = True
        self._come()
        if not self._mute():
            status, body = problems.own(refusal, "en")
            headers = {
                **HEADERS,
                "content-type": problems.MEDIA_TYPE,
                "content-language": "en",
                "content-length": str(len(body)),
                "connection": "close",
            }
            lines = [
                f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
                *(f"{name}: {headers[name]}" for name in headers),
            ]
            self.transport.write("\r\n".join([*lines, "", ""]).encode("ascii") + body)
        self.transport.close()


def _too_long() -> Refusal:
    return Refusal("request.head", {"limit": str(MAX_HEAD)})


SERVING: Mapping[str, Any] = {
    "http": BoundedProtocol,
    "ws": "none",
    "lifespan": "off",
    "access_log": False,
    "log_config": None,
    "log_level": "warning",
    "proxy_headers": False,
    "server_header": False,
    "timeout_graceful_shutdown": 10,
}
"""How the server is set, wherever it listens."""
