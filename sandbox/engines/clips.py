"""Clips as SQL: each unit's vectors scaled down to their norms, in integers of 128 bits (rule 19).

No real number decides: the root of a squared norm is a guess by the engine's real numbers, made exact by whole ones.
For every whole q ≥ 1, (q + s//q)//2 + 1 exceeds √s: (q + s/q)/2 is no less than √s, and the two divisions lose less
than 1 together. Where one less still has a square of at least s, it is one less. So what divides is never less than the
norm, whatever the guess; from one that is near, it is the norm rounded up.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from sandbox.engines.expressions import column
from sandbox.engines.operands import Parameters, balanced, binary, call, cast, choose, number
from sandbox.engines.sources import UNIT, derived, named, select_from
from sandbox.plan.checked import Level
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.clip import WEIGHT, Clip, Norm
from sandbox.privacy.statistics import CAPACITY

LARGEST = CAPACITY - 1
"""Totals are clipped to this, either way, before they leave the engine."""


def clipped(parts: exp.Select, bounded: BoundedMeasure, kept: Sequence[str], parameters: Parameters) -> exp.Select:
    """A unit's parts per group key: those of a clip cut on its finer grid, the columns `kept` as they are."""
    names = [name for clip in bounded.clips for name in clip.fine]
    rows = weighted(parts, (UNIT, *kept), bounded, bounded.clips, parameters)
    middle, outer, last = (parameters.fresh("r") for _ in range(3))
    alone = all(key.values.per_unit for key in bounded.checked.keys)
    sizes = [named(size(clip, middle, alone), f"_n{place}") for place, clip in enumerate(bounded.clips)]
    outputs = [named(column(middle, name), name) for name in (*kept, *names)]
    sized = select_from([*outputs, *sizes], derived(rows, middle))
    norms = [named(_norm(clip, column(outer, f"_n{i}")), f"_n{i}") for i, clip in enumerate(bounded.clips)]
    outputs = [named(column(outer, name), name) for name in (*kept, *names)]
    normed = select_from([*outputs, *norms], derived(sized, outer))
    outputs = [named(column(last, name), name) for name in kept]
    outputs += [
        named(_cut(clip, column(last, name), column(last, f"_n{place}")), name)
        for place, clip in enumerate(bounded.clips)
        for name in clip.fine
    ]
    return select_from(outputs, derived(normed, last))


def weighted(
    parts: exp.Select, kept: Sequence[str], bounded: BoundedMeasure, clips: Sequence[Clip], parameters: Parameters
) -> exp.Select:
    """A unit's parts on the clips' finer grids, the columns `kept` as they are.

    With several levels also what each adds to the squared norms over all of them: its own magnitude times that of the
    unit's group on each level, so that the sum over a level's groups is that of their squares.
    """
    inner, checked = parameters.fresh("r"), bounded.checked
    spread = [clip for clip in clips if clip.levels > 1 and clip.norm is Norm.L2]
    keys = [key.name for key in checked.keys if spread and key.name not in kept]
    outputs = [named(column(inner, name), name) for name in (*kept, *keys)]
    outputs += [
        named(binary(exp.Mul, cast(column(inner, name), "HUGEINT"), number(fine)), name)
        for clip in clips
        for name, fine in clip.fine.items()
    ]
    rows = select_from(outputs, derived(parts, inner))
    if not spread:
        return rows
    alias = parameters.fresh("r")

    def added(name: str, level: Level) -> exp.Expr:
        magnitude = call("ABS", column(alias, name))
        by = [column(alias, each) for each in (UNIT, *(checked.keys[place].name for place in level.places))]
        return binary(exp.Mul, magnitude, exp.Window(this=exp.Sum(this=magnitude.copy()), partition_by=by))

    outputs = [named(column(alias, name), name) for name in (*kept, *(name for clip in clips for name in clip.fine))]
    outputs += [
        named(balanced(_sum, [added(name, level) for name in clip.fine for level in checked.levels]), _squared(clip))
        for clip in spread
    ]
    return select_from(outputs, derived(rows, alias))


def _squared(clip: Clip) -> str:
    """The column of what a part adds to a clip's squared norm over several levels."""
    return f"q_{next(iter(clip.fine))}"


def weights(parts: exp.Select, bounded: BoundedMeasure, heaviest: Sequence[int], parameters: Parameters) -> exp.Select:
    """Per undecided clip and bucket of its candidates that units' norms fall into, the sum of their weights: mass over
    norm, rounded down. The clip's place, the bucket's, the sum.

    A unit stands in one bucket of each clip, with a weight from 0 to the clip's of `heaviest`.
    """
    middle, outer, last = (parameters.fresh("r") for _ in range(3))
    clips = bounded.undecided
    rows = weighted(parts, (UNIT,), bounded, clips, parameters)
    outputs = list[exp.Expr]()
    for place, clip in enumerate(clips):
        mass = _often(clip, balanced(_sum, [call("ABS", column(middle, name)) for name in clip.fine]))
        outputs.append(named(exp.Sum(this=size(clip, middle, alone=True)), f"_n{place}"))
        outputs.append(named(exp.Sum(this=mass), f"_m{place}"))
    units = select_from(outputs, derived(rows, middle))
    units.set("group", exp.Group(expressions=[column(middle, UNIT)]))
    placed = list[exp.Expr]()
    for place, (clip, most) in enumerate(zip(clips, heaviest, strict=True)):
        found, of_all = column(outer, f"_n{place}"), column(outer, f"_m{place}")
        placed += [named(_bucket(clip, found), f"_b{place}"), named(_weight(clip, found, of_all, most), f"_w{place}")]
    buckets = [column(last, f"_b{place}") for place in range(len(clips))]
    ofs = [binary(exp.EQ, exp.Grouping(expressions=[each.copy()]), number(0)) for each in buckets]
    sums = [call("LEAST", exp.Sum(this=column(last, f"_w{place}")), number(LARGEST)) for place in range(len(clips))]
    outputs = [
        named(cast(choose(*((of, each) for of, each in zip(ofs, chosen, strict=True))), "BIGINT"), name)
        for name, chosen in (("_c", list(map(number, range(len(clips))))), ("_b", buckets), ("_w", sums))
    ]
    select = select_from(outputs, derived(select_from(placed, derived(units, outer)), last))
    sets = exp.GroupingSets(expressions=[exp.Paren(this=each.copy()) for each in buckets])
    select.set("group", exp.Group(expressions=[sets]))
    return select


def _bucket(clip: Clip, found: exp.Expr) -> exp.Expr:
    """The place of the first candidate that a norm, or its square, is no longer than; the last, where it is longer."""
    limits = [most if clip.norm is Norm.L1 else most**2 for most in clip.candidates[:-1]]
    within = [(binary(exp.LTE, found.copy(), number(limit)), number(place)) for place, limit in enumerate(limits)]
    return choose(*within, default=number(len(limits))) if within else number(0)


def _weight(clip: Clip, found: exp.Expr, of_all: exp.Expr, most: int) -> exp.Expr:
    """A unit's mass over its norm."""
    length = found.copy() if clip.norm is Norm.L1 else root_up(found)
    whole = binary(exp.IntDiv, binary(exp.Mul, of_all, number(WEIGHT)), call("GREATEST", length, number(1)))
    return call("LEAST", whole, number(most))


def _sum(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return binary(exp.Add, left, right)


def size(clip: Clip, alias: str, alone: bool) -> exp.Expr:
    """A unit's norm, or its square, over all its group keys and all levels: `alone` where it has one."""

    def part(name: str) -> exp.Expr:
        value = column(alias, name)
        return call("ABS", value) if clip.norm is Norm.L1 else binary(exp.Mul, value, value.copy())

    if clip.norm is Norm.L2 and clip.levels > 1:
        row = column(alias, _squared(clip))
    else:
        row = _often(clip, balanced(_sum, [part(name) for name in clip.fine]))
    return row if alone else exp.Window(this=exp.Sum(this=row), partition_by=[column(alias, UNIT)])


def _often(clip: Clip, magnitude: exp.Expr) -> exp.Expr:
    """A sum of magnitudes over all levels, of each of which it is the same."""
    return magnitude if clip.levels == 1 else binary(exp.Mul, magnitude, number(clip.levels))


def _norm(clip: Clip, size: exp.Expr) -> exp.Expr:
    """The norm rounded up to a whole number; NULL where it is within the clip."""
    match clip.norm:
        case Norm.L1:
            return choose((binary(exp.GT, size, number(clip.most)), size.copy()))
        case Norm.L2:
            return choose((binary(exp.GT, size, number(clip.most**2)), root_up(size)))


def root_up(square: exp.Expr) -> exp.Expr:
    """The root of a positive whole number, rounded up."""
    guess = cast(call("FLOOR", call("SQRT", cast(square, "DOUBLE"))), "HUGEINT")
    guess = call("GREATEST", guess, number(1))
    twice = binary(exp.Add, guess, binary(exp.IntDiv, square.copy(), guess.copy()))
    above = binary(exp.Add, binary(exp.IntDiv, twice, number(2)), number(1))
    less = binary(exp.Sub, above, number(1))
    enough = binary(exp.GTE, binary(exp.Mul, less, less.copy()), square.copy())
    return choose((enough, less.copy()), default=above.copy())


def _cut(clip: Clip, part: exp.Expr, norm: exp.Expr) -> exp.Expr:
    """A part scaled to the clip, toward zero."""
    scaled = binary(exp.IntDiv, binary(exp.Mul, part, number(clip.most)), norm)
    return choose((exp.Is(this=norm.copy(), expression=exp.Null()), part.copy()), default=scaled)
