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
from typing import Any, TypeVar

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

Plain = TypeVar("Plain", bool, int, str)


def card_to_json(card: DatasetCard) -> bytes:
    """The canonical JSON of a card."""
    return canonical_json(plain(card))


def card_from_json(data: bytes) -> DatasetCard:
    """The card of its canonical JSON. Refuses: PolicyError on any other text, and on an inconsistent card."""
    try:
        card = _card(json.loads(data))
        canonical = card_to_json(card)
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise PolicyError(["this is not the JSON of a card"]) from None
    if canonical != data:
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
    """A core value as what JSON knows; a dataclass becomes an object of its fields, but for optional ones it lacks."""
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if is_dataclass(value):
        found = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        absent = {field.name for field in fields(value) if "optional" in field.metadata and found[field.name] is None}
        return {name: each for name, each in found.items() if name not in absent}
    raise TypeError(f"no canonical JSON for {type(value).__name__}")


def _card(data: dict[str, Any]) -> DatasetCard:
    return DatasetCard(
        name=_exactly(str, data["name"]),
        version=_exactly(int, data["version"]),
        title=_text(data["title"]),
        description=_text(data["description"]),
        unit_domain=_exactly(str, data["unit_domain"]),
        tables=tuple(_table(table) for table in data["tables"]),
        budget=Budget(_fraction(data["budget"]["rho"]), _fraction(data["budget"]["delta"])),
        catalogue=_catalogue(data["catalogue"]),
        minimum_frequency=_optional(int, data.get("minimum_frequency")),
    )


def _catalogue(data: dict[str, Any]) -> Catalogue:
    return Catalogue(
        provider=_text(data["provider"]),
        category=_text(data["category"]),
        format=_exactly(str, data["format"]),
        sharing=_exactly(str, data["sharing"]),
        opening=_exactly(str, data["opening"]),
        security_level=_exactly(str, data["security_level"]),
        usage=_text(data["usage"]),
        update_cycle=_exactly(str, data["update_cycle"]),
        source=_text(data["source"]),
        acquired=date.fromisoformat(data["acquired"]),
    )


def _table(data: dict[str, Any]) -> TableCard:
    unit, unit_key, rows, bounds = data["unit"], data["unit_key"], data["rows_per_unit"], data["bounds"]
    return TableCard(
        name=_exactly(str, data["name"]),
        title=_text(data["title"]),
        columns=tuple(_column(column) for column in data["columns"]),
        unit=None if unit is None else UnitPath(_names(unit["columns"]), _optional(str, unit["references"])),
        key=_names(data["key"]),
        unit_key=None if unit_key is None else _names(unit_key),
        rows_per_unit=_optional(int, rows),
        bounds=None if bounds is None else Bounds(_exactly(int, bounds["groups"]), _exactly(int, bounds["rows"])),
        expected_size=_optional(int, data.get("expected_size")),
    )


def _column(data: dict[str, Any]) -> ColumnCard:
    kind = ColumnType(data["type"])
    values, granularity = data["values"], data["granularity"]
    return ColumnCard(
        name=_exactly(str, data["name"]),
        title=_text(data["title"]),
        type=kind,
        nullable=_exactly(bool, data["nullable"]),
        lo=_value(kind, data["lo"]),
        hi=_value(kind, data["hi"]),
        values=None if values is None else tuple(_member(kind, value) for value in values),
        key_of=_optional(str, data["key_of"]),
        granularity=None if granularity is None else _fraction(granularity),
        violation=Violation(data["violation"]),
        other=_value(kind, data["other"]),
    )


def _value(kind: ColumnType, value: object) -> CardValue | None:
    return None if value is None else _member(kind, value)


def _member(kind: ColumnType, value: object) -> CardValue:
    match kind:
        case ColumnType.BOOLEAN:
            return _exactly(bool, value)
        case ColumnType.INTEGER:
            return _exactly(int, value)
        case ColumnType.DOUBLE:
            return _fraction(value)
        case ColumnType.TEXT:
            return _exactly(str, value)
        case ColumnType.DATE:
            return date.fromisoformat(_exactly(str, value))
        case ColumnType.TIMESTAMP:
            return datetime.fromisoformat(_exactly(str, value))
        case ColumnType.UNIT:
            raise ValueError


def _text(data: dict[str, Any]) -> Text:
    return Text(_exactly(str, data["zh"]), _exactly(str, data["en"]))


def _names(data: list[object]) -> tuple[str, ...]:
    return tuple(_exactly(str, name) for name in data)


def _fraction(value: object) -> Fraction:
    """A fraction as `str` writes it: never an exponent, which could stand for a number of any size."""
    numerator, _, denominator = _exactly(str, value).partition("/")
    return Fraction(int(numerator), int(denominator or "1"))


def _optional(kind: type[Plain], value: object) -> Plain | None:
    return None if value is None else _exactly(kind, value)


def _exactly(kind: type[Plain], value: object) -> Plain:
    """The value, of this very type: JSON's true is no 1."""
    if type(value) is not kind:
        raise TypeError
    return value
