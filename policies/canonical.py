"""Cards, domains and licences as canonical JSON: one object, one text, one digest.

Keys sorted, no white space, UTF-8; exact fractions are strings, dates and moments ISO 8601. Reading accepts the
canonical text alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from policies.card_consistency import card_problems
from policies.cards import (
    Bounds,
    Budget,
    CardValue,
    Catalogue,
    ColumnCard,
    ColumnType,
    DatasetCard,
    TableCard,
    Text,
    UnitPath,
    Violation,
)
from policies.domains import UnitDomain
from policies.errors import PolicyError, refuse
from policies.licences import Licence


def card_to_json(card: DatasetCard) -> bytes:
    """The canonical JSON of a card."""
    return canonical_json(plain(card))


def card_from_json(data: bytes) -> DatasetCard:
    """The card of its canonical JSON. Refuses: PolicyError on any other text, and on an inconsistent card."""
    try:
        card = _card(json.loads(data))
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise PolicyError(["this is not the JSON of a card"]) from None
    if card_to_json(card) != data:
        raise PolicyError(["this is not the canonical JSON of a card"])
    refuse(card_problems(card), card.name)
    return card


def digest(document: DatasetCard | UnitDomain | Licence) -> str:
    """SHA-256 of the canonical JSON, hex."""
    return hashlib.sha256(canonical_json(plain(document))).hexdigest()


def canonical_json(document: object) -> bytes:
    """JSON with sorted keys and no white space, UTF-8."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def plain(value: object) -> Any:
    """A core value as what JSON knows; a dataclass becomes an object of its fields."""
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"no canonical JSON for {type(value).__name__}")


def _card(data: dict[str, Any]) -> DatasetCard:
    return DatasetCard(
        name=data["name"],
        version=data["version"],
        title=Text(**data["title"]),
        description=Text(**data["description"]),
        unit_domain=data["unit_domain"],
        tables=tuple(_table(table) for table in data["tables"]),
        budget=Budget(Fraction(data["budget"]["rho"]), Fraction(data["budget"]["delta"])),
        catalogue=_catalogue(data["catalogue"]),
    )


def _catalogue(data: dict[str, Any]) -> Catalogue:
    texts = {name: Text(**data[name]) for name in ("provider", "category", "usage", "source")}
    return Catalogue(**(data | texts | {"acquired": date.fromisoformat(data["acquired"])}))


def _table(data: dict[str, Any]) -> TableCard:
    unit, bounds = data["unit"], data["bounds"]
    return TableCard(
        name=data["name"],
        title=Text(**data["title"]),
        columns=tuple(_column(column) for column in data["columns"]),
        unit=None if unit is None else UnitPath(tuple(unit["columns"]), unit["references"]),
        key=tuple(data["key"]),
        unit_key=None if data["unit_key"] is None else tuple(data["unit_key"]),
        rows_per_unit=data["rows_per_unit"],
        bounds=None if bounds is None else Bounds(**bounds),
    )


def _column(data: dict[str, Any]) -> ColumnCard:
    kind = ColumnType(data["type"])
    values = data["values"]
    return ColumnCard(
        name=data["name"],
        title=Text(**data["title"]),
        type=kind,
        nullable=data["nullable"],
        lo=_value(kind, data["lo"]),
        hi=_value(kind, data["hi"]),
        values=None if values is None else tuple(_member(kind, value) for value in values),
        key_of=data["key_of"],
        granularity=None if data["granularity"] is None else Fraction(data["granularity"]),
        violation=Violation(data["violation"]),
        other=_value(kind, data["other"]),
    )


def _value(kind: ColumnType, value: Any) -> CardValue | None:
    return None if value is None else _member(kind, value)


def _member(kind: ColumnType, value: Any) -> CardValue:
    match kind:
        case ColumnType.BOOLEAN | ColumnType.INTEGER | ColumnType.TEXT:
            member: CardValue = value
            return member
        case ColumnType.DOUBLE:
            return Fraction(value)
        case ColumnType.DATE:
            return date.fromisoformat(value)
        case ColumnType.TIMESTAMP:
            return datetime.fromisoformat(value)
        case ColumnType.UNIT:
            raise ValueError
