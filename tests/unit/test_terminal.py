"""What the terminal shows: places in the SQL, intervals, error bars, balances, words."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import RenderableType

from query_gateway.client.answers import Problem, checked_answer, checked_dry_run
from query_gateway.problems import place
from query_gateway.terminal import refusals, tables
from query_gateway.terminal.words import WORDS, Words, system_language
from sandbox.terminal import Terminal
from tests.support.released import BODY, LOG, RELEASE, asked, dry_run, released

EN, ZH = Words("en"), Words("zh")


def shown(part: RenderableType, width: int = 100) -> str:
    text = io.StringIO()
    Terminal(file=text, width=width).print(part)
    return text.getvalue()


@pytest.mark.parametrize(
    ("sql", "fragment", "lines"),
    [
        ("SELECT age FROM t", "age", ["   1 │ SELECT age FROM t", "              ^^^"]),
        ("SELECT 1,\r\n\tage", "age", ["   2 │  age", "        ^^^"]),
        ("SELECT '收入', age", "age", ["   1 │ SELECT '收入', age", "                      ^^^"]),
        ("SELECT 收入", "收入", ["   1 │ SELECT 收入", "              ^^^^"]),
        ("a\nb\nc", "b\nc", ["   2 │ b", "       ^", "   3 │ c", "       ^"]),
        ("a\u2028b", "b", ["   1 │ a\u2028b", "        ^"]),
    ],
)
def test_place_is_underlined(sql: str, fragment: str, lines: list[str]) -> None:
    start = sql.index(fragment)
    text = refusals.underlined(sql, start, start + len(fragment)).plain
    assert text.rstrip("\n").split("\n") == lines


@pytest.mark.parametrize("sql", ["SELECT x", "SELECT\n  x\nFROM t", "中文 x", "\n\nx"])
def test_line_and_column_are_those_of_an_editor(sql: str) -> None:
    start = sql.index("x")
    found = place(sql, start, start + 1)
    assert found is not None
    assert sql.split("\n")[found.line - 1][found.column - 1] == "x"


@pytest.mark.parametrize(("start", "end"), [(-1, 1), (2, 2), (3, 2), (0, 9)])
def test_span_outside_the_text_is_no_place(start: int, end: int) -> None:
    assert place("SELECT x", start, end) is None


def test_problem_with_rewrite_in_both_languages() -> None:
    document = {
        "code": "plan.raw_rows",
        "detail_en": "No [rows].",
        "detail_zh": "不能输出行。",
        "place": {"start": 7, "end": 10},
        "rewrite": "SELECT COUNT(*) AS n",
    }
    for words, sentence in ((EN, "No [rows]."), (ZH, "不能输出行。")):
        text = shown(refusals.problem(Problem(422, document), "SELECT age", words))
        assert sentence in text
        assert "^^^" in text
        assert "SELECT COUNT(*) AS n" in text


def test_answer_shows_intervals_bars_charge_and_receipt() -> None:
    text = shown(tables.answer(checked_answer(released(), LOG.public, asked=None, repeat=False, repeated=None), EN))
    assert "1,204 ± 14" in text  # half of 27, as whole as the count
    assert "2.50 [2.25, 3.00]" in text  # not symmetric
    assert "NULL" in text
    assert "●" in text
    assert "ρ = 0.01" in text
    assert "Entry 0 of the log, of 1" in text
    assert "free" not in text


def test_repeat_is_shown_as_free() -> None:
    text = shown(tables.answer(checked_answer(released(), LOG.public, asked=None, repeat=True, repeated=None), ZH))
    assert "免费" in text
    assert "ρ = 0.01" not in text


@pytest.mark.parametrize("width", [80, 120])
def test_wide_characters_keep_the_columns_straight(width: int) -> None:
    lines = shown(tables.rows(RELEASE, ZH), width).splitlines()
    assert max(map(cell_len, lines)) <= width
    row = next(line for line in lines if "高中" in line)
    other = next(line for line in lines if "a,b" in line)
    assert cell_len(row[: row.index("±")]) == cell_len(other[: other.index("±")])


BARS: list[tuple[list[list[float] | None], list[str] | None]] = [
    ([[0, 19], [0, 0]], ["─────────●──────────", "●"]),
    ([[0, 10], [10, 19], None], ["─────●─────", "          ────●─────", ""]),
    ([[5, 5]], None),
    ([None], None),
    ([], None),
]


def test_a_noisy_value_without_interval_says_why() -> None:
    columns = [
        {"name": "k", "type": "text", "measured": False, "no_interval": None},
        {"name": "n", "type": "integer", "measured": True, "no_interval": "kind"},
        {"name": "w", "type": "text", "measured": False, "no_interval": "type"},
        {"name": "c", "type": "integer", "measured": False, "no_interval": None},
    ]
    release = {**RELEASE, "columns": columns, "rows": [["a", 5, "b", 7]], "intervals": [[None] * 4]}
    text = shown(tables.rows(release, EN))
    assert "5 ±?" in text
    assert "b ±?" in text
    assert "7 ±?" not in text
    assert "n ±?: no interval is known" in text
    assert "w ±?: noise takes part in it" in text


@pytest.mark.parametrize(("intervals", "bars"), BARS)
def test_error_bars_share_one_axis(intervals: list[list[float] | None], bars: list[str] | None) -> None:
    found = tables._bars(intervals)
    assert found is None if bars is None else [bar.rstrip() for bar in found or []] == bars


def account(**changes: Any) -> Mapping[str, Any]:
    amounts = {"rho": "0.1", "delta": "0", "epsilon": None, "epsilon_at_delta": "1.5"}
    return {"account": "licence:L", "kind": "licence", "spent": amounts, "limit": {**amounts, "rho": "0.8"}} | changes


@pytest.mark.parametrize(
    ("found", "pattern"),
    [
        (account(), r"licence L\s+ρ 0\.1 / 0\.8\s+█░{7}\s+1\.5 / 1\.5"),
        (account(spent={"rho": "0.8", "epsilon": None, "epsilon_at_delta": None}), r"█{8}\s+0 / 1\.5"),
        (account(spent={"rho": "0.0001", "epsilon": None, "epsilon_at_delta": "1"}), r"█░{7}"),
        (account(spent={"rho": "0", "epsilon": None, "epsilon_at_delta": "0"}), r"░{8}"),
        (
            account(
                spent={"rho": None, "epsilon": "1", "epsilon_at_delta": None},
                limit={"rho": None, "epsilon": "2", "epsilon_at_delta": None},
            ),
            r"ε 1 / 2\s+█{4}░{4}\s+1 / 2",
        ),
        (account(more=7), r"7\s*\n"),
    ],
)
def test_balance(found: Mapping[str, Any], pattern: str) -> None:
    assert re.search(pattern, shown(tables.balances([found], EN)))


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567, "1,234,567"), (-3, "-3"), (1234.56, "1,235"), (123.456, "123.5"), (1.234, "1.23"), (0.01234, "0.0123")],
)
def test_number(value: float, text: str) -> None:
    assert tables._number(value) == text


def test_words_say_the_same_in_both_languages() -> None:
    for name, (english, chinese) in WORDS.items():
        assert set(re.findall(r"{(\w+)}", english)) == set(re.findall(r"{(\w+)}", chinese)), name
        assert english, name
        assert chinese, name


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN", "LC_ALL": "C"}, "en"),
        ({"LC_MESSAGES": "zh"}, "zh"),
    ],
)
def test_language_of_the_system(environment: dict[str, str], language: str) -> None:
    assert system_language(environment) == language


def test_dry_run_is_marked_in_both_languages() -> None:
    found = checked_dry_run(dry_run(), LOG.public, asked=asked(BODY | {"dry_run": True}))
    assert "DRY RUN" in shown(tables.answer(found, EN))
    assert "虚拟数据" in shown(tables.answer(found, ZH))
