"""The window functions of the plan language."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WindowFunction(StrEnum):
    """What a window can ask of the rows around one."""

    ROW_NUMBER = "row_number"
    RANK = "rank"
    DENSE_RANK = "dense_rank"
    PERCENT_RANK = "percent_rank"
    CUME_DIST = "cume_dist"
    NTILE = "ntile"
    LAG = "lag"
    LEAD = "lead"
    FIRST_VALUE = "first_value"
    LAST_VALUE = "last_value"
    NTH_VALUE = "nth_value"
    ROWS = "rows"
    """COUNT(*), or COUNT(x) when there is an argument."""
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


class FrameUnit(StrEnum):
    """What the ends of a frame count."""

    ROWS = "rows"
    """Rows, in a total order."""
    RANGE = "range"
    """The distance of the order's one value: whole numbers, or days."""
    GROUPS = "groups"
    """Groups of rows that the order does not tell apart."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The rows around one that a window function sees."""

    unit: FrameUnit
    start: int | None
    """From so many after the current one, before it where negative; None: from the first of the partition."""
    end: int | None
    """To so many after the current one; None: to the last of the partition."""
