"""The whole path of a request, straight down: who, what, whether, at which price, charged, run, released.

Everything before the charge reveals nothing and costs nothing; everything after it ends in a release, in the one answer
for all failures, or is run again under the same charge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import TypeVar

from sqlalchemy import Engine

from policies.rules import Action
from sandbox.audit import entry, records
from sandbox.audit.entry import Header
from sandbox.clock import milliseconds
from sandbox.datasets.dummies import Dummies
from sandbox.datasets.snapshot import Snapshots
from sandbox.errors import Fault, Refusal
from sandbox.identity import VerifiedRequest
from sandbox.ledger.charges import Charge, find_by_idempotency_key, find_payer, find_reusable
from sandbox.ledger.nonces import used
from sandbox.ledger.outcomes import Authorized, ChargeRequest, Computed, Existing, Leaf, Refused, Reused
from sandbox.ledger.transactions import authorize, note
from sandbox.ledger.writer import Writer
from sandbox.privacy.kept import from_json
from sandbox.privacy.loss import Accuracy
from sandbox.queries.decisions import Decisions
from sandbox.queries.execution import derived, rehearse
from sandbox.queries.leaves import Decided, dry_run_leaf, outcome_leaf, text_digest
from sandbox.queries.preparation import Prepared
from sandbox.queries.requests import QueryRequest
from sandbox.queries.reuse import Source, find_reuse
from sandbox.queries.runs import Runs
from sandbox.registry.directory import Registry
from sandbox.registry.standing import Standing
from sandbox.settings import Settings

T = TypeVar("T")
Read = Callable[[bytes], QueryRequest]
"""Reads a body strictly."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The charge that answers a query."""

    charge: Charge
    """The one that paid."""
    repeat: bool
    """Found again: nothing was charged for this request."""
    leaf: int | None
    """The request's own leaf, covered by a checkpoint, where it repeats a query under another idempotency key; of
    several sendings that of the first."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a query gives on dummies: no charge stands behind it and no record."""

    id: str
    prepared: Prepared
    releases: tuple[bytes, ...]
    """Canonical, one for each query; marked as dummy."""
    leaf: int
    """Covered by a checkpoint."""


@dataclass(frozen=True, slots=True)
class Broker:
    """What the path needs; one per process."""

    decisions: Decisions
    runs: Runs
    dummies: Dummies

    @property
    def settings(self) -> Settings:
        return self.decisions.settings

    @property
    def engine(self) -> Engine:
        return self.runs.engine

    @property
    def writer(self) -> Writer:
        return self.runs.writer

    @property
    def registry(self) -> Registry:
        return self.decisions.registry

    @property
    def snapshots(self) -> Snapshots:
        return self.decisions.snapshots

    def estimate(self, caller: VerifiedRequest, body: bytes, read: Read) -> Decided | Refusal:
        """The price of a query or batch, from card, policy and request alone; its leaf is written."""
        return self._acting(caller, Action.ESTIMATE, body, read, self._estimated)

    def answer(self, caller: VerifiedRequest, body: bytes, read: Read, wait: bool) -> Answered | DryRun | Refusal:
        """The charge that answers the query or batch, ended unless `wait` is not wanted; nothing is charged for a
        repeat, nor for a dry run, which has no charge."""

        def act(who: VerifiedRequest, request: QueryRequest) -> Answered | DryRun | Refusal:
            return self._dry_run(who, request) if request.dry_run else self._answered(who, request, body, wait)

        return self._acting(caller, Action.QUERY, body, read, act)

    def refuse(self, caller: VerifiedRequest, action: str, refusal: Refusal, request: QueryRequest | None) -> Refusal:
        """Writes the leaf of a refusal that was not written in a transaction of its own."""
        sql = None if request is None else request.script
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
            # Of a failure in a commit nobody knows whether the act stands: its nonce may be used by itself.
            return refusal if refusal.code in ("service.failed", "service.storage") else replayed
        return refusal

    def note(self, caller: VerifiedRequest, leaf: Leaf) -> None:
        """Writes the leaf of an act that charges nothing. Refuses `identity.replayed`."""
        header = self._header(caller)
        self.writer.submit(lambda connection: note(connection, caller.nonce, header, leaf), covered=False).result()

    def _acting(
        self,
        caller: VerifiedRequest,
        action: Action,
        body: bytes,
        read: Read,
        act: Callable[[VerifiedRequest, QueryRequest], T | Refusal],
    ) -> T | Refusal:
        request = None
        try:
            request = read(body)
            return act(caller, request)
        except Refusal as refusal:
            return self.refuse(caller, action.value, refusal, request)

    def _estimated(self, caller: VerifiedRequest, request: QueryRequest) -> Decided:
        if request.dry_run:
            raise Refusal("request.body", {"what": "an estimate is no dry run"})
        decided = self._reusing(self.decisions.decided(caller.signer, request, Action.ESTIMATE))
        loss = decided.loss
        act = entry.Estimated(
            licence=request.licence,
            scenario=request.scenario,
            datasets=tuple(decided.prepared.snapshots),
            sql=text_digest(request.script),
            plan=decided.prepared.plan_digest,
            loss=records.Amounts(loss.rho, loss.delta, loss.epsilon),
        )
        self.note(caller, Leaf(act, (request.script.encode(),)))
        return decided

    def _dry_run(self, caller: VerifiedRequest, request: QueryRequest) -> DryRun:
        """Decided as the query would be, with no account asked; its leaf says what left and that it is dummy."""
        decided = self.decisions.decided(caller.signer, request, Action.QUERY)
        prepared, run, seconds = decided.prepared, self.runs.run, self.settings.free_seconds
        found = self.runs.unpaid(lambda: rehearse(prepared, self.dummies, run, seconds)).releases
        name, header = token_hex(16), self._header(caller)
        leaf = dry_run_leaf(name, decided, found)
        logged = self.writer.submit(lambda connection: note(connection, caller.nonce, header, leaf)).result()
        return DryRun(name, prepared, found, logged.value)

    def _answered(self, caller: VerifiedRequest, request: QueryRequest, body: bytes, wait: bool) -> Answered | Refusal:
        if isinstance(request.spend, Accuracy) and request.spend.at_most is None:
            raise Refusal("spend.at_most")
        decided = self._reusing(self.decisions.decided(caller.signer, request, Action.QUERY))
        computed = self._computed(caller, decided)
        charge = token_hex(16)
        self.runs.under_way.announce(charge)
        started = False
        try:
            asked = self._charge_request(charge, caller, body, decided, computed)
            logged = (
                self.writer.submit(
                    lambda connection: authorize(connection, asked, lambda found: outcome_leaf(found, asked, decided)),
                    covered=computed is not None,
                )
                .result()
                .value
            )
            outcome = logged.outcome
            if isinstance(outcome, Authorized):
                copied = tuple(each.body for each in outcome.copies)
                self.runs.start(charge, decided.prepared, copied)
                started = True
        finally:
            if not started:
                self.runs.under_way.drop(charge)
        match outcome:
            case Refused(refusal):
                return refusal
            case Existing(found, repeat=repeated):
                self.runs.resume(found.payer)
                ended = self.runs.awaited(found.payer, wait)
                proof = logged.leaf if repeated else found.authorized_leaf if found.follows else None
                if proof is not None:
                    self.writer.submit(lambda _: None).result()  # a checkpoint covers the leaf
                return Answered(ended, repeat=True, leaf=proof)
            case Authorized() | Reused():
                return Answered(self.runs.awaited(charge, wait), repeat=False, leaf=None)

    def _reusing(self, decided: Decided) -> Decided:
        """With how it is computed from earlier releases of the licence, where that is wanted and possible."""
        prepared = decided.prepared
        if not prepared.request.reuse:
            return decided
        with self.engine.connect() as connection:

            def sources(relation: str) -> list[Source]:
                found = find_reusable(connection, relation, prepared.licence.id)
                return [Source(each.charge, each.release, each.authorization, from_json(each.body)) for each in found]

            return replace(decided, reuse=find_reuse(prepared, sources))

    def _computed(self, caller: VerifiedRequest, decided: Decided) -> Computed | None:
        """The answer as it follows from earlier releases, where they are as exact as the spend asked; None where the
        request or the same query was sent before, for then its end is the answer."""
        prepared, reuse = decided.prepared, decided.reuse
        if reuse is None or not reuse.enough or self._sent(caller, prepared):
            return None
        run, seconds = self.runs.run, self.settings.free_seconds
        bodies = self.runs.unpaid(lambda: derived(prepared, reuse, self.snapshots, run, seconds))
        return Computed(reuse.identity(prepared), bodies)

    def _sent(self, caller: VerifiedRequest, prepared: Prepared) -> bool:
        key = caller.idempotency_key
        with self.engine.connect() as connection:
            return (
                used(connection, caller.nonce)
                or (key is not None and find_by_idempotency_key(connection, caller.signer.person, key) is not None)
                or find_payer(connection, prepared.identity, prepared.licence.id) is not None
            )

    def _charge_request(
        self, charge: str, caller: VerifiedRequest, body: bytes, decided: Decided, computed: Computed | None
    ) -> ChargeRequest:
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
                bundle=self.decisions.bundle.digest,
            ),
            idempotency_key=caller.idempotency_key,
            request_digest=caller.digest,
            request=body,
            identity=prepared.identity,
            loss=prepared.priced.loss,
            domains=tuple(prepared.domains),
            sandbox=self.runs.sandbox,
            computed=computed,
        )

    def _header(self, caller: VerifiedRequest) -> Header:
        return Header(milliseconds(), self.decisions.bundle.digest, caller.actor, caller.signed)
