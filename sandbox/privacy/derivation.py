"""A measure computed from what was released before: post-processing, which costs nothing.

Additive statistics are summed over the group keys that are missing, and conditions on group keys choose among them;
everything else is had from the same measure alone. Pure: reads no data, and draws no noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from sandbox.plan.arithmetic import UnknownValueError
from sandbox.plan.nodes import Call, Expression, Literal, Ref, Scalar
from sandbox.plan.subjects import Subject, conjuncts, digest, value
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.calibrate import Notice, PricedMeasure
from sandbox.privacy.intervals import Interval, ReleasedMeasure, release
from sandbox.privacy.kept import Kept, KeptStatistic, content, filtered_by
from sandbox.privacy.keys import Key, Totals, in_order
from sandbox.privacy.loss import Loss
from sandbox.privacy.mechanisms import Measurement, Threshold
from sandbox.privacy.notices import due
from sandbox.privacy.quantiles import Chosen
from sandbox.privacy.rounding import sqrt_up
from sandbox.privacy.statistics import Estimate, Moments, StatisticKind


@dataclass(frozen=True, slots=True)
class Derived:
    """A measure as it follows from a kept relation."""

    kept: Kept
    priced: PricedMeasure
    """With the most noise that is in any group of it; it loses nothing."""
    totals: Totals
    parts: tuple[tuple[tuple[int, ...], PricedMeasure], ...]
    """Places of group keys whose totals are sums of equally many cells, and the measure with the noise in these."""
    statistics: Mapping[str, str]
    """Which one of the kept relation each of the measure's is made of."""
    cells: int
    """The most cells of the kept relation that are summed to one."""
    enough: bool
    """Whether nothing is noisier than the spend asked would make it."""

    def released(self) -> ReleasedMeasure:
        """The released relation; each group's intervals are those of the noise in it."""
        if len(self.parts) <= 1:
            return release(self.priced, self.totals)
        found = dict[int, tuple[tuple[Scalar, ...], tuple[Interval | None, ...], Mapping[str, int]]]()
        for places, priced in self.parts:
            part = release(priced, _some(self.totals, places))
            found |= dict(zip(places, zip(part.rows, part.intervals, part.totals, strict=True), strict=True))
        rows, intervals, totals = zip(*(found[place] for place in sorted(found)), strict=True)
        return replace(part, rows=rows, intervals=intervals, totals=totals)


def _some(totals: Totals, places: Sequence[int]) -> Totals:
    columns = {name: tuple(column[place] for place in places) for name, column in totals.columns.items()}
    return Totals(tuple(totals.keys[place] for place in places), columns)


def derive(found: Subject, priced: PricedMeasure, variant: BoundedMeasure, kept: Kept) -> Derived | None:
    """The measure computed from the kept relation, or None where that does not determine it.

    `priced` says what the spend asked would give; `variant` is the measure with its estimates, which may follow from
    other statistics than those priced.
    """
    if variant.quantiles or kept.relation != found.relation or not set(kept.conditions) <= found.conditions.keys():
        return None
    reading = _reading(found, variant, kept)
    if reading is None:
        return None
    summed = reading.summed()
    if summed is None:
        return None
    totals, sizes = summed
    most = {name: max((each[name] for each in sizes), default=1) for name in reading.sources}
    alike = dict[tuple[int, ...], list[int]]()
    for place, each in enumerate(sizes):
        alike.setdefault(tuple(each.values()), []).append(place)
    parts = tuple((tuple(places), reading.measured(sizes[places[0]])) for places in alike.values())
    enough = _no_noisier(reading, most, priced)
    cells = max(most.values(), default=1)
    return Derived(kept, reading.measured(most), totals, parts, reading.names, cells, enough)


@dataclass(frozen=True, slots=True)
class _Reading:
    """How a measure's statistics are read off a kept relation."""

    bounded: BoundedMeasure
    kept: Kept
    conditions: tuple[Expression, ...]
    """That choose among the kept cells, over `_cell` references."""
    keys: tuple[Expression, ...]
    """The measure's group key, over the same."""
    sources: Mapping[str, KeptStatistic]
    """Per statistic of the measure."""
    filters: Mapping[str, tuple[Expression, ...]]
    """Per statistic, the conditions that choose among the cells for it alone."""

    @property
    def names(self) -> dict[str, str]:
        return {name: source.name for name, source in self.sources.items()}

    def summed(self) -> tuple[Totals, tuple[Mapping[str, int], ...]] | None:
        """The totals, and per group key of how many cells each statistic is the sum, at least one; None where a cell's
        place is not decided."""
        places = {each.name: place for place, each in enumerate(self.kept.statistics)}
        sums: dict[Key, dict[str, int]] = {}
        counts: dict[Key, dict[str, int]] = {}
        for cell, totals in self.kept.cells:
            known = _known(self.kept, cell)
            try:
                if not all(_true(each, known) for each in self.conditions):
                    continue
                key = tuple(value(each, known.get).value for each in self.keys)
                row, count = sums.setdefault(key, {}), counts.setdefault(key, {})
                for name, source in self.sources.items():
                    if all(_true(each, known) for each in self.filters[name]):
                        row[name] = row.get(name, 0) + totals[places[source.name]]
                        count[name] = count.get(name, 0) + 1
            except UnknownValueError:
                return None
        cells = self.bounded.checked.key_set.cells
        keys = tuple(sorted(sums, key=in_order)) if cells is None else cells
        if not sums.keys() <= set(keys):
            return None
        columns = {name: tuple(sums.get(key, {}).get(name, 0) for key in keys) for name in self.sources}
        sizes = [counts.get(key, {}) for key in keys]
        return Totals(keys, columns), tuple({name: each.get(name, 1) for name in self.sources} for each in sizes)

    def measured(self, sizes: Mapping[str, int]) -> PricedMeasure:
        """The measure with the noise that the sums have: of n cells √n times theirs, in which form it is no wider."""
        steps, clips = [], list(self.bounded.clips)
        joint = {name: tuple(clip.fine) for clip in clips for name in clip.fine}
        for name, source in sorted(self.sources.items(), key=lambda each: each[0] != self.bounded.existence):
            vector = joint.get(name, ())
            if vector and vector[0] != name:
                continue
            scale = _wider(source.scale, sizes[name])
            threshold = None
            if name == self.bounded.existence and self.kept.threshold is not None:
                threshold = Threshold(self.kept.threshold, self.kept.groups, self.kept.minimum)
            steps.append(Measurement(name, source.noise, scale, 0.0, threshold, Loss(rho=0, delta=0), vector))
        for place, clip in enumerate(clips):
            most = next(
                each.most for each in self.kept.clips if self.sources[next(iter(clip.fine))].name in each.statistics
            )
            clips[place] = replace(clip, most=most, candidates=())
        notices = tuple(
            Notice(each.kind, Measurement(each.statistic, each.noise, each.scale, 0.0, None, Loss(rho=0, delta=0)))
            for each in self.kept.notices
        )
        return PricedMeasure(replace(self.bounded, clips=tuple(clips)), tuple(steps), notices=notices)


def _wider(scale: float, cells: int) -> float:
    return scale if cells <= 1 else sqrt_up(Fraction(scale) ** 2 * cells)


def _reading(found: Subject, bounded: BoundedMeasure, kept: Kept) -> _Reading | None:
    if (kept.threshold is None) != (bounded.existence is None) or kept.minimum != bounded.minimum:
        return None
    if tuple(each.kind for each in kept.notices) != due(bounded):
        return None
    places = {key.expression: place for place, key in enumerate(kept.keys)}
    chosen = _over(tuple(each for name, each in found.conditions.items() if name not in kept.conditions), places)
    keys = _over(found.keys, places)
    if chosen is None or keys is None:
        return None
    retained = {each.name for each in keys if isinstance(each, Ref)}
    whole = len(retained) == len(kept.keys)
    same = whole and len(keys) == len(kept.keys) and not chosen
    if not same and (kept.fold or bounded.fold or kept.notices):
        return None  # a notice is of the relation as it was measured
    if not whole and kept.minimum > 1:
        return None
    if bounded.fold != kept.fold or (kept.fold and (kept.groups, kept.rows) != _bounds(bounded)):
        return None
    dropped = [key for place, key in enumerate(kept.keys) if _cell(place).name not in retained]
    additive = {StatisticKind.ROWS, StatisticKind.SUM}
    if all(key.per_unit for key in dropped):
        additive.add(StatisticKind.UNITS)  # of one group key a unit has rows in one cell
    sources, filters = dict[str, KeptStatistic](), dict[str, tuple[Expression, ...]]()
    for statistic in bounded.statistics:
        wanted, terms = content(statistic, found), filtered_by(statistic, found)
        own = {digest(each): each for each in conjuncts(statistic.filter and found.dissolved(statistic.filter))}
        for source in kept.statistics:
            left = _over(tuple(own[name] for name in terms if name not in source.conditions), places)
            if source.content != wanted or not set(source.conditions) <= set(terms) or left is None:
                continue
            if (left and kept.fold) or (source.name == kept.existence) != (statistic.name == bounded.existence):
                continue
            if source.name in [each.name for each in sources.values()]:
                continue  # what two statistics shared would be taken for independent noise
            sources[statistic.name], filters[statistic.name] = source, left
            break
        else:
            return None
        if not whole and statistic.kind not in additive:
            return None
    names = {name: source.name for name, source in sources.items()}
    if not _clipped_alike(bounded, kept, names):
        return None
    return _Reading(bounded, kept, chosen, keys, sources, filters)


def _bounds(bounded: BoundedMeasure) -> tuple[int, int]:
    return bounded.bounds.groups, bounded.bounds.rows


def _clipped_alike(bounded: BoundedMeasure, kept: Kept, names: Mapping[str, str]) -> bool:
    """Whether units were cut as the measure would cut them, each vector as a whole."""
    there = [(each.norm, each.row, each.candidates, dict(each.statistics)) for each in kept.clips]
    here = [
        (
            clip.norm.value,
            clip.row,
            clip.candidates or (clip.most,),
            {names[name]: fine for name, fine in clip.fine.items()},
        )
        for clip in bounded.clips
    ]
    return all(each in there for each in here) and bool(here) == bool(there)


def _no_noisier(reading: _Reading, sizes: Mapping[str, int], priced: PricedMeasure) -> bool:
    """Whether each aggregate has no more noise than it would have at the spend asked, and no group is withheld that
    would not be then."""
    bounded, kept = reading.bounded, reading.kept
    scales = {name: Fraction(source.asked) ** 2 * sizes[name] for name, source in reading.sources.items()}
    asked = {name: Fraction(step.scale) ** 2 for name, step in priced.steps.items()}
    pairs = zip(bounded.estimates, priced.bounded.estimates, strict=True)
    if any(
        mine > theirs
        for one, other in pairs
        for mine, theirs in zip(_errors(bounded, one, scales), _errors(priced.bounded, other, asked), strict=True)
    ):
        return False
    if any(one.scale > other.step.scale for one, other in zip(kept.notices, priced.notices, strict=True)):
        return False
    threshold = next((step.threshold for step in priced.measurements if step.threshold is not None), None)
    if threshold is not None and (kept.threshold is None or kept.threshold > threshold.value):
        return False
    decisive = ((bounded.existence, priced.bounded.existence), (bounded.frequency, priced.bounded.frequency))
    if any(one and other and scales[one] > asked[other] for one, other in decisive):
        return False
    choices = {each.norm + str(sorted(each.statistics)): each.choice for each in kept.clips}
    for clip, step in zip(priced.bounded.clips, priced.selections, strict=False):
        choice = choices[clip.norm.value + str(sorted(reading.names[name] for name in clip.fine))]
        if choice is None or choice > step.scale:
            return False
    return True


def _errors(
    bounded: BoundedMeasure, estimate: Estimate | Moments | Chosen, squares: Mapping[str, Fraction]
) -> tuple[Fraction, ...]:
    """The squared scales that decide an aggregate's error, in its own measure: of a sum that of its noise, else those
    of its parts."""

    def own(name: str) -> Fraction:
        return squares[name] * (bounded.statistic(name).granularity / bounded.fine(name)) ** 2

    match estimate:
        case Estimate(statistic=name, divisor=None, weight=None):
            return (own(name),)
        case Estimate(statistic=name, divisor=None, weight=str(weight)):
            total = bounded.statistic(name)
            return (own(name) + (total.centre * total.granularity) ** 2 * own(weight),)
        case Estimate(statistic=name, divisor=str(divisor)):
            return (own(name), own(divisor))
        case Moments():
            parts = [estimate.rows, *_sorted(estimate.sums), *_sorted(estimate.products)]
            return tuple(map(own, parts))
    raise UnknownValueError


def _sorted(named: Mapping[str, str]) -> Sequence[str]:
    return [name for _, name in sorted(named.items())]


def _over(expressions: Sequence[Expression], places: Mapping[str, int]) -> tuple[Expression, ...] | None:
    """The expressions over the kept cells' keys; None where one needs more."""
    found = []
    for expression in expressions:
        placed = _placed(expression, places)
        if placed is None:
            return None
        found.append(placed)
    return tuple(found)


def _placed(expression: Expression, places: Mapping[str, int]) -> Expression | None:
    place = places.get(digest(expression))
    if place is not None:
        return _cell(place)
    match expression:
        case Literal():
            return expression
        case Call(name, arguments):
            found = _over(arguments, places)
            return None if found is None else Call(name, found)
    return None


def _cell(place: int) -> Ref:
    """The part of a kept cell's key."""
    return Ref(f"@{place}")


def _known(kept: Kept, cell: tuple[Scalar, ...]) -> dict[Expression, Literal]:
    parts = enumerate(zip(kept.keys, cell, strict=True))
    return {_cell(place): Literal(key.type, each) for place, (key, each) in parts}


def _true(condition: Expression, known: Mapping[Expression, Literal]) -> bool:
    return value(condition, known.get).value is True
