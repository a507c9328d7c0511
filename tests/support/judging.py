"""SQL asked of the small cards as a request is before anything is charged: lowered, checked, bounded and priced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from policies.cards import CardValue, ColumnCard
from sandbox.datasets.snapshot import Snapshot
from sandbox.errors import Refusal
from sandbox.plan.checked import PublicFacts
from sandbox.plan.limits import standard
from sandbox.privacy.loss import Spend
from sandbox.queries.preparation import Prepared, prepare
from sandbox.queries.requests import QueryRequest
from tests.support.answers import LICENCE, InProcess
from tests.support.cards import DOMAINS
from tests.support.lowering import CARDS, files, lowered, read
from tests.support.plan_text import lines

SPEND = Spend(Fraction(1), None)
FEW = {name: replace(each, max_units=10_000) for name, each in DOMAINS.items()}
"""So that private keys fit into the engine without bounds."""


def _keys(column: ColumnCard) -> tuple[CardValue, ...]:
    """Some values for a public table's key."""
    return (1, 2, 3) if column.type.value == "integer" else ("A", "B", "C")


FACTS = {
    (card.name, table.name): PublicFacts(
        3, {column.name: _keys(column) for column in table.columns if table.key == (column.name,)}, {}
    )
    for card in CARDS
    for table in card.tables
    if not table.private
}
"""What is public of the cards' public tables, by data set and table."""
SNAPSHOTS = {
    card.name: Snapshot(
        f"snapshot of {card.name}",
        card,
        datetime(2026, 1, 1, tzinfo=UTC),
        "0" * 64,
        "0" * 64,
        {table: facts for (name, table), facts in FACTS.items() if name == card.name},
    )
    for card in CARDS
}


def judged(sql: str, dataset: str) -> Prepared:
    """The query with its price at ε = 1. Raises the refusal that its caller would see."""
    request = QueryRequest("L1", "planning", dataset, sql, SPEND, None, None)
    return prepare(request, LICENCE, InProcess(), SNAPSHOTS, FEW, standard(cells=10_000))


def outcome(sql: str, dataset: str) -> str:
    """What comes of the SQL: the plan, or what its refusal says."""
    try:
        return "\n".join(lines(lowered(sql, dataset).plan))
    except Refusal:
        return told(sql, dataset)


def told(sql: str, dataset: str) -> str:
    """Code, place and rewrite of the refusal, as the caller sees them; `accepted` where there is none."""
    try:
        judged(sql, dataset)
    except Refusal as refused:
        refusal = refused
    else:
        return "accepted"
    detail = ", ".join(f"{name}={word}" for name, word in sorted(refusal.detail.items()) if word)
    words = [f"refused {refusal.code}" + (f" ({detail})" if detail else "")]
    if refusal.span is not None:
        words.append(f"at {' '.join(sql[refusal.span.start : refusal.span.end].split())}")
    if refusal.rewrite is not None:
        words.append(f"write {' '.join(refusal.rewrite.split())}")
    return "\n".join(words)


GOLDEN: Mapping[str, Callable[[str, str], str]] = {"accepted": outcome, "refused": outcome, "mistaken": told}
"""What is written in each kind of golden file."""


def _write(path: Path, telling: Callable[[str, str], str]) -> None:
    cases = read(path)
    blocks = [f"-- {case.name}\n{case.sql}\n=>\n{telling(case.sql, case.dataset)}" for case in cases]
    path.write_text("\n\n".join([f"-- data set {cases[0].dataset}", *blocks]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for kind, telling in GOLDEN.items():
        for golden in files(kind):
            _write(golden, telling)
