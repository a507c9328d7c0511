"""The process of `tests.support.halting`, which starts sandboxes, and the trees of processes below it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sandbox

ROOT = Path(sandbox.__path__[0]).parent


@dataclass
class Starter:
    """The process of `tests.support.halting`: parent of every sandbox, and of all that one leaves behind."""

    process: subprocess.Popen[str]

    def serve(self, state: Path, socket: Path, out: Path, step: str | None, action: str) -> int:
        order = {"serve": str(state), "socket": str(socket), "log": str(out), "at": step, "do": action}
        return int(self._ordered(order)["pid"])

    def run(self, command: Sequence[str], out: Path) -> int:
        return int(self._ordered({"run": list(command), "log": str(out)})["pid"])

    def status(self, pid: int) -> int | None:
        """As subprocess counts it; None while it runs."""
        found: int | None = self._ordered({"poll": pid})["status"]
        return found

    def left(self) -> list[int]:
        """Processes that live."""
        return descendants(self.process.pid)

    def _ordered(self, order: Mapping[str, object]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps(order)}\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@contextmanager
def starter() -> Iterator[Starter]:
    """One for many tests, since its modules take long to load; whatever it started ends with it."""
    command = [sys.executable, "-m", "tests.support.halting"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        found = Starter(process)
        try:
            yield found
        finally:
            for pid in found.left():
                os.kill(pid, signal.SIGKILL)
            process.kill()


def descendants(pid: int) -> list[int]:
    """The living processes that a process has started, and theirs."""
    return [found for child in children_of(pid) for found in (child, *descendants(child))]


def command_of(pid: int) -> str:
    """Empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def children_of(pid: int) -> list[int]:
    """The living processes that a process has started."""
    found: list[int] = []
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    except OSError:
        pass
    return [child for child in found if lives(child)]


def lives(pid: int) -> bool:
    """Whether the process has not ended yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
