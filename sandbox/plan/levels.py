"""Grouping sets of a measure: which groups each has, and what is known of the rows that all of them release."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sandbox.errors import Refusal
from sandbox.plan.checked import GroupKey, KeySet, Level
from sandbox.plan.nodes import Measure, Type
from sandbox.plan.values import Values, of_members

TOTALS = 4
"""The group keys of all levels together may be so many times those of one."""


def judged_levels(
    measure: Measure, keys: Sequence[GroupKey], key_set: Callable[[tuple[GroupKey, ...]], KeySet]
) -> tuple[Level, ...]:
    """The levels of a measure: of all its keys, where it names no grouping sets.

    Refuses: `plan.invalid` for sets that are none of the measure's keys, in their order, or leave one out.
    """
    names = [key.name for key in keys]
    asked = (tuple(names),) if measure.levels is None else measure.levels.sets
    if not asked or len(set(asked)) < len(asked) or {name for one in asked for name in one} != set(names):
        raise Refusal("plan.invalid", {"what": "grouping sets that are none, equal or leave a key out"})
    if any(list(one) != [name for name in names if name in one] for one in asked):
        raise Refusal("plan.invalid", {"what": "a grouping set of other keys or in another order"})
    return tuple(_level(one, names, keys, key_set) for one in asked)


def _level(
    asked: tuple[str, ...],
    names: Sequence[str],
    keys: Sequence[GroupKey],
    key_set: Callable[[tuple[GroupKey, ...]], KeySet],
) -> Level:
    number = sum(2 ** (len(names) - 1 - place) for place, name in enumerate(names) if name not in asked)
    places = tuple(names.index(name) for name in asked)
    return Level(places, number, key_set(tuple(keys[place] for place in places)))


def released_keys(measure: Measure, keys: Sequence[GroupKey], levels: Sequence[Level]) -> Mapping[str, Values]:
    """The group keys as they are released, NULL where a level has them not, and what tells the level."""
    everywhere = set(range(len(keys))).intersection(*(level.places for level in levels))
    found = {
        key.name: replace(key.values, per_unit=False, nullable=key.values.nullable or place not in everywhere)
        for place, key in enumerate(keys)
    }
    if measure.levels is None:
        return found
    numbers = of_members(Type.INTEGER, [level.number for level in levels], nullable=False)
    return {**found, measure.levels.name: numbers}


def released_rows(levels: Sequence[Level], most: int) -> int:
    """The most rows of all levels together; `most` of each whose keys are private."""
    return sum(most if level.key_set.cells is None else len(level.key_set.cells) for level in levels)
