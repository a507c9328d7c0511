"""The names that the answer's columns are shown under."""

from __future__ import annotations

from collections.abc import Sequence

from query_gateway.sql.scope import Column
from sandbox.plan.plan import Label

MAX_LABEL = 60
"""Characters of an answer's column label."""


def labels(columns: Sequence[Column]) -> tuple[Label, ...]:
    """The analyst's names, made distinct."""
    found: list[Label] = []
    taken: set[str] = set()
    for column in columns:
        label = " ".join(column.name.split())[:MAX_LABEL] or column.ref
        count = 1
        while label in taken:
            count += 1
            label = f"{' '.join(column.name.split())[:MAX_LABEL]}_{count}"
        taken.add(label)
        found.append(Label(column.ref, label))
    return tuple(found)
