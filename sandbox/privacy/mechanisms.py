"""Noise, and the only importer of OpenDP: discrete Gaussian and Laplace on vectors of 64-bit integers.

Only the feature `contrib` is enabled: the integer mechanisms need no floating-point one. Every built measurement is
asked its loss before it is invoked, and every invocation is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cache
from importlib import metadata
from itertools import islice
from math import inf

import opendp.domains as domains
import opendp.measurements as measurements
import opendp.measures as measures
import opendp.metrics as metrics
import opendp.mod as mod

from sandbox.errors import Fault
from sandbox.privacy.keys import Totals
from sandbox.privacy.loss import DELTA_UNIT, EPSILON_UNIT, RHO_UNIT, Loss, pure, up
from sandbox.privacy.statistics import CAPACITY
from sandbox.privacy.tails import gaussian_tail

FEATURES = ("contrib",)
"""OpenDP features in use; named in each log entry."""

mod.enable_features(*FEATURES)


@cache
def version() -> str:
    """The version of OpenDP."""
    return metadata.version("opendp")


class Noise(StrEnum):
    """The distribution added to each total."""

    GAUSSIAN = "discrete_gaussian"
    """Scale is σ; the sensitivity is L2."""
    LAPLACE = "discrete_laplace"
    """Scale is b; the sensitivity is L1."""

    @property
    def metric(self) -> str:
        """The name of the distance that its sensitivity is stated in."""
        return "l2" if self is Noise.GAUSSIAN else "l1"


@dataclass(frozen=True, slots=True)
class Threshold:
    """Which private keys are released: those whose noisy max(0, n − (minimum − 1)) is no less than `value`."""

    value: int
    groups: int
    """The most keys that one unit can bring into existence."""
    minimum: int
    """Minimum frequency k: a key with fewer units is treated as absent (rule 24)."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What is done to one statistic over all group keys, and what it costs."""

    statistic: str
    """Its name, or that of a vector of several."""
    noise: Noise
    scale: float
    sensitivity: float
    """L2 or L1, rounded up; exact input distance of the measurement."""
    threshold: Threshold | None
    loss: Loss
    """Charged for it."""
    vector: tuple[str, ...] = ()
    """The statistics that are measured together: the sensitivity is that of all their totals, the loss one for all."""
    level: int | None = None
    """The level whose group keys it is over; None: those of all levels together."""

    @property
    def statistics(self) -> tuple[str, ...]:
        """Whose totals get this noise."""
        return self.vector or (self.statistic,)


@dataclass(frozen=True, slots=True)
class Selection:
    """The choice of one of several candidates by report-noisy-max over whole scores, and what it costs."""

    statistic: str
    """Its name."""
    noise: Noise
    """Of the measure's other mechanisms: in whose notion the loss is stated."""
    scale: float
    sensitivity: int
    """The most that any score can change."""
    loss: Loss
    """Of all choices together."""
    groups: Fraction = Fraction(1)
    """Where one is made per group key: how many times the loss of one choice a unit can cause with all its groups."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a mechanism, with the loss its built measurement stated."""

    statistic: str
    loss: Loss


def stated_loss(
    noise: Noise, scale: float, sensitivity: float, threshold: Threshold | None
) -> tuple[Fraction, Fraction]:
    """What the built measurement says it loses: ρ or ε, and δ, exactly as its floats say.

    A threshold's δ is the greater of OpenDP's and our own bound: OpenDP 0.16 bounds the probability that noise is
    *above* threshold − 1, yet keeps a key whose noisy count *equals* the threshold.
    """
    if threshold is None:
        stated = _built(noise, scale).map(sensitivity)  # type: ignore[no-untyped-call]
        return Fraction(stated), Fraction(0)
    built = _built_threshold(scale, threshold)
    rho, delta = built.map((threshold.groups, sensitivity, 1.0))  # type: ignore[no-untyped-call]
    own = threshold.groups * gaussian_tail(Fraction(scale), threshold.value - 1)
    return Fraction(rho), max(Fraction(delta), own)


def selection_loss(noise: Noise, scale: float, sensitivity: int) -> Fraction:
    """What the built selection says it loses: ρ or ε, exactly as its float says."""
    return Fraction(_built_selection(noise, scale).map(sensitivity))  # type: ignore[no-untyped-call]


def select(step: Selection, scores: Sequence[int], invocations: list[Invocation]) -> int:
    """The place of a high score. The invocation is recorded before it runs."""
    return select_each(step, (scores,), invocations)[0]


def select_each(step: Selection, scores: Sequence[Sequence[int]], invocations: list[Invocation]) -> tuple[int, ...]:
    """The place of a high score per group key; of them together no more is lost than the step says (rule 22)."""
    stated = step.groups * selection_loss(step.noise, step.scale, step.sensitivity)
    loss = as_loss(step.noise, stated, Fraction(0))
    if loss != step.loss:
        raise Fault(f"{step.statistic} states another loss than was charged")
    invocations.append(Invocation(step.statistic, loss))
    for each in scores:
        _within_capacity(each)
    chooses = _built_selection(step.noise, step.scale)
    return tuple(int(chooses(list(each))) for each in scores)


def measure(steps: Sequence[Measurement], exact: Totals, invocations: list[Invocation]) -> Totals:
    """The totals with noise, one call per statistic and level over all its keys.

    Steps with a threshold come first and decide a level's keys; the others are measured on those (rules 23 and 25). A
    vector of statistics is one call. Each invocation is recorded before it runs.
    """
    kept = list(range(len(exact.keys)))
    columns: dict[str, dict[int, int]] = {name: {} for step in steps for name in step.statistics}
    decided = False
    for step in steps:
        _record(step, invocations)
        mine = [index for index in kept if step.level in (None, exact.level(index))]
        if step.threshold is None:
            decided = True
            for name, column in _noisy(step, {name: _kept(exact, name, mine) for name in step.statistics}).items():
                columns[name] |= zip(mine, column, strict=True)
            continue
        if decided:
            raise Fault("existence is decided first")
        counts = dict(zip(mine, _kept(exact, step.statistic, mine), strict=True))
        columns[step.statistic] |= _surviving(step, step.threshold, counts)
        kept = [index for index in kept if index not in counts or index in columns[step.statistic]]
    return Totals(
        tuple(exact.keys[index] for index in kept),
        {name: tuple(column.get(index, 0) for index in kept) for name, column in columns.items()},
        tuple(exact.levels[index] for index in kept) if exact.levels else (),
    )


def noisy_number(step: Measurement, rows: Sequence[Sequence[object]], invocations: list[Invocation]) -> int:
    """The one number that the engine returned, with noise. The invocation is recorded before it runs."""
    if len(rows) != 1 or len(rows[0]) != 1 or isinstance(rows[0][0], bool) or not isinstance(rows[0][0], int):
        raise Fault("the engine returned another thing than a number")
    _record(step, invocations)
    return _noisy(step, {step.statistic: [rows[0][0]]})[step.statistic][0]


def _record(step: Measurement, invocations: list[Invocation]) -> None:
    """Asks the measurement about to run for its loss; more than was charged for it is a bug of ours."""
    stated, delta = stated_loss(step.noise, step.scale, step.sensitivity, step.threshold)
    loss = as_loss(step.noise, stated, delta)
    if loss != step.loss:
        raise Fault(f"{step.statistic} states another loss than was charged")
    invocations.append(Invocation(step.statistic, loss))


def as_loss(noise: Noise, stated: Fraction, delta: Fraction) -> Loss:
    """A stated loss in units, rounded up."""
    match noise:
        case Noise.GAUSSIAN:
            return Loss(rho=up(stated, RHO_UNIT), delta=up(delta, DELTA_UNIT))
        case Noise.LAPLACE:
            return pure(up(stated, EPSILON_UNIT))


def _kept(exact: Totals, name: str, kept: Sequence[int]) -> list[int]:
    totals = exact.columns.get(name, ())
    return [totals[index] for index in kept]


def _noisy(step: Measurement, columns: Mapping[str, list[int]]) -> dict[str, tuple[int, ...]]:
    """The totals of the step's statistics, measured as one vector."""
    totals = [total for column in columns.values() for total in column]
    _within_capacity(totals)
    values = iter([int(value) for value in _built(step.noise, step.scale)(totals)])
    return {name: tuple(islice(values, len(column))) for name, column in columns.items()}


def _surviving(step: Measurement, threshold: Threshold, counts: Mapping[int, int]) -> dict[int, int]:
    """Positions of the keys that are released, with their noisy unit counts."""
    _within_capacity(list(counts.values()))
    above = {index: n - (threshold.minimum - 1) for index, n in counts.items() if n >= threshold.minimum}
    if not above:
        return {}
    released = _built_threshold(step.scale, threshold)(above)
    return {int(index): int(value) + threshold.minimum - 1 for index, value in released.items()}


def _within_capacity(totals: Sequence[int]) -> None:
    """OpenDP saturates beyond 64 bits; bounding has proved that no total comes near (rule 27)."""
    if any(abs(total) >= CAPACITY for total in totals):
        raise Fault("a total exceeds its proven bound")


def _built(noise: Noise, scale: float) -> mod.Measurement:
    _positive(scale)
    vector = domains.vector_domain(domains.atom_domain(T="i64"))
    match noise:
        case Noise.GAUSSIAN:
            return measurements.make_gaussian(vector, metrics.l2_distance("f64"), scale=scale)
        case Noise.LAPLACE:
            return measurements.make_laplace(vector, metrics.l1_distance("f64"), scale=scale)


def _built_selection(noise: Noise, scale: float) -> mod.Measurement:
    _positive(scale)
    scores = domains.vector_domain(domains.atom_domain(T="i64"))
    match noise:
        case Noise.GAUSSIAN:
            notion = measures.zero_concentrated_divergence()
        case Noise.LAPLACE:
            notion = measures.max_divergence()
    return measurements.make_noisy_max(scores, metrics.linf_distance("i64"), notion, scale=scale)


def _built_threshold(scale: float, threshold: Threshold) -> mod.Measurement:
    _positive(scale)
    counts = domains.map_domain(domains.atom_domain(T="i64"), domains.atom_domain(T="i64"))
    distance = metrics.l02inf_distance(metrics.absolute_distance("f64"))
    return measurements.make_gaussian_threshold(counts, distance, scale=scale, threshold=threshold.value)


def _positive(scale: float) -> None:
    """Scale 0 would return the exact totals."""
    if not 0 < scale < inf:
        raise Fault("a scale is positive and finite")
