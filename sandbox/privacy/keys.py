"""The engine's rows aligned with the group keys, so that a statistic is one vector over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sandbox.errors import Fault
from sandbox.plan.nodes import Scalar
from sandbox.privacy.bounding import BoundedMeasure

Key: TypeAlias = tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Integer totals per statistic and group key: exact before noise, released after."""

    keys: tuple[Key, ...]
    """In release order: the public key set's, or ascending with NULL last."""
    columns: Mapping[str, tuple[int, ...]]
    """Per statistic, one total per key."""


def align(measure: BoundedMeasure, rows: Sequence[tuple[Scalar, ...]]) -> Totals:
    """The exact totals of what the engine returned: group key parts, then the statistics in order.

    A public key without a row has total 0 everywhere. An unknown or repeated key, a total that is no integer, or a row
    of another width is a bug of ours.
    """
    parts, width = len(measure.checked.keys), len(measure.statistics)
    found: dict[Key, tuple[int, ...]] = {}
    for row in rows:
        key, totals = row[:parts], row[parts:]
        if len(totals) != width or key in found:
            raise Fault("the engine's rows do not fit the measure")
        found[key] = tuple(_integer(value) for value in totals)
    cells = measure.checked.key_set.cells
    keys = tuple(sorted(found, key=in_order)) if cells is None else cells
    if not found.keys() <= set(keys):
        raise Fault("the engine returned a group key outside the public key set")
    none = (0,) * width
    columns = zip(*(found.get(key, none) for key in keys), strict=True)
    return Totals(keys, dict(zip((each.name for each in measure.statistics), columns, strict=True)) if keys else {})


def _integer(value: Scalar) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Fault("a total is not an integer")
    return value


def in_order(key: Key) -> tuple[tuple[bool, object], ...]:
    return tuple((value is None, 0 if value is None else value) for value in key)
