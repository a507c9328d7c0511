"""What stands in the query of a request's address."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from sandbox.errors import Refusal
from sandbox.serving.frames import HttpRequest

_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")


def parameters(request: HttpRequest, known: set[str]) -> dict[str, str]:
    """The query's parameters, each known and once. Refuses `request.range`."""
    try:
        pairs = parse_qsl(request.query, keep_blank_values=True, strict_parsing=True) if request.query else []
    except ValueError:
        raise Refusal("request.range") from None
    if len(dict(pairs)) != len(pairs) or not dict(pairs).keys() <= known:
        raise Refusal("request.range")
    return dict(pairs)


def span(request: HttpRequest, first: str, second: str) -> tuple[int, int]:
    """Two whole numbers by their names. Refuses `request.range`."""
    asked = parameters(request, {first, second})
    return number(asked.get(first, "")), number(asked.get(second, ""))


def number(text: str) -> int:
    """A whole number in its one spelling. Refuses `request.range`."""
    if not _NUMBER.fullmatch(text):
        raise Refusal("request.range")
    return int(text)
