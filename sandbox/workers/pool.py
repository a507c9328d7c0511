"""The broker's workers: runs a job in a process that sees rows, and says in one word why it could not.

Thread-safe. A worker takes many jobs; it is replaced after a set number of them and after any failure.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import sandbox
from sandbox.confinement.layers import Layer
from sandbox.errors import Fault, VitrineError
from sandbox.workers.job import DummyPart, Job, Limits, Part, Parts, Rows, Side
from sandbox.workers.wire import JobFailed, Json, judge_rows, receive_rows, send_job


class FailureKind(StrEnum):
    """Why a job gave no rows."""

    DEADLINE = "deadline"
    MEMORY = "memory"
    ENGINE = "engine"
    """The engine raised or crashed, or what came back had not the declared shape."""
    KILLED = "killed"
    """The worker or its zygote was killed from outside: the job may be run again under the same charge."""


class WorkerFailure(VitrineError):
    """A job gave no rows. Carries nothing of the engine's own words."""

    def __init__(self, kind: FailureKind) -> None:
        super().__init__(kind)
        self.kind = kind


COMMAND = (sys.executable, "-P", "-m", "sandbox.workers.zygote")
"""How a zygote is started, in the folder that holds the packages."""
_Key: TypeAlias = tuple[Side, tuple[str, ...]]
_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT})
_GRACE = 1.0
"""Seconds between the end of a worker's stream and the end of the worker itself."""


@dataclass(slots=True)
class _Worker:
    key: _Key
    pid: int
    process: int
    """Its pidfd: names this process even after its number is used again."""
    connection: socket.socket
    zygote: _Zygote
    jobs: int = 0


class _Zygote:
    """The zygote's process and the socket for orders."""

    def __init__(self, limits: Limits, layers: Collection[Layer]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            numbers = [theirs.fileno(), limits.threads, limits.megabytes]
            root = Path(sandbox.__path__[0]).parent
            self._process = subprocess.Popen(
                [*COMMAND, *map(str, numbers), *sorted(layers)],
                pass_fds=[theirs.fileno()],
                env={"PYTHONPATH": str(root), "LANG": "C.UTF-8", "TZ": "UTC"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._control = ours
        self._lock = threading.Lock()

    def fork(self, side: Side, parts: Parts) -> _Worker:
        """A new worker on these files. Raises OSError or EOFError when the zygote is gone."""
        ours, theirs = socket.socketpair()
        files = [theirs.fileno()]
        for part in parts:
            files += [part.public] if part.private is None else [part.private, part.public]
        try:
            with theirs:
                pid = self._order({"fork": [part.private is not None for part in parts]}, files, "pid")
            return _Worker(_key(side, parts), pid, os.pidfd_open(pid), ours, self)
        except BaseException:
            ours.close()
            raise

    def wait(self, pid: int) -> int:
        """The wait status of a worker that ends or has ended."""
        return self._order({"wait": pid}, [], "status")

    def _order(self, order: Json, files: list[int], name: str) -> int:
        with self._lock:
            socket.send_fds(self._control, [json.dumps(order).encode()], files)
            answer = self._control.recv(1 << 12)
        if not answer:
            raise EOFError
        return int(json.loads(answer)[name])

    def close(self) -> None:
        """Ends the zygote and every worker."""
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._process.kill()
        self._process.wait()
        with self._lock:
            self._control.close()


class Pool:
    """At most `workers` workers of each side, forked by one zygote, each confined in these layers."""

    def __init__(self, limits: Limits, workers: int, jobs: int, layers: Collection[Layer]) -> None:
        self._limits = limits
        self._layers = layers
        self._workers = workers
        self._jobs = jobs
        self._free = threading.Condition()
        self._idle: list[_Worker] = []
        self._live = dict.fromkeys(Side, 0)
        self._zygote = _Zygote(limits, layers)
        self._closed = False

    def run(self, parts: Parts, side: Side, job: Job) -> Rows:
        """The job's rows, run by a worker that holds exactly these files. Raises WorkerFailure."""
        worker = self._take(parts, side)
        try:
            rows = _converse(worker, job)
        except WorkerFailure:
            self._drop(worker)
            raise
        except BaseException:
            _end(worker)
            self._drop(worker)
            raise
        worker.jobs += 1
        self._give_back(worker)
        return rows

    def warm(self, parts: Parts, side: Side) -> None:
        """Has a worker attach these files before the first job comes."""
        self._give_back(self._take(parts, side))

    def close(self) -> None:
        """Ends every worker and the zygote; jobs under way fail."""
        with self._free:
            self._closed = True
            idle, self._idle = self._idle, []
            self._free.notify_all()
        for worker in idle:
            _forget(worker)
        self._zygote.close()

    def _take(self, parts: Parts, side: Side) -> _Worker:
        """An idle worker of these files, or a new one as soon as there is room."""
        if any(_side(part) is not side for part in parts):
            raise Fault("a worker's files are those of its side")
        leaving: list[_Worker] = []
        with self._free:
            worker = self._idle_or_room(_key(side, parts), leaving)
        for each in leaving:
            _end(each)
            _forget(each)
        if worker is not None:
            return worker
        try:
            return self._fork(side, parts)
        except BaseException:
            self._make_room(side)
            raise

    def _idle_or_room(self, key: _Key, leaving: list[_Worker]) -> _Worker | None:
        """A living idle worker of these files, or None when there is room for a new one. Those that were killed while
        idle, at no job's cost, and those that make room are added to `leaving`."""
        side = key[0]
        while not self._closed:
            same = next((worker for worker in self._idle if worker.key == key), None)
            if same is not None:
                self._idle.remove(same)
                if not _ended(same, 0):
                    return same
                leaving.append(same)
                self._live[side] -= 1
                continue
            if self._live[side] < self._workers:
                self._live[side] += 1
                return None
            other = next((worker for worker in self._idle if worker.key[0] is side), None)
            if other is not None:
                self._idle.remove(other)
                leaving.append(other)
                return None
            self._free.wait()
        raise WorkerFailure(FailureKind.KILLED)

    def _fork(self, side: Side, parts: Parts) -> _Worker:
        """A new worker; a zygote that was killed is replaced once."""
        zygote = self._zygote
        try:
            return zygote.fork(side, parts)
        except (OSError, EOFError):
            pass
        try:
            return self._replace(zygote).fork(side, parts)
        except (OSError, EOFError):
            raise WorkerFailure(FailureKind.KILLED) from None

    def _replace(self, gone: _Zygote) -> _Zygote:
        with self._free:
            if self._closed:
                raise WorkerFailure(FailureKind.KILLED)
            if self._zygote is gone:
                gone.close()
                self._zygote = _Zygote(self._limits, self._layers)
            return self._zygote

    def _give_back(self, worker: _Worker) -> None:
        with self._free:
            if worker.jobs < self._jobs and not self._closed:
                self._idle.append(worker)
                self._free.notify_all()
                return
        _end(worker)
        self._drop(worker)

    def _drop(self, worker: _Worker) -> None:
        _forget(worker)
        self._make_room(worker.key[0])

    def _make_room(self, side: Side) -> None:
        with self._free:
            self._live[side] -= 1
            self._free.notify_all()


def _side(part: Part | DummyPart) -> Side:
    """The side of the workers that may hold these files."""
    match part:
        case DummyPart():
            return Side.DUMMY
        case Part(private=None):
            return Side.PUBLIC
        case Part():
            return Side.PRIVATE


def _key(side: Side, parts: Parts) -> _Key:
    """Workers with equal keys are interchangeable."""
    return side, tuple(part.name if isinstance(part, DummyPart) else part.snapshot for part in parts)


def _converse(worker: _Worker, job: Job) -> Rows:
    """Sends the job and awaits its rows; the worker has ended when this raises WorkerFailure."""
    until = time.monotonic() + job.deadline
    try:
        worker.connection.settimeout(job.deadline)
        send_job(worker.connection, job)
        rows = judge_rows(receive_rows(worker.connection, job.max_rows, until), job)
    except JobFailed as failed:
        _end(worker)
        raise WorkerFailure(FailureKind.MEMORY if failed.memory else FailureKind.ENGINE) from None
    except TimeoutError:
        _end(worker)
        raise WorkerFailure(FailureKind.DEADLINE) from None
    except (OSError, EOFError):
        raise WorkerFailure(_autopsy(worker)) from None
    except (ValueError, RecursionError):
        _end(worker)
        raise WorkerFailure(FailureKind.ENGINE) from None
    if rows is not None:
        return rows
    _end(worker)
    raise WorkerFailure(FailureKind.ENGINE)


def _autopsy(worker: _Worker) -> FailureKind:
    """Why a worker whose stream ended is gone: killed from outside, or by its own fault."""
    ended = _ended(worker, _GRACE)
    status = _end(worker)
    if status is None:
        return FailureKind.KILLED
    if ended and os.WIFSIGNALED(status) and os.WTERMSIG(status) in _OUTSIDE:
        return FailureKind.KILLED
    return FailureKind.ENGINE


def _ended(worker: _Worker, seconds: float) -> bool:
    """Whether the worker has ended by itself, or does so within this time."""
    poll = select.poll()
    poll.register(worker.process, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _end(worker: _Worker) -> int | None:
    """Kills the worker, if it still lives, and returns its wait status; None when the zygote is gone as well."""
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(worker.process, signal.SIGKILL)
    try:
        return worker.zygote.wait(worker.pid)
    except (OSError, EOFError):
        return None


def _forget(worker: _Worker) -> None:
    worker.connection.close()
    os.close(worker.process)
