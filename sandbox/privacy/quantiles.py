"""Quantiles chosen privately among public buckets: the grid, the scores and how much one unit moves them (rule 22).

The bucket where the rank of a quantile falls scores 0, every other less by the rows between. A unit's rows of one group
count at most r, scaled in whole steps where it has more; buckets are multiples of the granularity over the declared
range, so nothing about them is of the records. n is not known here either: it is what the buckets add up to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from math import ceil, floor, log

from policies.cards import Bounds
from sandbox.errors import Fault, Refusal
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.aggregates import CHOSEN
from sandbox.plan.checked import CheckedAggregate, CheckedMeasure
from sandbox.plan.nodes import Scalar, Type
from sandbox.privacy.statistics import CAPACITY, Statistic, StatisticKind, scales, value_grid

BUCKETS = 2**14
"""The most that a range is cut into."""

FEWEST = 64
"""A measure of so many groups that a range could be cut into fewer than these is refused."""

ANSWER = 2**18
"""Buckets of all groups of a measure together: rows that a worker may return for one quantile."""

NONE = -1
"""In place of a bucket, where none was chosen."""

FINE = 2**20
"""The steps that one row counts for where units are scaled to their bound; fewer where totals would not fit."""

CLEAR = 4.0
"""A least or greatest value is chosen beyond all values with a probability of about e⁻⁴ at most."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """What the engine counts once for all quantiles of an argument: the steps of its rows per group and bucket."""

    name: str
    statistic: Statistic
    """Of a row: its bucket, from 0 to `high`; rows where it is NULL do not count."""
    groups: int
    """g: group keys that a unit counts for at most."""
    rows: int
    """r: what it counts for at most in one of them, in rows."""
    cut: bool
    """Whether units can touch more group keys and are cut to g."""
    scaled: bool
    """Whether units can have more rows in a group and are scaled to r."""
    fine: int
    """Steps per row."""
    low: Fraction
    high: Fraction
    """The declared range."""
    slack: Fraction
    """How far a row's value may be from its bucket's."""

    @property
    def size(self) -> int:
        """How many there are."""
        return self.statistic.high + 1


@dataclass(frozen=True, slots=True)
class Quantile:
    """What is chosen: a bucket per group."""

    name: str
    buckets: Buckets
    fraction: Fraction
    """α: of the rows, the part that is below."""
    inward: int
    """In which direction the rank is moved off the end: 1 for α = 0, −1 for α = 1, else 0."""
    between: int
    """Steps by which the plain quantile's rows may be off the rank: those of one row, where it is between two."""
    type: Type

    @property
    def bracket(self) -> str:
        """The name of its interval."""
        return f"{self.name}i"

    @property
    def sensitivity(self) -> int:
        """The most that one unit changes any score: r·max(α, 1 − α), in steps times α's denominator."""
        over, under = self.fraction.numerator, self.fraction.denominator
        return self.buckets.rows * self.buckets.fine * max(over, under - over)


@dataclass(frozen=True, slots=True)
class Chosen:
    """An aggregate that is the value of a chosen bucket."""

    aggregate: str
    statistic: str
    """The quantile's name."""
    type: Type

    @property
    def parts(self) -> frozenset[str]:
        """No totals: a bucket is chosen, not measured."""
        return frozenset()


def quantiles(checked: CheckedMeasure, bounds: Bounds, structure: Bounds, max_units: int) -> dict[str, Quantile]:
    """The quantile of each aggregate that is one, by its name; equal ones are one, and those of one argument share
    their buckets.

    `bounds` are g and r in force, `structure` those that hold without any cut.
    Refuses: `plan.too_large` for too many groups, `plan.overflow` where ranks do not fit 64 bits. Source: rules 2, 22,
    27.
    """
    measure, cells = checked.measure.name, checked.key_set.cells
    groups = 1 if cells is None else max(1, len(cells))
    drafts = [(each, _grid(each, groups)) for each in checked.aggregates if each.aggregate.function in CHOSEN]
    shared = list(dict.fromkeys(grid for _, grid in drafts))
    made = dict[Statistic, Buckets]()
    for number, grid in enumerate(shared, 1):
        of = [each for each, found in drafts if found == grid]
        lo, hi, _ = value_grid(of[0])
        finest = max(_fraction(each).denominator for each in of)
        scaled = bounds.rows < structure.rows
        fine = _fine(of[0], finest * bounds.rows * max_units, scaled=scaled)
        cut = bounds.groups < structure.groups
        named = replace(grid, name=f"{measure}b{number}")
        slack = Fraction(0) if grid.granularity == _declared(of[0]) else grid.granularity / 2
        made[grid] = Buckets(named.name, named, bounds.groups, bounds.rows, cut, scaled, fine, lo, hi, slack)
    found = dict[str, Quantile]()
    for each, grid in drafts:
        draft = _quantile(each, made[grid])
        name = next((one.name for one in found.values() if replace(draft, name=one.name) == one), None)
        name = name or f"{measure}q{len({one.name for one in found.values()}) + 1}"
        found[each.aggregate.name] = replace(draft, name=name)
    return found


def _grid(checked: CheckedAggregate, groups: int) -> Statistic:
    """The finest grid of at most `BUCKETS` multiples of the granularity, fewer for many groups."""
    aggregate, most = checked.aggregate, min(BUCKETS, ANSWER // groups)
    if most < FEWEST:
        limit = str(ANSWER // FEWEST)
        raise Refusal("plan.too_large", {"what": "groups of a quantile", "limit": limit}, subject=aggregate.name)
    lo, hi, granularity = value_grid(checked)
    granularity = _coarse(lo, hi, granularity, most)
    first, last = floor(lo / granularity), ceil(hi / granularity)
    if not scales(lo, hi, granularity) or max(abs(first), abs(last)) >= CAPACITY:
        raise Refusal("plan.overflow", {"aggregate": aggregate.function}, subject=aggregate.name)
    return Statistic("", StatisticKind.SUM, aggregate.argument, aggregate.filter, granularity, first, 0, last - first)


def _declared(checked: CheckedAggregate) -> Fraction | None:
    """The granularity that all values have."""
    values = checked.values
    whole = values is not None and values.type is Type.INTEGER
    return Fraction(1) if whole else None if values is None else values.granularity


def _coarse(lo: Fraction, hi: Fraction, granularity: Fraction, most: int) -> Fraction:
    """1, 2 or 5 times a power of ten of the granularity, of which fewer than so many cover the range: both its ends are
    on the grid."""
    steps = ceil(hi / granularity) - floor(lo / granularity)
    if steps < most:
        return granularity
    needed, ten = -(-steps // (most - 2)), 1
    while 5 * ten < needed:
        ten *= 10
    return granularity * next(each for each in (ten, 2 * ten, 5 * ten) if each >= needed)


def fitted(buckets: Buckets, groups: int) -> Buckets:
    """The buckets, fewer where so many groups were released that a worker would return too much (rule 2): public."""
    most = max(FEWEST, min(buckets.size, ANSWER // max(1, groups)))
    if most == buckets.size:
        return buckets
    statistic = buckets.statistic
    granularity = _coarse(buckets.low, buckets.high, statistic.granularity, most)
    first, last = floor(buckets.low / granularity), ceil(buckets.high / granularity)
    statistic = replace(statistic, granularity=granularity, centre=first, high=last - first)
    return replace(buckets, statistic=statistic, slack=granularity / 2)


def measured_keys(noisy: Sequence[int] | None, groups: int) -> list[int]:
    """The places of the groups that quantiles are chosen for: all, or as many of the largest released as are looked
    at. Public: which they are follows from what was released.
    """
    most = ANSWER // FEWEST
    if noisy is None or groups <= most:
        return list(range(groups))
    return sorted(sorted(range(groups), key=lambda place: (-noisy[place], place))[:most])


def _fine(checked: CheckedAggregate, ranks: int, *, scaled: bool) -> int:
    """Steps per row, so that no score of so many ranks comes near `CAPACITY`."""
    fine = FINE if scaled else 1
    while fine and 4 * fine * ranks >= CAPACITY:
        fine //= 2
    if not fine:
        aggregate = checked.aggregate
        raise Refusal("plan.overflow", {"aggregate": aggregate.function}, subject=aggregate.name)
    return fine


def _quantile(checked: CheckedAggregate, buckets: Buckets) -> Quantile:
    fraction = _fraction(checked)
    inward = 1 if fraction == 0 else -1 if fraction == 1 else 0
    whole = checked.values is not None and checked.values.type is Type.INTEGER
    exact = checked.aggregate.function is not AggregateFunction.QUANTILE_CONT
    between = 0 if exact or inward else buckets.fine
    return Quantile("", buckets, fraction, inward, between, Type.INTEGER if whole and exact else Type.DOUBLE)


def _fraction(checked: CheckedAggregate) -> Fraction:
    match checked.aggregate.function, checked.aggregate.fraction:
        case AggregateFunction.MIN, None:
            return Fraction(0)
        case AggregateFunction.MAX, None:
            return Fraction(1)
        case _, Fraction() as fraction:
            return fraction
    raise Fault(f"{checked.aggregate.name} has no fraction after check")


def counts(
    buckets: Buckets, cells: Sequence[tuple[Scalar, ...]], rows: Sequence[tuple[Scalar, ...]]
) -> list[list[int]]:
    """Per group, the steps in each bucket, from the engine's rows: group key parts, bucket, steps."""
    places = {cell: place for place, cell in enumerate(cells)}
    found: list[dict[int, int]] = [{} for _ in cells]
    for row in rows:
        key, (bucket, steps) = row[:-2], row[-2:]
        place = places.get(key)
        if place is None or not _whole(bucket) or not _whole(steps) or bucket in found[place]:
            raise Fault("the engine's buckets do not fit the measure")
        found[place][int(bucket)] = int(steps)  # type: ignore[arg-type]
    if any(bucket >= buckets.size for each in found for bucket in each):
        raise Fault("the engine's buckets are not the measure's")
    return [[each.get(bucket, 0) for bucket in range(buckets.size)] for each in found]


def _whole(value: Scalar) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def offset(quantile: Quantile, scale: float) -> int:
    """How far the rank of a least or greatest value is moved inward, so that it stands out from the noise; of a least
    one by a step at least, since nothing is below it. Public: it decides accuracy alone.
    """
    least = 1 if quantile.inward > 0 else 0
    return quantile.inward * max(least, round(min(2.0**50, scale * (log(quantile.buckets.size) + CLEAR))))


def scores(quantile: Quantile, counted: Sequence[int], moved: int) -> list[int]:
    """Per bucket, how far the rank is from those of its rows, negated: min(0, C_b − α·n, α·n − C_{b−1} − 1), in steps
    times α's denominator, C_b being what is counted up to bucket b: without noise, QUANTILE_DISC's own bucket alone is
    at 0. Nothing is beyond the first and the last bucket: where there are too few rows for a rank, that of a least or
    greatest value is the one that none is beyond.

    One unit more or less changes n by k and any C by between 0 and k, k no more than r: so α·n − C by no more than
    max(α, 1 − α)·k either way, and a least of such changes no more.
    """
    over, under = quantile.fraction.numerator, quantile.fraction.denominator
    upto = [0, *accumulate(counted)]
    rank = over * upto[-1] + moved
    found = [min(0, under * after - rank, rank - under * below - 1) for below, after in pairwise(upto)]
    if found:
        first, last = under * upto[1] - rank, rank - under * upto[-2] - 1
        found[0], found[-1] = min(0, first), min(0, last)
    return found if len(found) > 1 else [0] * len(found)


def value(quantile: Quantile, place: int) -> Scalar:
    """What is released for a bucket: its multiple of the granularity, within the declared range; NULL for none."""
    if place == NONE:
        return None
    buckets = quantile.buckets
    statistic = buckets.statistic
    found = max(buckets.low, min(buckets.high, (place + statistic.centre) * statistic.granularity))
    return int(found) if quantile.type is Type.INTEGER else found
