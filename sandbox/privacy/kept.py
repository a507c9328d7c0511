"""Measured relations as they were released: what later queries of the same licence can be computed from at no price.

Noisy totals with what they are totals of, told by digests of dissolved expressions (`sandbox/plan/subjects.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from policies.canonical import canonical_json
from sandbox.plan.canonical import scalar_json
from sandbox.plan.decoding import literal_value
from sandbox.plan.nodes import Scalar, Type
from sandbox.plan.subjects import Subject, conjuncts, digest
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.calibrate import Notice, PricedMeasure
from sandbox.privacy.clip import Clip
from sandbox.privacy.intervals import ReleasedMeasure
from sandbox.privacy.mechanisms import Noise
from sandbox.privacy.notices import NoticeKind
from sandbox.privacy.statistics import Statistic, StatisticKind

LARGEST = 20_000
"""Totals of a relation that is kept."""

Cell: TypeAlias = tuple[tuple[Scalar, ...], tuple[int, ...]]
"""A group key and its noisy totals, in the order of the statistics."""


@dataclass(frozen=True, slots=True)
class KeptKey:
    """One part of the group key."""

    expression: str
    """Digest."""
    type: Type
    per_unit: bool
    """Determined by the unit."""


@dataclass(frozen=True, slots=True)
class KeptStatistic:
    """One noisy total per group key."""

    name: str
    content: str
    """Digest of what is added up, the filter aside."""
    kind: StatisticKind
    conditions: tuple[str, ...]
    """Digests of the terms of its filter, sorted."""
    noise: Noise
    asked: float
    """Scale of the noise as it was priced: at the largest candidate of an undecided clip."""
    scale: float
    """As it ran."""


@dataclass(frozen=True, slots=True)
class KeptClip:
    """What cut a unit's vector of some statistics."""

    statistics: Mapping[str, int]
    """Steps of the finer grid in one of the statistic's own."""
    norm: str
    row: int
    candidates: tuple[int, ...]
    """That `most` was chosen from; one where it was fixed."""
    most: int
    choice: float | None
    """Scale of the choice."""


@dataclass(frozen=True, slots=True)
class KeptNotice:
    """A noisy number about the relation (rule 28)."""

    kind: NoticeKind
    statistic: str
    noise: Noise
    scale: float
    number: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A measured relation."""

    measure: str
    """Its name in the plan that paid for it."""
    relation: str
    """Digest of the rows that were measured, their conditions aside."""
    conditions: tuple[str, ...]
    """Digests of the terms that chose among them, sorted."""
    keys: tuple[KeptKey, ...]
    groups: int
    rows: int
    fold: bool
    """Whether units were cut."""
    minimum: int
    """Groups of fewer units are not in it."""
    threshold: int | None
    """Of private group keys; None: the key set is public and whole, but for the minimum."""
    existence: str | None
    """The statistic that decided on private keys."""
    clips: tuple[KeptClip, ...]
    statistics: tuple[KeptStatistic, ...]
    notices: tuple[KeptNotice, ...]
    cells: tuple[Cell, ...]


def content(statistic: Statistic, found: Subject) -> str:
    """Digest of what the statistic adds up of which values on which grid, its name and filter aside."""
    factors = tuple(replace(each, argument=found.dissolved(each.argument)) for each in statistic.factors)
    argument = None if statistic.argument is None else found.dissolved(statistic.argument)
    return digest(replace(statistic, name="", filter=None, argument=argument, factors=factors))


def filtered_by(statistic: Statistic, found: Subject) -> tuple[str, ...]:
    """Digests of the terms of the statistic's filter, sorted."""
    condition = None if statistic.filter is None else found.dissolved(statistic.filter)
    return tuple(sorted({digest(term) for term in conjuncts(condition)}))


def keep(
    found: Subject,
    asked: PricedMeasure,
    ran: PricedMeasure,
    released: ReleasedMeasure,
    told: Sequence[tuple[Notice, int]],
) -> Kept | None:
    """The relation that a measure released; None where it is too large, or has quantiles: no total follows from them,
    and its notices are of them too.

    `asked` is the measure as it was priced, `ran` with the norms of its clips chosen; `told` are its notices.
    """
    bounded = ran.bounded
    names = [each.name for each in bounded.statistics]
    if bounded.quantiles or len(released.rows) * len(names) > LARGEST:
        return None
    width = len(found.keys)
    pairs = zip(released.rows, released.totals, strict=True)
    threshold = next((step.threshold for step in ran.measurements if step.threshold is not None), None)
    values = bounded.checked.keys
    return Kept(
        measure=released.measure,
        relation=found.relation,
        conditions=tuple(sorted(found.conditions)),
        keys=tuple(
            KeptKey(digest(key), known.values.type, known.values.per_unit)
            for key, known in zip(found.keys, values, strict=True)
        ),
        groups=bounded.bounds.groups,
        rows=bounded.bounds.rows,
        fold=bounded.fold,
        minimum=bounded.minimum,
        threshold=None if threshold is None else threshold.value,
        existence=bounded.existence,
        clips=kept_clips(asked, bounded),
        statistics=tuple(
            KeptStatistic(
                each.name,
                content(each, found),
                each.kind,
                filtered_by(each, found),
                ran.steps[each.name].noise,
                asked.steps[each.name].scale,
                ran.steps[each.name].scale,
            )
            for each in bounded.statistics
        ),
        notices=tuple(
            KeptNotice(each.kind, each.step.statistic, each.step.noise, each.step.scale, number)
            for each, number in told
        ),
        cells=tuple((row[:width], tuple(totals[name] for name in names)) for row, totals in pairs),
    )


def kept_clips(asked: PricedMeasure, ran: BoundedMeasure) -> tuple[KeptClip, ...]:
    """The clips of a measure as it was priced, with the norms that it ran with."""
    choices: list[float | None] = [step.scale for step in asked.selections] or [None] * len(ran.clips)
    triples = zip(asked.bounded.clips, ran.clips, choices, strict=True)
    return tuple(
        KeptClip(before.fine, before.norm.value, before.row, _candidates(before), after.most, choice)
        for before, after, choice in triples
    )


def _candidates(clip: Clip) -> tuple[int, ...]:
    return clip.candidates or (clip.most,)


def to_json(kept: Kept) -> bytes:
    """As it is stored: canonical JSON, totals and exact keys as texts, scales in hexadecimal."""
    return canonical_json(_plain(kept))


def _plain(kept: Kept) -> dict[str, object]:
    return {
        "measure": kept.measure,
        "relation": kept.relation,
        "conditions": list(kept.conditions),
        "keys": [[key.expression, key.type.value, key.per_unit] for key in kept.keys],
        "bounds": [kept.groups, kept.rows, kept.fold, kept.minimum],
        "threshold": kept.threshold,
        "existence": kept.existence,
        "clips": [
            [
                dict(clip.statistics),
                clip.norm,
                str(clip.row),
                list(map(str, clip.candidates)),
                str(clip.most),
                _hex(clip),
            ]
            for clip in kept.clips
        ],
        "statistics": [
            [each.name, each.content, each.kind.value, list(each.conditions), each.noise.value, *_scales(each)]
            for each in kept.statistics
        ],
        "notices": list(map(_notice, kept.notices)),
        "cells": [[list(map(scalar_json, key)), list(map(str, totals))] for key, totals in kept.cells],
    }


def _notice(notice: KeptNotice) -> list[object]:
    return [notice.kind.value, notice.statistic, notice.noise.value, notice.scale.hex(), str(notice.number)]


def _scales(statistic: KeptStatistic) -> tuple[str, str]:
    return statistic.asked.hex(), statistic.scale.hex()


def _hex(clip: KeptClip) -> str | None:
    return None if clip.choice is None else clip.choice.hex()


def from_json(text: bytes) -> Kept:
    """The relation that was stored."""
    tree: dict[str, Any] = json.loads(text)
    keys = tuple(KeptKey(expression, Type(type_), per_unit) for expression, type_, per_unit in tree["keys"])
    groups, rows, fold, minimum = tree["bounds"]
    return Kept(
        measure=tree["measure"],
        relation=tree["relation"],
        conditions=tuple(tree["conditions"]),
        keys=keys,
        groups=groups,
        rows=rows,
        fold=fold,
        minimum=minimum,
        threshold=tree["threshold"],
        existence=tree["existence"],
        clips=tuple(
            KeptClip(
                fine,
                norm,
                int(row),
                tuple(map(int, candidates)),
                int(most),
                None if choice is None else float.fromhex(choice),
            )
            for fine, norm, row, candidates, most, choice in tree["clips"]
        ),
        statistics=tuple(
            KeptStatistic(
                name,
                content_,
                StatisticKind(kind),
                tuple(conditions),
                Noise(noise),
                float.fromhex(asked),
                float.fromhex(scale),
            )
            for name, content_, kind, conditions, noise, asked, scale in tree["statistics"]
        ),
        notices=tuple(_read_notice(*each) for each in tree["notices"]),
        cells=tuple(
            (
                tuple(literal_value(key.type, value) for key, value in zip(keys, values, strict=True)),
                tuple(map(int, totals)),
            )
            for values, totals in tree["cells"]
        ),
    )


def _read_notice(kind: str, statistic: str, noise: str, scale: str, number: str) -> KeptNotice:
    return KeptNotice(NoticeKind(kind), statistic, Noise(noise), float.fromhex(scale), int(number))
