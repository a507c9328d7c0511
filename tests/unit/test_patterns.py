"""Regular expressions: what is one, that Python and the engine read it alike, and what it costs (rule 2)."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.plan import patterns
from sandbox.plan.patterns import LIGHT_WORK, Pattern, read, work

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
def test_python_and_the_engine_read_them_alike(pattern: str) -> None:
    if read(pattern) is None:
        return
    rows = duckdb.execute(
        "SELECT regexp_matches(t, $1), regexp_full_match(t, $1), regexp_extract(t, $1, 0), regexp_replace(t, $1, '#')"
        " FROM (SELECT UNNEST($2::VARCHAR[]) AS t)",
        [pattern, TEXTS],
    ).fetchall()
    for text, row in zip(TEXTS, rows, strict=True):
        found = (
            patterns.matches(text, pattern),
            patterns.full_match(text, pattern),
            patterns.extract(text, pattern, 0),
            patterns.replace_first(text, pattern, "#"),
        )
        assert found == row, (pattern, text)
