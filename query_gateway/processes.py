"""Processes that one command starts: they end with it, whatever ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from os import execv
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.error import URLError
from urllib.request import urlopen

_GRACE = 15.0
"""Seconds that a process has to end by itself."""
_PAUSE = 0.05

SANDBOX = "sqlalchemy"
"""A package that comes with the extra `sandbox` only."""
GATEWAY = "uvicorn"
"""A package that comes with the extra `gateway` only."""


class Ended(Exception):
    """A process ended that should not have, or was not ready in time; the text says which."""


class Children:
    """The processes started so far, ended in reverse order."""

    def __init__(self) -> None:
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, command: Sequence[str], output: Path | None = None) -> None:
        """Starts one in a group of its own, so that a Ctrl-C reaches it through us alone."""
        with output.open("ab") if output else open_nothing() as file:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, process_group=0)
        self._running.append((name, process))

    def check(self) -> None:
        """Raises Ended when one has ended."""
        for name, process in self._running:
            if process.poll() is not None:
                raise Ended(f"{name} ended with status {process.returncode}")

    def wait_ready(self, url: str, seconds: float) -> None:
        """Returns when `url` answers with success. Raises Ended."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.check()
            try:
                with urlopen(url, timeout=5):  # noqa: S310 - an address of our own
                    return
            except (URLError, OSError):
                time.sleep(_PAUSE)
        raise Ended(f"{url} was not ready in {seconds:.0f} s")

    def wait(self) -> NoReturn:
        """Waits until one of them ends. Raises Ended."""
        while True:
            self.check()
            time.sleep(_PAUSE)

    def end(self) -> None:
        """Asks each to end, the last started first, and kills what does not."""
        for _, process in reversed(self._running):
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()


@contextmanager
def open_nothing() -> Iterator[None]:
    """In place of a file: the process writes where we do."""
    yield None


@contextmanager
def children() -> Iterator[Children]:
    """The processes started within end with the block, also on SIGTERM and SIGINT."""

    def stop(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    found = Children()
    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield found
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)  # once is enough: nothing cuts the ending short
        found.end()
        for number, handler in before.items():
            signal.signal(number, handler)


def module_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours with this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def become(module: str, arguments: Sequence[str], demanded: str | None = None) -> NoReturn:
    """Replaces this process by a module of ours. Raises Ended when its part is not installed."""
    if demanded is not None and find_spec(demanded) is None:
        extra = "sandbox" if demanded == SANDBOX else "gateway"
        raise Ended(f"this command needs more than the client: pip install 'vitrine[{extra}]'")
    sys.stdout.flush()
    execv(sys.executable, module_command(module, *arguments))  # noqa: S606 - without a shell
