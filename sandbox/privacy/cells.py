"""What each cell of the public part is made of, row by row: see `forms.py`.

Reads released values and what rows carry along; what is worth no interval has no form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.folds import FRAMED
from sandbox.plan.functions import FUNCTIONS, resolve
from sandbox.plan.nodes import Call, Distinct, Expression, Literal, Ref, Scalar, Type, Windowed
from sandbox.plan.origins import Exact, Made, Members, Membership, Node, Rows, function, place
from sandbox.plan.window_functions import WindowFunction
from sandbox.privacy.forms import (
    Applied,
    Barely,
    Cell,
    Counted,
    Form,
    Linear,
    Noisy,
    Placed,
    Quotient,
    Ranked,
    added,
    is_null,
    known,
)
from sandbox.privacy.intervals import OUTSIDE, barely_released
from sandbox.privacy.propagation import Propagation
from sandbox.privacy.statistics import Estimate

Row: TypeAlias = tuple[Scalar, ...]
SHARES = {FoldFunction.MIN: Fraction(0), FoldFunction.MAX: Fraction(1)}
ONE = Fraction(1)


class TooManyError(Exception):
    """There is more to compute than is worth it."""


@dataclass(frozen=True, slots=True)
class Member:
    """A row below a node, as one column sees it."""

    form: Form | None
    """Of what the column is made of; None where nothing can be said."""
    counts: bool | None
    """Whether the column's filter lets it count; None where noise may have decided that."""
    clear: bool
    """Whether it was there for sure, whatever noise chose rows."""


@dataclass(slots=True)
class Cells:
    """The forms of an answer's cells."""

    releases: Mapping[str, Noisy]
    """By measure."""
    members: Mapping[Node, tuple[Membership, Sequence[Row]]]
    """The rows below a node, where there are not too many."""
    left: int
    """Parts of cells that are still looked at."""
    seen: dict[tuple[Node, str], Mapping[Scalar, Sequence[Member]]] = field(default_factory=dict)
    made: dict[tuple[object, ...], Form | None] = field(default_factory=dict)

    @property
    def propagation(self) -> Propagation:
        return Propagation(self.releases)

    def form(self, expression: Expression, made: Made, row: Row) -> Form | None:
        """Of what the expression's value in the row is made. Raises TooManyError."""
        self._spend(1)
        match expression:
            case Literal():
                return known(expression)
            case Ref():
                marker, column = place(expression)
                match made.markers[marker]:
                    case Rows(measure):
                        return _released(self.releases[measure], row[made.places[marker]], column)
                    case Exact(type_):
                        return known(Literal(type_, row[made.places[marker]]))
                    case Members() as members:
                        return self._of(members, made, row)
            case Call(name, arguments):
                return self._call(name, [self.form(argument, made, row) for argument in arguments])

    def _spend(self, parts: int) -> None:
        self.left -= parts
        if self.left < 0:
            raise TooManyError

    def _call(self, name: str, given: Sequence[Form | None]) -> Form | None:
        if name == "case":
            return self._choice(given)
        arguments = tuple(each for each in given if each is not None)
        if len(arguments) < len(given):
            return None
        if name == "coalesce":
            arguments = tuple(each for each in arguments if not is_null(each)) or arguments[:1]
            if not isinstance(arguments[0], Applied) or len(arguments) == 1:
                return arguments[0]
        type_ = resolve(name, tuple(each.type for each in arguments)).result
        if not FUNCTIONS[name].lifted and any(map(is_null, arguments)):
            return known(Literal(type_, None))
        return simplified(name, type_, arguments) or Applied(type_, name, arguments)

    def _choice(self, given: Sequence[Form | None]) -> Form | None:
        """CASE: what no noise decides is decided."""
        left = list[Form | None]()
        last = given[-1]
        for condition, result in zip(given[:-1:2], given[1:-1:2], strict=True):
            if condition is None or condition.noisy:
                left += [condition, result]
            elif self.propagation.truth(condition, OUTSIDE):
                last = result
                break
        if not left:
            return last
        parts = tuple(each for each in (*left, last) if each is not None)
        if len(parts) <= len(left):
            return None
        return Applied(resolve("case", tuple(each.type for each in parts)).result, "case", parts)

    def _of(self, members: Members, made: Made, row: Row) -> Form | None:
        """What a node makes of its rows."""
        at = tuple(row[made.places[one]] for one in members.at)
        if members.own is not None:
            return self._place(members, at[0], self.form(members.own, made, row))
        key = (members.node, members.name, at)
        if key not in self.made:
            self.made[key] = self._folded(members, at)
        return self.made[key]

    def _folded(self, members: Members, at: Sequence[Scalar]) -> Form | None:
        found = self._seen(members.node, members.name)
        if found is None or at[0] is None:
            return None
        rows = found.get(at[0], ())
        node = members.node
        if isinstance(node, Distinct):
            return rows[0].form if all(each.form == rows[0].form for each in rows) else None
        one = function(node, members.name)
        if isinstance(one, Windowed) and one.function not in FRAMED:
            return self._picked(one, members.type, rows, at[1])
        if len(at) > 1:
            first, last = at[1:]
            rows = rows[first - 1 : last] if isinstance(first, int) and isinstance(last, int) else ()
        self._spend(len(rows))
        fold = FRAMED[one.function] if isinstance(one, Windowed) else one.function
        fraction = None if isinstance(one, Windowed) else one.fraction
        return _fold(fold, members.type, rows, fraction, chosen=bool(self.members[node][0].chosen))

    @staticmethod
    def _picked(one: Windowed, type_: Type, rows: Sequence[Member], at: Scalar) -> Form | None:
        """The value of one other row."""
        if not isinstance(at, int):
            return known(one.default or Literal(type_, None))
        return rows[at - 1].form if rows[at - 1].clear else None

    def _place(self, members: Members, part: Scalar, own: Form | None) -> Form | None:
        """How many rows come before one."""
        found = self._seen(members.node, members.name)
        if found is None or own is None or isinstance(members.node, Distinct):
            return None
        one = function(members.node, members.name)
        rows = found.get(part, ())
        forms = [each.form for each in rows if each.clear and each.form is not None and not is_null(each.form)]
        if len(forms) < len(rows) or is_null(own) or not isinstance(one, Windowed):
            return None
        self._spend(len(forms))
        descending = one.order[0].descending
        pairs = [(each, own) if descending else (own, each) for each in forms]
        ahead = [self._call("subtract", pair) for pair in pairs]
        known_ = tuple(each for each in ahead if each is not None)
        return Placed(known_, one.function is WindowFunction.PERCENT_RANK)

    def _seen(self, node: Node, name: str) -> Mapping[Scalar, Sequence[Member]] | None:
        """The rows below a node by group or partition, each in its place."""
        if node not in self.members:
            return None
        if (node, name) not in self.seen:
            membership, rows = self.members[node]
            found = dict[Scalar, list[tuple[Scalar, Row]]]()
            part, *places = membership.numbers[name]
            for row in rows:
                found.setdefault(row[part], []).append((row[places[0]] if places else 0, row))
            self.seen[node, name] = {
                key: [self._member(membership, name, row, len(each)) for _, row in sorted(each, key=_first)]
                for key, each in found.items()
            }
        return self.seen[node, name]

    def _member(self, membership: Membership, name: str, row: Row, rows: int) -> Member:
        made, truth = membership.made, self.propagation.truth
        outside = OUTSIDE / rows
        origin, counted = made.origins.get(name), membership.argued
        form = self.form(origin, made, row) if origin is not None else None
        counts: bool | None = True
        if name in membership.conditions:
            condition = membership.conditions[name]
            found = None if condition is None else self.form(condition, made, row)
            counts = None if found is None else truth(found, outside)
        chosen = [None if one is None else self.form(one, made, row) for one in membership.chosen]
        clear = all(one is not None and truth(one, outside) is True for one in chosen)
        if origin is None and name not in counted:
            form = Linear(Type.INTEGER, ONE, {})
        return Member(form, counts, clear)


def _first(pair: tuple[Scalar, Row]) -> int:
    return pair[0] if isinstance(pair[0], int) else 0


def _released(noisy: Noisy, row: Scalar, name: str) -> Form | None:
    """A cell of a release; NULL where the row is missing."""
    type_ = noisy.type(name)
    if not isinstance(row, int):
        return known(Literal(type_, None))
    value, estimate = noisy.released.rows[row][noisy.column(name)], noisy.estimate(name)
    if estimate is None or value is None:
        return known(Literal(type_, value))
    if isinstance(estimate, Estimate) and estimate.divisor is None:
        if barely_released(noisy.priced.bounded, *noisy.total(row, name)):
            return Barely(noisy, row, name, type_)
        return noisy.linear(row, estimate)
    return Cell(noisy, row, name)


def _fold(
    fold: FoldFunction, type_: Type, rows: Sequence[Member], fraction: Fraction | None, *, chosen: bool
) -> Form | None:
    """What a fold makes of its rows."""
    forms = [each.form for each in rows if each.counts is not False and each.clear and each.form is not None]
    if len(forms) < sum(each.counts is not False for each in rows):
        return None
    values = [each for each in forms if not is_null(each)]
    unsure = sum(each.counts is None for each in rows)
    if fold is FoldFunction.ROWS:
        if chosen:
            return None
        count = Linear(Type.INTEGER, Fraction(len(values)), {})
        return Counted(len(values) - unsure, len(values)) if unsure else count
    if unsure:
        return None
    if not values:
        return known(Literal(type_, None))
    match fold:
        case FoldFunction.SUM:
            return added(type_, values, ONE)
        case FoldFunction.AVG:
            return added(type_, values, Fraction(1, len(values)))
        case FoldFunction.MIN | FoldFunction.MAX:
            return Ranked(type_, tuple(values), SHARES[fold], between=False)
        case FoldFunction.QUANTILE_CONT | FoldFunction.QUANTILE_DISC:
            between = fold is FoldFunction.QUANTILE_CONT
            return None if fraction is None else Ranked(type_, tuple(values), fraction, between)
    return None


def simplified(name: str, type_: Type, arguments: tuple[Form, ...]) -> Form | None:
    """The call as a linear form or a quotient of two, where it is one."""
    match name, arguments:
        case "add", (Linear() as one, Linear() as other):
            return one.plus(other, type_)
        case "subtract", (Linear() as one, Linear() as other):
            return one.plus(other, type_, -ONE)
        case "negate", (Linear() | Quotient() as one,):
            return _scaled(type_, one, -ONE)
        case "cast_double", (Linear() | Quotient() as one,):
            return _scaled(type_, one, ONE)
        case "multiply", (Linear() | Quotient() as one, Linear(value=factor) as other) if not other.noisy:
            return _scaled(type_, one, factor)
        case "multiply", (Linear(value=factor) as other, Linear() | Quotient() as one) if not other.noisy:
            return _scaled(type_, one, factor)
        case "divide", (Linear() as one, Linear() as other) if other.noisy:
            return Quotient(one, other)
        case "divide", (_, Linear(value=factor)) if not factor:
            return known(Literal(type_, None))
        case "divide", (Linear() | Quotient() as one, Linear(value=factor)):
            return _scaled(type_, one, 1 / factor)
        case "nullif", (Linear() as one, Linear(value=zero) as other) if one.noisy and not other.noisy and not zero:
            return one  # where it is NULL there is no value
    return None


def _scaled(type_: Type, one: Linear | Quotient, factor: Fraction) -> Linear | Quotient:
    if isinstance(one, Quotient):
        return Quotient(one.over.scaled(factor, one.over.type), one.under)
    return one.scaled(factor, type_)
