"""The window functions of the plan language."""

from __future__ import annotations

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
