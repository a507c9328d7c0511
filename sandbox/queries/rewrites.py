"""What a refusal offers instead: a query that passes everything that the refused one did not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from sandbox.errors import Refusal

ATTEMPTS = 4
"""Proposals of the front end that are judged for one refusal; of a long text the first alone."""
SHORT = 4_000
"""Characters."""
Ask: TypeAlias = Callable[[str, Sequence[str]], object]
"""Judges a query as the refused one was; the front end proposes none of the texts given."""


def taught(sql: str, refusal: Refusal, ask: Ask) -> Refusal:
    """The refusal with a rewrite that is not refused in turn; without one where none is found.

    The front end lowers what it proposes, but knows no ranges or sizes: those are judged here. Of a proposal that is
    refused, what is proposed instead of it is judged next, then another one for the query itself.
    """
    passed_over = [sql]
    waiting = [] if refusal.rewrite is None else [refusal.rewrite]
    for _ in range(0 if not waiting else ATTEMPTS if len(sql) <= SHORT else 1):
        if not waiting:
            waiting = [each for each in [_refused(sql, passed_over, ask)] if each is not None]
        if not waiting:
            break
        proposed = waiting.pop(0)
        further = _answer(proposed, passed_over, ask)
        if further is None or further.code.startswith("spend."):
            return replace(refusal, rewrite=proposed)
        if further.code.startswith("service."):
            break
        passed_over.append(proposed)
        if further.rewrite is not None and further.rewrite not in passed_over:
            waiting.append(further.rewrite)
    return replace(refusal, rewrite=None)


def _answer(sql: str, passed_over: Sequence[str], ask: Ask) -> Refusal | None:
    try:
        ask(sql, passed_over)
    except Refusal as refusal:
        return refusal
    return None


def _refused(sql: str, passed_over: Sequence[str], ask: Ask) -> str | None:
    """What else is proposed for the query itself."""
    found = _answer(sql, passed_over, ask)
    return None if found is None or found.rewrite in passed_over else found.rewrite
