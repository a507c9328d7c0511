"""A refusal offers only what is not refused in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from sandbox.errors import Refusal
from sandbox.queries.rewrites import ATTEMPTS, SHORT, taught


class Judge:
    """Knows of each text why it is refused, and what the front end proposes instead, in order."""

    def __init__(self, known: Mapping[str, tuple[str, Sequence[str]]]) -> None:
        self.known = known
        self.asked: list[str] = []

    def __call__(self, sql: str, passed_over: Sequence[str]) -> None:
        self.asked.append(sql)
        if sql in self.known:
            raise self.refusal(sql, passed_over)

    def refusal(self, sql: str, passed_over: Sequence[str] = ()) -> Refusal:
        code, proposed = self.known[sql]
        return Refusal(code, {}, rewrite=next((one for one in proposed if one not in passed_over), None))


REFUSED = "plan.order"
ROWS: Mapping[str, tuple[Mapping[str, tuple[str, Sequence[str]]], str | None]] = {
    "the first passes": ({"q": (REFUSED, ["a"])}, "a"),
    "nothing is proposed": ({"q": (REFUSED, [])}, None),
    "what is told of the first passes": ({"q": (REFUSED, ["a"]), "a": (REFUSED, ["b"])}, "b"),
    "another one passes": ({"q": (REFUSED, ["a", "b"]), "a": (REFUSED, [])}, "b"),
    "none passes": ({"q": (REFUSED, ["a", "b"]), "a": (REFUSED, []), "b": (REFUSED, [])}, None),
    "the spend is another matter": ({"q": (REFUSED, ["a"]), "a": ("spend.too_small", [])}, "a"),
    "what could not be judged is not offered": ({"q": (REFUSED, ["a", "b"]), "a": ("service.busy", [])}, None),
    "two that propose each other": ({"q": (REFUSED, ["a"]), "a": (REFUSED, ["b"]), "b": (REFUSED, ["a"])}, None),
    "the query itself is not offered": ({"q": (REFUSED, ["a"]), "a": (REFUSED, ["q"])}, None),
}


@pytest.mark.parametrize("row", ROWS)
def test_what_is_offered(row: str) -> None:
    known, offered = ROWS[row]
    judge = Judge(known)
    found = taught("q", judge.refusal("q"), judge)
    assert (found.code, found.rewrite) == (REFUSED, offered)


def test_the_effort_is_bounded() -> None:
    endless = {f"{'q' * n}": (REFUSED, [f"{'q' * (n + 1)}"]) for n in range(1, 100)}
    judge = Judge(endless)
    assert taught("q", judge.refusal("q"), judge).rewrite is None
    assert len(judge.asked) <= 2 * ATTEMPTS


def test_of_a_long_query_one_proposal_is_judged() -> None:
    long = "q" * (SHORT + 1)
    judge = Judge({long: (REFUSED, ["a", "b"]), "a": (REFUSED, [])})
    assert taught(long, judge.refusal(long), judge).rewrite is None
    assert judge.asked == ["a"]
