"""The one writer of a process: it alone changes the database, and what it answers is committed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError

from sandbox.audit.checkpoint import LogKey, LogPublicKey, open_note
from sandbox.audit.log import continues, head, sign_checkpoint, size
from sandbox.audit.mark import Mark
from sandbox.audit.merkle import Unverified
from sandbox.errors import Fault, Refusal
from sandbox.ledger.database import begin_write, cause, is_storage
from sandbox.ledger.postgresql import is_undone

T = TypeVar("T")

_MAX_BATCH = 256
"""Transactions of one commit."""
_LATER = 5
"""Seconds after which it is worth while to send again what could not be stored."""
_LOGGER = logging.getLogger("vitrine.writer")
_SOON = 1.0
"""Seconds after which a checkpoint covers leaves that nobody waits to be shown."""


@dataclass(frozen=True, slots=True)
class Committed(Generic[T]):
    """What a transaction returned, after its commit."""

    value: T
    checkpoint: str | None
    """A signed note whose log holds the transaction's leaves; it may be None where none was asked for."""


@dataclass(frozen=True, slots=True)
class _Job:
    transaction: Callable[[Connection], Any]
    covered: bool
    answer: Future[Committed[Any]]


@dataclass(frozen=True, slots=True)
class _Outcome:
    job: _Job
    value: Any
    error: Exception | None


class _Undone(Exception):
    """The database has certainly kept nothing of a batch, which may be carried out again."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__()
        self.error = error


class Writer:
    """Drains a queue of transactions: a savepoint each, one commit for all that wait, then the checkpoint if it is
    wanted or due, then the answers.

    An exception in a transaction rolls back that one alone and is its answer. When the database itself fails, no
    transaction of the batch is known to stand and each answer is `service.storage`: asked for again, each is done once.
    Where none can stand, all are first carried out once more.
    """

    def __init__(self, engine: Engine, key: LogKey, mark: Mark) -> None:
        """Refuses log.rolled_back, log.unmarked."""
        require_continued(engine, key.public, mark)
        self._engine = engine
        self._key = key
        self._mark = mark
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._due: float | None = None
        """When the leaves that no checkpoint covers must have one."""
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="ledger-writer")
        self._thread.start()

    def submit(self, transaction: Callable[[Connection], T], *, covered: bool = True) -> Future[Committed[T]]:
        """Queues a transaction; it must not commit, roll back or wait for anything but the database.

        Not `covered` may be whose leaf no answer shows: a checkpoint covers it within a second.
        """
        job = _Job(transaction, covered, Future())
        with self._lock:
            if self._closed:
                raise Fault("the writer is closed")
            self._queue.put(job)
        return job.answer

    @property
    def failing(self) -> bool:
        """Whether the last that was to be written could not be."""
        return self._failing

    def close(self) -> None:
        """Returns when everything submitted has been answered."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._next()) is not None:
            batch, last = self._gather(first)
            self._carry_out(batch)
            if last:
                break
        self._sign_alone()

    def _next(self) -> _Job | None:
        """The next job; while none comes, the checkpoint that is due is signed."""
        if self._due is not None:
            try:
                return self._queue.get(timeout=max(0.0, self._due - time.monotonic()))
            except Empty:
                self._sign_alone()
        return self._queue.get()

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        """The jobs that wait now, and whether the writer closes after them."""
        batch = [first]
        while len(batch) < _MAX_BATCH:
            try:
                job = self._queue.get_nowait()
            except Empty:
                return batch, False
            if job is None:
                return batch, True
            batch.append(job)
        return batch, False

    def _carry_out(self, batch: list[_Job]) -> None:
        started = [job for job in batch if job.answer.set_running_or_notify_cancel()]
        try:
            try:
                outcomes, checkpoint = self._written(started)
            except _Undone:
                outcomes, checkpoint = self._written(started)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is each caller's answer
            error = error.error if isinstance(error, _Undone) else error
            self._failing = is_storage(error)
            if self._failing:
                _LOGGER.error("nothing can be stored: %s", cause(error))
            for job in started:
                job.answer.set_exception(Refusal("service.storage", after=_LATER) if self._failing else error)
            return
        self._failing = False
        for outcome in outcomes:
            if outcome.error is not None:
                outcome.job.answer.set_exception(outcome.error)
            else:
                outcome.job.answer.set_result(Committed(outcome.value, checkpoint))

    def _written(self, started: list[_Job]) -> tuple[list[_Outcome], str | None]:
        """What came of the jobs, committed, and the checkpoint. Raises _Undone when nothing can stand of them."""
        outcomes = None
        try:
            with begin_write(self._engine) as connection:
                with connection.begin():
                    connection.execute(select(head.c.id).with_for_update())
                    found = [_attempt(connection, job) for job in started]
                    outcomes = found
                return outcomes, self._checkpoint(connection, any(job.covered for job in started))
        except DBAPIError as error:
            if outcomes is None and is_undone(error):
                raise _Undone(error) from error
            raise

    def _checkpoint(self, connection: Connection, wanted: bool) -> str | None:
        """The checkpoint over all that is committed, where it is wanted or due."""
        now = time.monotonic()
        self._due = now + _SOON if self._due is None else self._due
        if now < self._due and not wanted:
            return None
        with connection.begin():
            checkpoint = sign_checkpoint(connection, self._key, self._mark.newest())
            self._mark.raise_to(checkpoint)  # before the commit, which lets others read it
        self._due = None
        return checkpoint

    def _sign_alone(self) -> None:
        """Signs what is due. What fails stays due: the next transaction waits for it, and its answer is the failure."""
        if self._due is not None:
            with suppress(Exception), begin_write(self._engine) as connection:
                self._checkpoint(connection, wanted=True)


def require_continued(engine: Engine, key: LogPublicKey, mark: Mark) -> None:
    """The database holds the log of all that this state folder has told anybody.

    Refuses log.rolled_back, log.unmarked.
    """
    try:
        known = open_note(mark.newest(), key)
    except Unverified:
        raise Refusal("log.unmarked", {"file": "log.mark"}) from None  # its keys are being changed
    with engine.connect() as connection:
        if not continues(connection, known):
            words = {"told": str(known.size), "found": str(size(connection))}
            raise Refusal("log.rolled_back", words)


def _attempt(connection: Connection, job: _Job) -> _Outcome:
    try:
        with connection.begin_nested():
            return _Outcome(job, job.transaction(connection), None)
    except (OperationalError, InterfaceError, InternalError):
        raise  # the database may have ended the whole transaction
    except Exception as error:  # noqa: BLE001 - the caller's answer
        return _Outcome(job, None, error)
