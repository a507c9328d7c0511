"""How large a plan may be: what `check` refuses before any charge (rule 2)."""

from __future__ import annotations

from dataclasses import dataclass

ANSWER_ROWS = 1_000_000
"""Of an answer, and of the private group keys of a measure before their threshold."""
KEY_BYTES = 1 << 31
"""Of the private group keys that the declared units can make; a worker's engine must have at least twice as much."""
GIVEN_BYTES = 1 << 28
"""Of the released rows that one measure reads: they travel to its worker and stand in its memory."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes computed from cards, plan and public facts alone."""

    nodes: int
    """Nodes of the whole plan, literals included."""
    measures: int
    joins: int
    """And marks, of the whole plan."""
    rows_per_unit: int
    """After any operator of a private part."""
    row_bytes: int
    """Of any relation's row."""
    public_rows: int
    """After any operator of the public part."""
    cells: int
    """Group keys of one measure; with more, its keys are private. Rows of a release that a later measure reads."""
    levels: int
    """Grouping sets of one measure."""
    evaluations: int
    """Single values built or given to functions to know value sets, of the whole plan."""


def standard(cells: int) -> Limits:
    """The limits of a deployment that allows so many group keys of one measure."""
    return Limits(
        nodes=4096,
        measures=16,
        joins=24,
        rows_per_unit=1_000_000,
        row_bytes=1 << 16,
        public_rows=10_000_000,
        cells=cells,
        levels=64,
        evaluations=100_000,
    )
