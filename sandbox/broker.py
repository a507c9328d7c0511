"""The whole path of a request, straight down: who, what, whether, at which price, charged, run, released.

Everything before the charge reveals nothing and costs nothing; everything after it ends in a release, in the one answer
for all failures, or is run again under the same charge.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import TypeVar

from sqlalchemy import Engine

from policies.bundle import Bundle
from policies.rules import Action, Context, DatasetUse, LicenceResource, Principal, Resource, State, Use
from sandbox.audit import entry
from sandbox.audit.entry import Header
from sandbox.clock import milliseconds
from sandbox.datasets.dummies import Dummies
from sandbox.datasets.snapshot import Snapshot, Snapshots
from sandbox.errors import Fault, Refusal
from sandbox.execution import Run, execute, rehearse
from sandbox.frontend import Frontend
from sandbox.identity import VerifiedRequest
from sandbox.leaves import Decided, dry_run_leaf, outcome_leaf, text_digest
from sandbox.ledger.charges import Charge, find_charge, find_release, pending, snapshots_of
from sandbox.ledger.transactions import (
    Authorized,
    ChargeRequest,
    Existing,
    Failed,
    Leaf,
    Refused,
    authorize,
    begin_attempt,
    fail,
    note,
    release,
)
from sandbox.ledger.writer import Writer
from sandbox.plan.limits import Limits
from sandbox.preparation import Prepared, prepare
from sandbox.privacy.loss import Accuracy
from sandbox.registry.directory import Registry, Signer
from sandbox.registry.standing import Standing
from sandbox.requests import QueryRequest, read_query
from sandbox.settings import Settings
from sandbox.ticks import remaining, time_class
from sandbox.underway import UnderWay
from sandbox.workers.pool import FailureKind, WorkerFailure

T = TypeVar("T")

_PASSING = frozenset({"service.busy", "sql.too_complex"})
"""What a request that was lowered once is refused with only while the machine is too busy."""
_LOGGER = logging.getLogger("vitrine.broker")


@dataclass(frozen=True, slots=True)
class Answered:
    """The charge that answers a query."""

    charge: Charge
    """The one that paid."""
    repeat: bool
    """Found again: nothing was charged for this request."""
    leaf: int | None
    """The request's own leaf, covered by a checkpoint, where it repeats a query under another idempotency key."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a query gives on dummies: no charge stands behind it and no record."""

    id: str
    prepared: Prepared
    release: bytes
    """Canonical; marked as dummy."""
    leaf: int
    """Covered by a checkpoint."""


@dataclass(frozen=True, slots=True)
class Broker:
    """What the path needs; one per process."""

    settings: Settings
    limits: Limits
    bundle: Bundle
    engine: Engine
    writer: Writer
    registry: Registry
    snapshots: Snapshots
    dummies: Dummies
    frontend: Frontend
    run: Run
    under_way: UnderWay

    def estimate(self, caller: VerifiedRequest, body: bytes) -> Decided | Refusal:
        """The price of a query, from card, policy and request alone; its leaf is written."""
        return self._acting(caller, Action.ESTIMATE, body, self._estimated)

    def answer(self, caller: VerifiedRequest, body: bytes, wait: bool) -> Answered | DryRun | Refusal:
        """The charge that answers the query, ended unless `wait` is not wanted; nothing is charged for a repeat, nor
        for a dry run, which has no charge."""

        def act(who: VerifiedRequest, request: QueryRequest) -> Answered | DryRun | Refusal:
            return self._dry_run(who, request) if request.dry_run else self._answered(who, request, body, wait)

        return self._acting(caller, Action.QUERY, body, act)

    def refuse(self, caller: VerifiedRequest, action: str, refusal: Refusal, request: QueryRequest | None) -> Refusal:
        """Writes the leaf of a refusal that was not written in a transaction of its own."""
        sql = None if request is None else request.sql
        act = entry.Refused(
            action=action,
            code=refusal.code,
            rules=refusal.rules,
            licence=None if request is None else request.licence,
            sql=None if sql is None else text_digest(sql),
        )
        try:
            self.note(caller, Leaf(act, () if sql is None else (sql.encode(),)))
        except Refusal as replayed:
            return replayed
        return refusal

    def note(self, caller: VerifiedRequest, leaf: Leaf) -> None:
        """Writes the leaf of an act that charges nothing. Refuses `identity.replayed`."""
        header = self._header(caller)
        self.writer.submit(lambda connection: note(connection, caller.nonce, header, leaf), covered=False).result()

    def recover(self) -> None:
        """Runs every charge again that a stopped process left open, under its own price and with fresh noise."""
        with self.engine.connect() as connection:
            left = pending(connection)
        for charge in left:
            self._run_again(charge)

    def _acting(
        self,
        caller: VerifiedRequest,
        action: Action,
        body: bytes,
        act: Callable[[VerifiedRequest, QueryRequest], T | Refusal],
    ) -> T | Refusal:
        request = None
        try:
            request = read_query(body)
            return act(caller, request)
        except Refusal as refusal:
            return self.refuse(caller, action.value, refusal, request)

    def _estimated(self, caller: VerifiedRequest, request: QueryRequest) -> Decided:
        if request.dry_run:
            raise Refusal("request.body", {"what": "an estimate is no dry run"})
        decided = self._decided(caller, request, Action.ESTIMATE)
        loss = decided.prepared.priced.loss
        act = entry.Estimated(
            licence=request.licence,
            scenario=request.scenario,
            datasets=tuple(decided.prepared.snapshots),
            sql=text_digest(request.sql),
            plan=decided.prepared.plan_digest,
            loss=entry.Amounts(loss.rho, loss.delta, loss.epsilon),
        )
        self.note(caller, Leaf(act, (request.sql.encode(),)))
        return decided

    def _dry_run(self, caller: VerifiedRequest, request: QueryRequest) -> DryRun:
        """Decided as the query would be, with no account asked; its leaf says what left and that it is dummy."""
        decided = self._decided(caller, request, Action.QUERY)
        found = rehearse(decided.prepared, self.dummies, self.run, self.settings.worker_seconds).release
        run, header = token_hex(16), self._header(caller)
        leaf = dry_run_leaf(run, decided, found)
        logged = self.writer.submit(lambda connection: note(connection, caller.nonce, header, leaf)).result()
        return DryRun(run, decided.prepared, found, logged.value)

    def _answered(self, caller: VerifiedRequest, request: QueryRequest, body: bytes, wait: bool) -> Answered | Refusal:
        if isinstance(request.spend, Accuracy) and request.spend.at_most is None:
            raise Refusal("spend.at_most")
        decided = self._decided(caller, request, Action.QUERY)
        charge = token_hex(16)
        self.under_way.announce(charge)
        started = False
        try:
            asked = self._charge_request(charge, caller, body, decided)
            logged = (
                self.writer.submit(
                    lambda connection: authorize(connection, asked, lambda found: outcome_leaf(found, asked, decided)),
                    covered=False,
                )
                .result()
                .value
            )
            outcome = logged.outcome
            if isinstance(outcome, Authorized):
                copied = None if outcome.copies is None else outcome.copies.body
                self.under_way.start(charge, lambda: self._finish(charge, decided.prepared, copied))
                started = True
        finally:
            if not started:
                self.under_way.drop(charge)
        match outcome:
            case Refused(refusal):
                return refusal
            case Existing(found, repeat=repeated):
                self._resume(found.payer)
                ended = self._awaited(found.payer, wait)
                if repeated:
                    self.writer.submit(lambda _: None).result()  # a checkpoint covers the leaf
                return Answered(ended, repeat=True, leaf=logged.leaf if repeated else None)
            case Authorized():
                return Answered(self._awaited(charge, wait), repeat=False, leaf=None)

    def _decided(self, caller: VerifiedRequest, request: QueryRequest, action: Action) -> Decided:
        """Steps 3 to 6. Refuses sql.*, plan.*, spend.*, policy.*, licence.*, dataset.*."""
        registered = self.registry.licence(request.licence)
        if registered is None or registered.licence.institution != caller.signer.institution:
            raise Refusal("licence.unknown", {"licence": request.licence})
        nothing = Use(request.scenario, "query", datasets=(), tables=(), columns=())
        licence = LicenceResource(registered.licence, registered.state)
        self.allowed(caller.signer, action, licence, nothing)  # before any work is done for the caller
        granted = {grant.dataset for grant in registered.licence.grants}
        current = self._current(request.dataset, granted)
        prepared = prepare(request, registered.licence, self.frontend, current, self.bundle.domains, self.limits)
        rules = self.allowed(caller.signer, action, licence, _use(prepared))
        if self._time_class(prepared) > self.settings.worker_seconds * 1000:
            raise Refusal("plan.too_slow", {"seconds": str(self.settings.worker_seconds)})
        return Decided(prepared, registered, rules)

    def _current(self, asked: str, granted: set[str]) -> dict[str, Snapshot]:
        """The current snapshots of the data sets that the SQL may name."""
        match self.registry.dataset_state(asked):
            case None:
                raise Refusal("dataset.unknown", {"dataset": asked})
            case State.WITHDRAWN:
                raise Refusal("dataset.withdrawn", {"dataset": asked})
        found = [each for each in self.registry.snapshots() if each.dataset == asked or each.dataset in granted]
        return {each.dataset: self.snapshots.open(each.id) for each in found}

    def allowed(
        self, signer: Signer, action: Action, resource: Resource, use: Use | None, at: int | None = None
    ) -> tuple[str, ...]:
        """The rules that allow the act, now or at a time. Refuses policy.*, licence.*, dataset.withdrawn."""
        decision = self.bundle.rules.decide(
            Principal(signer.person, signer.institution, signer.roles),
            action,
            resource,
            Context((milliseconds() if at is None else at) // 1000, State.ACTIVE, State.ACTIVE, use),
        )
        if decision.code is not None:
            raise Refusal(decision.code, decision.detail, rules=decision.rules)
        return decision.rules

    def _charge_request(self, charge: str, caller: VerifiedRequest, body: bytes, decided: Decided) -> ChargeRequest:
        prepared = decided.prepared
        if prepared.request.dry_run:
            raise Fault("a dry run is never charged")
        if caller.idempotency_key is None:
            raise Fault("a query is signed with an idempotency key")
        return ChargeRequest(
            id=charge,
            header=self._header(caller),
            nonce=caller.nonce,
            standing=Standing(
                institution=caller.signer.institution,
                person=caller.signer.person,
                key_id=caller.signer.key_id,
                licence=prepared.licence.id,
                licence_digest=decided.registered.digest,
                snapshots=tuple((name, snapshot.id) for name, snapshot in prepared.snapshots.items()),
                bundle=self.bundle.digest,
            ),
            idempotency_key=caller.idempotency_key,
            request_digest=caller.digest,
            request=body,
            identity=prepared.identity,
            loss=prepared.priced.loss,
            domains=tuple(prepared.domains),
        )

    def _awaited(self, charge: str, wait: bool) -> Charge:
        if wait:
            self.under_way.wait(charge)
        with self.engine.connect() as connection:
            found = find_charge(connection, charge)
        if found is None:
            raise Fault("a charge is gone")
        return found

    def _finish(self, charge: str, prepared: Prepared, copied: bytes | None) -> None:
        """Runs the charge, waits for its time, and ends it: how long it took and why it failed stays unseen."""
        started = time.monotonic()
        body = copied if copied is not None else self._released(charge, prepared)
        time.sleep(remaining(time.monotonic() - started, self._time_class(prepared)))
        at = milliseconds()
        if body is None:
            self._fail(charge, at)
        else:
            self.writer.submit(lambda connection: release(connection, charge, body, at)).result()

    def _released(self, charge: str, prepared: Prepared) -> bytes | None:
        """The release's canonical bytes; None after an incident. Run again when stopped from outside."""
        while True:
            try:
                return execute(prepared, self.snapshots, self.run, self.settings.worker_seconds).release
            except WorkerFailure as failure:
                _LOGGER.error("charge %s: worker failed: %s", charge, failure.kind)
                if failure.kind is not FailureKind.KILLED or self._begin_attempt(charge) is not None:
                    return None
            except Exception as error:  # noqa: BLE001 - whatever it was, it is the one answer for all failures
                _LOGGER.error("charge %s: withheld: %s", charge, type(error).__name__)
                return None

    def _resume(self, charge: str) -> None:
        """Has a charge run again that its run has left open: the database took no writes then."""
        with self.engine.connect() as connection:
            found = find_charge(connection, charge)
        if found is not None and found.finished_at is None:
            self._run_again(found)

    def _run_again(self, charge: Charge) -> None:
        if self.under_way.announce(charge.id):
            self.under_way.start(charge.id, lambda: self._again(charge))

    def _again(self, charge: Charge) -> None:
        """Recovers one open charge; one that this build or policy would not charge so fails."""
        with self.engine.connect() as connection:
            used = snapshots_of(connection, charge.id)
            copied = None if charge.copies is None else find_release(connection, charge.copies)
        while self._begin_attempt(charge.id) is None:
            try:
                prepared = self._prepared_again(charge, dict(used))
            except Exception as error:  # noqa: BLE001 - whatever it was, the charge must end
                _LOGGER.error("charge %s: cannot be run again: %s", charge.id, type(error).__name__)
                if isinstance(error, Refusal) and error.code in _PASSING:
                    continue
                self._fail(charge.id, milliseconds())
                return
            self._finish(charge.id, prepared, None if copied is None else copied.body)
            return

    def _prepared_again(self, charge: Charge, used: Mapping[str, str]) -> Prepared:
        """The request as it was charged, when the policy in force still allows it. Whether licence and key still stand
        is asked at the release."""
        registered, signer = self.registry.licence(charge.licence), self.registry.signer(charge.actor.key)
        if registered is None or signer is None:
            raise Fault("a charge without licence or key")
        snapshots = {name: self.snapshots.open(snapshot) for name, snapshot in used.items()}
        prepared = prepare(
            read_query(charge.request), registered.licence, self.frontend, snapshots, self.bundle.domains, self.limits
        )
        if prepared.identity != charge.identity:
            raise Fault("the request is not what was charged")
        standing = LicenceResource(registered.licence, State.ACTIVE)
        self.allowed(signer, Action.QUERY, standing, _use(prepared), charge.authorized_at)
        return prepared

    def _begin_attempt(self, charge: str) -> Failed | None:
        at = milliseconds()
        return self.writer.submit(lambda connection: begin_attempt(connection, charge, at)).result().value

    def _fail(self, charge: str, at: int) -> None:
        """Ends the charge as an incident unless it has ended already."""
        most = self.settings.max_failures
        with self.engine.connect() as connection:
            found = find_charge(connection, charge)
        if found is not None and found.finished_at is None:
            self.writer.submit(lambda connection: fail(connection, charge, at, most)).result()

    def _time_class(self, prepared: Prepared) -> int:
        row, tick = self.settings.row_nanoseconds, self.settings.tick_milliseconds
        return time_class(prepared.checked, self.bundle.domains, row, tick, prepared.readings)

    def _header(self, caller: VerifiedRequest) -> Header:
        return Header(milliseconds(), self.bundle.digest, caller.actor, caller.signed)


def _use(prepared: Prepared) -> Use:
    """What the rules judge: every table and column that the plan really reads."""
    used = {name: snapshot.card for name, snapshot in prepared.snapshots.items()}
    return Use(
        scenario=prepared.request.scenario,
        output="query",
        datasets=tuple(DatasetUse(name, State.ACTIVE, card.catalogue.opening) for name, card in used.items()),
        tables=tuple(sorted({(scan.dataset, scan.table) for scan in prepared.scans})),
        columns=tuple((read.dataset, read.table, read.column) for read in prepared.checked.reads),
    )
