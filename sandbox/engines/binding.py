"""The truncation notice as SQL: how many units have a bound that binds, each of them once (rule 28)."""

from __future__ import annotations

from sqlglot import exp

from sandbox.engines.clips import size, weighted
from sandbox.engines.expressions import column
from sandbox.engines.operands import Parameters, binary, call, cast, choose, number
from sandbox.engines.sources import UNIT, derived, named, select_from
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.clip import Norm

CUT = "_cut"
"""1 where the bound of rows cuts what a unit adds to a group key, else 0."""


def binding(parts: exp.Select, bounded: BoundedMeasure, parameters: Parameters) -> exp.Select:
    """One number: units of which a part is cut, a group key is dropped, or a vector is longer than its clip.

    `parts` are all that units have, before groups are chosen, with `CUT`. Each unit is judged by its own parts, over
    all of its group keys, and counted at most once: Δ = 1. No group is left out for how few units it has.
    """
    rows = weighted(parts, (UNIT, CUT), bounded, bounded.clips, parameters)
    middle, outer = (parameters.fresh("r") for _ in range(2))
    binds = [binary(exp.GT, exp.Max(this=column(middle, CUT)), number(0))]
    groups = min([bounded.bounds.groups, *(each.groups for each in bounded.buckets)])
    binds.append(binary(exp.GT, exp.Count(this=exp.Star()), number(groups)))
    for clip in bounded.clips:
        most = clip.most if clip.norm is Norm.L1 else clip.most**2
        binds.append(binary(exp.GT, exp.Sum(this=size(clip, middle, alone=True)), number(most)))
    flag = choose(*((each, number(1)) for each in binds), default=number(0))
    units = select_from([named(flag, CUT)], derived(rows, middle))
    units.set("group", exp.Group(expressions=[column(middle, UNIT)]))
    total = call("COALESCE", exp.Sum(this=column(outer, CUT)), number(0))
    return select_from([named(cast(total, "BIGINT"), CUT)], derived(units, outer))
