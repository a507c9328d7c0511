"""Processes that one command starts: they end with it, whatever ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
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
_TOLD = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Signals by which a process is told to end, and not killed."""
_MOST_KILLS, _WHILE = 5, 60.0
"""How often a process is started again within so many seconds."""

SANDBOX = "sqlalchemy"
"""A package that comes with the extra `sandbox` only."""
GATEWAY = "uvicorn"
"""A package that comes with the extra `gateway` only."""


class Ended(Exception):
    """A process ended that should not have, or was not ready in time; the text says which."""


@dataclass(slots=True)
class _Running:
    name: str
    command: Sequence[str]
    output: Path | None
    process: subprocess.Popen[bytes]
    kills: deque[float] = field(default_factory=deque)
    """When it was killed."""


class Children:
    """The processes started so far, ended in reverse order."""

    def __init__(self) -> None:
        self._running: list[_Running] = []

    def start(self, name: str, command: Sequence[str], output: Path | None = None) -> None:
        """Starts one in a group of its own, so that a Ctrl-C reaches it through us alone."""
        self._running.append(_Running(name, command, output, _started(command, output)))

    def check(self) -> None:
        """Raises Ended when one has ended."""
        for each in self._running:
            if each.process.poll() is not None:
                raise Ended(f"{each.name} ended with status {each.process.returncode}")

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

    def keep(self) -> NoReturn:
        """Keeps them running: one that was killed is started again. Raises Ended when one ends by itself, is told to,
        or is killed too often."""
        while True:
            for each in self._running:
                status = each.process.poll()
                if status is not None:
                    _start_again(each, status)
            time.sleep(_PAUSE)

    def end(self) -> None:
        """Asks each to end, the last started first, and kills what does not."""
        for each in reversed(self._running):
            if each.process.poll() is None:
                each.process.terminate()
            try:
                each.process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                each.process.kill()
                each.process.wait()
        self._running.clear()


def _started(command: Sequence[str], output: Path | None) -> subprocess.Popen[bytes]:
    with output.open("ab") if output else open_nothing() as file:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, process_group=0)


def _start_again(ended: _Running, status: int) -> None:
    """Starts a killed process again, and says so on standard error. Raises Ended."""
    if status >= 0 or -status in _TOLD:
        raise Ended(f"{ended.name} ended with status {status}")
    now = time.monotonic()
    ended.kills.append(now)
    while ended.kills[0] < now - _WHILE:
        ended.kills.popleft()
    if len(ended.kills) > _MOST_KILLS:
        raise Ended(f"{ended.name} was killed {len(ended.kills)} times in {_WHILE:.0f} s")
    sys.stderr.write(f"{ended.name} was killed by signal {-status} and is started again\n")
    ended.process = _started(ended.command, ended.output)


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
    """The command that runs a module of ours with this interpreter, and none that lies about in the current folder."""
    return [sys.executable, "-P", "-m", module, *arguments]


def become(module: str, arguments: Sequence[str], demanded: str | None = None) -> NoReturn:
    """Replaces this process by a module of ours. Raises Ended when its part is not installed."""
    if demanded is not None and find_spec(demanded) is None:
        extra = "sandbox" if demanded == SANDBOX else "gateway"
        raise Ended(f"this command needs more than the client: pip install 'vitrine[{extra}]'")
    sys.stdout.flush()
    execv(sys.executable, module_command(module, *arguments))  # noqa: S606 - without a shell
