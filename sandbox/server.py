"""The Unix-socket door: frames in, answers out, a bounded number at a time."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox.errors import Refusal
from sandbox.frames import HttpAnswer, HttpRequest, receive_request, send_answer

Handler = Callable[[HttpRequest], HttpAnswer]
"""Answers every request, refusals included; it never raises."""


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
        self._closed = threading.Event()
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o117)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(mask)
        self._listener.listen(connections)

    def serve(self) -> None:
        """Accepts connections until `close`."""
        while not self._closed.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            self._threads.submit(self._converse, connection)

    def close(self) -> None:
        """Stops accepting, lets requests under way end, and removes the socket."""
        self._closed.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._path.unlink(missing_ok=True)

    def _converse(self, connection: socket.socket) -> None:
        """Answers one request; a broken or oversized frame ends the connection with a refusal."""
        with connection:
            connection.settimeout(30)
            try:
                request = receive_request(connection, self._max_body)
                if request is None:
                    return
                answer = self._handler(request)
            except Refusal as refusal:
                answer = self._refuse(refusal)
            except OSError:
                return
            try:
                send_answer(connection, answer)
            except OSError:
                return
