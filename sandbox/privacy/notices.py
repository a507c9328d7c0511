"""What an answer tells of itself: how many units its bounds cut, how many private groups there were (rule 28).

Each is one noisy number of a measure, part of its price, drawn whether or not it is then worth showing.
"""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction

from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.sensitivity import Sensitivity, touched

NOTICE_SHARE = Fraction(1, 50)
"""Of what a measure is given, for each notice that is due."""


class NoticeKind(StrEnum):
    """What is counted."""

    BINDING = "binding_units"
    """Units for which a bound binds, each of them once."""
    GROUPS = "existing_groups"
    """Private group keys that units have after bounding, before any minimum or threshold."""


def due(measure: BoundedMeasure) -> tuple[NoticeKind, ...]:
    """The notices of a measure, by its structure, bounds and keys alone."""
    binding = (NoticeKind.BINDING,) if measure.truncates else ()
    return binding if measure.existence is None else (*binding, NoticeKind.GROUPS)


def name(measure: BoundedMeasure, kind: NoticeKind) -> str:
    """Of its statistic."""
    return f"{measure.checked.measure.name}{'t' if kind is NoticeKind.BINDING else 'g'}"


def change(measure: BoundedMeasure, kind: NoticeKind) -> Sensitivity:
    """By one unit: it is counted at most once, or brings as many private group keys as it keeps, on all levels."""
    match kind:
        case NoticeKind.BINDING:
            most = 1
        case NoticeKind.GROUPS:
            most = sum(touched(measure, level) for level in measure.private)
    return Sensitivity(l0=1, linf=most, l1=most, l2_squared=most**2)
