"""The way to the sandbox: one connection to its Unix socket per request, a bounded number at a time."""

from __future__ import annotations

import socket
from pathlib import Path

from anyio import CapacityLimiter, to_thread

from sandbox.errors import Fault, Refusal
from sandbox.serving.frames import HttpAnswer, HttpRequest, receive_answer, send_request

_MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer's body."""


class Unreachable(Exception):
    """The sandbox took no request or gave no whole answer; whether it acted is not known."""


class Door:
    """Asks the sandbox. More requests than `connections` wait here, in the order they came."""

    def __init__(self, path: Path, connections: int, seconds: float) -> None:
        self._path = str(path)
        self._seconds = seconds
        self._connections = connections
        self._limiter: CapacityLimiter | None = None

    async def ask(self, request: HttpRequest) -> HttpAnswer:
        """The sandbox's answer. Raises Unreachable."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(self._connections)  # belongs to the running loop
        return await to_thread.run_sync(self._ask, request, limiter=self._limiter)

    def _ask(self, request: HttpRequest) -> HttpAnswer:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(self._seconds)
            try:
                connection.connect(self._path)
                send_request(connection, request)
                return receive_answer(connection, _MAX_ANSWER)
            except (OSError, Fault, Refusal):
                raise Unreachable from None
