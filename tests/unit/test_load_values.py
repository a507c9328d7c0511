"""What load stores for a cell: parsed by type, then the card's action (privacy rule 5), on the grid (rule 16)."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Any

import pytest

from policies.cards import CardValue, ColumnCard, ColumnType, DatasetCard, Violation
from policies.domains import Canonical
from sandbox.datasets.order import Finding, Format, What
from sandbox.engines.duckdb import EngineError
from sandbox.plan.nodes import Type
from sandbox.workers.job import Job, Rows, Side
from tests.support.cards import card, column, integer, private, public, text, unit, words
from tests.support.engine import Loaded, loaded, parquet

T = ColumnType
NONE: tuple[Any, ...] = ()


def declared(
    kind: ColumnType,
    lo: CardValue | None = None,
    hi: CardValue | None = None,
    *,
    values: tuple[CardValue, ...] | None = None,
    grid: str | None = None,
    outside: Violation = Violation.NULL,
    other: CardValue | None = None,
    nullable: bool = True,
    key_of: str | None = None,
) -> ColumnCard:
    step = Fraction(grid) if grid else Fraction(1) if kind is T.INTEGER else None
    return ColumnCard("x", text("x"), kind, nullable, lo, hi, values, key_of, step, outside, other)


def one_column(of: ColumnCard) -> DatasetCard:
    codes = public("codes", words("code"), key=("code",))
    return card("d", private("people", unit("pid"), of, path="pid", rows=1, unit_key=()), codes)


def stored(of: ColumnCard, cell: str) -> tuple[Any, ...]:
    """What one cell becomes; the findings instead when load refuses it."""
    quoted = '"' + cell.replace('"', '""') + '"'
    with loaded(one_column(of), {"people": f"pid,x\n1,{quoted}\n", "codes": "code\nA\nB\n"}) as found:
        return tuple(finding.what for finding in found.findings) or (found.table("people")[0]["x"],)


CLAMP, NULL, OTHER = Violation.CLAMP, Violation.NULL, Violation.OTHER
AGE = declared(T.INTEGER, 0, 120, outside=CLAMP)
AGE_NULL = declared(T.INTEGER, 0, 120, outside=NULL)
COST = declared(T.DOUBLE, Fraction("0.25"), Fraction(1000), grid="0.1", outside=CLAMP)
COST_NULL = declared(T.DOUBLE, Fraction("0.25"), Fraction(1000), grid="0.1", outside=NULL)
THIRDS = declared(T.DOUBLE, Fraction(-1), Fraction(1), grid="1/3", outside=CLAMP)
FREE = declared(T.DOUBLE)
SEX = declared(T.TEXT, values=("女", "男"))
WARD = declared(T.TEXT, values=("内科", "其他"), outside=OTHER, other="其他")
WARD_NEVER = declared(T.TEXT, values=("内科", "其他"), outside=OTHER, other="其他", nullable=False)
CODE = declared(T.TEXT, key_of="codes")
CODE_OTHER = declared(T.TEXT, key_of="codes", outside=OTHER, other="B")
LEVEL = declared(T.INTEGER, values=(1, 2))
DAY = declared(T.DATE, date(2024, 1, 1), date(2024, 12, 31), outside=CLAMP)
MOMENT = declared(T.TIMESTAMP, datetime(2024, 1, 1), datetime(2024, 12, 31), outside=NULL)  # noqa: DTZ001
FREE_DAY, FREE_MOMENT = declared(T.DATE), declared(T.TIMESTAMP)
DAY_NEVER = declared(T.DATE, nullable=False)
FLAG = declared(T.BOOLEAN)
WORDS = declared(T.TEXT)
NEVER = declared(T.INTEGER, 0, 120, outside=CLAMP, nullable=False)
BAD = (What.UNPARSED,)


@pytest.mark.parametrize(
    ("of", "cell", "expected"),
    [
        (AGE, "34", 34),
        (AGE, " +34 ", 34),
        (AGE, "34.0", 34),
        (AGE, "34.5", BAD),
        (AGE, "3e1", BAD),
        (AGE, "９", BAD),
        (AGE, "9223372036854775808", BAD),
        (AGE, "", None),
        (AGE, "-1", 0),
        (AGE, "121", 120),
        (AGE_NULL, "121", None),
        (AGE_NULL, "120", 120),
        (NEVER, "", (What.EMPTY,)),
        (COST, "1.26", 1.3),
        (COST, "1.25", 1.3),
        (COST, "0.25", 0.3),  # the least point of the grid in the range
        (COST, "0.1", 0.3),
        (COST, "1e9", 1000.0),
        (COST, "inf", 1000.0),
        (COST, "-INF", 0.3),
        (COST, "1e999", 1000.0),
        (COST, "NaN", None),
        (COST, "x", BAD),
        (COST_NULL, "1.26", 1.3),
        (COST_NULL, "0.2", None),
        (COST_NULL, "inf", None),
        (COST_NULL, "nan", None),
        (THIRDS, "0.5", 2 / 3),
        (THIRDS, "-0.2", -1 / 3),
        (FREE, "1.25", 1.25),
        (FREE, "nan", None),
        (FREE, "inf", None),
        (SEX, "女", "女"),
        (SEX, "x", None),
        (SEX, "", None),
        (WARD, "外科", "其他"),
        (WARD, "", None),
        (WARD_NEVER, "", "其他"),
        (CODE, "A", "A"),
        (CODE, "C", None),
        (CODE_OTHER, "C", "B"),
        (LEVEL, "2", 2),
        (LEVEL, "3", None),
        (DAY, "2024-2-29", date(2024, 2, 29)),
        (DAY, "2024/02/29", date(2024, 2, 29)),
        (DAY, "2024-02-29 00:00:00", date(2024, 2, 29)),
        (DAY, "2024-02-29 00:01:00", BAD),
        (DAY, "2023-02-29", BAD),
        (DAY, "1999-01-01", date(2024, 1, 1)),
        (DAY, "infinity", BAD),
        (MOMENT, "2024-05-06T07:08:09.5", datetime(2024, 5, 6, 7, 8, 9, 500_000)),  # noqa: DTZ001
        (MOMENT, "2024-05-06 07:08", datetime(2024, 5, 6, 7, 8)),  # noqa: DTZ001
        (MOMENT, "2024-05-06 07:08:09Z", datetime(2024, 5, 6, 7, 8, 9)),  # noqa: DTZ001
        (MOMENT, "2024-05-06", datetime(2024, 5, 6)),  # noqa: DTZ001
        (MOMENT, "2025-05-06", None),
        (MOMENT, "2024-05-06 07:08:09+08", BAD),
        (FLAG, "True", True),
        (FLAG, "0", False),
        (FLAG, "yes", BAD),
        (WORDS, 'a,"b"\r\nc', 'a,"b"\r\nc'),
        (WORDS, " 甲 ", " 甲 "),
        (WORDS, "测" * 300, "测" * 256),
        (WORDS, "👩‍🔬" * 100, ("👩‍🔬" * 100)[:256]),
        (CODE, "A" * 257, None),
        (FREE_DAY, "0001-01-01", date.min),
        (FREE_DAY, "0000-12-31", None),
        (FREE_MOMENT, "0000-12-31 23:59:59", None),
        (FREE_MOMENT, "9999-12-31 23:59:59.999999", datetime.fromisoformat("9999-12-31T23:59:59.999999")),
        (DAY, "0000-12-31", date(2024, 1, 1)),
        (DAY_NEVER, "0000-12-31", (What.EMPTY,)),
    ],
)
def test_cell(of: ColumnCard, cell: str, expected: Any) -> None:
    assert stored(of, cell) == (expected if isinstance(expected, tuple) else (expected,))


def test_other_must_be_a_key_of_the_public_table() -> None:
    assert stored(declared(T.TEXT, key_of="codes", outside=OTHER, other="Z"), "A") == (What.OTHER_NOT_KEY,)


MIXED = card(
    "d",
    private(
        "people",
        unit("pid"),
        integer("age", 0, 120, nullable=True),
        column("费用", T.DOUBLE, span=(Fraction(0), Fraction(100)), grid="0.01", nullable=True),
        column("day", T.DATE, nullable=True),
        column("at", T.TIMESTAMP, nullable=True),
        column("flag", T.BOOLEAN, nullable=True),
        words("名", nullable=True),
        path="pid",
        rows=3,
    ),
)
ROWS = [
    (7, 34, 1.239, date(2024, 1, 2), datetime(2024, 1, 2, 3, 4, 5, 678_900), True, "甲,乙"),  # noqa: DTZ001
    (7, 34, 1.239, date(2024, 1, 2), datetime(2024, 1, 2, 3, 4, 5, 678_900), True, "甲,乙"),  # noqa: DTZ001
    (8, 300, 1e-7, date(2024, 1, 2), datetime(2024, 1, 2), False, "O'x\"y"),  # noqa: DTZ001
    (10**18, None, None, None, None, None, None),
    (None, 1, 1.0, None, None, None, None),
]
TYPES = {"pid": "BIGINT", "age": "INTEGER", "费用": "DOUBLE", "day": "DATE", "at": "TIMESTAMP", "flag": "BOOLEAN"}


def csv_of(rows: list[tuple[Any, ...]], header: str) -> str:
    def cell(value: object) -> str:
        return "" if value is None else '"' + str(value).replace('"', '""') + '"'

    return header + "\n" + "\n".join(",".join(cell(value) for value in row) for row in rows) + "\n"


def test_csv_and_parquet_give_the_same() -> None:
    header = ",".join(column.name for column in MIXED.tables[0].columns)
    with (
        loaded(MIXED, {"people": "\ufeff" + csv_of(ROWS, header)}) as one,
        loaded(MIXED, {"people": parquet(MIXED, "people", ROWS, TYPES)}, format=Format.PARQUET) as two,
    ):
        assert one.findings == two.findings == ()
        assert len(one.table("people")) == 4
        assert one.table("people") == two.table("people")


def test_floats_of_whole_numbers_are_whole_numbers() -> None:
    types = {**TYPES, "pid": "DOUBLE", "age": "DOUBLE"}
    with (
        loaded(MIXED, {"people": parquet(MIXED, "people", ROWS[:3], TYPES)}, format=Format.PARQUET) as one,
        loaded(MIXED, {"people": parquet(MIXED, "people", ROWS[:3], types)}, format=Format.PARQUET) as two,
    ):
        assert one.table("people") == two.table("people")


@pytest.mark.parametrize(
    ("keys", "canonical", "people"),
    [
        (("7", "007", "+7", " 7 ", "７", "7.0"), Canonical.INTEGER, 1),
        (("7", "-7", "0", "-0"), Canonical.INTEGER, 3),
        (("ab", " ab\t", "ａｂ", "AB"), Canonical.TRIMMED, 2),
        (("ab", "AB ", "Ａb", "ǆ", "Ǆ"), Canonical.UPPER, 2),
        (("张三", "张三", " 张三 ", "李四"), Canonical.TRIMMED, 2),
    ],
)
def test_one_person_one_key(keys: tuple[str, ...], canonical: Canonical, people: int) -> None:
    """Rule 7."""
    of = card("d", private("people", unit("pid"), path="pid", rows=100))
    lines = "".join(f'"{key}"\n' for key in keys)
    with loaded(of, {"people": "pid\n" + lines}, canonical=canonical) as found:
        rows = found.table("people")
    assert len(rows) == len(keys)
    assert len({row["_unit"] for row in rows}) == len({row["_seed"] for row in rows}) == people


def rows_of(found: Loaded) -> list[dict[str, Any]]:
    return found.table("visits")


def test_rows_without_a_unit_are_dropped_and_rows_beyond_the_bound_too() -> None:
    of = card("d", private("visits", unit("pid"), integer("cost"), path="pid", rows=2))
    lines = "".join(f"{pid},{cost}\n" for pid, cost in [(1, 1), (1, 2), (1, 3), ("", 4), ("  ", 5), (2, 6)])
    with loaded(of, {"visits": "pid,cost\n" + lines}) as found:
        rows = rows_of(found)
    assert [row["_rank"] for row in rows if row["_unit"] == rows[-1]["_unit"]] in ([1], [1, 2], [2, 1])
    assert len(rows) == 3
    assert 4 not in {row["cost"] for row in rows}


def test_a_job_runs_on_what_was_loaded() -> None:
    of = card("d", private("visits", unit("pid"), integer("cost"), path="pid", rows=2), public("codes", words("code")))
    job = Job("SELECT CAST(sum(c1) AS BIGINT) FROM private0.main.t0", (), (), (Type.INTEGER,), 1, 9.0)
    with loaded(of, {"visits": "pid,cost\n1,10\n2,20\n", "codes": "code\nA\n"}) as found:
        assert found.run(job) == Rows(((30,),))
        with pytest.raises(EngineError):
            found.run(job, Side.PUBLIC)


def test_too_many_units_is_a_warning() -> None:
    of = card("d", private("people", unit("pid"), path="pid", rows=1))
    with loaded(of, {"people": "pid\n1\n2\n3\n"}, max_units=2) as found:
        assert found.warnings == (Finding(What.MANY_UNITS, "people"),)
        assert len(found.table("people")) == 3


def test_public_facts() -> None:
    of = card("d", public("codes", words("code"), integer("size", nullable=True), key=("code",)))
    with loaded(of, {"codes": "size,code\n1,B\n1,A\n,C\n"}) as found:
        facts = found.facts["codes"]
        assert facts.rows == 3
        assert facts.members["code"] == ("A", "B", "C")
        assert facts.multiplicity == {"code": 1, "size": 2}
        assert found.table("codes") == [
            {"code": "A", "size": 1},
            {"code": "B", "size": 1},
            {"code": "C", "size": None},
        ]
