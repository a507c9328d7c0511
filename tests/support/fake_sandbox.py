"""A sandbox that answers what a test tells it to, over the real socket and frames."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.errors import PROBLEMS, Refusal
from sandbox.serving.frames import HttpAnswer, HttpRequest
from sandbox.serving.server import Server


def refusal(code: str, **rest: object) -> HttpAnswer:
    """A refusal as the sandbox writes it."""
    body = {"code": code, "detail": {}, "span": None, "rewrite": None, "trace": "00ff"} | rest
    return HttpAnswer(PROBLEMS[code].status, json.dumps(body).encode())


def answer(document: object, status: int = 200, **headers: str) -> HttpAnswer:
    """An answer as the sandbox writes it."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return HttpAnswer(status, json.dumps(document).encode(), pairs)


def nothing(_: HttpRequest) -> HttpAnswer:
    """An empty answer."""
    return answer({})


@dataclass
class FakeSandbox:
    """What it was asked, and what it answers."""

    socket: Path
    respond: Callable[[HttpRequest], HttpAnswer] = nothing
    asked: list[HttpRequest] = field(default_factory=list)

    def handle(self, request: HttpRequest) -> HttpAnswer:
        self.asked.append(request)
        return self.respond(request)


def _refuse(found: Refusal) -> HttpAnswer:
    return refusal(found.code, detail=dict(found.detail))


@contextmanager
def fake_sandbox(folder: Path) -> Iterator[FakeSandbox]:
    """Serves until the block ends."""
    fake = FakeSandbox(folder / "sandbox.sock")
    server = Server(fake.socket, fake.handle, _refuse, connections=8, max_body=1 << 20)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield fake
    finally:
        server.close()
        thread.join()
