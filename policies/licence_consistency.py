"""Whether a licence makes sense in itself and beside the cards: the list of what does not, empty when all is well."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from policies.budgets import LARGEST_LOSS, SMALLEST_DELTA, SMALLEST_LOSS, frequency_problems
from policies.cards import DatasetCard
from policies.licences import Grant, Licence, Notion
from policies.names import text_problems, twin_problems

OUTPUTS = ("query", "model", "verification")

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def licence_problems(licence: Licence) -> tuple[str, ...]:
    """Every inconsistency of a licence in itself; `grant_problems` holds it against the cards."""
    return tuple(_licence(licence))


def grant_problems(licence: Licence, cards: Mapping[str, DatasetCard]) -> tuple[str, ...]:
    """What a licence grants that no card has."""
    return tuple(problem for grant in licence.grants for problem in _unknown(grant, cards))


def _licence(licence: Licence) -> Iterator[str]:
    for name, value in (("id", licence.id), ("institution", licence.institution)):
        if not _ID.fullmatch(value):
            yield f"{name}: is up to 64 ASCII letters, digits, dots, dashes and underscores"
    if not re.fullmatch("[0-9a-f]{64}", licence.agreement):
        yield "agreement: is the SHA-256 of the signed agreement, 64 hex digits in lower case"
    yield from _term(licence.not_before, licence.not_after)
    if not licence.grants:
        yield "grants: there is none"
    yield from twin_problems("grants", (f"{grant.dataset}.{grant.table}" for grant in licence.grants))
    for grant in licence.grants:
        yield from twin_problems(f"grants.{grant.dataset}.{grant.table}.columns", grant.columns)
    if not licence.scenarios:
        yield "scenarios: there is none"
    yield from twin_problems("scenarios", (scenario.id for scenario in licence.scenarios))
    for scenario in licence.scenarios:
        if not _ID.fullmatch(scenario.id):
            yield f"scenarios.{scenario.id}.id: is ASCII letters, digits, dots, dashes and underscores"
        yield from text_problems(f"scenarios.{scenario.id}.title", scenario.title)
    if not licence.outputs:
        yield "outputs: there is none"
    yield from twin_problems("outputs", licence.outputs)
    yield from (
        f"outputs: {output} is not one of {', '.join(OUTPUTS)}" for output in licence.outputs if output not in OUTPUTS
    )
    yield from _notion(licence)
    yield from frequency_problems(licence.minimum_frequency)


def _term(start: datetime, end: datetime) -> Iterator[str]:
    for name, moment in (("not_before", start), ("not_after", end)):
        if moment.tzinfo != UTC or moment.microsecond:
            yield f"{name}: is a UTC time to the second"
            return
    if start >= end:
        yield "not_after: is not after not_before"


def _notion(licence: Licence) -> Iterator[str]:
    budget = licence.budget
    match licence.notion:
        case Notion.ZCDP:
            if budget.epsilon is not None:
                yield "budget.epsilon: a zcdp licence has rho and delta"
            if budget.rho is None or not SMALLEST_LOSS <= budget.rho <= LARGEST_LOSS:
                yield "budget.rho: lies from 2^-40 to 2^22"
            if not SMALLEST_DELTA <= budget.delta < 1:
                yield "budget.delta: lies from 2^-60 to below 1"
        case Notion.PURE:
            if budget.rho is not None:
                yield "budget.rho: a pure licence has epsilon alone"
            if budget.epsilon is None or not SMALLEST_LOSS <= budget.epsilon <= LARGEST_LOSS:
                yield "budget.epsilon: lies from 2^-40 to 2^22"
            if budget.delta != 0:
                yield "budget.delta: is 0 for a pure licence"


def _unknown(grant: Grant, cards: Mapping[str, DatasetCard]) -> Iterator[str]:
    card = cards.get(grant.dataset)
    table = card.table(grant.table) if card else None
    if card is None:
        yield f"grants: there is no data set {grant.dataset}"
    elif table is None:
        yield f"grants: {grant.dataset} has no table {grant.table}"
    else:
        names = {column.name for column in table.columns}
        yield from (
            f"grants: {grant.dataset}.{grant.table} has no column {name}" for name in grant.columns if name not in names
        )
