"""What one cell of the public part is made of: released totals with known noise, and what is computed of them.

Pure; reads what was released, never what was exact (rule 29).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from sandbox.errors import Fault
from sandbox.plan.nodes import Literal, Scalar, Type
from sandbox.plan.values import Values, of_literal
from sandbox.privacy.calibrate import PricedMeasure
from sandbox.privacy.intervals import Interval, ReleasedMeasure, weights
from sandbox.privacy.mechanisms import Measurement
from sandbox.privacy.quantiles import Chosen
from sandbox.privacy.statistics import Estimate, Moments

NUMERIC = frozenset({Type.INTEGER, Type.DOUBLE})
Family: TypeAlias = tuple[str, ...]
Key: TypeAlias = tuple[str, int, str]
"""One noise: of a measure's row, a statistic's total."""


@dataclass(frozen=True, slots=True)
class Noisy:
    """A released relation and the noise in it."""

    priced: PricedMeasure
    released: ReleasedMeasure
    families: Mapping[str, Family] = field(default_factory=dict)
    """Of statistics whose noise may be in those of another relation too, where they both have it from."""

    def family(self, statistic: str) -> Family:
        """What two statistics with the same noise in them share."""
        return self.families.get(statistic, (self.released.measure, statistic))

    def column(self, name: str) -> int:
        return next(index for index, (each, _) in enumerate(self.released.columns) if each == name)

    def type(self, name: str) -> Type:
        return self.released.columns[self.column(name)][1]

    def estimate(self, name: str) -> Estimate | Moments | Chosen | None:
        """How an aggregate follows from totals; None of a group key."""
        return next((each for each in self.priced.bounded.estimates if each.aggregate == name), None)

    def total(self, row: int, name: str) -> tuple[Measurement, int]:
        """The noise and the noisy total of an aggregate that is a total."""
        estimate = self.estimate(name)
        if not isinstance(estimate, Estimate):
            raise Fault("a moment or a choice is no total")
        return self.released.noises[row][estimate.statistic], self.released.totals[row][estimate.statistic]

    def linear(self, row: int, estimate: Estimate) -> Linear:
        """A total of the row, as it follows from statistics by adding alone."""
        found = weights(self.priced.bounded, estimate)
        value = sum((weight * self.released.totals[row][name] for name, weight in found.items()), Fraction(0))
        keyed = {(self.released.measure, row, name): weight for name, weight in found.items()}
        return Linear(self.type(estimate.aggregate), value, keyed)

    def interval(self, row: Scalar, name: str) -> Interval | None:
        """The one that an aggregate's cell was released with; None where the row is missing."""
        if not isinstance(row, int):
            return None
        keys = len(self.released.columns) - len(self.priced.bounded.estimates)
        return self.released.intervals[row][self.column(name) - keys]


def independent(
    weights: Mapping[Key, Fraction | float], releases: Mapping[str, Noisy]
) -> list[tuple[Measurement, Fraction]]:
    """What adds up to so much of each noise. Noises are independent, but for those in totals of one statistic that were
    made consistent: of several rows' they count as one, as large as they can be together.
    """
    found, tied = list[tuple[Measurement, Fraction]](), dict[tuple[str, str], list[tuple[Measurement, Fraction]]]()
    for (measure, row, statistic), weight in weights.items():
        released = releases[measure].released
        one = (released.noises[row][statistic], Fraction(weight))
        (tied.setdefault((measure, statistic), []) if statistic in released.adjusted else found).append(one)
    for each in tied.values():
        widest = max((step for step, _ in each), key=lambda step: step.scale)
        whole = sum(abs(weight) * Fraction(step.scale) for step, weight in each)
        found.append(each[0] if len(each) == 1 else (widest, whole / Fraction(widest.scale)))
    return found


@dataclass(frozen=True, slots=True)
class Linear:
    """A number: so much of each noise, exactly. Without noise it is a number that is known."""

    type: Type
    value: Fraction
    weights: Mapping[Key, Fraction]

    @property
    def parts(self) -> tuple[Form, ...]:
        return ()

    @property
    def noisy(self) -> bool:
        return bool(self.weights)

    def plus(self, other: Linear, type_: Type, factor: Fraction = Fraction(1)) -> Linear:
        """The number plus so many of the other: noise that is in both is added up first."""
        weights = dict(self.weights)
        for key, weight in other.weights.items():
            weights[key] = weights.get(key, Fraction(0)) + factor * weight
        return Linear(type_, self.value + factor * other.value, {key: each for key, each in weights.items() if each})

    def scaled(self, factor: Fraction, type_: Type) -> Linear:
        weights = {key: weight * factor for key, weight in self.weights.items()} if factor else {}
        return Linear(type_, self.value * factor, weights)


@dataclass(frozen=True, slots=True)
class Quotient:
    """One number over another one that is noisy."""

    over: Linear
    under: Linear
    type: Type = Type.DOUBLE
    noisy: bool = True

    @property
    def parts(self) -> tuple[Form, ...]:
        return (self.over, self.under)


@dataclass(frozen=True, slots=True)
class Cell:
    """A released aggregate that is no total."""

    release: Noisy
    row: int
    name: str
    noisy: bool = True

    @property
    def type(self) -> Type:
        return self.release.type(self.name)

    @property
    def parts(self) -> tuple[Form, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Barely:
    """A count that was released only because it was large: it may be much too large, hardly too small."""

    release: Noisy
    row: int
    name: str
    type: Type = Type.INTEGER
    noisy: bool = True

    @property
    def parts(self) -> tuple[Form, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Known:
    """What has no noise and is no number: NULL, a truth, a text."""

    values: Values
    noisy: bool = False

    @property
    def type(self) -> Type:
        return self.values.type

    @property
    def parts(self) -> tuple[Form, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Applied:
    """A scalar function of forms."""

    type: Type
    function: str
    parts: tuple[Form, ...]

    @property
    def noisy(self) -> bool:
        return any(each.noisy for each in self.parts)


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of these, times a factor."""

    type: Type
    parts: tuple[Form, ...]
    factor: Fraction
    noisy: bool = True


@dataclass(frozen=True, slots=True)
class Ranked:
    """The value at a share of these in their order: 0 the least, 1 the largest."""

    type: Type
    parts: tuple[Form, ...]
    share: Fraction
    between: bool
    """Whether it can lie between two of them."""
    noisy: bool = True


@dataclass(frozen=True, slots=True)
class Counted:
    """How many of so many rows meet a condition, at 95 %: so many surely, so many perhaps."""

    least: int
    most: int
    type: Type = Type.INTEGER
    noisy: bool = True

    @property
    def parts(self) -> tuple[Form, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Placed:
    """1 and how many of these are above 0: the place of a row, from by how much others come before it."""

    parts: tuple[Form, ...]
    share: bool
    """Whether it is given as a share, from 0 to 1, of all places."""
    noisy: bool = True

    @property
    def type(self) -> Type:
        return Type.DOUBLE if self.share else Type.INTEGER


Form: TypeAlias = Linear | Quotient | Cell | Barely | Known | Applied | Total | Ranked | Counted | Placed


def known(literal: Literal) -> Form:
    """The form of a value without noise."""
    value = literal.value
    if literal.type in NUMERIC and isinstance(value, int | Fraction) and not isinstance(value, bool):
        return Linear(literal.type, Fraction(value), {})
    return Known(of_literal(literal))


def is_null(form: Form) -> bool:
    """Whether the form is NULL for sure."""
    return isinstance(form, Known) and form.values.members == ()


def added(type_: Type, parts: Sequence[Form], factor: Fraction) -> Form:
    """The sum of these, times a factor: the linear ones as one."""
    weights, value, rest = dict[Key, Fraction](), Fraction(0), list[Form]()
    for each in parts:
        if isinstance(each, Linear):
            value += each.value
            for key, weight in each.weights.items():
                weights[key] = weights.get(key, Fraction(0)) + weight
        else:
            rest.append(each)
    whole = Linear(type_, value, {key: weight for key, weight in weights.items() if weight})
    return Total(type_, (whole, *rest), factor) if rest else whole.scaled(factor, type_)
