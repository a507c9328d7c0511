"""What is told of a refusal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One code of the closed list: its HTTP status and its sentence in both languages.

    Sentences are `str.format` templates over the refusal's `detail`.
    """

    status: int
    en: str
    zh: str
