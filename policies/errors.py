"""Why a signed or written document is not accepted: every problem at once, in plain words."""

from __future__ import annotations

from collections.abc import Iterable


class PolicyError(Exception):
    """A card, domain, licence, rule file or bundle is refused as a whole."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        """One sentence each: where, then what is wrong. Never empty, never a record's value."""
        super().__init__("; ".join(self.problems))


def refuse(problems: Iterable[str], where: str = "") -> None:
    """Returns only when there is no problem. Refuses: PolicyError with each problem, `where` put before it."""
    found = tuple(f"{where}: {problem}" if where else problem for problem in problems)
    if found:
        raise PolicyError(found)
