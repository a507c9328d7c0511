"""A query's answer in other formats than the sandbox's JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

JSON = "application/json"
CSV = "text/csv"
TEXT = "text/plain"
DUMMY = "DUMMY"
"""What marks the rows of a dry run."""


def release_csv(release: Mapping[str, Any]) -> str:
    """The released rows: a measured column is followed by the ends of its interval, `NAME_low` and `NAME_high`.

    Of a dry run every row, the header too, begins with a column `DUMMY`, so that no part of it passes for an answer.
    Source: RFC 4180; NULL is the empty field.
    """
    columns: Sequence[Mapping[str, Any]] = release["columns"]
    text = io.StringIO()
    writer = csv.writer(text)
    mark = [DUMMY] if release.get("dummy") else []
    writer.writerow([*mark, *(name for column in columns for name in _names(column))])
    for row, intervals in zip(release["rows"], release["intervals"], strict=True):
        cells: list[object] = [*mark]
        for column, value, interval in zip(columns, row, intervals, strict=True):
            cells.append(_cell(value))
            if column["measured"]:
                cells += ["", ""] if interval is None else [_cell(end) for end in interval]
        writer.writerow(cells)
    return text.getvalue()


def _names(column: Mapping[str, Any]) -> list[str]:
    name = column["name"]
    return [name, f"{name}_low", f"{name}_high"] if column["measured"] else [name]


def _cell(value: object) -> object:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
    return value
