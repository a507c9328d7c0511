"""Steps 3 to 6 of a request: what it is, whether the rules allow it, and at which price. Reveals and costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policies.bundle import Bundle
from policies.rules import Action, Context, DatasetUse, LicenceResource, Principal, Resource, State, Use
from sandbox.clock import milliseconds
from sandbox.datasets.snapshot import Snapshot, Snapshots
from sandbox.errors import Fault, Refusal
from sandbox.frontend import Frontend
from sandbox.ledger.charges import Charge
from sandbox.plan.limits import Limits
from sandbox.queries.leaves import Decided
from sandbox.queries.preparation import Prepared, prepare
from sandbox.queries.requests import QueryRequest, read_charged
from sandbox.queries.ticks import time_class
from sandbox.registry.directory import Registry, Signer
from sandbox.settings import Settings

MECHANISMS = 200
"""Draws of noise of one request: all of them stand in the entry of the log that charges it, which is no larger than
64 KiB."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """What deciding needs; one per process."""

    settings: Settings
    limits: Limits
    bundle: Bundle
    registry: Registry
    snapshots: Snapshots
    frontend: Frontend

    def decided(self, signer: Signer, request: QueryRequest, action: Action) -> Decided:
        """Steps 3 to 6. Refuses sql.*, plan.*, spend.*, policy.*, licence.*, dataset.*."""
        registered = self.registry.licence(request.licence)
        if registered is None or registered.licence.institution != signer.institution:
            raise Refusal("licence.unknown", {"licence": request.licence})
        nothing = Use(request.scenario, "query", datasets=(), tables=(), columns=())
        licence = LicenceResource(registered.licence, registered.state)
        self.allowed(signer, action, licence, nothing)  # before any work is done for the caller
        granted = {grant.dataset for grant in registered.licence.grants}
        current = self._current(request.dataset, granted)
        prepared = prepare(request, registered.licence, self.frontend, current, self.bundle.domains, self.limits)
        drawn = sum(len(each.drawn) + len(each.choices) for each in prepared.priced.measures)
        if drawn > MECHANISMS:
            raise Refusal("plan.too_large", {"what": "mechanisms", "limit": str(MECHANISMS)})
        rules = self.allowed(signer, action, licence, _use(prepared))
        if self.time_class(prepared) > self.settings.worker_seconds * 1000:
            raise Refusal("plan.too_slow", {"seconds": str(self.settings.worker_seconds)})
        return Decided(prepared, registered, rules)

    def _current(self, asked: str, granted: set[str]) -> dict[str, Snapshot]:
        """The current snapshots of the data sets that the SQL may name."""
        found = [each for each in self.registry.snapshots() if each.dataset == asked or each.dataset in granted]
        if all(each.dataset != asked for each in found):
            known = self.registry.dataset_state(asked) is not None
            raise Refusal("dataset.withdrawn" if known else "dataset.unknown", {"dataset": asked})
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

    def again(self, charge: Charge, used: Mapping[str, str]) -> Prepared:
        """The request as it was charged, when the policy in force still allows it. Whether licence and key still stand
        is asked at the release."""
        registered, signer = self.registry.licence(charge.licence), self.registry.signer(charge.actor.key)
        if registered is None or signer is None:
            raise Fault("a charge without licence or key")
        snapshots = {name: self.snapshots.open(snapshot) for name, snapshot in used.items()}
        prepared = prepare(
            read_charged(charge.request), registered.licence, self.frontend, snapshots, self.bundle.domains, self.limits
        )
        if prepared.identity != charge.identity:
            raise Fault("the request is not what was charged")
        standing = LicenceResource(registered.licence, State.ACTIVE)
        self.allowed(signer, Action.QUERY, standing, _use(prepared), charge.authorized_at)
        return prepared

    def time_class(self, prepared: Prepared) -> int:
        """When an answer leaves. Unit: milliseconds."""
        row, tick = self.settings.row_nanoseconds, self.settings.tick_milliseconds
        return time_class(prepared.checked, self.bundle.domains, row, tick, prepared.readings)


def _use(prepared: Prepared) -> Use:
    """What the rules judge: every table and column that the plan really reads."""
    used = {name: snapshot.card for name, snapshot in prepared.snapshots.items()}
    return Use(
        scenario=prepared.request.scenario,
        output="query",
        datasets=tuple(DatasetUse(name, State.ACTIVE, card.catalogue.opening) for name, card in used.items()),
        tables=tuple(sorted({(scan.dataset, scan.table) for scan in prepared.scans})),
        columns=tuple((read.dataset, read.table, read.column) for read in prepared.reads),
    )
