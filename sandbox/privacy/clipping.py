"""From a checked measure and the bounds in force to a bounded one: by groups and rows, or by clips (rule 19)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import floor, isqrt

from policies.cards import Bounds
from sandbox.errors import Refusal
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.aggregates import is_open
from sandbox.plan.checked import CheckedMeasure
from sandbox.privacy.bounding import BoundedMeasure, bound, demanding
from sandbox.privacy.clip import Clip, ClipAt, Norm
from sandbox.privacy.effects import proportions
from sandbox.privacy.sensitivity import unclipped
from sandbox.privacy.statistics import Estimate, StatisticKind
from sandbox.privacy.structure import row_room, structural

FINER = 2**10
"""Steps of the finer grid that one row may add, at least, where capacity allows: cuts round toward zero on it."""

SMALLEST = 64
"""The least candidate for a clip of values is no longer than a 32nd of a row: they may be far below their range."""

COUNTS = (StatisticKind.ROWS, StatisticKind.UNITS)


def bound_by(
    checked: CheckedMeasure,
    asked: Bounds | ClipAt | None,
    default: Bounds | None,
    max_units: int,
    norm: Norm,
    minimum: int,
) -> BoundedMeasure:
    """The measure bounded as asked, else as the card says, never looser than what its structure allows, whose groups of
    fewer than `minimum` units are withheld.

    Refuses: as `bound` does.
    """
    match asked:
        case ClipAt():
            return _clipped(checked, asked, default, max_units, norm, minimum)
        case _:
            return demanding(bound(checked, asked, default, max_units), minimum)


def _clipped(
    checked: CheckedMeasure, asked: ClipAt, default: Bounds | None, max_units: int, norm: Norm, minimum: int
) -> BoundedMeasure:
    """Clipped at the norm asked for; by its structure alone where no unit can be longer than that.

    How many private group keys a unit brings into existence is bounded by the card's groups as well: counts that decide
    on groups are no part of a vector. Nor are counts of distinct values, for which a unit's part is a set, nor
    quantiles: the card's bounds hold for them, else the structure.
    """
    structure = structural(checked)
    groups = structure.groups
    if any(level.key_set.cells is None for level in checked.levels) and default is not None:
        groups = min(groups, default.groups)
    bounds = Bounds(groups, structure.rows)
    drafted = bound(checked, bounds, None, max_units, alike=True, apart=default, open_ranges=asked.rows is None)
    draft = demanding(drafted, minimum)
    room = row_room(checked, max_units)
    if room < 1:
        raise Refusal("plan.overflow", {"aggregate": AggregateFunction.ROWS}, subject=checked.measure.name)
    vectors = _vectors(draft)
    if not vectors:
        return demanding(bound(checked, None, default, max_units), minimum)
    drawn = [_clip(draft, names, asked, room, norm) for names in vectors]
    clips = tuple(
        clip for clip in drawn if clip.undecided or (asked.rows is not None and clip.most < longest(draft, clip))
    )
    if not clips or (asked.rows is None and structure == Bounds(1, 1) and not _open(draft)):
        return demanding(bound(checked, bounds, None, max_units, apart=default), minimum)
    return replace(draft, fold=True, clips=clips)


def _vectors(draft: BoundedMeasure) -> list[list[str]]:
    """The statistics that are cut together: those of one estimate, so that a ratio's two sides are scaled alike (rule
    17). Units on several levels are in none: their parts do not add. Others are cut apart: a norm that they shared
    would be the noisier one's, whatever their sizes; so are values of unknown range, beside whose room a row would be
    nothing.
    """
    apart, counted = (draft.existence, draft.frequency), {StatisticKind.DISTINCT}
    counted |= {StatisticKind.UNITS} if len(draft.checked.levels) > 1 else set()
    summed = [each.name for each in draft.statistics if each.kind not in counted]
    vectors = [[name] for name in summed if name not in apart]
    for estimate in draft.estimates:
        joined = [names for names in vectors if estimate.parts & set(names) and not _open(draft) & set(names)]
        if len(joined) > 1:
            others = [names for names in vectors if names not in joined]
            vectors = [*others, [name for names in joined for name in names]]
    return vectors


def _open(draft: BoundedMeasure) -> set[str]:
    """The sums of values whose range is unknown."""
    names = {each.aggregate.name for each in draft.checked.aggregates if is_open(each)}
    return {each.statistic for each in draft.estimates if isinstance(each, Estimate) and each.aggregate in names}


def _clip(draft: BoundedMeasure, names: Sequence[str], asked: ClipAt, room: int, norm: Norm) -> Clip:
    """On a grid so fine that a row of the greatest magnitude adds as much to each statistic; where the norm is chosen,
    in the proportions that are expected to move least what is released.

    What is chosen from starts below a 32nd of a row, or at a counted row where one is: no vector with a row is shorter.
    Where the range of values is unknown, at `SMALLEST` steps of the grid.
    Undecided only where there is more than one candidate.
    """
    sizes = {name: draft.statistic(name).magnitude for name in names}
    row = min(room, FINER * max(sizes.values()))
    parts = dict.fromkeys(names, 1) if asked.rows is not None else proportions(draft, names, norm)
    longest_part = max(parts.values())
    fine = {name: row * parts[name] // (longest_part * size) or row // size for name, size in sizes.items()}
    if min(fine.values()) < 1:
        raise Refusal("plan.overflow", {"aggregate": AggregateFunction.SUM}, subject=draft.checked.measure.name)
    clip = Clip(norm, 0, row, fine, levels=len(draft.checked.levels))
    if asked.rows is not None:
        return replace(clip, most=max(1, clip.length(asked.rows)))
    whole = longest(draft, clip)
    counted = [steps for name, steps in fine.items() if draft.statistic(name).kind in COUNTS]
    first = Fraction(clip.length(Fraction(min(counted), row))) if counted else Fraction(row, SMALLEST)
    if _open(draft) & set(names):
        first = Fraction(SMALLEST)
    doublings = max(0, floor(whole / first).bit_length() - 1)
    least = -(-whole // 2**doublings)
    candidates = tuple(least * 2**place for place in range(doublings + 1))
    return replace(clip, most=candidates[-1], candidates=candidates if doublings else ())


def longest(draft: BoundedMeasure, clip: Clip) -> int:
    """No less than the norm of any unit's vector before it is cut; in steps of the finer grid."""
    levels = range(clip.levels)
    changes = [(unclipped(draft, draft.statistic(name), at), size) for name, size in clip.fine.items() for at in levels]
    match clip.norm:
        case Norm.L1:
            return sum(change.l1 * size for change, size in changes)
        case Norm.L2:
            return isqrt(sum(change.l2_squared * size**2 for change, size in changes) - 1) + 1
