"""How DuckDB computes each function of the plan's table: one row each, total, nothing raised on any value."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from sandbox.engines.number_renderings import NUMBER_RENDERINGS
from sandbox.engines.operands import Operands, Parameters
from sandbox.engines.renderings import Rendering
from sandbox.engines.text_renderings import TEXT_RENDERINGS
from sandbox.engines.time_renderings import TIME_RENDERINGS
from sandbox.engines.value_renderings import VALUE_RENDERINGS
from sandbox.plan.signatures import Signature
from sandbox.plan.values import Values

RENDERINGS: Mapping[str, Rendering] = {**NUMBER_RENDERINGS, **VALUE_RENDERINGS, **TIME_RENDERINGS, **TEXT_RENDERINGS}
"""One row for each of the function table."""


def render_call(
    name: str,
    arguments: tuple[exp.Expr, ...],
    signature: Signature,
    given: tuple[Values, ...],
    result: Values,
    parameters: Parameters,
) -> exp.Expr:
    """A call of the function table. `given` and `result` are what the range rules know; `arguments` are converted."""
    return RENDERINGS[name](Operands(arguments, signature, given, result, parameters))
