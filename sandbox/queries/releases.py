"""What leaves: a release as JSON, made of released rows and of what is known of the noise in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sandbox.datasets.snapshot import Snapshot
from sandbox.plan.nodes import Scalar
from sandbox.privacy.calibrate import Notice, PricedMeasure
from sandbox.privacy.intervals import CONFIDENCE, OUTSIDE, Interval
from sandbox.privacy.loss import nothing
from sandbox.privacy.mechanisms import Selection
from sandbox.privacy.notices import NoticeKind
from sandbox.privacy.quantiles import offset
from sandbox.privacy.reach import quantile as reached
from sandbox.privacy.statistics import StatisticKind
from sandbox.queries.balances import amounts_json
from sandbox.queries.bounds import clip_json
from sandbox.queries.preparation import Prepared
from sandbox.queries.reuse import Taken
from sandbox.queries.uncertainty import Uncertainty
from sandbox.workers.job import Rows


@dataclass(frozen=True, slots=True)
class Decided:
    """A measure as it ran, and how the norms of its clips were chosen."""

    selections: tuple[Selection, ...]
    priced: PricedMeasure
    told: tuple[tuple[Notice, int], ...]
    """Its notices, and their noisy numbers."""
    rows: int
    """Group keys that were released."""
    taken: Taken | None = None
    """The earlier release that it is computed from, in place of having run."""


def release_json(
    prepared: Prepared,
    decided: Sequence[Decided],
    known: Uncertainty,
    rows: Rows,
    *,
    dummy: bool,
) -> dict[str, object]:
    """What leaves: nothing in it names a licence, so that a repeat is the same bytes whoever asks."""
    labels = prepared.checked.plan.labels
    return {
        "dummy": dummy,
        "snapshots": [_source(name, snapshot) for name, snapshot in prepared.snapshots.items()],
        "columns": [
            {
                "name": label.label,
                "type": prepared.checked.answer[label.name].value,
                "measured": label.name in known.measured,
                "no_interval": known.without.get(label.name),
            }
            for label in labels
        ],
        "rows": [[_shown(value) for value in row[: len(labels)]] for row in rows.rows],
        "intervals": [[_ends(interval) for interval in row] for row in known.intervals],
        "confidence": CONFIDENCE,
        "truncation": [found for each in decided for found in _truncation(each)],
        "withheld": [found for each in decided for found in _withheld(each)],
        "privacy": _privacy(prepared, decided),
    }


def _source(name: str, snapshot: Snapshot) -> dict[str, object]:
    card = snapshot.card
    return {
        "dataset": name,
        "snapshot": snapshot.id,
        "card_version": card.version,
        "card": snapshot.card_digest,
        "provider": {"zh": card.catalogue.provider.zh, "en": card.catalogue.provider.en},
        "source": {"zh": card.catalogue.source.zh, "en": card.catalogue.source.en},
        "acquired": card.catalogue.acquired.isoformat(),
    }


def _shown(value: Scalar) -> object:
    """A value as JSON knows it: numbers as numbers, dates and moments in ISO 8601."""
    match value:
        case Fraction():
            return float(value)
        case date():
            return value.isoformat()
    return value


def _ends(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def _privacy(prepared: Prepared, decided: Sequence[Decided]) -> dict[str, object]:
    """What was promised: the notion, the loss, whom it protects, each mechanism and each bound."""
    loss = prepared.priced.loss
    reused = [each.taken for each in decided if each.taken is not None]
    return {
        "notion": prepared.licence.notion.value,
        **amounts_json(nothing(loss) if reused else loss),
        "unit_domains": list(prepared.domains),
        "accuracy": prepared.accuracy,
        "mechanisms": [
            {
                "measure": each.priced.bounded.checked.measure.name,
                "statistic": step.statistic,
                "level": None if step.level is None else each.priced.bounded.checked.levels[step.level].number,
                "parts": [_part(each.priced, name) for name in step.statistics],
                "mechanism": step.noise.value,
                "scale": step.scale,
                "sensitivity": step.sensitivity,
                "metric": step.noise.metric,
                "threshold": None if step.threshold is None else step.threshold.value,
                "loss": amounts_json(step.loss),
            }
            for each in decided
            for step in (each.priced.drawn if each.taken is None else ())
        ],
        "selections": [
            {
                "measure": each.priced.bounded.checked.measure.name,
                "statistic": step.statistic,
                "mechanism": "noisy_max",
                "scale": step.scale,
                "sensitivity": step.sensitivity,
                "metric": "linf",
                "loss": amounts_json(step.loss),
            }
            for each in decided
            for step in each.selections
        ],
        "quantiles": [found for each in decided for found in _quantiles(each.priced)],
        "bounds": [
            {
                "measure": each.priced.bounded.checked.measure.name,
                "groups": each.priced.bounded.bounds.groups,
                "rows": each.priced.bounded.bounds.rows,
                "fold": each.priced.bounded.fold,
                "minimum_frequency": each.priced.bounded.minimum,
                "clips": [clip_json(clip) for clip in each.priced.bounded.clips],
            }
            for each in decided
        ],
        "reused": [_reused(each) for each in reused],
    }


def _reused(taken: Taken) -> dict[str, object]:
    """Which release a measure is computed from, and the noise that is in it."""
    priced, source = taken.derived.priced, taken.source
    return {
        "measure": priced.bounded.checked.measure.name,
        "release": {"id": source.charge, "digest": source.digest},
        "from": source.kept.measure,
        "cells": taken.derived.cells,
        "mechanisms": [
            {
                "statistic": step.statistic,
                "parts": [_part(priced, name) for name in step.statistics],
                "mechanism": step.noise.value,
                "scale": step.scale,
            }
            for step in priced.drawn
        ],
    }


def _quantiles(priced: PricedMeasure) -> list[dict[str, object]]:
    """Of each quantile its grid and how it was chosen, and its interval."""
    steps = zip(priced.bounded.quantiles, priced.quantiles, priced.brackets, strict=True)
    return [
        {
            **_choice(priced, step),
            "fraction": str(quantile.fraction),
            "moved": offset(quantile, step.scale),
            "steps_per_row": quantile.buckets.fine,
            "buckets": quantile.buckets.size,
            "granularity": str(quantile.buckets.statistic.granularity),
            "first": str(quantile.buckets.statistic.centre * quantile.buckets.statistic.granularity),
            "bounds": {"groups": quantile.buckets.groups, "rows": quantile.buckets.rows},
            "interval": None if bracket is None else _choice(priced, bracket),
        }
        for quantile, step, bracket in steps
    ]


def _choice(priced: PricedMeasure, step: Selection) -> dict[str, object]:
    return {
        "measure": priced.bounded.checked.measure.name,
        "statistic": step.statistic,
        "mechanism": "noisy_max",
        "scale": step.scale,
        "sensitivity": step.sensitivity,
        "metric": "linf",
        "groups": str(step.groups),
        "loss": amounts_json(step.loss),
    }


def _truncation(decided: Decided) -> list[dict[str, object]]:
    """How many units have a bound that binds; whether that is worth a warning is decided from the noisy number alone
    (rule 28).
    """
    return [
        {
            "measure": decided.priced.bounded.checked.measure.name,
            "statistic": notice.step.statistic,
            "units": max(0, number),
            "interval": _about(notice, number),
            "binding": number > _half(notice),
        }
        for notice, number in decided.told
        if notice.kind is NoticeKind.BINDING
    ]


def _withheld(decided: Decided) -> list[dict[str, object]]:
    """How many private group keys exist beyond those released, from the noisy number of all (rule 28)."""
    return [
        {
            "measure": decided.priced.bounded.checked.measure.name,
            "statistic": notice.step.statistic,
            "groups": max(0, number - decided.rows),
            "interval": _about(notice, number - decided.rows),
            "some": number - decided.rows > _half(notice),
        }
        for notice, number in decided.told
        if notice.kind is NoticeKind.GROUPS
    ]


def _half(notice: Notice) -> int:
    return reached(notice.step.noise, notice.step.scale, OUTSIDE)


def _about(notice: Notice, number: int) -> list[int]:
    """The 95 % interval of a number that is not negative."""
    return [max(0, number - _half(notice)), max(0, number + _half(notice))]


def _part(priced: PricedMeasure, name: str) -> dict[str, object]:
    """What a mechanism adds noise to, how large one step of its totals is, and how many distinct values of a unit count
    for one group key."""
    bounded = priced.bounded
    if found := [notice for notice in priced.notices if notice.step.statistic == name]:
        return {"statistic": name, "kind": found[0].kind.value, "granularity": "1"}
    statistic = bounded.statistic(name)
    step = statistic.granularity / bounded.fine(name)
    part: dict[str, object] = {"statistic": name, "kind": statistic.kind.value, "granularity": str(step)}
    return part | ({"values": statistic.high} if statistic.kind is StatisticKind.DISTINCT else {})
