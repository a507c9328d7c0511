"""Canonical bytes → plan, strictly: the bytes come from a process that is not trusted.

Every object has exactly the members of its node, in their types; sizes and depths are limited.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import NoReturn, TypeVar

from sandbox.errors import Refusal
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.canonical import Json, scalar_json
from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.grouping_sets import Levels
from sandbox.plan.nodes import (
    Aggregate,
    Call,
    Constants,
    Distinct,
    Expression,
    Filter,
    Fold,
    Group,
    Join,
    JoinKind,
    Limit,
    Literal,
    Mark,
    Measure,
    Order,
    Output,
    Project,
    Ref,
    Relation,
    Released,
    Scalar,
    Scan,
    ScanColumn,
    Sort,
    Type,
    Union,
    UnionColumn,
    Window,
    Windowed,
)
from sandbox.plan.plan import Label, Plan
from sandbox.plan.window_functions import Frame, FrameUnit, WindowFunction

T = TypeVar("T")
Word = TypeVar("Word", bound=StrEnum)

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64
"""Of expressions and of relations, each."""
MAX_NODES = 4096
MAX_TEXT = 256
"""Characters of a text literal, a card's name or a label."""
NAME = re.compile(r"[a-z]{1,3}[0-9]{1,6}")
INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
FRACTION = re.compile(r"-?(0|[1-9][0-9]{0,399})(/[1-9][0-9]{0,399})?")


def decode(content: bytes) -> Plan:
    """The plan that these bytes spell. Whether it means anything is for `check` to judge.

    Refuses: `plan.invalid`, `plan.too_large`.
    """
    if len(content) > MAX_BYTES:
        raise Refusal("plan.too_large", {"what": "bytes", "limit": str(MAX_BYTES)})
    try:
        tree: Json = json.loads(
            content.decode(), object_pairs_hook=_distinct, parse_float=_number, parse_constant=_number
        )
    except (ValueError, RecursionError) as error:
        raise Refusal("plan.invalid", {"what": "not JSON"}) from error
    return _Decoder().plan(tree)


def _distinct(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        _invalid("a member given twice")
    return members


def _number(text: str) -> NoReturn:
    _invalid(f"the number {text[:20]}")


def _invalid(what: str) -> NoReturn:
    raise Refusal("plan.invalid", {"what": what})


def _members(tree: Json, names: str) -> list[Json]:
    """The values of an object that has exactly these members."""
    wanted = names.split()
    if not isinstance(tree, dict) or set(tree) != set(wanted):
        _invalid(f"an object must have the members {names}")
    return [tree[name] for name in wanted]


def _list(tree: Json, read: Callable[[Json], T]) -> tuple[T, ...]:
    if not isinstance(tree, list):
        _invalid("a list is missing")
    return tuple(read(one) for one in tree)


def _name(tree: Json) -> str:
    if not isinstance(tree, str) or NAME.fullmatch(tree) is None:
        _invalid("a generated name is missing")
    return tree


def _text(tree: Json) -> str:
    if not isinstance(tree, str) or len(tree) > MAX_TEXT or "\0" in tree:
        _invalid("a text is missing, too long or holds a NUL")
    try:
        tree.encode()
    except UnicodeEncodeError:
        _invalid("a text is not Unicode")
    return tree


def _flag(tree: Json) -> bool:
    if not isinstance(tree, bool):
        _invalid("a flag is missing")
    return tree


def _count(tree: Json) -> int:
    if not isinstance(tree, int) or isinstance(tree, bool) or not 0 <= tree < 2**31:
        _invalid("a count is missing")
    return tree


def _offset(tree: Json) -> int:
    if not isinstance(tree, int) or isinstance(tree, bool) or abs(tree) >= 2**31:
        _invalid("an offset is missing")
    return tree


def _word(kind: type[Word], tree: Json) -> Word:
    """A member of a closed list."""
    if tree not in [one.value for one in kind]:
        _invalid(f"an unknown {kind.__name__}")
    return kind(tree)


def _frame(tree: Json) -> Frame:
    unit, start, end = _members(tree, "unit start end")
    ends = [None if one is None else _offset(one) for one in (start, end)]
    return Frame(_word(FrameUnit, unit), *ends)


def _fraction(tree: Json) -> Fraction:
    if not isinstance(tree, str) or FRACTION.fullmatch(tree) is None:
        _invalid("a fraction is missing")
    return _real(tree)


def literal_value(type_: Type, tree: Json) -> Scalar:
    """The value that a literal of this type is written as. Refuses `plan.invalid`."""
    if tree is None or (type_ is Type.BOOLEAN and isinstance(tree, bool)):
        return tree
    if not isinstance(tree, str):
        _invalid(f"not a literal of type {type_}")
    match type_:
        case Type.TEXT:
            return _text(tree)
        case Type.INTEGER if INTEGER.fullmatch(tree) and -(2**63) <= int(tree) < 2**63:
            return int(tree)
        case Type.DOUBLE if FRACTION.fullmatch(tree):
            return _real(tree)
        case Type.DATE | Type.TIMESTAMP:
            return _time(type_, tree)
        case _:
            _invalid(f"not a literal of type {type_}")


def _real(text: str) -> Fraction:
    value = Fraction(text)
    try:
        float(value)
    except OverflowError:
        _invalid("a number beyond double precision")
    if str(value) != text:
        _invalid("a fraction not in lowest terms")
    return value


def _time(type_: Type, text: str) -> date | datetime:
    try:
        value = date.fromisoformat(text) if type_ is Type.DATE else datetime.fromisoformat(text)
    except ValueError:
        _invalid(f"not a {type_}")
    if scalar_json(value) != text or (isinstance(value, datetime) and value.tzinfo is not None):
        _invalid(f"not a canonical {type_}")
    return value


@dataclass(slots=True)
class _Decoder:
    """Reads one plan and counts its nodes."""

    nodes: int = 0

    def count(self, depth: int) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise Refusal("plan.too_large", {"what": "nodes", "limit": str(MAX_NODES)})
        if depth > MAX_DEPTH:
            raise Refusal("plan.too_large", {"what": "levels", "limit": str(MAX_DEPTH)})

    def plan(self, tree: Json) -> Plan:
        measures, answer, labels = _members(tree, "measures answer labels")
        return Plan(_list(measures, self.measure), self.relation(answer, 0), _list(labels, self.label))

    def label(self, tree: Json) -> Label:
        self.count(0)
        name, label = _members(tree, "name label")
        return Label(_name(name), _text(label))

    def measure(self, tree: Json) -> Measure:
        self.count(0)
        name, source, keys, aggregates, levels = _members(tree, "name source keys aggregates levels")
        return Measure(
            _name(name),
            self.relation(source, 0),
            _list(keys, self.output),
            _list(aggregates, self.aggregate),
            None if levels is None else self.levels(levels),
        )

    def levels(self, tree: Json) -> Levels:
        name, sets = _members(tree, "name sets")
        return Levels(_name(name), _list(sets, self.names))

    def names(self, tree: Json) -> tuple[str, ...]:
        self.count(0)
        return _list(tree, _name)

    def aggregate(self, tree: Json) -> Aggregate:
        self.count(0)
        name, function, argument, other, filter_, fraction = _members(
            tree, "name function argument other filter fraction"
        )
        parts = self.optional(argument), self.optional(filter_), self.optional(other)
        part = None if fraction is None else _fraction(fraction)
        return Aggregate(_name(name), _word(AggregateFunction, function), *parts, part)

    def optional(self, tree: Json) -> Expression | None:
        return None if tree is None else self.expression(tree, 0)

    def output(self, tree: Json) -> Output:
        name, expression = _members(tree, "name expression")
        return Output(_name(name), self.expression(expression, 0))

    def order(self, tree: Json) -> Order:
        expression, descending, nulls_first = _members(tree, "expression descending nulls_first")
        return Order(self.expression(expression, 0), _flag(descending), _flag(nulls_first))

    def fold(self, tree: Json) -> Fold:
        self.count(0)
        name, function, argument, filter_, fraction, order = _members(
            tree, "name function argument filter fraction order"
        )
        return Fold(
            _name(name),
            _word(FoldFunction, function),
            self.optional(argument),
            self.optional(filter_),
            None if fraction is None else _fraction(fraction),
            _list(order, self.order),
        )

    def windowed(self, tree: Json) -> Windowed:
        self.count(0)
        name, function, argument, filter_, number, default, partition, order, frame = _members(
            tree, "name function argument filter number default partition order frame"
        )
        given = self.optional(default)
        if given is not None and not isinstance(given, Literal):
            _invalid("a default that is no literal")
        return Windowed(
            _name(name),
            _word(WindowFunction, function),
            self.optional(argument),
            self.optional(filter_),
            None if number is None else _count(number),
            given,
            _list(partition, lambda one: self.expression(one, 0)),
            _list(order, self.order),
            None if frame is None else _frame(frame),
        )

    def column(self, tree: Json) -> ScanColumn:
        self.count(0)
        name, column = _members(tree, "name column")
        return ScanColumn(_name(name), _text(column))

    def pair(self, tree: Json) -> UnionColumn:
        self.count(0)
        name, left, right = _members(tree, "name left right")
        return UnionColumn(_name(name), _name(left), _name(right))

    def literal(self, tree: Json) -> Literal:
        found = self.expression(tree, 0)
        if not isinstance(found, Literal):
            _invalid("a constant is missing")
        return found

    def relation(self, tree: Json, depth: int) -> Relation:
        self.count(depth)
        match tree:
            case {"node": "scan"}:
                _, dataset, table, columns = _members(tree, "node dataset table columns")
                return Scan(_text(dataset), _text(table), _list(columns, self.column))
            case {"node": "released"}:
                _, measure = _members(tree, "node measure")
                return Released(_name(measure))
            case {"node": "filter"}:
                _, source, predicate = _members(tree, "node source predicate")
                return Filter(self.relation(source, depth + 1), self.expression(predicate, 0))
            case {"node": "project"}:
                _, source, outputs = _members(tree, "node source outputs")
                return Project(self.relation(source, depth + 1), _list(outputs, self.output))
            case {"node": "join"}:
                _, left, right, kind, unit, condition = _members(tree, "node left right kind unit condition")
                return Join(
                    self.relation(left, depth + 1),
                    self.relation(right, depth + 1),
                    _word(JoinKind, kind),
                    _flag(unit),
                    self.optional(condition),
                )
            case {"node": "mark"}:
                _, source, other, name, unit, condition = _members(tree, "node source other name unit condition")
                sides = self.relation(source, depth + 1), self.relation(other, depth + 1)
                return Mark(*sides, _name(name), _flag(unit), self.optional(condition))
            case {"node": "union"}:
                _, left, right, columns = _members(tree, "node left right columns")
                return Union(self.relation(left, depth + 1), self.relation(right, depth + 1), _list(columns, self.pair))
            case {"node": "constants"}:
                _, columns, rows = _members(tree, "node columns rows")
                return Constants(_list(columns, _name), _list(rows, lambda row: _list(row, self.literal)))
            case {"node": "sort"}:
                _, source, terms = _members(tree, "node source terms")
                return Sort(self.relation(source, depth + 1), _list(terms, self.order))
            case {"node": "limit"}:
                _, source, count, offset = _members(tree, "node source count offset")
                return Limit(self.relation(source, depth + 1), _count(count), _count(offset))
            case {"node": "distinct"}:
                _, source = _members(tree, "node source")
                return Distinct(self.relation(source, depth + 1))
            case {"node": "group"}:
                _, source, keys, folds = _members(tree, "node source keys folds")
                return Group(self.relation(source, depth + 1), _list(keys, self.output), _list(folds, self.fold))
            case {"node": "window"}:
                _, source, functions = _members(tree, "node source functions")
                return Window(self.relation(source, depth + 1), _list(functions, self.windowed))
            case _:
                _invalid("an unknown relation")

    def expression(self, tree: Json, depth: int) -> Expression:
        self.count(depth)
        match tree:
            case {"ref": name}:
                _members(tree, "ref")
                return Ref(_name(name))
            case {"call": function}:
                _, arguments = _members(tree, "call arguments")
                return Call(_text(function), _list(arguments, lambda one: self.expression(one, depth + 1)))
            case {"type": type_}:
                _, value = _members(tree, "type value")
                if type_ not in [one.value for one in Type] or type_ in (Type.UNIT, Type.PRESENCE):
                    _invalid("an unknown type")
                return Literal(Type(type_), literal_value(Type(type_), value))
            case _:
                _invalid("an unknown expression")
