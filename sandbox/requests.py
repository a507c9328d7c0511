"""What a caller asks, read strictly from the signed bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NoReturn

from policies.cards import Bounds
from sandbox.errors import Refusal
from sandbox.privacy.loss import Spend

_MAX_TEXT = 64
"""Characters of an identifier."""
_MAX_DIGITS = 40
"""Characters of an exact number."""


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """One query or estimate: licence, scenario, data set, SQL and spend, all read from the signed body."""

    licence: str
    scenario: str
    dataset: str
    sql: str
    spend: Spend
    bounds: Bounds | None
    expected_size: int | None
    """Rows a group is assumed to have: only an estimate's half-widths of averages use it."""


def read_query(body: bytes) -> QueryRequest:
    """Reads the body of a query or estimate. Refuses `request.body` for what is unknown, missing or of another type."""
    fields = _object(read_json(body), "body")
    request = QueryRequest(
        licence=_text(fields, "licence"),
        scenario=_text(fields, "scenario"),
        dataset=_text(fields, "dataset"),
        sql=_sql(fields),
        spend=_spend(fields),
        bounds=_bounds(fields),
        expected_size=_positive(fields, "expected_size") if "expected_size" in fields else None,
    )
    for name in fields.keys() - {"licence", "scenario", "dataset", "sql", "spend", "bounds", "expected_size"}:
        _refuse(f"unknown field {name[:_MAX_TEXT]!r}")
    return request


def read_json(body: bytes) -> object:
    """Strict JSON: UTF-8, no repeated names, no NaN, numbers exact. Refuses `request.body`."""
    try:
        return json.loads(
            body.decode("utf-8"), parse_float=Decimal, parse_constant=_constant, object_pairs_hook=_without_repeats
        )
    except (ValueError, RecursionError):
        _refuse("not JSON")


def _spend(fields: Mapping[str, object]) -> Spend:
    spend = _object(fields.get("spend"), "spend")
    match spend:
        case {"epsilon": value, **rest} if not rest:
            return Spend(epsilon=_exact(value, "spend.epsilon"), rho=None)
        case {"rho": value, **rest} if not rest:
            return Spend(epsilon=None, rho=_exact(value, "spend.rho"))
    _refuse('spend is {"epsilon": …} or {"rho": …}')


def _bounds(fields: Mapping[str, object]) -> Bounds | None:
    if "bounds" not in fields:
        return None
    bounds = _object(fields["bounds"], "bounds")
    if bounds.keys() != {"groups", "rows"}:
        _refuse('bounds is {"groups": …, "rows": …}')
    return Bounds(_positive(bounds, "groups"), _positive(bounds, "rows"))


def _exact(value: object, name: str) -> Fraction:
    """A positive exact number from a JSON number or a decimal text."""
    if isinstance(value, int | Decimal | str) and not isinstance(value, bool) and len(str(value)) <= _MAX_DIGITS:
        try:
            number = Fraction(Decimal(value))
        except (ArithmeticError, ValueError, OverflowError):
            _refuse(f"{name} is not a number")
        if Fraction(1, 10**9) <= number <= 10**6:
            return number
    _refuse(f"{name} is a number between 1e-9 and 1e6")


def _positive(fields: Mapping[str, object], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or not 1 <= value < 2**31:
        _refuse(f"{name} is a positive integer")
    return value


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= _MAX_TEXT or not value.isprintable():
        _refuse(f"{name} is a text of 1 to {_MAX_TEXT} characters")
    return value


def _sql(fields: Mapping[str, object]) -> str:
    value = fields.get("sql")
    if not isinstance(value, str) or not value.strip():
        _refuse("sql is a text")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        _refuse("sql holds a character that is no text")
    return value


def _object(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        _refuse(f"{name} is an object")
    return value


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse("a name is repeated")
    return found


def _constant(name: str) -> NoReturn:
    _refuse(f"{name} is not a number")


def _refuse(what: str) -> NoReturn:
    raise Refusal("request.body", {"what": what})
