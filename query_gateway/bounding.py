"""How much of one unit counts, as the command's options say it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated

import typer

from policies.cards import Bounds
from query_gateway.client.session import Asked
from sandbox.privacy.clip import ClipAt

Groups = Annotated[int | None, typer.Option(min=1, help="Groups that one unit may touch (with --rows).")]
Rows = Annotated[int | None, typer.Option(min=1, help="Rows of one unit in a group (with --groups).")]
Clip = Annotated[
    str | None,
    typer.Option(
        help="Norm, in rows, that a unit's values are scaled down to; auto: chosen privately, as where none is named; "
        "card: the card's groups and rows in its place."
    ),
]
Ranges = Annotated[
    bool, typer.Option("--auto-ranges", help="Sums of values of unknown range: how much counts is chosen privately.")
]

_MOST_DIGITS = 20
"""Of a norm that the service could take."""


def bounds_of(groups: int | None, rows: int | None, clip: str | None) -> Asked | None:
    """The bounds named; None where there are none."""
    match groups, rows, clip:
        case None, None, None:
            return None
        case int(), int(), None:
            return Bounds(groups, rows)
        case None, None, "auto":
            return ClipAt(None)
        case None, None, "card":
            return "card"
        case None, None, str():
            return ClipAt(_norm(clip))
    raise typer.BadParameter("--groups and --rows go together, --clip alone")


def _norm(clip: str) -> Fraction:
    try:
        if abs(number := Decimal(clip)).adjusted() < _MOST_DIGITS:
            return Fraction(number)
    except (ArithmeticError, ValueError, OverflowError):
        pass
    raise typer.BadParameter("--clip is a number")
