"""What leaves: a release as JSON, made of released rows and of what is known of the noise in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sandbox.balances import amounts_json
from sandbox.bounds import clip_json
from sandbox.datasets.snapshot import Snapshot
from sandbox.engines.render import AnswerJob
from sandbox.plan.nodes import Scalar
from sandbox.preparation import Prepared
from sandbox.privacy.calibrate import Notice, PricedMeasure
from sandbox.privacy.intervals import CONFIDENCE, OUTSIDE
from sandbox.privacy.mechanisms import Selection
from sandbox.privacy.notices import NoticeKind
from sandbox.privacy.propagation import NUMERIC, Form, Noisy, formed, interval, single
from sandbox.privacy.reach import quantile
from sandbox.privacy.statistics import StatisticKind
from sandbox.workers.job import Rows

PROPAGATED = 200_000
"""Cells of an answer whose intervals are computed from others'; where there are more, none of them has one."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A measure as it ran, and how the norms of its clips were chosen."""

    selections: tuple[Selection, ...]
    priced: PricedMeasure
    told: tuple[tuple[Notice, int], ...]
    """Its notices, and their noisy numbers."""
    rows: int
    """Group keys that were released."""


def release_json(
    prepared: Prepared,
    decided: Sequence[Decided],
    answer: AnswerJob,
    noise: Mapping[str, Noisy],
    rows: Rows,
    *,
    dummy: bool,
) -> dict[str, object]:
    """What leaves: nothing in it names a licence, so that a repeat is the same bytes whoever asks."""
    labels = prepared.checked.plan.labels
    forms = _forms(prepared, answer, noise)
    computed = [name for name, form in forms.items() if single(form) is None]
    silent = computed if len(computed) * len(rows.rows) > PROPAGATED else []
    spoken = {name: form for name, form in forms.items() if name not in silent}
    return {
        "dummy": dummy,
        "snapshots": [_source(name, snapshot) for name, snapshot in prepared.snapshots.items()],
        "columns": [
            {
                "name": label.label,
                "type": prepared.checked.answer[label.name].value,
                "measured": label.name in forms,
            }
            for label in labels
        ],
        "rows": [[_shown(value) for value in row[: len(labels)]] for row in rows.rows],
        "intervals": [_intervals(row, prepared, answer, noise, spoken) for row in rows.rows],
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


def _forms(prepared: Prepared, answer: AnswerJob, noise: Mapping[str, Noisy]) -> dict[str, Form]:
    """The answer's numbers with noise in them, as forms over released cells."""
    releases = {marker: noise[measure] for marker, (measure, _) in answer.markers.items()}
    formed_ = {
        name: formed(origin, releases)
        for name, origin in answer.origins.items()
        if prepared.checked.answer[name] in NUMERIC
    }
    return {name: form for name, form in formed_.items() if form.noisy}


def _intervals(
    row: tuple[Scalar, ...],
    prepared: Prepared,
    answer: AnswerJob,
    noise: Mapping[str, Noisy],
    forms: Mapping[str, Form],
) -> list[list[float] | None]:
    """Of each cell of an answer's row."""
    numbers = {marker: (noise[measure], row[place]) for marker, (measure, place) in answer.markers.items()}
    located = {marker: (noisy, at) for marker, (noisy, at) in numbers.items() if isinstance(at, int)}
    found = list[list[float] | None]()
    for label, value in zip(prepared.checked.plan.labels, row, strict=False):
        form = forms.get(label.name)
        ends = None if form is None or value is None else interval(form, located)
        found.append(None if ends is None else [ends.low, ends.high])
    return found


def _privacy(prepared: Prepared, decided: Sequence[Decided]) -> dict[str, object]:
    """What was promised: the notion, the loss, whom it protects, each mechanism and each bound."""
    return {
        "notion": prepared.licence.notion.value,
        **amounts_json(prepared.priced.loss),
        "unit_domains": list(prepared.domains),
        "accuracy": prepared.accuracy,
        "mechanisms": [
            {
                "measure": each.priced.bounded.checked.measure.name,
                "statistic": step.statistic,
                "parts": [_part(each.priced, name) for name in step.statistics],
                "mechanism": step.noise.value,
                "scale": step.scale,
                "sensitivity": step.sensitivity,
                "metric": step.noise.metric,
                "threshold": None if step.threshold is None else step.threshold.value,
                "loss": amounts_json(step.loss),
            }
            for each in decided
            for step in each.priced.drawn
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
    return quantile(notice.step.noise, notice.step.scale, OUTSIDE)


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
