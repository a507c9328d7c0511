"""The value sets of functions that choose among their arguments or truncate, without trying every combination.

A rule is given the most values it may build, and says None rather than build more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import TypeAlias

from sandbox.plan import moments
from sandbox.plan.nodes import Scalar
from sandbox.plan.ranges import branches, reached
from sandbox.plan.values import SET_LIMIT, Values

SetRule: TypeAlias = Callable[[tuple[Values, ...], Values, int], Sequence[Scalar] | None]
"""From the arguments, the result's range and a limit to the values without NULL, in any order."""


def case(arguments: tuple[Values, ...], _: Values, most: int) -> Sequence[Scalar] | None:
    """Those of all branches."""
    return _united(branches(arguments), most)


def coalesce(arguments: tuple[Values, ...], _: Values, most: int) -> Sequence[Scalar] | None:
    """Those of all arguments that are ever reached."""
    return _united(reached(arguments), most)


def _united(values: Iterable[Values], most: int) -> Sequence[Scalar] | None:
    sets = [one.members for one in values]
    known = [one for one in sets if one is not None]
    if len(known) < len(sets) or sum(map(len, known)) > most:
        return None
    return [member for one in known for member in one]


def starts(arguments: tuple[Values, ...], found: Values, most: int) -> Sequence[Scalar] | None:
    """The starts of the units of time between the ends."""
    unit = arguments[0].members[0] if arguments[0].members else None
    if not isinstance(unit, str) or not isinstance(found.lo, date) or not isinstance(found.hi, date):
        return None
    further = moments.difference(unit, found.lo, found.hi)
    if further >= min(most, SET_LIMIT):
        return None
    steps = [found.lo]
    for _ in range(further):
        steps.append(moments.following(unit, steps[-1]))
    return steps
