"""The Unix-socket door: frames in, answers out, a bounded number at a time."""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from sandbox.errors import Refusal
from sandbox.serving.frames import HttpAnswer, HttpRequest, receive_request, send_answer

Handler = Callable[[HttpRequest], HttpAnswer]
"""Answers every request, refusals included; it never raises."""

_LOGGER = logging.getLogger("vitrine.server")
_BACKLOG = 4096
"""Connections that wait to be accepted; beyond them a caller is turned away at once."""
_SILENCE = 30.0
"""Seconds that a connection may stay silent within a request or answer."""
_PAUSE = 0.1
"""Seconds until the next try after a connection could not be accepted."""


class Server:
    """Serves one handler on a Unix socket that only the sandbox's own user and group may open."""

    def __init__(
        self, path: Path, handler: Handler, refuse: Callable[[Refusal], HttpAnswer], connections: int, max_body: int
    ) -> None:
        self._path = path
        self._handler = handler
        self._refuse = refuse
        self._max_body = max_body
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="request")
        self._places = threading.Semaphore(connections)
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._reading: set[socket.socket] = set()
        """Connections whose request has not come yet."""
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o117)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(mask)
        self._listener.listen(_BACKLOG)

    def serve(self) -> None:
        """Accepts connections until `close`; returns when the requests under way have been answered.

        No more connections are accepted than are served, so that a flood of them waits outside.
        """
        while not self._closed.is_set():
            self._places.acquire()
            connection = self._accepted()
            if connection is None:
                self._places.release()
                continue
            self._threads.submit(self._serve, connection)
        self._threads.shutdown(wait=True)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Stops accepting and reading: `serve` returns when what has been asked is answered. May be called again."""
        self._closed.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        with self._lock:
            for connection in self._reading:
                _hang_up(connection)

    def _accepted(self) -> socket.socket | None:
        """The next connection; None when the server closes or there was none to have."""
        try:
            connection, _ = self._listener.accept()
        except OSError as error:
            if not self._closed.is_set():
                _LOGGER.error("no connection: %s", errno.errorcode.get(error.errno or 0))
                self._closed.wait(_PAUSE)
            return None
        return connection

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                connection.settimeout(_SILENCE)
                self._converse(connection)
        except OSError:
            pass  # the caller is gone
        finally:
            self._places.release()

    def _converse(self, connection: socket.socket) -> None:
        """Answers one request; a broken or oversized frame ends the connection with a refusal."""
        try:
            request = self._received(connection)
            if request is None:
                return
            answer = self._handler(request)
        except Refusal as refusal:
            _LOGGER.warning("broken frame: %s", refusal.code)
            answer = self._refuse(refusal)
        send_answer(connection, answer)

    def _received(self, connection: socket.socket) -> HttpRequest | None:
        with self._lock:
            self._reading.add(connection)
            if self._closed.is_set():
                _hang_up(connection)
        try:
            return receive_request(connection, self._max_body)
        finally:
            with self._lock:
                self._reading.discard(connection)


def _hang_up(connection: socket.socket) -> None:
    """What the caller has sent can still be read, and nothing more."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RD)
