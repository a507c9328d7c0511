"""From a checked measure to a bounded one: which integer statistics the engine computes, and what one unit can add.

Pure: card, request and plan in, bounded plan out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, prod

from policies.cards import Bounds
from sandbox.errors import Refusal
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.aggregates import is_open
from sandbox.plan.checked import CheckedAggregate, CheckedMeasure
from sandbox.plan.limits import ANSWER_ROWS, KEY_BYTES
from sandbox.plan.nodes import Type
from sandbox.plan.relations import HIDDEN_BYTES, width
from sandbox.privacy.clip import Clip
from sandbox.privacy.quantiles import Buckets, Chosen, Quantile, quantiles
from sandbox.privacy.statistics import (
    CAPACITY,
    Estimate,
    Moments,
    Statistic,
    StatisticKind,
    distinct_count,
    grid_sum,
    open_sum,
    pair_count,
    paired,
    product,
    row_count,
    unit_count,
)
from sandbox.privacy.structure import groups_by, row_room, structural

VARIANCES = (
    AggregateFunction.VAR_POP,
    AggregateFunction.VAR_SAMP,
    AggregateFunction.STDDEV_POP,
    AggregateFunction.STDDEV_SAMP,
)
PAIR_PRODUCTS: Mapping[AggregateFunction, Sequence[str]] = {
    AggregateFunction.COVAR_POP: ("xy",),
    AggregateFunction.COVAR_SAMP: ("xy",),
    AggregateFunction.CORR: ("xx", "xy", "yy"),
    AggregateFunction.REGR_SXX: ("xx",),
    AggregateFunction.REGR_SYY: ("yy",),
    AggregateFunction.REGR_SXY: ("xy",),
    AggregateFunction.REGR_SLOPE: ("xx", "xy"),
    AggregateFunction.REGR_INTERCEPT: ("xx", "xy"),
    AggregateFunction.REGR_R2: ("xx", "xy", "yy"),
}
"""The sums of products that a function of pairs (y, x) follows from."""


@dataclass(frozen=True, slots=True)
class BoundedMeasure:
    """A checked measure with its contribution bounds, ready to be rendered and priced."""

    checked: CheckedMeasure
    bounds: Bounds
    """g and r that hold for every unit after bounding."""
    fold: bool
    """Whether the engine must fold per (unit, group keys) and cut to `bounds`, and to the values that DISTINCT may
    count; else the structure guarantees them."""
    statistics: tuple[Statistic, ...]
    """Distinct; shared by aggregates that need the same total."""
    estimates: tuple[Estimate | Moments | Chosen, ...]
    """One per aggregate, in order."""
    existence: str | None
    """With private keys: the UNITS statistic without filter that decides which keys are released, on every level that
    has private ones (rules 23 and 25)."""
    minimum: int
    """Groups of fewer units are withheld (rule 24). Private keys never leave the engine with fewer: a minimum stands
    there also so that the declared units can make no more keys than are looked at, and how many there are does not
    decide whether an answer leaves (rule 2). Else 1."""
    frequency: str | None = None
    """With public keys and a minimum: the UNITS statistic without filter whose noisy totals are held against it."""
    clips: tuple[Clip, ...] = ()
    """What cuts a unit's parts in place of r: a statistic of existence, of frequency, of DISTINCT, with several levels
    of units, or one whose parts cannot be longer, is in none. Statistics of one estimate are in one clip, but sums of
    unknown range are in their own. Where there is any, r cuts nothing."""
    quantiles: tuple[Quantile, ...] = ()
    """Distinct; each chosen per group, by a mechanism of its own (rule 22); none with several levels."""

    @property
    def buckets(self) -> tuple[Buckets, ...]:
        """What is counted for the quantiles, once each."""
        return tuple(dict.fromkeys(each.buckets for each in self.quantiles))

    @property
    def truncates(self) -> bool:
        """Whether a bound could bind for some unit that the structure allows: then a notice is due (rule 28)."""
        if any(each.cut or each.scaled for each in self.buckets):
            return True
        if not self.fold:
            return False
        structure, kinds = structural(self.checked), {statistic.kind for statistic in self.statistics}
        counted = kinds - {StatisticKind.UNITS, StatisticKind.DISTINCT}
        fewer = self.bounds.groups < structure.groups or (bool(counted) and self.bounds.rows < structure.rows)
        return bool(self.clips) or fewer or self._drops_values(structure.rows)

    def _drops_values(self, rows: int) -> bool:
        """Whether a unit could have more different values for a group key than count, of so many rows."""
        asked = [each for each in self.checked.aggregates if each.aggregate.function is AggregateFunction.DISTINCT]
        counts = [each for each in self.statistics if each.kind is StatisticKind.DISTINCT]
        wholes = [distinct_count(each, rows) for each in asked]
        return any(
            replace(whole, name=count.name, high=count.high) == count and count.high < whole.high
            for whole in wholes
            for count in counts
        )

    @property
    def undecided(self) -> tuple[Clip, ...]:
        """The clips whose norms are still to be chosen."""
        return tuple(clip for clip in self.clips if clip.undecided)

    def clip(self, name: str) -> Clip | None:
        """The clip that the statistic is in."""
        return next((clip for clip in self.clips if name in clip.fine), None)

    def fine(self, name: str) -> int:
        """Steps in which the statistic's total comes, per grid step."""
        clip = self.clip(name)
        return 1 if clip is None else clip.fine[name]

    def at(self, place: int) -> Bounds:
        """g and r that hold for every unit on one level: of the groups that the unit is cut to, several can be one
        there, whose parts add.
        """
        level = self.checked.levels[place]
        groups = min(self.bounds.groups, groups_by(self.checked, level.places, level.key_set))
        return Bounds(groups, min(self.checked.source.rows, self.bounds.rows * self.merged(place)))

    def merged(self, place: int) -> int:
        """Of the groups that a unit is cut to, how many can be one on a level: as many as the keys that are not in it
        tell apart.
        """
        level = self.checked.levels[place]
        rest = [key.values for index, key in enumerate(self.checked.keys) if index not in level.places]
        sizes = [
            None if each.members is None else len(each.members) + each.nullable for each in rest if not each.per_unit
        ]
        known = [size for size in sizes if size is not None]
        return self.bounds.groups if len(known) < len(sizes) else min(self.bounds.groups, max(1, prod(known)))

    def measured(self, place: int) -> tuple[Statistic, ...]:
        """The statistics that are measured on one level, what decides on private keys first: where keys are public,
        only what aggregates or a minimum frequency need.
        """
        needed = {name for each in self.estimates for name in each.parts} | {self.frequency}
        private = place in self.private
        found = [each for each in self.statistics if private or each.name in needed or each.name != self.existence]
        return tuple(sorted(found, key=lambda each: each.name != self.existence))

    @property
    def private(self) -> tuple[int, ...]:
        """The levels whose group keys are private."""
        return tuple(place for place, level in enumerate(self.checked.levels) if level.key_set.cells is None)

    @property
    def parts(self) -> tuple[tuple[int, str], ...]:
        """What is measured or chosen, by level and statistic or quantile."""
        levels = range(len(self.checked.levels))
        parts = [(level, statistic.name) for level in levels for statistic in self.measured(level)]
        return (*parts, *((0, each.name) for each in self.quantiles))

    def statistic(self, name: str) -> Statistic:
        """The statistic of that name."""
        return next(statistic for statistic in self.statistics if statistic.name == name)


def bound(
    checked: CheckedMeasure,
    requested: Bounds | None,
    default: Bounds | None,
    max_units: int,
    *,
    alike: bool = False,
    apart: Bounds | None = None,
    open_ranges: bool = False,
) -> BoundedMeasure:
    """The measure bounded as the request asks, else as the card says, never looser than what its structure allows.

    `alike` tells that a clip will scale all parts of a unit alike: then no average needs a scaling of its own, and a
    a unit's squared norm must fit the engine's integers too. `apart` bounds what no clip applies to: the different
    values of a unit that count for one group key, and what it counts for in quantiles. `open_ranges` tells that a clip
    will be chosen for every sum of values of unknown range.

    Postcondition: no total over all group keys of any statistic reaches `CAPACITY` with `max_units` units; every number
    that is made of a grid, a total and their noise is a finite real one.
    Refuses: `plan.overflow` where no grid is coarse enough, `plan.too_large` where declared sizes allow more private
    keys than an engine can hold. Source: rules 2, 16–20, 23, 24, 27.
    """
    structure = structural(checked)
    asked = requested or default or structure
    bounds = Bounds(min(structure.groups, asked.groups), min(structure.rows, asked.rows))
    fold = bounds != structure
    rows = min(checked.source.rows, bounds.groups * bounds.rows)
    tight = bounds if apart is None else Bounds(min(bounds.groups, apart.groups), min(bounds.rows, apart.rows))
    room = row_room(checked, max_units) if alike else (CAPACITY - 1) // (max_units * rows)
    draft = _Draft(
        checked.measure.name,
        scaled=fold and not alike,
        shared=not fold and not alike,
        room=room,
        values=tight.rows,
        open_ranges=open_ranges,
    )
    if draft.room < 1:
        raise Refusal("plan.overflow", {"aggregate": AggregateFunction.ROWS}, subject=checked.measure.name)
    private = sum(level.key_set.cells is None for level in checked.levels)
    existence = draft.add(unit_count(None)).name if private else None
    if private * max_units * bounds.groups * _key_bytes(checked) > KEY_BYTES:
        raise Refusal(
            "plan.too_large", {"what": "bytes of group keys", "limit": str(KEY_BYTES)}, subject=checked.measure.name
        )
    if any(max_units * each > KEY_BYTES for each in _value_bytes(checked)):
        sizes = {"what": "bytes of distinct values", "limit": str(KEY_BYTES)}
        raise Refusal("plan.too_large", sizes, subject=checked.measure.name)
    found = quantiles(checked, tight, structure, max_units)
    totalled = [each for each in checked.aggregates if each.aggregate.name not in found]
    estimates: dict[str, Estimate | Moments | Chosen] = {
        name: Chosen(name, each.name, each.type) for name, each in found.items()
    }
    estimates |= {each.aggregate.name: draft.estimate(each) for each in _sums_last(totalled)}
    counted = [each.high for each in draft.statistics if each.kind is StatisticKind.DISTINCT]
    fold = fold or any(most < structure.rows for most in counted)
    return BoundedMeasure(
        checked=checked,
        bounds=bounds,
        fold=fold,
        statistics=tuple(draft.statistics),
        estimates=tuple(estimates[each.aggregate.name] for each in checked.aggregates),
        existence=existence,
        minimum=1 if existence is None else ceil(Fraction(max_units * bounds.groups, ANSWER_ROWS)),
        quantiles=tuple({each.name: each for each in found.values()}.values()),
    )


def demanding(bounded: BoundedMeasure, minimum: int) -> BoundedMeasure:
    """The measure whose groups of fewer than `minimum` units are withheld; what tells them is measured and priced.

    Private keys with fewer units are absent before the threshold; a public key's group is withheld by its noisy count.
    Source: rule 24.
    """
    kept = replace(bounded, minimum=max(minimum, bounded.minimum))
    if minimum <= 1 or all(level.key_set.cells is None for level in bounded.checked.levels):
        return kept
    draft = _Draft(bounded.checked.measure.name, scaled=False, shared=False, room=0, values=0)
    draft.statistics.extend(bounded.statistics)
    name = draft.add(unit_count(None)).name
    return replace(kept, statistics=tuple(draft.statistics), frequency=name)


def _key_bytes(checked: CheckedMeasure) -> int:
    """The most that one group takes while the engine counts, by the types of its keys."""
    return HIDDEN_BYTES + sum(width(key.values) for key in checked.keys)


def _value_bytes(checked: CheckedMeasure) -> list[int]:
    """Per count of distinct values, the most that those of one unit take while the engine counts."""
    found, structure = [], structural(checked)
    for each in checked.aggregates:
        if each.aggregate.function is AggregateFunction.DISTINCT and each.values is not None:
            most = structure.groups * distinct_count(each, structure.rows).high
            found.append(min(checked.source.rows, most) * (HIDDEN_BYTES + width(each.values)))
    return found


def _sums_last(aggregates: Sequence[CheckedAggregate]) -> list[CheckedAggregate]:
    """Counts and averages first, so that a sum finds the totals it can share."""
    return sorted(aggregates, key=lambda each: each.aggregate.function is AggregateFunction.SUM)


class _Draft:
    """Statistics collected so far: equal ones are one."""

    def __init__(
        self, measure: str, *, scaled: bool, shared: bool, room: int, values: int, open_ranges: bool = False
    ) -> None:
        self.measure = measure
        self.open = open_ranges
        """Whether values may be of unknown range: where a clip will be chosen."""
        self.scaled = scaled
        """Whether an average's sum is scaled to the bound of rows (rule 17)."""
        self.shared = shared
        """Whether a sum may be had from a centred one and a count: where neither is cut. Under a clip it would get the
        noise of a count times the middle of its range."""
        self.room = room
        """The most that one row may add without a total ever reaching `CAPACITY`."""
        self.values = values
        """The different values of a unit that may count for one group key."""
        self.statistics: list[Statistic] = []

    def estimate(self, checked: CheckedAggregate) -> Estimate | Moments:
        """How the aggregate is computed; adds the statistics it needs."""
        aggregate = checked.aggregate
        match aggregate.function:
            case AggregateFunction.UNITS:
                return Estimate(aggregate.name, self.add(unit_count(aggregate.filter)).name, None, None, Type.INTEGER)
            case AggregateFunction.DISTINCT:
                found = self.add(distinct_count(checked, self.values))
                return Estimate(aggregate.name, found.name, None, None, Type.INTEGER)
            case AggregateFunction.ROWS:
                return Estimate(aggregate.name, self.add(row_count(checked)).name, None, None, Type.INTEGER)
            case AggregateFunction.SUM | AggregateFunction.AVG if is_open(checked):
                return self._open(checked)
            case AggregateFunction.AVG:
                divisor = self.add(row_count(checked))
                total = self.add(grid_sum(checked, self.room, centred=True, scaled=self.scaled))
                return Estimate(aggregate.name, total.name, divisor.name, None, Type.DOUBLE)
            case AggregateFunction.SUM:
                own = grid_sum(checked, self.room, centred=False, scaled=False)
                centred = grid_sum(checked, self.room, centred=True, scaled=False)
                rows = self._find(row_count(checked))
                shared = rows is not None and self.shared and own.granularity == centred.granularity
                total = self.add(centred if shared else own)
                weight = rows.name if rows is not None and shared else None
                return Estimate(aggregate.name, total.name, None, weight, _type(checked, total))

            case function if function in VARIANCES:
                count = self.add(row_count(checked))
                return self._moments(checked, count, {"x": checked}, ("xx",))
            case AggregateFunction.REGR_COUNT:
                return Estimate(aggregate.name, self.add(pair_count(checked)).name, None, None, Type.INTEGER)
            case AggregateFunction.REGR_AVGX | AggregateFunction.REGR_AVGY:
                of_y, of_x = paired(checked)
                divisor = self.add(pair_count(checked))
                of = of_x if aggregate.function is AggregateFunction.REGR_AVGX else of_y
                total = self.add(grid_sum(of, self.room, centred=True, scaled=self.scaled))
                return Estimate(aggregate.name, total.name, divisor.name, None, Type.DOUBLE)
            case function:
                of_y, of_x = paired(checked)
                count = self.add(pair_count(checked))
                return self._moments(checked, count, {"y": of_y, "x": of_x}, PAIR_PRODUCTS[function])

    def _open(self, checked: CheckedAggregate) -> Estimate:
        """A sum or average of values of unknown range. Refuses: `plan.unbounded_sum` where no clip will be chosen."""
        aggregate = checked.aggregate
        if not self.open:
            raise Refusal("plan.unbounded_sum", {"aggregate": aggregate.function}, subject=f"{aggregate.name}.argument")
        total = self.add(open_sum(checked, self.room))
        if aggregate.function is AggregateFunction.AVG:
            divisor = self.add(row_count(checked))
            return Estimate(aggregate.name, total.name, divisor.name, None, Type.DOUBLE)
        return Estimate(aggregate.name, total.name, None, None, _type(checked, total))

    def _moments(
        self, checked: CheckedAggregate, count: Statistic, of: Mapping[str, CheckedAggregate], products: Sequence[str]
    ) -> Moments:
        """The sums that products of these need, and the products."""
        aggregate, needed = checked.aggregate, sorted({side for pair in products for side in pair})
        drafts = {side: grid_sum(of[side], self.room, centred=True, scaled=self.scaled) for side in needed}
        sums = {side: self.add(drafts[side]).name for side in needed}
        made = {pair: product(checked, drafts[pair[0]], drafts[pair[1]], self.room) for pair in products}
        totals = {pair: self.add(each).name for pair, each in made.items()}
        return Moments(aggregate.name, aggregate.function, count.name, sums, totals)

    def add(self, statistic: Statistic) -> Statistic:
        """The statistic under its name, which an equal one may already have."""
        found = self._find(statistic)
        if found is None:
            found = replace(statistic, name=f"{self.measure}s{len(self.statistics) + 1}")
            self.statistics.append(found)
        return found

    def _find(self, statistic: Statistic) -> Statistic | None:
        return next((each for each in self.statistics if replace(each, name=statistic.name) == statistic), None)


def _type(checked: CheckedAggregate, total: Statistic) -> Type:
    """INTEGER sums of INTEGER values, unless their grid had to be coarsened."""
    whole = checked.values is not None and checked.values.type is Type.INTEGER and total.granularity == 1
    return Type.INTEGER if whole else Type.DOUBLE
