"""What a query may spend, as the command's options say it: a loss, or an accuracy and the most it may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import typer

from query_gateway.client.session import Spend

Epsilon = Annotated[str | None, typer.Option(help="Spend this ε; with an accuracy, at most this.")]
Rho = Annotated[str | None, typer.Option(help="Spend this ρ; with an accuracy, at most this.")]
HalfWidth = Annotated[str | None, typer.Option(help="Spend what makes the error no more than this.")]
Relative = Annotated[str | None, typer.Option(help="Spend what makes the error no more than this share of the value.")]
Confidence = Annotated[str, typer.Option(help="How sure the error is to be no more.")]
Column = Annotated[str | None, typer.Option(help="The column that is to be so exact; left out, every measured one.")]
ExpectedValue = Annotated[str | None, typer.Option(help="What --relative is of.")]
Weight = Annotated[
    list[str] | None, typer.Option(help="A column and what its squared error weighs in the split of the spend: n=4.")
]
ExpectedSize = Annotated[int | None, typer.Option(min=1, help="Rows a group is assumed to have.")]


@dataclass(frozen=True, slots=True)
class Asked:
    """The options as given."""

    epsilon: str | None
    rho: str | None
    half_width: str | None
    relative: str | None
    confidence: str
    column: str | None
    expected_value: str | None
    weight: list[str] | None

    def spend(self) -> Spend:
        """The request's spend. Raises BadParameter for options that do not go together."""
        weights = dict(map(_weighed, self.weight or ()))
        return {**self._amount(), **({"weights": weights} if weights else {})}

    def _amount(self) -> Spend:
        match self.half_width, self.relative:
            case None, None:
                if self.column is not None or self.expected_value is not None:
                    raise typer.BadParameter("--column and --expected-value go with --half-width or --relative")
                loss = self._loss()
                if loss is None:
                    raise typer.BadParameter("give --epsilon or --rho, or --half-width or --relative")
                return loss
            case str(value), None:
                return self._accuracy({"half_width": value})
            case None, str(value):
                return self._accuracy({"relative": value})
        raise typer.BadParameter("give --half-width or --relative, not both")

    def _accuracy(self, error: Mapping[str, str]) -> Spend:
        named = {"column": self.column, "expected_value": self.expected_value}
        given = {name: value for name, value in named.items() if value is not None}
        most = self._loss()
        limit = {} if most is None else {"at_most": most}
        return {**error, "confidence": self.confidence, **given, **limit}

    def _loss(self) -> Mapping[str, str] | None:
        match self.epsilon, self.rho:
            case None, None:
                return None
            case str(value), None:
                return {"epsilon": value}
            case None, str(value):
                return {"rho": value}
        raise typer.BadParameter("give --epsilon or --rho, not both")


def _weighed(option: str) -> tuple[str, str]:
    column, equals, weight = option.rpartition("=")
    if not equals:
        raise typer.BadParameter("--weight is a column, = and a number")
    return column, weight
