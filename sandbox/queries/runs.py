"""Charges on their way to their end: run, run again when stopped from outside, released at their time or failed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from sqlalchemy import Connection, Engine

from sandbox.audit.entry import FailureCause
from sandbox.audit.log import covered
from sandbox.clock import milliseconds
from sandbox.datasets.snapshot import Snapshots
from sandbox.errors import Fault, Refusal
from sandbox.ledger.charges import Charge, StoredRelation, find_charge, find_releases, snapshots_of
from sandbox.ledger.database import is_storage
from sandbox.ledger.outcomes import Failed
from sandbox.ledger.ownership import open_elsewhere, require_own, take, take_left
from sandbox.ledger.transactions import begin_attempt, fail, give_up, release
from sandbox.ledger.writer import Writer
from sandbox.privacy.kept import Kept, to_json
from sandbox.queries.decisions import Decisions
from sandbox.queries.execution import Execution, Run, execute
from sandbox.queries.preparation import Prepared
from sandbox.queries.ticks import remaining
from sandbox.queries.underway import UnderWay
from sandbox.settings import Settings
from sandbox.workers.pool import FailureKind, WorkerFailure

T = TypeVar("T")

_UNPAID_TRIES = 3
_LOOK = 0.05
"""Seconds between looks at a charge that another sandbox runs."""
_LOOKS = 100
"""At one that this sandbox took over and has not begun."""
_PASSING = frozenset({"service.busy", "sql.too_complex"})
"""What a request that was lowered once is refused with only while the machine is too busy."""
_LOGGER = logging.getLogger("vitrine.broker")


@dataclass(frozen=True, slots=True)
class Runs:
    """What running a charge needs; one per process."""

    settings: Settings
    engine: Engine
    writer: Writer
    snapshots: Snapshots
    run: Run
    under_way: UnderWay
    decisions: Decisions
    sandbox: int
    """The leaf of this sandbox's start, by which it is known."""

    def recover(self) -> None:
        """Runs every charge again that a sandbox which ended left open, under its own price and with fresh noise."""
        with self.engine.connect() as connection:
            if not open_elsewhere(connection, self.sandbox):
                return
        left = self.writer.submit(lambda connection: take_left(connection, self.sandbox), covered=False).result()
        for charge in left.value:
            if self.under_way.announce(charge.id):
                self._start_again(charge)

    def start(self, charge: str, prepared: Prepared, copied: tuple[bytes, ...]) -> None:
        """Runs an announced charge to its end, or releases what it copies when a run would."""
        self.under_way.start(charge, lambda: self._finish(charge, prepared, copied))

    def awaited(self, charge: str, wait: bool) -> Charge:
        """The charge as it stands; ended, and its end covered by a checkpoint, where `wait` is wanted and a sandbox
        that lives runs it."""
        elsewhere, looks = False, 0
        while True:
            if wait:
                self.under_way.wait(charge)
            found, shown = self._seen(charge)
            own = found.sandbox == self.sandbox
            elsewhere, looks = elsewhere or not own, looks + own
            if shown or not wait or (found.finished_at is None and (not elsewhere or looks > _LOOKS)):
                return found
            if found.finished_at is None:
                time.sleep(_LOOK)
            else:
                self.writer.submit(lambda _: None).result()  # whoever ended it has not signed, and may never

    def unpaid(self, work: Callable[[], T]) -> T:
        """What work in workers gives that no charge stands behind; done again when it was stopped from outside.

        Refuses `service.busy` when that happens each time, `plan.worker_limits` when it was too much for a worker.
        """
        for _ in range(_UNPAID_TRIES):
            try:
                return work()
            except WorkerFailure as failure:
                if failure.kind is not FailureKind.KILLED:
                    raise Refusal("plan.worker_limits") from None
        raise Refusal("service.busy")

    def resume(self, charge: str) -> None:
        """Has a charge run again that its run here has left open, since the database took no writes, or whose sandbox
        has ended. One that runs, here or elsewhere, is let be."""
        if self._seen(charge)[0].finished_at is not None or not self.under_way.announce(charge):
            return
        found = None
        try:
            found = self.writer.submit(lambda connection: take(connection, charge, self.sandbox)).result().value
        finally:
            if found is None:
                self.under_way.drop(charge)
        if found is not None:
            self._start_again(found)

    def _seen(self, charge: str) -> tuple[Charge, bool]:
        """The charge as it stands, and whether a checkpoint covers its end."""
        with self.engine.connect() as connection:
            found = find_charge(connection, charge)
            if found is None:
                raise Fault("a charge is gone")
            return found, found.final_leaf is not None and covered(connection, found.final_leaf)

    def _finish(self, charge: str, prepared: Prepared, copied: tuple[bytes, ...]) -> None:
        """Runs the charge, waits for its time, and ends it: how long it took and why it failed stays unseen."""
        started = time.monotonic()
        found = Execution(copied, (), ()) if copied else self._executed(charge, prepared)
        time.sleep(remaining(time.monotonic() - started, self.decisions.time_class(prepared)))
        at = milliseconds()
        match found:
            case FailureCause.PUBLIC:
                self._own(charge, lambda connection: give_up(connection, charge, at))
            case Execution(bodies, _, kept):
                measured = tuple(_stored(*each) for each in kept)
                self._own(charge, lambda connection: release(connection, charge, bodies, at, measured))
            case _:
                self._fail(charge, at)

    def _executed(self, charge: str, prepared: Prepared) -> Execution | FailureCause:
        """The release, or why there is none. Run again when stopped from outside."""
        free = not prepared.priced.measures
        seconds = self.settings.free_seconds if free else self.settings.worker_seconds
        while True:
            try:
                return execute(prepared, self.snapshots, self.run, seconds)
            except WorkerFailure as failure:
                _LOGGER.error("charge %s: worker failed: %s", charge, failure.kind)
                if failure.kind is not FailureKind.KILLED:
                    return FailureCause.PUBLIC if free else FailureCause.INCIDENT
                if self._begin_attempt(charge) is not None:
                    return FailureCause.ATTEMPTS
            except Exception as error:  # noqa: BLE001 - whatever it was, it is the one answer for all failures
                _LOGGER.error("charge %s: withheld: %s", charge, type(error).__name__)
                return FailureCause.INCIDENT

    def _start_again(self, charge: Charge) -> None:
        """Recovers a charge of this sandbox's that was announced."""
        self.under_way.start(charge.id, lambda: self._again(charge))

    def _again(self, charge: Charge) -> None:
        """Recovers one open charge; one that this build or policy would not charge so fails."""
        with self.engine.connect() as connection:
            used = snapshots_of(connection, charge.id)
            copied = () if charge.copies is None else find_releases(connection, charge.copies)
        while self._begin_attempt(charge.id) is None:
            try:
                prepared = self.decisions.again(charge, dict(used))
            except Exception as error:
                if is_storage(error):
                    raise  # the database is away: the charge stays open
                _LOGGER.error("charge %s: cannot be run again: %s", charge.id, type(error).__name__)
                if isinstance(error, Refusal) and error.code in _PASSING:
                    continue
                self._fail(charge.id, milliseconds())
                return
            self._finish(charge.id, prepared, tuple(each.body for each in copied))
            return

    def _begin_attempt(self, charge: str) -> Failed | None:
        at = milliseconds()
        return self._own(charge, lambda connection: begin_attempt(connection, charge, at))

    def _fail(self, charge: str, at: int) -> None:
        """Ends the charge as an incident unless it has ended already."""
        most = self.settings.max_failures
        with self.engine.connect() as connection:
            found = find_charge(connection, charge)
        if found is not None and found.finished_at is None:
            self._own(charge, lambda connection: fail(connection, charge, at, most))

    def _own(self, charge: str, transaction: Callable[[Connection], T]) -> T:
        """What a transaction returns that says of a run how it goes on or ends. Faults when another sandbox took it."""

        def own(connection: Connection) -> T:
            require_own(connection, charge, self.sandbox)
            return transaction(connection)

        return self.writer.submit(own).result().value


def _stored(number: int, kept: Kept) -> StoredRelation:
    body = to_json(kept)
    return StoredRelation(number, kept.measure, kept.relation, body, sha256(body).hexdigest())
