"""What the public catalogue says of a data set: everything on the card, and nothing that is not on it."""

from __future__ import annotations

from typing import Any

from policies.canonical import digest, plain
from policies.cards import ColumnCard, DatasetCard, TableCard


def catalogue_entry(card: DatasetCard) -> dict[str, Any]:
    """The card as JSON for reading: texts in both languages, exact numbers as strings, absent facts left out."""
    return {
        "name": card.name,
        "version": card.version,
        "digest": digest(card),
        "title": plain(card.title),
        "description": plain(card.description),
        "unit_domain": card.unit_domain,
        "budget": plain(card.budget),
        "catalogue": plain(card.catalogue),
        **({} if card.minimum_frequency is None else {"minimum_frequency": card.minimum_frequency}),
        "tables": [_table(table) for table in card.tables],
    }


def _table(table: TableCard) -> dict[str, Any]:
    facts = {
        "unit": plain(table.unit),
        "key": list(table.key) or None,
        "unit_key": plain(table.unit_key),
        "rows_per_unit": table.rows_per_unit,
        "bounds": plain(table.bounds),
        "expected_size": table.expected_size,
    }
    return {
        "name": table.name,
        "title": plain(table.title),
        "kind": "private" if table.private else "public",
        **{name: fact for name, fact in facts.items() if fact is not None},
        "columns": [_column(column) for column in table.columns],
    }


def _column(column: ColumnCard) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "range": None if column.lo is None else [plain(column.lo), plain(column.hi)],
        "values": plain(column.values),
        "key_of": column.key_of,
        "granularity": plain(column.granularity),
        "other": plain(column.other),
    }
    bounded = any(facts[name] is not None for name in ("range", "values", "key_of"))
    return {
        "name": column.name,
        "title": plain(column.title),
        "type": column.type.value,
        "nullable": column.nullable,
        **{name: fact for name, fact in facts.items() if fact is not None},
        **({"outside": column.violation.value} if bounded else {}),
    }
