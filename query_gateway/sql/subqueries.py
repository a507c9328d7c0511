"""Subqueries in expressions: EXISTS, IN, ANY and ALL become marks of the rows around them, never NOT IN (rule 12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from query_gateway.sql.context import Rows
from query_gateway.sql.scalar import Scalars, Typed
from query_gateway.sql.scope import Column
from query_gateway.sql.state import State
from query_gateway.sql.terms import Term, anchored, conjunction, equality, equates, plain
from sandbox.plan.nodes import Call, Expression, Literal, Mark, Ref, Relation, Type

_COMPARED: Mapping[type[exp.Expr], tuple[str, str]] = {
    exp.EQ: ("equal", "not_equal"),
    exp.NEQ: ("not_equal", "equal"),
    exp.LT: ("less", "greater_equal"),
    exp.LTE: ("less_equal", "greater"),
    exp.GT: ("greater", "less_equal"),
    exp.GTE: ("greater_equal", "less"),
}
"""Comparisons with ANY and ALL, and their negations."""
TRUE, FALSE, UNKNOWN = (Literal(Type.BOOLEAN, value) for value in (True, False, None))


@dataclass(frozen=True, slots=True)
class Inner:
    """A subquery's rows."""

    relation: Relation
    domain: str | None
    released: bool
    terms: tuple[Term, ...]
    """What its WHERE says about the rows around it."""
    values: tuple[tuple[Typed, Column | None], ...]
    """Its columns, and the same where they are columns as they are; none where they do not matter."""
    rows: Rows | None
    """What its expressions may read; None: its columns alone."""


Lower = Callable[[exp.Expr, Rows, bool], Inner]
"""Lowers a subquery that stands in an expression over rows; its value where that is asked for."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whether a comparison holds for some row of a subquery; of EXISTS, whether there is one."""

    query: exp.Expr
    node: exp.Expr
    operands: tuple[exp.Expr, ...] = ()
    """What is compared with the subquery's columns, one with each."""
    function: str = "equal"
    negated: bool = False


@dataclass(slots=True)
class Marks:
    """Lowers the subqueries in the expressions of one SELECT."""

    state: State
    lower: Lower
    known: dict[tuple[int, str], Typed] = field(default_factory=dict)
    """Values by rows and text: a group key and the column that shows it are one."""

    def value(self, rows: Rows, node: exp.Expr) -> Typed | None:
        """TRUE, FALSE, or NULL as SQL has it."""
        asked = self._asked(node)
        if asked is None:
            return None
        written = id(rows), node.sql()
        if written not in self.known:
            found, unknown = self._found(rows, asked), self._unknown(rows, asked)
            if unknown is not None:
                found = Call("case", (found, TRUE, unknown, UNKNOWN, FALSE))
            self.known[written] = Typed(Call("not", (found,)) if asked.negated else found, Type.BOOLEAN, 8)
        return self.known[written]

    def passes(self, rows: Rows, node: exp.Expr) -> Expression | None:
        """Whether it is true: what is unknown is not."""
        negated, inner = False, node.unnest()
        while isinstance(inner, exp.Not):
            negated, inner = not negated, inner.this.unnest()
        asked = self._asked(inner)
        if asked is None:
            return None
        found = self._found(rows, asked)
        if negated is asked.negated:
            return found
        unknown = self._unknown(rows, asked)
        parts = [Call("not", (one,)) for one in (found, unknown) if one is not None]
        return parts[0] if len(parts) == 1 else Call("and", tuple(parts))

    @staticmethod
    def _asked(node: exp.Expr) -> _Asked | None:
        match node:
            case exp.Exists(this=query):
                return _Asked(query, node)
            case exp.In(this=operand) if node.args.get("query") is not None:
                return _Asked(node.args["query"], node, _parts(operand))
            case exp.In(this=operand, expressions=[exp.Values() as query]):
                return _Asked(query, node, _parts(operand))
            case exp.Binary(this=operand, expression=exp.Any(this=query)) if type(node) in _COMPARED:
                return _Asked(query, node, (operand,), _COMPARED[type(node)][0])
            case exp.Binary(this=operand, expression=exp.All(this=query)) if type(node) in _COMPARED:
                return _Asked(query, node, (operand,), _COMPARED[type(node)][1], negated=True)
        return None

    def _found(self, rows: Rows, asked: _Asked) -> Expression:
        """Whether it holds for some row."""
        inner = self.lower(asked.query, rows, bool(asked.operands))
        return self._mark(rows, inner, [*inner.terms, *self._compared(rows, inner, asked)], asked)

    def _unknown(self, rows: Rows, asked: _Asked) -> Expression | None:
        """Whether it is NULL for some row; None where it never is."""
        if not asked.operands:
            return None
        inner = self.lower(asked.query, rows, True)
        compared = self._compared(rows, inner, asked)
        nullable = [term for term, sure in zip(compared, self._never_null(rows, inner, asked), strict=True) if not sure]
        nullable = [term for term in nullable if term.expression is not None]
        if not nullable:
            return None
        if len(compared) > 1:
            # of a row of values: where no part is false, which is true or unknown, and true has been asked before
            kept = [_not_false(term) if term in nullable else term for term in compared]
            return self._mark(rows, inner, [*inner.terms, *kept], asked)
        match compared[0].expression:
            case None:
                return None
            case Call("equal", (one, other)) if inner.domain is None:
                missing = self._mark(rows, inner, [*inner.terms, plain(Call("is_null", (other,)))], asked)
                if isinstance(one, Literal) and one.value is not None:
                    return missing
                again = self.lower(asked.query, rows, True)
                some = self._mark(rows, again, again.terms, asked)
                return Call("or", (missing, Call("and", (Call("is_null", (one,)), some))))
            case expression:
                return self._mark(rows, inner, [*inner.terms, plain(Call("is_null", (expression,)))], asked)

    def _never_null(self, rows: Rows, inner: Inner, asked: _Asked) -> list[bool]:
        """Of each comparison, whether both sides are keys that every row of a private table has."""
        found = []
        for operand, (_, column) in zip(asked.operands, inner.values, strict=True):
            plainly = operand.unnest()
            both = [rows.find(plainly) if isinstance(plainly, exp.Column) else None, column]
            found.append(all(one is not None and one.origin is not None and anchored([one.origin]) for one in both))
        return found

    def _compared(self, rows: Rows, inner: Inner, asked: _Asked) -> list[Term]:
        """The comparisons of the operands with the subquery's columns."""
        if asked.operands and len(asked.operands) != len(inner.values):
            raise self.state.refuse("sql.subquery_columns", asked.query)
        pairs = zip(asked.operands, inner.values, strict=False)
        return [self._one(rows, inner, asked, *pair) for pair in pairs]

    def _one(
        self, rows: Rows, inner: Inner, asked: _Asked, operand: exp.Expr, value: tuple[Typed, Column | None]
    ) -> Term:
        node, plainly = asked.node, operand.unnest()
        column = rows.find(plainly) if isinstance(plainly, exp.Column) else None
        context = inner.rows or rows
        if column is not None and value[1] is not None and asked.function == "equal":
            rows.read(column, operand)
            return equality(context, column, value[1], node)
        sides = rows.lower(operand), value[0]
        if any(one.type in (Type.UNIT, Type.PRESENCE) for one in sides):
            raise self.state.refuse("sql.unit_value", node)
        return plain(Scalars(self.state, rows).call(asked.function, sides, node).expression)

    def _mark(self, rows: Rows, inner: Inner, terms: Sequence[Term], asked: _Asked) -> Expression:
        """The mark of the rows for which the terms hold with some row of the subquery."""
        place = asked.query
        if rows.domain is None and inner.domain is not None:
            raise self.state.refuse("plan.exists_private", place)
        unit = rows.domain is not None and inner.domain is not None
        if unit and rows.domain != inner.domain:
            raise self.state.refuse("plan.domains", place)
        if unit and not equates(terms):
            raise self.state.refuse("plan.join_unit", place)
        name = self.state.fresh("e", asked.node)
        rows.marked.add(name)
        rows.marks.append(Mark(inner.relation, inner.relation, name, unit, conjunction(terms)))
        return Ref(name)


def _parts(operand: exp.Expr) -> tuple[exp.Expr, ...]:
    """The parts of a row of values; a value is its own."""
    inner = operand.unnest()
    return tuple(inner.expressions) if isinstance(inner, exp.Tuple) else (operand,)


def _not_false(term: Term) -> Term:
    """That a comparison is true or unknown."""
    return term if term.expression is None else plain(Call("coalesce", (term.expression, TRUE)))
