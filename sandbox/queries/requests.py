"""What a caller asks, read strictly from the signed bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NoReturn

from policies.cards import Bounds
from sandbox.errors import Refusal
from sandbox.privacy.clip import ClipAt
from sandbox.privacy.loss import Accuracy, Spend

MOST_QUERIES = 16
"""Of one batch."""
_MAX_TEXT = 64
"""Characters of an identifier."""
_NUMBER = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?")
"""An exact number, whose size its length bounds: with longer exponents, a few characters are a billion digits."""
_MAX_WEIGHTS = 64
"""Columns that a split can weigh."""
_LARGEST_VALUE = 10**18
"""Of a half-width and of an expected value."""
_LEAST_SURE, _MOST_SURE = Fraction(1, 2), Fraction(999_999, 1_000_000)
"""Confidences that can be asked."""


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """One query or estimate: licence, scenario, data set, SQL and spend, all read from the signed body."""

    licence: str
    scenario: str
    dataset: str
    sql: str
    spend: Spend | Accuracy
    bounds: Bounds | ClipAt | None
    """As the card declares, where None: what an accuracy is priced by, and what a spend has where it says so."""
    expected_size: int | None
    """Rows a group is assumed to have: what half-widths of averages, and a spend that names an accuracy, rest on."""
    open_ranges: bool = False
    """Sums and averages may be of values whose range is unknown: how much of a unit counts is chosen privately."""
    dry_run: bool = False
    """Run on dummies made from cards alone: no record is read, nothing is charged."""
    further: tuple[str, ...] = ()
    """The other queries of a batch: they are planned, charged and run together."""
    reuse: bool = True
    """Answered from earlier releases of the licence, at no charge, where these are as exact as the spend would buy."""
    weights: tuple[tuple[str, Fraction], ...] = ()
    """Columns of the answer whose errors weigh more or less than others' in the split of the spend, and how much."""

    @property
    def queries(self) -> tuple[str, ...]:
        """The SQL of each query."""
        return self.sql, *self.further

    @property
    def script(self) -> str:
        """The SQL of all queries as one text."""
        return ";\n".join(self.queries)


def read_query(body: bytes) -> QueryRequest:
    """Reads the body of a query or estimate. Refuses `request.body` for what is unknown, missing or of another type."""
    fields = _object(read_json(body), "body")
    return _request(fields, (_sql(fields.get("sql"), "sql"),), "sql")


def read_batch(body: bytes) -> QueryRequest:
    """Reads the body of a batch, or of the estimate of one. Refuses `request.body`."""
    fields = _object(read_json(body), "body")
    queries = fields.get("queries")
    if not isinstance(queries, list) or not 1 <= len(queries) <= MOST_QUERIES:
        _refuse(f"queries is a list of 1 to {MOST_QUERIES} texts")
    return _request(fields, tuple(_sql(each, "queries") for each in queries), "queries")


def read_charged(body: bytes) -> QueryRequest:
    """Reads the body of a query or a batch, as it was charged."""
    return read_batch(body) if is_batch(body) else read_query(body)


def is_batch(body: bytes) -> bool:
    """Whether this is the body of a batch."""
    return "queries" in _object(read_json(body), "body")


def _request(fields: Mapping[str, object], queries: tuple[str, ...], named: str) -> QueryRequest:
    sized = [each for each in (fields, fields.get("spend")) if isinstance(each, dict) and "expected_size" in each]
    if len(sized) > 1:
        _refuse("expected_size stands twice")
    spend = _spend(fields)
    request = QueryRequest(
        licence=_text(fields, "licence"),
        scenario=_text(fields, "scenario"),
        dataset=_text(fields, "dataset"),
        sql=queries[0],
        further=queries[1:],
        spend=spend,
        bounds=_bounds(fields, spend),
        expected_size=_positive(sized[0], "expected_size") if sized else None,
        open_ranges=_automatic(fields, "ranges"),
        dry_run=_flag(fields, "dry_run", absent=False),
        reuse=_flag(fields, "reuse", absent=True),
        weights=_weights(fields),
    )
    for name in fields.keys() - {
        "licence",
        "scenario",
        "dataset",
        named,
        "spend",
        "bounds",
        "expected_size",
        "ranges",
        "dry_run",
        "reuse",
    }:
        _refuse(f"unknown field {name[:_MAX_TEXT]!r}")
    return request


def read_json(body: bytes) -> object:
    """Strict JSON: UTF-8, no repeated names, no NaN, numbers exact. Refuses `request.body`."""
    try:
        return json.loads(
            body.decode("utf-8"), parse_float=Decimal, parse_constant=_constant, object_pairs_hook=_without_repeats
        )
    except (ArithmeticError, ValueError, RecursionError):
        _refuse("not JSON")


def _spend(fields: Mapping[str, object]) -> Spend | Accuracy:
    """A spend, or the accuracy that is to be bought."""
    spend = {name: value for name, value in _object(fields.get("spend"), "spend").items() if name != "weights"}
    if "half_width" in spend or "relative" in spend:
        return _accuracy(spend)
    return _loss(spend, "spend")


def _weights(fields: Mapping[str, object]) -> tuple[tuple[str, Fraction], ...]:
    """Of a spend, or of an accuracy: what the columns named weigh, where others weigh 1."""
    spend = _object(fields.get("spend"), "spend")
    weights = _object(spend.get("weights", {}), "spend.weights")
    if len(weights) > _MAX_WEIGHTS:
        _refuse(f"spend.weights names more than {_MAX_WEIGHTS} columns")
    return tuple((_text({"name": name}, "name"), _exact(weight, "spend.weights")) for name, weight in weights.items())


def _loss(spend: Mapping[str, object], name: str) -> Spend:
    match spend:
        case {"epsilon": value, **rest} if not rest:
            return Spend(epsilon=_exact(value, f"{name}.epsilon"), rho=None)
        case {"rho": value, **rest} if not rest:
            return Spend(epsilon=None, rho=_exact(value, f"{name}.rho"))
    _refuse(f'{name} is {{"epsilon": …}} or {{"rho": …}}')


def _accuracy(spend: Mapping[str, object]) -> Accuracy:
    known = {"half_width", "relative", "confidence", "column", "expected_size", "expected_value", "at_most"}
    for name in spend.keys() - known:
        _refuse(f"unknown field spend.{name[:_MAX_TEXT]!r}")
    if "half_width" in spend and "relative" in spend:
        _refuse("spend names half_width or relative, not both")
    if "expected_value" in spend and "relative" not in spend:
        _refuse("spend.expected_value belongs to spend.relative")
    confidence = _exact(spend.get("confidence"), "spend.confidence")
    if not _LEAST_SURE <= confidence <= _MOST_SURE:
        _refuse("spend.confidence lies from 0.5 to 0.999999")
    return Accuracy(
        half_width=_exact(spend["half_width"], "spend.half_width", _LARGEST_VALUE) if "half_width" in spend else None,
        relative=_exact(spend["relative"], "spend.relative") if "relative" in spend else None,
        confidence=confidence,
        column=_text(spend, "column") if "column" in spend else None,
        expected_value=_exact(spend["expected_value"], "spend.expected_value", _LARGEST_VALUE)
        if "expected_value" in spend
        else None,
        at_most=_loss(_object(spend["at_most"], "spend.at_most"), "spend.at_most") if "at_most" in spend else None,
    )


def _bounds(fields: Mapping[str, object], spend: Spend | Accuracy) -> Bounds | ClipAt | None:
    """As named; else chosen privately, or as the card declares where an accuracy is to be priced: how exact a query is
    whose bounds are chosen is known afterwards only.
    """
    if "bounds" not in fields:
        return ClipAt(None) if isinstance(spend, Spend) else None
    if fields["bounds"] == "card":
        return None
    if fields["bounds"] == "auto":
        return ClipAt(None)
    bounds = _object(fields["bounds"], "bounds")
    match bounds:
        case {"clip": value, **rest} if not rest:
            return ClipAt(_exact(value, "bounds.clip"))
        case {"groups": _, "rows": _, **rest} if not rest:
            return Bounds(_positive(bounds, "groups"), _positive(bounds, "rows"))
    _refuse('bounds is {"groups": …, "rows": …} or {"clip": …}, "auto" or "card"')


def _automatic(fields: Mapping[str, object], name: str) -> bool:
    """Whether a field is there and says `auto`."""
    if fields.get(name, "auto") != "auto":
        _refuse(f'{name} is "auto"')
    return name in fields


def _exact(value: object, name: str, most: int = 10**6) -> Fraction:
    """A positive exact number from a JSON number or a decimal text."""
    if isinstance(value, int | Decimal | str) and not isinstance(value, bool) and _NUMBER.fullmatch(str(value)):
        number = Fraction(str(value))
        if Fraction(1, 10**9) <= number <= most:
            return number
    _refuse(f"{name} is a number between 1e-9 and {float(most):g}")


def _positive(fields: Mapping[str, object], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or not 1 <= value < 2**31:
        _refuse(f"{name} is a positive integer")
    return value


def _flag(fields: Mapping[str, object], name: str, *, absent: bool) -> bool:
    value = fields.get(name, absent)
    if not isinstance(value, bool):
        _refuse(f"{name} is true or false")
    return value


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= _MAX_TEXT or not value.isprintable():
        _refuse(f"{name} is a text of 1 to {_MAX_TEXT} characters")
    return value


def _sql(value: object, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        _refuse(f"{name} is a text")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        _refuse(f"{name} holds a character that is no text")
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
