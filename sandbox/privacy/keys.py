"""The engine's rows aligned with the group keys, so that a statistic is one vector over all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sandbox.errors import Fault
from sandbox.plan.checked import Level
from sandbox.plan.nodes import Scalar
from sandbox.privacy.bounding import BoundedMeasure

Key: TypeAlias = tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Integer totals per statistic and group key: exact before noise, released after."""

    keys: tuple[Key, ...]
    """In release order: the public key set's, or ascending with NULL last."""
    columns: Mapping[str, tuple[int, ...]]
    """Per statistic, one total per key; 0 where the key's level does not measure it."""
    levels: tuple[int, ...] = ()
    """Per key, the place of its level; none where the measure has one. A part that is not in the level is NULL."""

    def level(self, index: int) -> int:
        """The place of a key's level."""
        return self.levels[index] if self.levels else 0


def align(measure: BoundedMeasure, rows: Sequence[tuple[Scalar, ...]]) -> Totals:
    """The exact totals of what the engine returned: group key parts, with several levels the level's number, then the
    statistics in order.

    A public key without a row has total 0 everywhere. An unknown or repeated key, a total that is no integer, or a row
    of another width is a bug of ours.
    """
    several = measure.checked.measure.levels is not None
    parts, width = len(measure.checked.keys), len(measure.statistics)
    found: dict[tuple[Scalar, Key], tuple[int, ...]] = {}
    for row in rows:
        key, totals = row[:parts], row[parts + several :]
        number = row[parts] if several and len(row) > parts else 0
        if len(totals) != width or (number, key) in found:
            raise Fault("the engine's rows do not fit the measure")
        found[number, key] = tuple(_integer(value) for value in totals)
    keys = [
        (place, level.number, key)
        for place, level in enumerate(measure.checked.levels)
        for key in _keys(measure, level, found)
    ]
    if not found.keys() <= {(number, key) for _, number, key in keys}:
        raise Fault("the engine returned a group key outside the public key set")
    none = (0,) * width
    columns = zip(*(found.get((number, key), none) for _, number, key in keys), strict=True)
    named = dict(zip((each.name for each in measure.statistics), columns, strict=True)) if keys else {}
    return Totals(tuple(key for *_, key in keys), named, tuple(place for place, *_ in keys) if several else ())


def _keys(measure: BoundedMeasure, level: Level, found: Collection[tuple[Scalar, Key]]) -> Iterator[Key]:
    """The keys of a level in release order, with NULL for parts that it does not have."""
    cells = level.key_set.cells
    if cells is not None:
        for cell in cells:
            parts = dict(zip(level.places, cell, strict=True))
            yield tuple(parts.get(place) for place in range(len(measure.checked.keys)))
        return
    for key in sorted((key for number, key in found if number == level.number), key=in_order):
        if any(key[place] is not None for place in range(len(key)) if place not in level.places):
            raise Fault("the engine returned a part that is not in the group's level")
        yield key


def _integer(value: Scalar) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Fault("a total is not an integer")
    return value


def in_order(key: Key) -> tuple[tuple[bool, object], ...]:
    return tuple((value is None, 0 if value is None else value) for value in key)
