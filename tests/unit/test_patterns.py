"""Regular expressions: what is one, that Python and the engine read it alike, and what it costs (rule 2)."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandbox.plan import matcher
from sandbox.plan.functions import evaluate, resolve
from sandbox.plan.nodes import Type
from sandbox.plan.patterns import LIGHT_WORK, Pattern, read, work
from sandbox.plan.values import of_members
from tests.support.judging import judged

TEXTS = ["", "a", "ab", "abc", "b1", "中é", "a\nb", "aaa", "\x0b", "22-1", "\n", "ab\n", "aab" * 80]


@pytest.mark.parametrize(
    ("pattern", "groups", "weight"),
    [
        ("", 0, 0),
        ("^a.c$", 0, 3),
        (r"^[A-Z]\d{2}\.\d?$", 0, 5),
        ("(内|外)科", 1, 3),
        ("(?:ab){3,4}c{2,}", 0, 11),
        ("((a){2}b)+", 2, 3),
        ("[$.a-c]+?", 0, 1),
    ],
)
def test_patterns(pattern: str, groups: int, weight: int) -> None:
    assert read(pattern) == Pattern(groups, weight)


@pytest.mark.parametrize(
    "pattern",
    [
        "(", ")", "a)", "*", "a**", "a{2}{3}", "a{3,2}", "a{33}", "(?i)a", "(?P<x>a)", r"(a)\1", r"\b", r"\p{L}", "[",
        "[]", "[a", "[z-a]", "[[:alpha:]]", r"\Q", r"\x{10}", "a{40}", "(a{9}){9}", "^*", "a|*", "\\", "a{,3}",
        "x" * 65,
    ],
)  # fmt: skip
def test_no_patterns(pattern: str) -> None:
    assert read(pattern) is None


def test_heavy_patterns_cost_more() -> None:
    assert work((None, "a.{10}z")) == LIGHT_WORK
    assert work((None, "a.{30}z")) > 25 * LIGHT_WORK


@settings(max_examples=400)
@given(st.text(st.sampled_from("ab()[]|*+?{}1,2^$.\\d-\n中é&~s"), max_size=9))
@example("(a|ab)(c|bcd)?")
@example("(|a)*b")
@example("(a*)*b")
@example("(a*)+")
@example("(a|b|)+?b")
@example("((a)|b)*")
@example("(a??)(ab)?")
@example("(?:a|(b)){2,}")
def test_python_and_the_engine_read_them_alike(pattern: str) -> None:
    found = read(pattern)
    if found is None:
        return
    group = min(found.groups, 1)
    rows = duckdb.execute(
        "SELECT regexp_matches(t, $1), regexp_full_match(t, $1), regexp_extract(t, $1, 0), regexp_replace(t, $1, '#'),"
        f" regexp_extract(t, $1, {group}) FROM (SELECT UNNEST($2::VARCHAR[]) AS t)",
        [pattern, TEXTS],
    ).fetchall()
    for text, row in zip(TEXTS, rows, strict=True):
        known = (
            matcher.matches(text, pattern),
            matcher.full_match(text, pattern),
            matcher.extract(text, pattern, 0),
            matcher.replace_first(text, pattern, "#"),
            matcher.extract(text, pattern, group),
        )
        assert known == row, (pattern, text)


@pytest.mark.parametrize(
    "pattern", ["(a+)+c", "(a|a)*c", "(a|aa)+c", "(.*)*(.*)*c", "(a?){32}a{30}c", "a*a*a*a*a*a*a*c"]
)
def test_no_pattern_takes_long(pattern: str) -> None:
    """Python's own expressions would not come back within a lifetime."""
    text = "a" * 400 + "b"
    assert read(pattern) is not None
    assert not matcher.matches(text, pattern)
    assert not matcher.full_match(text, pattern)
    assert matcher.extract(text, pattern, 1 if "(" in pattern else 0) == ""


def test_a_query_that_gives_a_pattern_texts_of_its_own_is_judged() -> None:
    text = "a" * 100
    key = f"regexp_extract(CASE WHEN birth_year > 1950 THEN '{text}b' ELSE 'b' END, '(a+)+c')"
    assert judged(f"SELECT {key} AS k, COUNT(*) AS n FROM persons GROUP BY k", "clinic").measures


def test_comparing_texts_takes_of_the_budget_what_they_are_long() -> None:
    """A set of a hundred long texts against another is not tried; of a hundred short ones it is."""
    function = resolve("levenshtein", (Type.TEXT, Type.TEXT))

    def tried(length: int) -> bool:
        texts = of_members(Type.TEXT, [f"{number:02}".ljust(length, "x") for number in range(100)], nullable=False)
        found, spent = evaluate("levenshtein", function, (texts, texts), 100_000)
        assert spent <= 100_000
        return found.members is not None

    assert tried(3)
    assert not tried(300)
