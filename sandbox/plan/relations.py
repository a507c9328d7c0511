"""What is known of a relation, private or public, after each operator: columns, sizes, keys (rule 10)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sandbox.errors import Refusal
from sandbox.plan.expressions import conjuncts, references
from sandbox.plan.nodes import (
    Call,
    Constants,
    Expression,
    JoinKind,
    Literal,
    Output,
    Ref,
    Type,
    Union,
    Windowed,
)
from sandbox.plan.values import Values, of_members, size, stored
from sandbox.plan.window_functions import WindowFunction

HIDDEN_BYTES = 32
"""Of the hidden columns of a private row."""
MOST = 2**63
"""More rows than any relation has."""
WIDTHS: Mapping[Type, int] = {
    Type.BOOLEAN: 1,
    Type.INTEGER: 8,
    Type.DOUBLE: 8,
    Type.DATE: 4,
    Type.TIMESTAMP: 8,
    Type.UNIT: 8,
    Type.PRESENCE: 8,
}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a relation from cards and public facts alone."""

    domain: str | None
    """Unit domain; None: public."""
    columns: Mapping[str, Values]
    rows: int
    """At most so many per unit; of a public relation, in all."""
    keys: frozenset[frozenset[str]]
    """Sets of columns that name at most one row; of a private relation, within a unit."""
    matches: Mapping[str, int]
    """Of a public relation, per column where it is known: at most so many rows share one value."""
    work: int = 0
    """Row operations that one unit can cause up to here (rule 2)."""

    @property
    def row_bytes(self) -> int:
        return HIDDEN_BYTES + sum(map(width, self.columns.values()))


def width(values: Values) -> int:
    """The most bytes that a value takes."""
    if values.type is not Type.TEXT:
        return WIDTHS[values.type]
    return 16 + values.text_bytes


def settled(known: Known) -> Known:
    """With one row per unit, every column is determined by the unit (rule 20)."""
    if known.domain is None or known.rows != 1:
        return known
    columns = {
        name: values if values.per_unit else replace(values, per_unit=True) for name, values in known.columns.items()
    }
    return replace(known, columns=columns, keys=known.keys | {frozenset[str]()})


def worked(known: Known, sources: tuple[Known, ...], cost: int, pairs: int = 0) -> Known:
    """With the work of its sources and its own: its rows of one unit, at least those of all its sources together and
    the `pairs` that it compares, times one and the `cost` of its expressions. Public rows are no unit's work.
    """
    private = [one for one in sources if one.domain is not None]
    rows = 0 if known.domain is None else max(known.rows, pairs, sum(one.rows for one in private))
    return replace(known, work=sum(one.work for one in private) + rows * (1 + cost))


def projected(known: Known, outputs: tuple[Output, ...], columns: Mapping[str, Values]) -> Known:
    """Keys and match counts survive where their columns are passed through."""
    passed: dict[str, str] = {}
    for output in outputs:
        if isinstance(output.expression, Ref):
            passed.setdefault(output.expression.name, output.name)
    keys = {frozenset(passed[name] for name in key) for key in known.keys if key <= passed.keys()}
    matches = {passed[name]: count for name, count in known.matches.items() if name in passed}
    return Known(known.domain, columns, known.rows, frozenset(keys), matches)


def filtered(known: Known, predicate: Expression) -> Known:
    """The rows that pass: a column held equal to a constant is no part of a key any more, and a number that is itself a
    key, counted from 1, bounds the rows where it is held below a constant.
    """
    fixed, rows = set[str](), known.rows
    for term in conjuncts(predicate):
        match term:
            # not held equal to a 64-bit real: that can be the nearest one to several whole numbers
            case Call("equal", (Ref(name), Literal(Type.INTEGER)) | (Literal(Type.INTEGER), Ref(name))):
                fixed |= {name} if known.columns[name].type is Type.INTEGER else set()
            case Call("less_equal" | "less" as function, (Ref(name), Literal(Type.INTEGER, int(most)))):
                whole, least = known.columns[name].type is Type.INTEGER, known.columns[name].lo
                if whole and frozenset({name}) in known.keys and isinstance(least, int) and least >= 1:
                    rows = min(rows, max(0, most if function == "less_equal" else most - 1))
    keys = known.keys | {key - fixed for key in known.keys} if fixed else known.keys
    return settled(replace(known, rows=min(rows, 1) if frozenset() in keys else rows, keys=keys))


def grouped(known: Known, keys: Mapping[str, Values], folds: Mapping[str, Values]) -> Known:
    """One row per group; of a private relation, per unit and group."""
    rows = min(known.rows, _groups(keys.values())) if known.domain is not None or keys else 1
    return settled(
        Known(known.domain, {**keys, **folds}, rows, frozenset({frozenset(_valued(keys))}), {}),
    )


def distinct(known: Known) -> Known:
    """The different rows."""
    rows = min(known.rows, _groups(known.columns.values())) if known.domain is not None else known.rows
    return settled(replace(known, rows=rows, keys=known.keys | {frozenset(_valued(known.columns))}))


def numbered(known: Known, functions: Sequence[Windowed], columns: Mapping[str, Values]) -> Known:
    """With a column for each window function; a row number names a row of its partition."""
    keys = set(known.keys)
    for one in functions:
        parts = {part.name for part in one.partition if isinstance(part, Ref)}
        if one.function is WindowFunction.ROW_NUMBER and len(parts) == len(set(one.partition)):
            keys.add(frozenset({*(name for name in parts if known.columns[name].type is not Type.UNIT), one.name}))
    return settled(replace(known, columns={**known.columns, **columns}, keys=frozenset(keys)))


def _valued(columns: Mapping[str, Values]) -> Iterable[str]:
    """Those that are not the unit's own key."""
    return (name for name, values in columns.items() if values.type is not Type.UNIT)


def _groups(parts: Collection[Values]) -> int:
    """The most different rows of one unit: what the unit determines counts 1 (rule 20)."""
    sizes = [size(one) for one in parts if not one.per_unit]
    nulls = [one.nullable for one in parts if not one.per_unit]
    if None in sizes:
        return MOST
    return math.prod(max(1, count + null) for count, null in zip(sizes, nulls, strict=True) if count is not None)


def joined(left: Known, right: Known, kind: JoinKind, unit: bool, condition: Expression | None) -> Known:
    """The join, by rule 10.

    Refuses: `plan.domains`, `plan.join_unit`, `plan.join_preserved`.
    """
    _paired(left, right, unit=unit)
    if kind is JoinKind.LEFT and left.domain is None and right.domain is not None:
        raise Refusal("plan.join_preserved")
    if kind is JoinKind.FULL and (left.domain is None) != (right.domain is None):
        raise Refusal("plan.join_preserved")
    terms = conjuncts(condition)
    to_right, to_left = (_partners(one, other, terms) for one, other in ((right, left), (left, right)))
    found = Known(
        left.domain if left.domain is not None else right.domain,
        {
            **_left_columns(left, right, kind, condition, to_left),
            **_right_columns(left, right, kind, condition, to_right),
        },
        _full_rows(left, right, condition, to_right, to_left)
        if kind is JoinKind.FULL
        else _rows(left, right, kind, to_right, to_left),
        _keys(left, right, kind, to_right, to_left),
        _matches(left, right, to_right, to_left),
    )
    return settled(found)


def _paired(left: Known, right: Known, *, unit: bool) -> None:
    """Rows of one unit only are compared with one another (rule 10)."""
    both = left.domain is not None and right.domain is not None
    if both and left.domain != right.domain:
        raise Refusal("plan.domains")
    if unit != both:
        raise Refusal("plan.join_unit")


def marked(source: Known, other: Known, name: str, unit: bool, condition: Expression | None) -> tuple[Known, int]:
    """The source with a mark, and how many pairs of rows are compared: of one unit, or of public relations in all.
    Where the condition says nothing of the source's rows, one row of the other decides for all of them.

    Refuses: `plan.domains`, `plan.join_unit`, `plan.exists_private`.
    """
    if source.domain is None and other.domain is not None:
        raise Refusal("plan.exists_private")
    _paired(source, other, unit=unit)
    read = set(references(condition)) if condition is not None else set[str]()
    asked = [one for column, one in source.columns.items() if column in read]
    decided = all(one.per_unit for one in asked)
    mark = Values(Type.BOOLEAN, nullable=False, per_unit=decided and source.domain is not None)
    found = replace(source, columns={**source.columns, name: mark})
    return found, source.rows * (_partners(other, source, conjuncts(condition)) if asked else 1)


def united(left: Known, right: Known, union: Union, columns: Mapping[str, Values]) -> Known:
    """The rows of both branches, by rule 10. Refuses: `plan.domains`, `plan.union_kinds`."""
    if (left.domain is None) != (right.domain is None):
        raise Refusal("plan.union_kinds")
    if left.domain != right.domain:
        raise Refusal("plan.domains")
    matches = {
        one.name: left.matches[one.left] + right.matches[one.right]
        for one in union.columns
        if one.left in left.matches and one.right in right.matches
    }
    return settled(Known(left.domain, columns, left.rows + right.rows, frozenset(), matches))


def constant(node: Constants, types: Iterable[Type]) -> Known:
    """Rows written out: everything of them is known."""
    columns, keys, matches = dict[str, Values](), set[frozenset[str]](), dict[str, int]()
    for place, (name, type_) in enumerate(zip(node.columns, types, strict=True)):
        found = [row[place].value for row in node.rows]
        columns[name] = of_members(type_, found, nullable=False)
        counts = Counter(stored(type_, one) for one in found if one is not None)
        matches[name] = max(counts.values(), default=0)
        keys |= {frozenset({name})} if matches[name] <= 1 else set()
    if len(node.rows) <= 1:
        keys = {frozenset()}
    return Known(None, columns, len(node.rows), frozenset(keys), matches)


def _partners(side: Known, other: Known, terms: Iterable[Expression]) -> int:
    """At most so many rows of `side` match one row of the other side (of the same unit, where both are private)."""
    covered = {name for term in terms if (name := _covered(term, side, other)) is not None}
    if any(key <= covered for key in side.keys):
        return min(1, side.rows)
    return min((side.matches[name] for name in covered if name in side.matches), default=side.rows)


def _covered(term: Expression, side: Known, other: Known) -> str | None:
    """The column of `side` that the term fixes by an equality with an expression over the other side."""
    match term:
        case Call("equal", (one, another)):
            for column, fixing in ((one, another), (another, one)):
                apart = all(name in other.columns for name in references(fixing))
                if apart and isinstance(column, Ref) and column.name in side.columns:
                    return column.name if _exact(column.name, fixing, side, other) else None
    return None


def _exact(name: str, fixing: Expression, side: Known, other: Known) -> bool:
    """Whether at most one value of the column equals a given one: not for integers compared as 64-bit reals."""
    if side.columns[name].type is not Type.INTEGER:
        return True
    return isinstance(fixing, Ref) and other.columns[fixing.name].type is Type.INTEGER


def _rows(left: Known, right: Known, kind: JoinKind, to_right: int, to_left: int) -> int:
    """Counted from either side: each left row meets at most `to_right`, each right row at most `to_left`."""
    if kind is JoinKind.LEFT:
        return left.rows * max(1, to_right)
    if right.domain is None and left.domain is not None:
        return left.rows * to_right
    if left.domain is None and right.domain is not None:
        return right.rows * to_left
    return min(left.rows * to_right, right.rows * to_left)


def _full_rows(left: Known, right: Known, condition: Expression | None, to_right: int, to_left: int) -> int:
    """Matched pairs and the rows of either side that have no match."""
    one, other = left.rows, right.rows
    if condition is None:
        return max(1, one) * max(1, other)
    return min(one * max(1, to_right) + other, other * max(1, to_left) + one, max(one * other, one + other))


def _keys(left: Known, right: Known, kind: JoinKind, to_right: int, to_left: int) -> frozenset[frozenset[str]]:
    """Without those that others imply. A FULL join can have rows of one side beside those of the other: there, no side
    has one row.
    """
    if kind is JoinKind.FULL:
        named = [keys if most <= 1 else frozenset() for keys, most in ((left.keys, to_right), (right.keys, to_left))]
        pairs = frozenset(mine | theirs for mine in left.keys for theirs in right.keys)
        return frozenset(key for key in named[0] | named[1] | pairs if key)
    one = left.keys if to_right <= 1 else frozenset[frozenset[str]]()
    other = right.keys if to_left <= 1 and kind is JoinKind.INNER else frozenset[frozenset[str]]()
    return one | other or frozenset(mine | theirs for mine in left.keys for theirs in right.keys)


def _matches(left: Known, right: Known, to_right: int, to_left: int) -> Mapping[str, int]:
    if left.domain is not None or right.domain is not None:
        return {}
    kept = {name: count * max(1, to_right) for name, count in left.matches.items()}
    return kept | {name: count * max(1, to_left) for name, count in right.matches.items()}


def _right_columns(
    left: Known, right: Known, kind: JoinKind, condition: Expression | None, to_right: int
) -> Mapping[str, Values]:
    """The right side's columns: NULL-extended by outer joins, and determined by the unit where the match is."""
    if right.domain is None:
        columns = _public_columns(right, left, condition, to_right)
    elif left.domain is None or kind is JoinKind.INNER:
        columns = right.columns
    else:
        columns = _matched_columns(right, condition)
    return columns if kind is JoinKind.INNER else _extended(columns)


def _left_columns(
    left: Known, right: Known, kind: JoinKind, condition: Expression | None, to_left: int
) -> Mapping[str, Values]:
    """The left side's columns: as they are, but for FULL joins and where the right side alone is private."""
    if kind is JoinKind.FULL:
        return _extended(_matched_columns(left, condition))
    if left.domain is None and right.domain is not None:
        return _public_columns(left, right, condition, to_left)
    return left.columns


def _public_columns(public: Known, other: Known, condition: Expression | None, partners: int) -> Mapping[str, Values]:
    """The columns of a public side: determined by the unit where its one partner is. Nothing else makes the rows of a
    unit agree on them: what is given to a measure is held to its values alone (rule 26)."""
    read = set(references(condition)) if condition is not None else set[str]()
    decided = partners <= 1 and all(other.columns[name].per_unit for name in read if name in other.columns)
    return {name: replace(one, per_unit=decided) for name, one in public.columns.items()}


def _matched_columns(side: Known, condition: Expression | None) -> Mapping[str, Values]:
    return {name: replace(one, per_unit=one.per_unit and condition is None) for name, one in side.columns.items()}


def _extended(columns: Mapping[str, Values]) -> Mapping[str, Values]:
    """Columns of a side that can be missing (rule 12)."""
    return {
        name: replace(one, nullable=True, type=Type.PRESENCE if one.type is Type.UNIT else one.type)
        for name, one in columns.items()
    }
