"""What a request's measures cost: the spend split over their statistics, each with the least noise its share allows.

Reads measures, spend and licence only (rule 3). Every decision is exact; floats are the scales, judged by what OpenDP
says of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, inf, nextafter
from types import MappingProxyType

from policies.licences import Notion
from sandbox.errors import Fault, Refusal
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.brackets import SHARE as BRACKET_SHARE
from sandbox.privacy.conversion import rho_of
from sandbox.privacy.loss import EPSILON_UNIT, RHO_UNIT, Loss, Spend, down, total
from sandbox.privacy.mechanisms import Measurement, Noise, Selection, Threshold, as_loss, selection_loss, stated_loss
from sandbox.privacy.notices import NOTICE_SHARE, NoticeKind, change, due, name
from sandbox.privacy.quantiles import Quantile
from sandbox.privacy.rounding import sqrt_up
from sandbox.privacy.selection import SHARE, heaviest
from sandbox.privacy.sensitivity import Sensitivity, clipped, full_groups, sensitivity
from sandbox.privacy.shares import split
from sandbox.privacy.tails import gaussian_tail

THRESHOLD_SHARE = Fraction(1, 1000)
"""The part of the licence's δ that the thresholds of one request lose together.

A licence's δ bounds all its thresholds, for ever: a thousand requests with private keys must fit. A smaller share costs
little, for a threshold grows with √ln(1/δ): at δ = 10⁻⁶ a thousandth instead of a half raises it by a fifth, and leaves
nearly all of δ to the conversion of ε to ρ.
"""

LARGEST_SCALE = 2.0**55
"""A noise of this scale, 100 times over, still leaves a total below `CAPACITY` within 64 bits."""

_STEPS = 64
"""Floats tried above the computed scale; two or three are enough."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that is due, and how it is measured."""

    kind: NoticeKind
    step: Measurement


@dataclass(frozen=True, slots=True)
class PricedMeasure:
    """A bounded measure and what is measured of it, the existence of private keys first."""

    bounded: BoundedMeasure
    measurements: tuple[Measurement, ...]
    selections: tuple[Selection, ...] = ()
    """How the norms of undecided clips are chosen, one for each of those."""
    notices: tuple[Notice, ...] = ()
    """Noisy numbers about the answer, as they are due."""
    quantiles: tuple[Selection, ...] = ()
    """One for each of the measure's quantiles."""
    brackets: tuple[Selection | None, ...] = ()
    """How the interval of each is chosen; None of a least or greatest value, which is an end of its own."""

    def decided(self, chosen: Sequence[int]) -> PricedMeasure:
        """With each undecided clip at the candidate chosen: scale and sensitivity are halved as often as C is, so that
        the loss stated is the same to the last bit.
        """
        steps, clips = list(self.measurements), list(self.bounded.clips)
        for clip, place in zip(self.bounded.undecided, chosen, strict=True):
            at = next(i for i, step in enumerate(steps) if set(step.statistics) == clip.fine.keys())
            halved = 2 ** (len(clip.candidates) - 1 - place)
            step = steps[at]
            steps[at] = replace(step, scale=step.scale / halved, sensitivity=step.sensitivity / halved)
            clips[clips.index(clip)] = replace(clip, most=clip.candidates[place], candidates=())
        return replace(
            self, bounded=replace(self.bounded, clips=tuple(clips)), measurements=tuple(steps), selections=()
        )

    @property
    def drawn(self) -> tuple[Measurement, ...]:
        """Every measurement that adds noise, notices last."""
        return (*self.measurements, *(notice.step for notice in self.notices))

    @property
    def choices(self) -> tuple[Selection, ...]:
        """Every choice that is made."""
        ranked = zip(self.quantiles, self.brackets, strict=True)
        return (*self.selections, *(step for both in ranked for step in both if step is not None))

    @property
    def steps(self) -> Mapping[str, Measurement]:
        """Per statistic, what measures it on the first level: the only one, where there are not several."""
        return self.steps_at(0)

    def steps_at(self, level: int) -> Mapping[str, Measurement]:
        """Per statistic that is measured on the level, by what."""
        found = (step for step in self.measurements if step.level in (None, level))
        return {name: step for step in found for name in step.statistics}


@dataclass(frozen=True, slots=True)
class Priced:
    """All measures of a request and what they lose together: fixed before any data is touched."""

    measures: tuple[PricedMeasure, ...]
    loss: Loss
    """The exact sum over all mechanisms."""


def price(
    measures: Sequence[BoundedMeasure],
    spend: Spend,
    notion: Notion,
    delta: Fraction,
    weights: Mapping[str, Fraction] = MappingProxyType({}),
) -> Priced:
    """The measurements that lose no more than `spend`, thresholds included (rule 6), at the licence's δ; `weights` are
    those that aggregates have in the split, by name.

    Refuses: `plan.private_keys_pure`, `spend.notion`, `spend.too_small`. Source: rules 6, 18, 23, 24.
    """
    if not measures:
        return Priced((), Loss(rho=0, delta=0, epsilon=0 if notion is Notion.PURE else None))
    match notion:
        case Notion.ZCDP:
            return _zcdp(measures, spend, delta, weights)
        case Notion.PURE:
            return _pure(measures, spend, weights)


def _zcdp(measures: Sequence[BoundedMeasure], spend: Spend, delta: Fraction, weights: Mapping[str, Fraction]) -> Priced:
    private = sum(len(measure.private) for measure in measures)
    thresholds = _thresholds(measures, delta)
    shares = split(units(spend, measures, Notion.ZCDP, delta), measures, Notion.ZCDP, weights)
    priced = []
    for measure, share in zip(measures, shares, strict=True):
        given, notices = _noticed(measure, share, _gaussian)
        steps = []
        for level in measure.private:
            existence = measure.existence or ""
            change = sensitivity(measure, measure.statistic(existence), level)
            step = _thresholded(existence, change, given.pop((level, existence)), thresholds / private, measure.minimum)
            steps.append(_on(step, measure, level))
        found, selections = _measured(measure, given, _gaussian, _selected_rho)
        ranked = _ranked(measure, given, _selected_rho)
        priced.append(PricedMeasure(measure, (*steps, *found), selections, notices, *ranked))
    return summed(priced)


def _on(step: Measurement, measure: BoundedMeasure, level: int) -> Measurement:
    """The step on one level of several."""
    return step if measure.checked.measure.levels is None else replace(step, level=level)


def units(spend: Spend, measures: Sequence[BoundedMeasure], notion: Notion, delta: Fraction) -> int:
    """What a spend amounts to in the notion's own measure, in ledger units of ρ or ε, rounded down.

    Refuses: `spend.notion`. Source: rule 6.
    """
    match notion:
        case Notion.ZCDP:
            return down(_rho(spend, delta - _thresholds(measures, delta)), RHO_UNIT)
        case Notion.PURE:
            if spend.epsilon is None:
                raise Refusal("spend.notion")
            return down(spend.epsilon, EPSILON_UNIT)


def _thresholds(measures: Sequence[BoundedMeasure], delta: Fraction) -> Fraction:
    """The δ that the thresholds of all private keys may lose together."""
    private = any(measure.existence is not None for measure in measures)
    return THRESHOLD_SHARE * delta if private else Fraction(0)


def _pure(measures: Sequence[BoundedMeasure], spend: Spend, weights: Mapping[str, Fraction]) -> Priced:
    for measure in measures:
        if measure.existence is not None:
            raise Refusal("plan.private_keys_pure", subject=_unknown_key(measure))
    shares = split(units(spend, measures, Notion.PURE, Fraction(0)), measures, Notion.PURE, weights)
    priced = []
    for measure, share in zip(measures, shares, strict=True):
        given, notices = _noticed(measure, share, _laplace)
        found, selections = _measured(measure, given, _laplace, _selected_epsilon)
        ranked = _ranked(measure, given, _selected_epsilon)
        priced.append(PricedMeasure(measure, found, selections, notices, *ranked))
    return summed(priced)


def _unknown_key(measure: BoundedMeasure) -> str:
    """The first group key without a public value set; the measure, where only several together are too many."""
    checked = measure.checked
    return next((key.name for key in checked.keys if key.values.members is None), checked.measure.name)


def _noticed(
    measure: BoundedMeasure, given: Mapping[tuple[int, str], int], step: Callable[[str, Sensitivity, int], Measurement]
) -> tuple[dict[tuple[int, str], int], tuple[Notice, ...]]:
    """What each statistic keeps of its share, and the notices, measured with a part of all of them.

    Refuses: `spend.too_small` where a statistic keeps nothing. Source: rule 28.
    """
    kinds = due(measure)
    parts = {name: ceil(share * NOTICE_SHARE) for name, share in given.items()}
    kept = {name: share - len(kinds) * parts[name] for name, share in given.items()}
    if min(kept.values()) < 1:
        raise Refusal("spend.too_small")
    part = sum(parts.values())
    return kept, tuple(Notice(kind, step(name(measure, kind), change(measure, kind), part)) for kind in kinds)


def _measured(
    measure: BoundedMeasure,
    given: Mapping[tuple[int, str], int],
    step: Callable[[str, Sensitivity, int], Measurement],
    selected: Callable[[str, int, int], Selection],
) -> tuple[tuple[Measurement, ...], tuple[Selection, ...]]:
    """The statistics measured with what each is given on each level: those of one clip together on all levels, with one
    loss for all; and of that a part for the choice of its norm, where it is undecided.
    """
    apart = {statistic.name: statistic for statistic in measure.statistics if measure.clip(statistic.name) is None}
    alike = dict[tuple[Sensitivity, int], Measurement]()
    steps = list[Measurement]()
    for (level, each), share in given.items():
        if each in apart:
            change = sensitivity(measure, apart[each], level)
            if (change, share) not in alike:  # on many levels the same statistic is measured alike
                alike[change, share] = step(each, change, share)
            steps.append(_on(replace(alike[change, share], statistic=each), measure, level))
    selections = list[Selection]()
    for number, clip in enumerate(measure.clips, 1):
        name = next(iter(clip.fine)) if len(clip.fine) == 1 else f"{measure.checked.measure.name}v{number}"
        share = sum(share for (_, part), share in given.items() if part in clip.fine)
        if clip.undecided:
            part = ceil(share * SHARE)
            share -= part
            if share < 1:
                raise Refusal("spend.too_small")
            selections.append(selected(f"{measure.checked.measure.name}c{number}", heaviest(measure, clip), part))
        found = step(name, clipped(measure, clip), share)
        steps.append(replace(found, vector=tuple(clip.fine)))
    return tuple(steps), tuple(selections)


def _ranked(
    measure: BoundedMeasure, given: Mapping[tuple[int, str], int], selected: Callable[[str, int, int], Selection]
) -> tuple[tuple[Selection, ...], tuple[Selection | None, ...]]:
    """One choice per quantile and group, and one of its interval with a part of the share.

    Refuses: `spend.too_small` where that is nothing. Source: rules 22 and 29.
    """
    steps, brackets = list[Selection](), list[Selection | None]()
    for each in measure.quantiles:
        share = given[0, each.name]
        part = 0 if each.inward else ceil(share * BRACKET_SHARE)
        steps.append(_per_group(measure, each, each.name, share - part, selected))
        brackets.append(_per_group(measure, each, each.bracket, part, selected) if part else None)
    return tuple(steps), tuple(brackets)


def _per_group(
    measure: BoundedMeasure, quantile: Quantile, name: str, share: int, selected: Callable[[str, int, int], Selection]
) -> Selection:
    """One choice per group, that loses no more than the share by all groups that one unit is in."""
    groups = full_groups(measure, quantile)
    part = floor(share / groups)
    if part < 1:
        raise Refusal("spend.too_small")
    step = selected(name, quantile.sensitivity, part)
    stated = groups * selection_loss(step.noise, step.scale, step.sensitivity)
    return replace(step, groups=groups, loss=as_loss(step.noise, stated, Fraction(0)))


def _selected_rho(name: str, most: int, share: int) -> Selection:
    """The least scale with ρ = (Δ/scale)²/2 within its share: report-noisy-max is 2Δ/scale-bounded-range, hence
    (2Δ/scale)²/8-zCDP (Cesar & Rogers, ALT 2021).
    """
    return _selected(name, Noise.GAUSSIAN, sqrt_up(most**2 / (2 * share * RHO_UNIT)), most, share * RHO_UNIT)


def _selected_epsilon(name: str, most: int, share: int) -> Selection:
    """The least scale with ε = 2Δ/scale within its share."""
    epsilon = share * EPSILON_UNIT
    return _selected(name, Noise.LAPLACE, sqrt_up((2 * most / epsilon) ** 2), most, epsilon)


def _selected(name: str, noise: Noise, scale: float, most: int, share: Fraction) -> Selection:
    for _ in range(_STEPS):
        if scale > LARGEST_SCALE:
            raise Refusal("spend.too_small")
        stated = selection_loss(noise, scale, most)
        if stated <= share:
            return Selection(name, noise, scale, most, as_loss(noise, stated, Fraction(0)))
        scale = nextafter(scale, inf)
    raise Fault("OpenDP's privacy map does not fall with the scale as it must")


def summed(priced: Sequence[PricedMeasure]) -> Priced:
    """These measures, and what they lose together."""
    chosen = [step.loss for each in priced for step in each.choices]
    return Priced(tuple(priced), total(chosen + [step.loss for each in priced for step in each.drawn]))


def _rho(spend: Spend, delta: Fraction) -> Fraction:
    """The ρ that a spend amounts to at δ; rounded down."""
    if spend.rho is not None:
        return spend.rho
    if spend.epsilon is None:
        raise Fault("a spend is one of ε and ρ")
    return rho_of(spend.epsilon, delta)


def _gaussian(name: str, change: Sensitivity, share: int) -> Measurement:
    """The least σ with Δ₂²/(2σ²) ≤ ρ that OpenDP agrees to."""
    rho = share * RHO_UNIT
    distance = sqrt_up(Fraction(change.l2_squared))
    scale = sqrt_up(change.l2_squared / (2 * rho))
    return _stepped(name, Noise.GAUSSIAN, scale, distance, rho)


def _laplace(name: str, change: Sensitivity, share: int) -> Measurement:
    """The least b with Δ₁/b ≤ ε that OpenDP agrees to."""
    epsilon = share * EPSILON_UNIT
    distance = sqrt_up(Fraction(change.l1**2))
    scale = sqrt_up((change.l1 / epsilon) ** 2)
    return _stepped(name, Noise.LAPLACE, scale, distance, epsilon)


def _stepped(name: str, noise: Noise, scale: float, distance: float, share: Fraction) -> Measurement:
    """Steps the scale up until the built measurement states no more than its share."""
    for _ in range(_STEPS):
        if scale > LARGEST_SCALE:
            raise Refusal("spend.too_small")
        stated, delta = stated_loss(noise, scale, distance, None)
        if stated <= share:
            return Measurement(name, noise, scale, distance, None, as_loss(noise, stated, delta))
        scale = nextafter(scale, inf)
    raise Fault("OpenDP's privacy map does not fall with the scale as it must")


def _thresholded(name: str, change: Sensitivity, share: int, delta: Fraction, minimum: int) -> Measurement:
    """The least threshold whose stated δ is no more than its part, at the σ of its share of ρ.

    Refuses: `spend.too_small` where δ is below what OpenDP can state.
    """
    plain = _gaussian(name, change, share)
    least = _least_above(Fraction(plain.scale), delta / change.l0)
    threshold = Threshold(least + 1, change.l0, minimum)
    stated, lost = stated_loss(Noise.GAUSSIAN, plain.scale, plain.sensitivity, threshold)
    if lost > delta or stated > share * RHO_UNIT:
        raise Refusal("spend.too_small")
    loss = as_loss(Noise.GAUSSIAN, stated, lost)
    return Measurement(name, Noise.GAUSSIAN, plain.scale, plain.sensitivity, threshold, loss)


def _least_above(scale: Fraction, probability: Fraction) -> int:
    """The least value that noise reaches with no more than this probability."""
    high = 1
    while gaussian_tail(scale, high) > probability:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if gaussian_tail(scale, middle) > probability:
            low = middle
        else:
            high = middle
    return high
