"""Every function of the engine: in the table under a name of its own, or refused by a code before anything runs."""

from __future__ import annotations

import re
from functools import cache

import duckdb
import pytest

from query_gateway.sql.lower import lower
from sandbox.errors import PROBLEMS, Refusal
from tests.support.lowering import schema

_WORDS = (
    "abs acos acosh ascii asin asinh atan atan2 atanh bit_count bit_length cbrt ceil ceiling century "
    "char_length character_length chr concat concat_ws contains cos cosh cot damerau_levenshtein date_add "
    "date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth "
    "dayofweek dayofyear days_in_month decade degrees editdist3 ends_with epoch epoch_ms epoch_us even exp "
    "factorial fdiv floor fmod gcd greatest greatest_common_divisor hamming hour if instr isfinite isinf isnan "
    "isodow isoyear jaccard jaro_similarity jaro_winkler_similarity last_day lcase lcm least "
    "least_common_multiple left len length levenshtein ln log log10 log2 lower lpad ltrim make_date "
    "make_timestamp microsecond millennium millisecond minute mismatches mod month monthname nfc_normalize "
    "nullif ord pi position pow power prefix quarter radians regexp_extract regexp_full_match regexp_matches "
    "regexp_replace repeat replace reverse right round round_even roundbankers rpad rtrim second sign sin sinh "
    "split_part sqrt starts_with strftime strip_accents strlen strpos strptime substr substring suffix tan "
    "tanh time_bucket translate trim trunc try_strptime ucase unicode upper week weekday weekofyear xor year "
    "yearweek"
)
ACCEPTED = frozenset(_WORDS.split())
"""The engine's function names that SQL may use; aggregates and forms with words of their own stand beside them."""
_SIGNS = "!= !~~ !~~* % & * ** + - / // < << <= <=> = > >= >> @ ^ ^@ | || ~ ~~ ~~*"
OPERATORS = frozenset(_SIGNS.split())
"""The engine's operators that SQL may use between two values or before one."""
ARGUMENTS = ("", "v.科室", "p.birth_year, 2", "v.科室, 'x'", "v.日期, p.income", "v.科室, 2, 'x'", "p.income, 1, 2, 3")
FROM = "FROM persons p JOIN visits v ON p.pid = v.pid"


@cache
def engine_names() -> tuple[str, ...]:
    """Of every kind: scalar functions, aggregates, macros, table functions."""
    with duckdb.connect() as connection:
        found = connection.execute("SELECT DISTINCT lower(function_name) FROM duckdb_functions()").fetchall()
    return tuple(sorted(str(row[0]) for row in found))


WORDS = [name for name in engine_names() if re.fullmatch(r"[a-z_][a-z0-9_]*", name)]
SIGNS = [name for name in engine_names() if not re.search(r"[a-z ]", name)]


def code(sql: str) -> str | None:
    """Of the refusal; None where the query is accepted."""
    try:
        lower(sql, schema("clinic"))
    except Refusal as refusal:
        return refusal.code
    return None


def test_the_engine_has_the_names() -> None:
    assert len(WORDS) > 1000
    assert set(WORDS) >= ACCEPTED


@pytest.mark.parametrize("start", range(0, len(WORDS), 100))
def test_what_is_not_in_the_table_is_refused(start: int) -> None:
    for name in WORDS[start : start + 100]:
        if name in ACCEPTED:
            continue
        for arguments in ARGUMENTS:
            found = code(f"SELECT COUNT(*) {FROM} WHERE ({name}({arguments})) IS NOT NULL")
            assert found in PROBLEMS, (name, arguments)


def test_what_is_in_the_table_is_known() -> None:
    for name in sorted(ACCEPTED):
        found = {code(f"SELECT COUNT(*) {FROM} WHERE ({name}({arguments})) IS NOT NULL") for arguments in ARGUMENTS}
        assert "sql.unknown_function" not in found or found & {None, "plan.type"}, name


def test_signs_that_are_no_operators_of_the_language_are_refused() -> None:
    for sign in SIGNS:
        for pair in (f"v.科室 {sign} 'x'", f"p.birth_year {sign} 2", f"{sign} p.birth_year", f"p.birth_year {sign}"):
            found = code(f"SELECT COUNT(*) {FROM} WHERE ({pair}) IS NOT NULL")
            assert found in PROBLEMS or sign in OPERATORS, pair


@pytest.mark.parametrize("start", range(0, len(WORDS), 300))
def test_no_function_is_a_table(start: int) -> None:
    for name in WORDS[start : start + 300]:
        assert code(f"SELECT COUNT(*) FROM {name}('persons')") in PROBLEMS, name
