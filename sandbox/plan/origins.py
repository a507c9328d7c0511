"""Of which released cells a column of the public part is made, where one row of each release decides it.

A cell is named by the marker of its row, which the public part carries along, and its column: a name that no plan has.
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.plan.nodes import Call, Expression, Literal, Ref

LONGEST = 256
"""Parts of an origin; a longer one is not kept."""


def cell(marker: str, column: str) -> Ref:
    """The cell of that column in the row that the marker tells."""
    return Ref(f"{marker}.{column}")


def place(ref: Ref) -> tuple[str, str]:
    """Marker and column of a cell."""
    marker, _, column = ref.name.partition(".")
    return marker, column


def origin(expression: Expression, known: Mapping[str, Expression]) -> Expression | None:
    """The expression over cells, where the columns it names have origins and it does not get too long."""
    found = _placed(expression, known)
    return None if found is None or len(parts(found)) > LONGEST else found


def parts(expression: Expression) -> list[Expression]:
    """The expression and everything in it."""
    if not isinstance(expression, Call):
        return [expression]
    return [expression, *(part for argument in expression.arguments for part in parts(argument))]


def _placed(expression: Expression, known: Mapping[str, Expression]) -> Expression | None:
    match expression:
        case Literal():
            return expression
        case Ref(name):
            return known.get(name)
        case Call(name, arguments):
            placed = [_placed(argument, known) for argument in arguments]
            found = tuple(one for one in placed if one is not None)
            return Call(name, found) if len(found) == len(arguments) else None
