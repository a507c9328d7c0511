"""What the processes of a running service hold: memory, open files, threads, by the part that each plays."""

from __future__ import annotations

import os
import re
import signal
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.starters import command_of, descendants

SANDBOX, ZYGOTE, WORKERS, FRONTENDS, GATEWAY, SERVE = "sandbox", "zygote", "workers", "front ends", "gateway", "serve"
PARTS = (SANDBOX, ZYGOTE, WORKERS, FRONTENDS, GATEWAY, SERVE)
_WORDS = {
    "sandbox.serving.service": SANDBOX,
    "sandbox.workers.zygote": ZYGOTE,
    "query_gateway.sql": FRONTENDS,
    "query_gateway --socket": GATEWAY,
}
"""What stands in a command line; a worker's is that of the zygote which forked it."""

_POOLED = re.compile(r"^/memfd:|/vitrine\.db")
"""Data sets, a few of each, and at most as many connections as the pool keeps."""
_FOR_EACH_WORKER = 2
"""Descriptors of the sandbox: its end of their connection, and the worker's pidfd."""


@dataclass(frozen=True, slots=True)
class Held:
    """By one part, all its processes together."""

    processes: int
    memory: int
    """Bytes but for files mapped, such as libraries: what processes share counts a share each (PSS)."""
    files: int
    """Open descriptors that no worker, connection to the database or data set accounts for, of the process that has
    most."""
    threads: int
    """Of the process that has most."""

    @property
    def each(self) -> float:
        """Bytes of one process, on average."""
        return self.memory / max(1, self.processes)


def held(serve: int) -> Mapping[str, Held]:
    """By every part of the service that this process started."""
    playing = parts(serve)
    workers = sum(part == WORKERS for part in playing.values())
    found: dict[str, list[Held]] = defaultdict(list)
    for process, part in playing.items():
        with suppress(OSError, StopIteration):  # ended meanwhile
            found[part].append(_held(process, workers if part == SANDBOX else 0))
    return {part: _all(found[part]) for part in PARTS}


def parts(serve: int) -> dict[int, str]:
    """Every living process of the service by the part that it plays."""
    found = {serve: SERVE}
    for process in descendants(serve):
        command = command_of(process)
        part = next((part for word, part in _WORDS.items() if word in command), None)
        if part is not None:
            found[process] = part
    for zygote in [process for process, part in found.items() if part == ZYGOTE]:
        found |= dict.fromkeys(descendants(zygote), WORKERS)
    return found


def _held(process: int, workers: int) -> Held:
    folder = Path(f"/proc/{process}")
    status = folder.joinpath("status").read_text(encoding="utf-8").splitlines()
    try:
        rolled_up = folder.joinpath("smaps_rollup").read_text(encoding="utf-8").splitlines()
        memory = _kilobytes(rolled_up, "Pss_Anon:") + _kilobytes(rolled_up, "Pss_Shmem:")
    except PermissionError:  # of another user
        memory = _kilobytes(status, "RssAnon:") + _kilobytes(status, "RssShmem:")
    files = sum(not _POOLED.search(name) for name in _files(folder / "fd"))
    threads = int(next(line.split()[1] for line in status if line.startswith("Threads:")))
    return Held(1, memory << 10, files - _FOR_EACH_WORKER * workers, threads)


def _files(folder: Path) -> Iterator[str]:
    """What each descriptor leads to; nothing where the system does not tell."""
    with suppress(PermissionError):
        for descriptor in folder.iterdir():
            with suppress(FileNotFoundError):
                yield str(descriptor.readlink())


def _kilobytes(lines: list[str], name: str) -> int:
    return int(next(line.split()[1] for line in lines if line.startswith(name)))


def _all(held: list[Held]) -> Held:
    return Held(
        sum(each.processes for each in held),
        sum(each.memory for each in held),
        max((each.files for each in held), default=0),
        max((each.threads for each in held), default=0),
    )


def zombies(serve: int) -> int:
    """Ended processes that a living one of the service has not collected."""
    return sum(state == "Z" for process in parts(serve) for state in _children_states(process))


def _children_states(process: int) -> list[str]:
    found = []
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            found += [_state(int(child)) for child in thread.read_text(encoding="utf-8").split()]
    return found


def _state(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def kill(process: int) -> None:
    """SIGKILL, unless it has ended already."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
