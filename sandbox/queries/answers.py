"""The bodies of answers, from committed state alone: the same charge is answered with the same bytes for ever."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from fractions import Fraction
from hashlib import sha256

from sqlalchemy import Connection

from policies.canonical import canonical_json, plain
from sandbox.audit import log
from sandbox.audit.checkpoint import LogPublicKey
from sandbox.audit.encoding import decode
from sandbox.audit.entry import FailureCause, QueryAuthorized, QueryFailed, QueryReused
from sandbox.audit.records import AccountCharge, AccountKind, Amounts
from sandbox.errors import PROBLEMS, Fault
from sandbox.ledger.accounts import Line, read_account
from sandbox.ledger.charges import Charge, State, find_releases, history, lines
from sandbox.plan.combinations import Combination, Share, combinations
from sandbox.plan.lineage import measured
from sandbox.privacy.calibrate import PricedMeasure
from sandbox.privacy.intervals import (
    CONFIDENCE,
    OUTSIDE,
    combined_half_width,
    half_widths,
    half_widths_per_row,
    share_half_width,
)
from sandbox.privacy.loss import Accuracy, Loss, Spend, decimal, nothing, total
from sandbox.privacy.reach import quantile
from sandbox.queries.balances import Balance, affordable, after, amounts_json, balance_json, more, now
from sandbox.queries.bounds import clip_json
from sandbox.queries.leaves import Decided
from sandbox.queries.preparation import Prepared
from sandbox.queries.requests import read_charged
from sandbox.queries.reuse import Reuse
from sandbox.registry.directory import RegisteredLicence


def query_answer(connection: Connection, charge: Charge, key: LogPublicKey, *, batch: bool) -> tuple[int, bytes]:
    """Status and body of the answer to a charged request; `charge` is the one that paid."""
    if charge.final_leaf is None or not log.covered(connection, charge.final_leaf):
        return 202, canonical_json({"id": charge.id, "state": State.AUTHORIZED.value})
    stored = find_releases(connection, charge.id)
    if not stored:
        code = _failure(connection, charge.final_leaf)
        return PROBLEMS[code].status, canonical_json({"code": code, "detail": {}, "id": charge.id})
    own = _own_charge(connection, charge.authorized_leaf)
    answer: dict[str, object] = {
        "id": charge.id,
        "state": State.RELEASED.value,
        "charge": amounts_json(own.loss),
        "balance": [balance_json(balance) | {"more": more(balance, _loss(own.loss))} for balance in after([own])],
    }
    answers = [_released(connection, each.body, each.leaf, key) for each in stored]
    return 200, canonical_json(answer | _one_or_all(answers, batch=batch))


def dry_run_answer(
    connection: Connection,
    run: str,
    prepared: Prepared,
    bodies: Sequence[bytes],
    leaf: int,
    key: LogPublicKey,
    *,
    batch: bool,
) -> dict[str, object]:
    """The answer to a dry run, in the shape of a query's: nothing was charged, so that no balance moved."""
    price = prepared.priced.loss
    answer: dict[str, object] = {
        "id": run,
        "state": "dry_run",
        "charge": amounts_json(nothing(price)),
        "price": amounts_json(price),
        "balance": [],
    }
    return answer | _one_or_all([_released(connection, body, leaf, key) for body in bodies], batch=batch)


def _failure(connection: Connection, leaf: int) -> str:
    """The code of a charge that ended without an answer: one for all causes but that no record took part."""
    (data,) = log.entries(connection, leaf, leaf + 1)
    match decode(data).act:
        case QueryFailed(cause=FailureCause.PUBLIC):
            return "plan.worker_limits"
    return "service.failed"


def _released(connection: Connection, body: bytes, leaf: int, key: LogPublicKey) -> dict[str, object]:
    """A release and the leaf that proves it."""
    return {
        "digest": sha256(body).hexdigest(),
        "release": json.loads(body),
        "receipt": log.receipt(connection, leaf, key).to_json(),
    }


def _one_or_all(answers: Sequence[Mapping[str, object]], *, batch: bool) -> dict[str, object]:
    """The answers of a batch in the order of its queries, or that of the only query."""
    return {"answers": list(answers)} if batch else dict(answers[0])


def repeat_receipt(connection: Connection, leaf: int, key: LogPublicKey) -> str:
    """The receipt of a repeat's own leaf, as one word: it proves that the answer is to the caller's question."""
    return b64encode(canonical_json(log.receipt(connection, leaf, key).to_json())).decode()


def history_answer(connection: Connection, person: str, limit: int) -> list[dict[str, object]]:
    """The person's latest accepted queries, newest first."""
    return [
        _request(charge) | {"charge": _lost(lines(connection, charge.id))}
        for charge in history(connection, person, limit)
    ]


def licence_answer(connection: Connection, found: RegisteredLicence) -> dict[str, object]:
    """A licence, its state and what is left of its account."""
    return {
        **plain(found.licence),
        "state": found.state.value,
        "digest": found.digest,
        "balance": [balance_json(_balance(connection, found.licence.id))],
    }


def estimate_answer(connection: Connection, decided: Decided, *, batch: bool) -> dict[str, object]:
    """The price of a request, the half-widths it gives, and whether the licence's own account affords it."""
    prepared, reuse, loss = decided.prepared, decided.reuse, decided.loss
    reused = reuse is not None and reuse.enough
    balance = _balance(connection, prepared.licence.id)
    measures = _ran(reuse) if reuse is not None and reused else prepared.priced.measures
    columns = [_columns(query, measures) for query in prepared.queries]
    shown: dict[str, object] = {"columns": columns[0]}
    if batch:
        names = [sorted(query.measures) for query in prepared.queries]
        pairs = zip(columns, names, strict=True)
        shown = {"queries": [{"columns": each, "measures": read} for each, read in pairs]}
    return {
        "charge": amounts_json(loss),
        "fresh": amounts_json(prepared.priced.loss),
        "epsilon_at_delta": prepared.epsilon,
        "spend": _spent(prepared.spend),
        "accuracy": prepared.accuracy,
        "confidence": float(_confidence(prepared)),
        "affordable": affordable(balance, loss),
        "more": more(balance, prepared.priced.loss),
        "balance": [balance_json(balance)],
        "reuse": None if reuse is None else _reusable(prepared, reuse, batch=batch),
        "measures": [_measure(priced) for priced in prepared.priced.measures],
        **shown,
    }


def _balance(connection: Connection, licence: str) -> Balance:
    """The licence's own account as committed."""
    account = read_account(connection, AccountKind.LICENCE, licence)
    if account is None:
        raise Fault("a licence without an account")
    (balance,) = now([account])
    return balance


def _ran(reuse: Reuse) -> tuple[PricedMeasure, ...]:
    return tuple(each.derived.priced for each in reuse.measures)


def _reusable(prepared: Prepared, reuse: Reuse, *, batch: bool) -> dict[str, object]:
    """The earlier releases that the query can be computed from, at no charge, and how exact it would be then."""
    return {
        "releases": [{"id": each.charge, "digest": each.digest} for each in reuse.sources],
        "charge": amounts_json(nothing(prepared.priced.loss)),
        "used": reuse.enough,
        **({} if batch else {"columns": _columns(prepared, _ran(reuse))}),
    }


def _columns(prepared: Prepared, measures: Sequence[PricedMeasure]) -> list[dict[str, object]]:
    """Per column of the answer, half the width of its intervals; null where that depends on private counts or on a
    choice, of which a total's is told per row of the norm."""
    outside = float(1 - _confidence(prepared))
    halves: dict[str, float | None] = {}
    known: dict[str, float | None] = {}
    per_row: dict[str, float] = {}
    for priced in measures:
        known |= half_widths(priced, None, outside)
        per_row |= half_widths_per_row(priced, outside)
        halves |= half_widths(priced, prepared.sizes[priced.bounded.checked.measure.name], outside)
    origins, derived = measured(prepared.checked.plan), combinations(prepared.checked)
    named = [label.name for label in prepared.checked.plan.labels]
    for name in derived.keys() - origins.keys():
        half, assumed = _derived(prepared, measures, derived[name], outside)
        halves[name], known[name] = half, None if assumed else half
    sources = [origins.get(name, name) for name in named]
    return [
        {
            "name": label.label,
            "type": prepared.checked.answer[label.name].value,
            "half_width": halves.get(source),
            "half_width_per_row": per_row.get(source),
            "assumed": known.get(source) != halves.get(source),
        }
        for label, source in zip(prepared.checked.plan.labels, sources, strict=True)
    ]


def _derived(
    prepared: Prepared, measures: Sequence[PricedMeasure], column: tuple[Combination, ...] | Share, outside: float
) -> tuple[float | None, bool]:
    """Half the width of the intervals of a sum of totals or a share, and whether that rests on an assumed size."""
    priced = {each.bounded.checked.measure.name: each for each in measures}
    if isinstance(column, Share):
        measure = column.over.measure
        return share_half_width(priced[measure], column, prepared.sizes[measure], outside), True
    return combined_half_width(priced, column, outside), False


def _confidence(prepared: Prepared) -> Fraction:
    """Of an estimate's half-widths: as asked, else that of every release."""
    asked = prepared.request.spend
    return asked.confidence if isinstance(asked, Accuracy) else Fraction(str(CONFIDENCE))


def _spent(spend: Spend) -> dict[str, str]:
    """The spend as a request would name it."""
    name, value = ("rho", spend.rho) if spend.epsilon is None else ("epsilon", spend.epsilon)
    return {name: decimal(value or Fraction(0))}


def _measure(priced: PricedMeasure) -> dict[str, object]:
    bounded = priced.bounded
    cells = [level.key_set.cells for level in bounded.checked.levels]
    public = [each for each in cells if each is not None]
    return {
        "measure": bounded.checked.measure.name,
        "groups": bounded.bounds.groups,
        "rows": bounded.bounds.rows,
        "fold": bounded.fold,
        "minimum_frequency": bounded.minimum,
        "clips": [clip_json(clip) for clip in bounded.clips],
        "cells": sum(map(len, public)) if len(public) == len(cells) else None,
        "private_keys": len(public) < len(cells),
        "choice": amounts_json(total(step.loss for step in priced.selections)) if priced.selections else None,
        "notices": [
            {
                "kind": notice.kind.value,
                "half_width": quantile(notice.step.noise, notice.step.scale, OUTSIDE),
                "loss": amounts_json(notice.step.loss),
            }
            for notice in priced.notices
        ],
    }


def _request(charge: Charge) -> dict[str, object]:
    asked: Mapping[str, object] = json.loads(charge.request)
    return {
        "id": charge.id,
        "time": charge.authorized_at,
        "person": charge.actor.person,
        "state": charge.state.value,
        "repeat": charge.follows is not None,
        "licence": charge.licence,
        "scenario": asked["scenario"],
        "dataset": asked["dataset"],
        "sql": read_charged(charge.request).script,
    }


def _own_charge(connection: Connection, leaf: int) -> AccountCharge:
    """What the licence's own account paid, and its balance then.

    The accounts of data sets and people stay unsaid: they do not move when a release is copied, so that a licensee who
    saw them would learn what others asked (rule 8).
    """
    (data,) = log.entries(connection, leaf, leaf + 1)
    act = decode(data).act
    if not isinstance(act, QueryAuthorized | QueryReused):
        raise Fault("the leaf of a charge is its authorization")
    return next(each for each in act.accounts if each.kind is AccountKind.LICENCE)


def _lost(charged: tuple[Line, ...]) -> dict[str, object] | None:
    """What the licence's own account paid; None for a repeat."""
    own = next((line.loss for line in charged if line.kind is AccountKind.LICENCE), None)
    return None if own is None else amounts_json(own)


def _loss(lost: Amounts) -> Loss:
    return Loss(lost.rho or 0, lost.delta, lost.epsilon)
