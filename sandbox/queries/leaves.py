"""What the log says of a query: the leaves of its outcome, from what was decided and never from data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from policies.rules import Action
from sandbox.audit import entry, records
from sandbox.audit.forms import joint_digest
from sandbox.ledger.outcomes import Authorized, ChargeRequest, Existing, Leaf, Outcome, Refused, Reused
from sandbox.privacy.loss import Loss, nothing
from sandbox.privacy.mechanisms import FEATURES, version
from sandbox.queries.preparation import Prepared
from sandbox.queries.reuse import Reuse
from sandbox.registry.directory import RegisteredLicence


@dataclass(frozen=True, slots=True)
class Decided:
    """A prepared request that the rules allow."""

    prepared: Prepared
    registered: RegisteredLicence
    rules: tuple[str, ...]
    """That decided."""
    reuse: Reuse | None = None
    """How it is computed from earlier releases of the licence, where it can be and that is wanted."""

    @property
    def loss(self) -> Loss:
        """What it would be charged now: nothing where earlier releases are as exact as the spend asked."""
        priced = self.prepared.priced.loss
        return nothing(priced) if self.reuse is not None and self.reuse.enough else priced


def outcome_leaf(outcome: Outcome, asked: ChargeRequest, decided: Decided) -> Leaf:
    """What the log says of an outcome."""
    request = decided.prepared.request
    sql = request.script.encode()
    match outcome:
        case Authorized(_, accounts, copies):
            authorized = entry.QueryAuthorized(
                charge=asked.id,
                licence=request.licence,
                licence_file=decided.registered.digest,
                scenario=request.scenario,
                datasets=_datasets(decided.prepared),
                sql=text_digest(request.script),
                plan=decided.prepared.plan_digest,
                queries=len(request.queries),
                rules=decided.rules,
                accounts=accounts,
                mechanisms=() if copies else _mechanisms(decided.prepared),
                opendp=version(),
                features=FEATURES,
            )
            return Leaf(authorized, (sql,))
        case Reused(_, accounts, computed):
            reused = entry.QueryReused(
                charge=asked.id,
                licence=request.licence,
                licence_file=decided.registered.digest,
                scenario=request.scenario,
                datasets=_datasets(decided.prepared),
                sql=text_digest(request.script),
                plan=decided.prepared.plan_digest,
                rules=decided.rules,
                accounts=accounts,
                sources=_sources(decided),
                release=joint_digest(computed),
            )
            return Leaf(reused, (sql,))
        case Existing(found, stored, repeat=True):
            repeated = entry.QueryRepeated(
                licence=request.licence,
                scenario=request.scenario,
                authorization=found.authorized_leaf,
                release=joint_digest([each.digest for each in stored]) if stored else None,
                sql=text_digest(request.script),
            )
            return Leaf(repeated, (sql,))
        case Existing(found):
            return Leaf(entry.Read("query", found.id))
        case Refused(refusal):
            refused = entry.Refused(
                Action.QUERY.value, refusal.code, refusal.rules, request.licence, text_digest(request.script)
            )
            return Leaf(refused, (sql,))


def dry_run_leaf(run: str, decided: Decided, releases: Sequence[bytes]) -> Leaf:
    """What the log says of a dry run."""
    prepared = decided.prepared
    act = entry.QueryDryRun(
        run=run,
        licence=prepared.licence.id,
        scenario=prepared.request.scenario,
        datasets=_datasets(prepared),
        sql=text_digest(prepared.request.script),
        plan=prepared.plan_digest,
        rules=decided.rules,
        price=_amounts(prepared.priced.loss),
        release=joint_digest([sha256(each).hexdigest() for each in releases]),
    )
    return Leaf(act, (prepared.request.script.encode(),))


def _sources(decided: Decided) -> tuple[records.ReleaseUse, ...]:
    sources = () if decided.reuse is None else decided.reuse.sources
    return tuple(records.ReleaseUse(each.authorization, each.digest) for each in sources)


def _datasets(prepared: Prepared) -> tuple[records.DatasetUse, ...]:
    return tuple(
        records.DatasetUse(name, snapshot.id, snapshot.card_digest, snapshot.card.version)
        for name, snapshot in prepared.snapshots.items()
    )


def _amounts(loss: Loss) -> records.Amounts:
    return records.Amounts(loss.rho, loss.delta, loss.epsilon)


def _mechanisms(prepared: Prepared) -> tuple[records.MechanismUse, ...]:
    return tuple(
        records.MechanismUse(
            measure=priced.bounded.checked.measure.name,
            statistic=step.statistic,
            mechanism=step.noise.value,
            scale=step.scale.hex(),
            metric=step.noise.metric,
            sensitivity=step.sensitivity.hex(),
            threshold=None if step.threshold is None else str(step.threshold.value),
            loss=_amounts(step.loss),
        )
        for priced in prepared.priced.measures
        for step in priced.drawn
    ) + tuple(
        records.MechanismUse(
            measure=priced.bounded.checked.measure.name,
            statistic=step.statistic,
            mechanism="noisy_max",
            scale=step.scale.hex(),
            metric="linf",
            sensitivity=str(step.sensitivity),
            threshold=None,
            loss=records.Amounts(step.loss.rho, step.loss.delta, step.loss.epsilon),
        )
        for priced in prepared.priced.measures
        for step in priced.choices
    )


def text_digest(text: str) -> str:
    """SHA-256 of a text that stands beside the log, hex."""
    return sha256(text.encode()).hexdigest()
