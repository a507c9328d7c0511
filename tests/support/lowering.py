"""Lowering in process, and the golden files of it.

A golden file holds cases: a comment with the case's name, the SQL, a line `=>`, and what must come of it. The data set
is the comment on the first line. `python -m tests.support.judging` writes what comes of each case now; the reviewer
reads the difference.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policies.cards import DatasetCard
from query_gateway.sql.lower import Lowered, lower
from query_gateway.sql.schema import Schema, read_schema
from sandbox.frontend import described
from tests.support.cards import CLINIC, SUPPLY, TPCH

GOLDEN = Path(__file__).parents[1] / "golden"
CARDS = (CLINIC, TPCH, SUPPLY)


@dataclass(frozen=True, slots=True)
class Case:
    """One golden case."""

    dataset: str
    name: str
    sql: str
    expected: str


def schema(dataset: str, cards: Sequence[DatasetCard] = CARDS) -> Schema:
    """The schema of these cards, through the form that the child reads."""
    return read_schema(dataset, json.loads(json.dumps(described(cards))))


def lowered(sql: str, dataset: str) -> Lowered:
    """The plan over the small cards."""
    return lower(sql, schema(dataset))


def read(path: Path) -> list[Case]:
    """The cases of a golden file."""
    head, *blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    dataset = head.removeprefix("-- data set ").strip()
    cases = []
    for block in blocks:
        asked, _, expected = block.partition("\n=>\n")
        name, _, sql = asked.partition("\n")
        cases.append(
            Case(dataset, name.removeprefix("-- ").strip(), sql.removesuffix("\n=>").strip(), expected.strip())
        )
    return cases


def files(kind: str) -> list[Path]:
    """The golden files of `accepted`, `refused` or `mistaken` queries."""
    return sorted(GOLDEN.glob(f"{kind}_*.sql"))
