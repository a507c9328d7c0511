"""What a bounded measure's statistics mean, in plain Python over rows: the oracle for engines and sensitivities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from math import floor, isfinite, isqrt

from sandbox.plan.nodes import Call, Expression, Literal, Ref, Scalar
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.clip import WEIGHT, Clip, Norm
from sandbox.privacy.keys import Key
from sandbox.privacy.quantiles import Buckets
from sandbox.privacy.statistics import Factor, Statistic, StatisticKind

Evaluate = Callable[[Expression, Mapping[str, Scalar]], Scalar]
Part = int | frozenset[Scalar]
"""What a unit adds to a total, or the values that it brings to a count of different ones."""
Rank = Callable[[Hashable, Key], tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the measure's source relation."""

    unit: Hashable
    values: Mapping[str, Scalar]


def simple(expression: Expression, values: Mapping[str, Scalar]) -> Scalar:
    """Columns and literals; a test with functions brings an evaluator of its own."""
    match expression:
        case Ref(name):
            return values[name]
        case Literal(_, value):
            return value
        case Call("is_not_null", (Ref(name),)):
            return values[name] is not None
        case Call("and", (one, other)):
            return simple(one, values) is True and simple(other, values) is True
        case _:
            raise NotImplementedError(expression)


def by_repr(unit: Hashable, key: Key) -> tuple[object, ...]:
    """Any fixed order of a unit's keys that no other unit influences."""
    return (repr((unit, key)),)


def totals(
    measure: BoundedMeasure, rows: Iterable[Row], rank: Rank = by_repr, evaluate: Evaluate = simple
) -> dict[Key, tuple[int, ...]]:
    """Exact totals per group key that has a row, with several levels the level's number behind it; statistics in
    order."""
    return _summed(measure, _parts(measure, rows, rank, evaluate))


def _summed(
    measure: BoundedMeasure, parts: Mapping[Hashable, Mapping[Key, Sequence[Part]]]
) -> dict[Key, tuple[int, ...]]:
    found: dict[Key, list[int]] = {}
    kept: dict[tuple[Key, int], set[Scalar]] = defaultdict(set)
    for unit_keys in parts.values():
        for key, vector in _levelled(measure, unit_keys).items():
            sums = found.setdefault(key, [0] * len(vector))
            for index, part in enumerate(vector):
                if isinstance(part, frozenset):
                    kept[key, index] |= part
                    sums[index] = len(kept[key, index])
                else:
                    sums[index] += part
    return {key: tuple(sums) for key, sums in found.items()}


def contributions(
    measure: BoundedMeasure, rows: Iterable[Row], rank: Rank = by_repr, evaluate: Evaluate = simple
) -> dict[Hashable, dict[Key, tuple[int, ...]]]:
    """Per unit and kept group key, what the unit adds to each statistic, were it the only unit."""
    return _alone(measure, _parts(measure, rows, rank, evaluate))


def _alone(
    measure: BoundedMeasure,
    parts: Mapping[Hashable, Mapping[Key, Sequence[Part]]],
) -> dict[Hashable, dict[Key, tuple[int, ...]]]:
    return {
        unit: {
            key: tuple(len(part) if isinstance(part, frozenset) else part for part in vector)
            for key, vector in _levelled(measure, groups).items()
        }
        for unit, groups in parts.items()
    }


def both(
    measure: BoundedMeasure, rows: Iterable[Row], rank: Rank, evaluate: Evaluate
) -> tuple[dict[Key, tuple[int, ...]], dict[Hashable, dict[Key, tuple[int, ...]]]]:
    """The totals, and the contributions."""
    parts = _parts(measure, rows, rank, evaluate)
    return _summed(measure, parts), _alone(measure, parts)


def _levelled(measure: BoundedMeasure, groups: Mapping[Key, Sequence[Part]]) -> dict[Key, Sequence[Part]]:
    """One unit's parts on every level, from those by all keys (rule 25)."""
    if measure.checked.measure.levels is None:
        return dict(groups)
    found: dict[Key, Sequence[Part]] = {}
    for level in measure.checked.levels:
        for key, vector in groups.items():
            at = (*(part if place in level.places else None for place, part in enumerate(key)), level.number)
            merged = zip(measure.statistics, found.get(at, vector), vector, strict=True)
            found[at] = tuple(_merged(*each) for each in merged) if at in found else vector
    return found


def _merged(statistic: Statistic, one: Part, other: Part) -> Part:
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return one | other
    return max(_number(one), _number(other)) if statistic.kind is StatisticKind.UNITS else _number(one) + _number(other)


def _parts(
    measure: BoundedMeasure, rows: Iterable[Row], rank: Rank, evaluate: Evaluate
) -> dict[Hashable, dict[Key, tuple[Part, ...]]]:
    """Per unit and kept group key, the unit's part of each statistic."""
    outputs = measure.checked.measure.keys
    folded: dict[Hashable, dict[Key, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        key = tuple(evaluate(output.expression, row.values) for output in outputs)
        if _inside(measure, key):
            folded[row.unit][key].append(row)
    kept: dict[Hashable, dict[Key, tuple[Part, ...]]] = {}
    for unit, groups in folded.items():
        chosen = sorted(groups, key=lambda key, unit=unit: rank(unit, key))  # type: ignore[misc]
        if measure.fold:
            chosen = chosen[: measure.bounds.groups]
        kept[unit] = {
            key: tuple(
                _values(measure, statistic, groups[key], partial(_placed, rank, unit, key), evaluate)
                if statistic.kind is StatisticKind.DISTINCT
                else _one(measure, statistic, groups[key], evaluate)
                for statistic in measure.statistics
            )
            for key in chosen
        }
        for clip in measure.clips:
            kept[unit] = _clipped(measure, clip, kept[unit])
    return kept


def binding(measure: BoundedMeasure, rows: Iterable[Row], rank: Rank, evaluate: Evaluate) -> set[Hashable]:
    """The units that a bound binds for: with other bounds, they would have added something else, or to other keys."""
    found, rows = set[Hashable](), list(rows)
    whole = _parts(replace(measure, fold=False, clips=()), rows, rank, evaluate)
    counted = _counted(measure, rows, evaluate)
    clipped = {name for clip in measure.clips for name in clip.fine}
    for unit, groups in whole.items():
        lengths = [(_length(measure, clip, groups), clip.most) for clip in measure.clips]
        fewest = min([measure.bounds.groups, *(each.groups for each in measure.buckets)])
        if len(groups) > fewest or any(length > most for length, most in lengths):
            found.add(unit)
        for key, vector in groups.items():
            if any(counted[unit, key, each.name] > each.rows for each in measure.buckets):
                found.add(unit)
            for statistic, part in zip(measure.statistics, vector, strict=True):
                if statistic.name not in clipped and _cut(measure, statistic, part, counted[unit, key, statistic.name]):
                    found.add(unit)
    return found


def _counted(measure: BoundedMeasure, rows: Sequence[Row], evaluate: Evaluate) -> dict[tuple[Hashable, Key, str], int]:
    """The rows of each unit and group key that count for each statistic."""
    found: dict[tuple[Hashable, Key, str], int] = defaultdict(int)
    for row in rows:
        key = tuple(evaluate(output.expression, row.values) for output in measure.checked.measure.keys)
        for statistic in (*measure.statistics, *(each.statistic for each in measure.buckets)):
            found[row.unit, key, statistic.name] += _one(
                replace(measure, fold=False), replace(statistic, kind=StatisticKind.ROWS), [row], evaluate
            )
    return found


def _cut(measure: BoundedMeasure, statistic: Statistic, part: Part, counted: int) -> bool:
    """Whether a unit's part of one group key, of so many rows, is more than the bounds of rows and values let count."""
    most = measure.bounds.rows
    match statistic.kind:
        case StatisticKind.UNITS:
            return False
        case StatisticKind.DISTINCT:
            assert isinstance(part, frozenset)
            return len(part) > statistic.high
        case StatisticKind.SUM:
            return not min(0, most * statistic.low) <= _number(part) <= max(0, most * statistic.high)
        case StatisticKind.ROWS | StatisticKind.SCALED_SUM:
            return counted > most


def buckets(
    measure: BoundedMeasure, asked: Buckets, keys: Collection[Key], rows: Iterable[Row], rank: Rank, evaluate: Evaluate
) -> dict[Key, dict[int, int]]:
    """Per group key of these, the steps in each bucket: of each unit the first g keys with a row that counts, and of
    the n rows in one no more than r, scaled."""
    statistic = asked.statistic
    found: dict[Hashable, dict[Key, dict[int, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for row in rows:
        key = tuple(evaluate(output.expression, row.values) for output in measure.checked.measure.keys)
        passes = statistic.filter is None or evaluate(statistic.filter, row.values) is True
        value = None if statistic.argument is None else evaluate(statistic.argument, row.values)
        if passes and _is_counted(value) and key in keys:
            found[row.unit][key][_bucket(statistic, value)] += 1
    added: dict[Key, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for unit, groups in found.items():
        chosen = sorted(groups, key=lambda key, unit=unit: rank(unit, key))  # type: ignore[misc]
        for key in chosen[: asked.groups]:
            n = sum(groups[key].values())
            for bucket, count in groups[key].items():
                added[key][bucket] += count * asked.fine * min(n, asked.rows) // n
    return {key: dict(each) for key, each in added.items()}


def _inside(measure: BoundedMeasure, key: Key) -> bool:
    """Whether the key is in the public key set of every level that has one."""
    public = [level for level in measure.checked.levels if level.key_set.cells is not None]
    return all(tuple(key[place] for place in level.places) in (level.key_set.cells or ()) for level in public)


def weights(
    measure: BoundedMeasure, clip: Clip, heaviest: int, rows: Iterable[Row], rank: Rank, evaluate: Evaluate
) -> dict[Scalar, Scalar]:
    """Per bucket of an undecided clip's candidates, the weight of the units whose norm falls into it."""
    found: dict[Scalar, int] = defaultdict(int)
    places = [place for place, each in enumerate(measure.statistics) if each.name in clip.fine]
    for parts in _parts(measure, rows, rank, evaluate).values():
        sizes = {key: [abs(_number(vector[place])) for place in places] for key, vector in parts.items()}
        mass = clip.levels * sum(map(sum, sizes.values()))
        size = _size(measure, clip, sizes)
        bucket = next(place for place, most in enumerate(clip.candidates) if size <= most)
        found[bucket] += min(heaviest, WEIGHT * mass // max(size, 1))
    return dict(found)


def _clipped(measure: BoundedMeasure, clip: Clip, parts: dict[Key, tuple[Part, ...]]) -> dict[Key, tuple[Part, ...]]:
    """One unit's parts, those of the clip on its finer grid and scaled down to its norm."""
    size = _length(measure, clip, parts)
    places = _places(measure, clip)

    def cut(value: int) -> int:
        if size <= clip.most:
            return value
        return abs(value) * clip.most // size * (1 if value > 0 else -1)

    return {
        key: tuple(cut(_number(one) * places[place]) if place in places else one for place, one in enumerate(vector))
        for key, vector in parts.items()
    }


def _places(measure: BoundedMeasure, clip: Clip) -> dict[int, int]:
    """Of each statistic of the clip: its place, and steps of the finer grid in one of its own."""
    return {place: clip.fine[each.name] for place, each in enumerate(measure.statistics) if each.name in clip.fine}


def _length(measure: BoundedMeasure, clip: Clip, parts: Mapping[Key, Sequence[Part]]) -> int:
    """The norm of a unit's vector on the finer grid, over all levels, rounded up."""
    places = _places(measure, clip)
    sizes = {
        key: [abs(_number(vector[place])) * fine for place, fine in places.items()] for key, vector in parts.items()
    }
    return _size(measure, clip, sizes)


def _size(measure: BoundedMeasure, clip: Clip, sizes: Mapping[Key, Sequence[int]]) -> int:
    """The norm over all levels of one unit's magnitudes per group by all keys, rounded up."""
    groups: dict[tuple[int, Key, int], int] = defaultdict(int)
    for number, level in enumerate(measure.checked.levels):
        for key, found in sizes.items():
            for place, one in enumerate(found):
                groups[number, tuple(key[part] for part in level.places), place] += one
    if clip.norm is Norm.L1:
        return sum(groups.values())
    return isqrt(max(sum(one**2 for one in groups.values()) - 1, 0)) + 1


def _placed(rank: Rank, unit: Hashable, key: Key, value: Scalar) -> tuple[object, ...]:
    return rank(unit, (*key, value))


def _number(part: Part) -> int:
    assert isinstance(part, int)
    return part


def _values(
    measure: BoundedMeasure,
    statistic: Statistic,
    rows: Sequence[Row],
    rank: Callable[[Scalar], tuple[object, ...]],
    evaluate: Evaluate,
) -> frozenset[Scalar]:
    """The values of one unit that count for one group key: the first ones (rule 21)."""
    assert statistic.argument is not None
    passing = [row.values for row in rows if statistic.filter is None or evaluate(statistic.filter, row.values) is True]
    found = {evaluate(statistic.argument, values) for values in passing}
    counted = sorted(filter(_is_counted, found), key=rank)
    return frozenset(counted[: statistic.high] if measure.fold else counted)


def _one(measure: BoundedMeasure, statistic: Statistic, rows: Sequence[Row], evaluate: Evaluate) -> int:
    """What one unit adds to one statistic of one group key."""
    passing = [row.values for row in rows if statistic.filter is None or evaluate(statistic.filter, row.values) is True]
    most = measure.bounds.rows
    if statistic.kind is StatisticKind.UNITS:
        return int(bool(passing))
    needed = [statistic.argument] if statistic.argument is not None else [each.argument for each in statistic.factors]
    counted = [values for values in passing if all(_is_counted(evaluate(each, values)) for each in needed)]
    if statistic.kind is StatisticKind.ROWS:
        cut = measure.fold and measure.clip(statistic.name) is None
        return min(len(counted), most) if cut else len(counted)
    partial = sum(_added(statistic, values, evaluate) for values in counted)
    if not measure.fold or measure.clip(statistic.name) is not None:
        return partial
    if statistic.kind is StatisticKind.SUM:
        return max(min(0, most * statistic.low), min(max(0, most * statistic.high), partial))
    if len(counted) <= most:
        return partial
    scaled = abs(partial) * most // len(counted)
    return scaled if partial > 0 else -scaled


def _added(statistic: Statistic, values: Mapping[str, Scalar], evaluate: Evaluate) -> int:
    """What a row adds to a sum, of a value or of a product."""
    if statistic.argument is not None:
        return grid(statistic, evaluate(statistic.argument, values))
    one, other = statistic.factors
    product = grid(one, evaluate(one.argument, values)) * grid(other, evaluate(other.argument, values))
    steps = product / (statistic.granularity / (one.granularity * other.granularity))
    rounded = floor(abs(steps) + Fraction(1, 2)) * (1 if steps >= 0 else -1) - statistic.centre
    assert statistic.low <= rounded <= statistic.high
    return rounded


def grid(statistic: Statistic | Factor, value: Scalar) -> int:
    """A value in centred, clamped grid steps: halves are rounded away from zero."""
    assert isinstance(value, int | Fraction)
    steps = Fraction(value) / statistic.granularity
    rounded = floor(abs(steps) + Fraction(1, 2)) * (1 if steps >= 0 else -1)
    return max(statistic.low, min(statistic.high, rounded - statistic.centre))


def _bucket(statistic: Statistic, value: Scalar) -> int:
    """As `grid`, but a real number is scaled in real numbers: a coarse grid has values halfway between its steps, of
    which a real one may be a hair to either side.
    """
    assert isinstance(value, int | Fraction)
    if isinstance(value, int):
        return grid(statistic, value)
    up, down = statistic.granularity.denominator, statistic.granularity.numerator
    scaled = float(value) * float(up) if up != 1 else float(value)
    return grid(replace(statistic, granularity=Fraction(1)), Fraction(scaled / float(down) if down != 1 else scaled))


def _is_counted(value: object) -> bool:
    return value is not None and not (isinstance(value, float) and not isfinite(value))
