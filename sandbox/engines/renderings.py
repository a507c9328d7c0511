"""What the renderings of functions have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from sqlglot import exp

from sandbox.engines.operands import Operands, binary, call, cast, number
from sandbox.plan.values import TEXT_LENGTH

Rendering: TypeAlias = Callable[[Operands], exp.Expr]


def operator(node: type[exp.Binary]) -> Rendering:
    return lambda of: binary(node, *of.arguments)


def function(name: str) -> Rendering:
    return lambda of: call(name, *of.arguments)


def whole(name: str) -> Rendering:
    """A function whose result is cast to 64 bits."""
    return lambda of: cast(call(name, *of.arguments), "BIGINT")


def finite_function(name: str) -> Rendering:
    return lambda of: of.finite(call(name, *of.arguments))


def cut(value: exp.Expr) -> exp.Expr:
    return call("LEFT", value, number(TEXT_LENGTH))
