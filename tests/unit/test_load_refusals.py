"""What load refuses: schema and key errors only, with a clear list, and nothing is loaded (privacy rule 5)."""

from __future__ import annotations

import pytest

from policies.cards import ColumnType, DatasetCard
from sandbox.datasets.order import Finding, Format, What
from tests.support.cards import card, column, integer, private, public, unit, words
from tests.support.engine import loaded, parquet

PEOPLE = card("d", private("people", unit("pid"), integer("age", 0, 120), words("性别", "女", "男", nullable=True),
                           path="pid", key=("pid",), unit_key=(), rows=1))  # fmt: skip
VISITS = card(
    "d",
    private("people", unit("pid"), path="pid", key=("pid",), unit_key=(), rows=1),
    private("visits", integer("no"), integer("day"), unit("pid"), path=("pid", "people"), key=("no",),
            unit_key=("day",), rows=9),
    private("drugs", integer("no"), path=("no", "visits"), rows=9),
)  # fmt: skip
CODES = card("d", public("codes", words("code", "A", "B", other="B"), key=("code",)))
HEAD = "pid,age,性别\n"


def found(of: DatasetCard, **files: str | bytes) -> tuple[Finding, ...]:
    with loaded(of, files) as result:
        assert result.facts == {}
        return result.findings


def one(what: What, *columns: str, table: str = "people", rows: tuple[int, ...] = ()) -> tuple[Finding, ...]:
    return (Finding(what, table, columns, len(rows), rows),)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("pid,age\n1,2\n", one(What.MISSING_COLUMN, "性别")),
        ("pid,age,性别,x\n1,2,女,3\n", one(What.UNKNOWN_COLUMN, rows=(4,))),
        ("pid,age,性别,age\n1,2,女,3\n", one(What.REPEATED_COLUMN, "age")),
        ("", tuple(Finding(What.MISSING_COLUMN, "people", (name,)) for name in ("pid", "age", "性别"))),
        ((HEAD + "1,2,女\n").encode("gb18030"), one(What.ENCODING)),
        ("pid,age,\"性别\n1,2,女\n", one(What.DAMAGED)),
        (HEAD + "1,2,女\n2,3\n3,4,女,5\n", one(What.MALFORMED, rows=(3, 4))),
        (HEAD.encode() + b"1,2,\xff\n", one(What.ENCODING)),
        (HEAD.encode() + "".join(f"{n},2,女\n" for n in range(3000)).encode() + b"x,2,\xff\n",
         one(What.MALFORMED, rows=(3002,))),
        (HEAD + "1,x,女\n2,3,男\n3,4 5,女\n", one(What.UNPARSED, "age", rows=(1, 3))),
        (HEAD + "abc,1,女\n2,3,男\n", one(What.UNPARSED, "pid", rows=(1,))),
        (HEAD + "１x,1,女\n2,3,男\n", one(What.UNPARSED, "pid", rows=(1,))),
        (HEAD + "1,,女\n2,3,男\n", one(What.EMPTY, "age", rows=(1,))),
        (HEAD + "1,2,女\n01,3,男\n2,3,男\n", one(What.DUPLICATE_KEY, "pid", rows=(2,))),
        (HEAD + "".join(f"{n % 50},1,女\n" for n in range(70)),
         (Finding(What.DUPLICATE_KEY, "people", ("pid",), 20, (51, 52, 53, 54, 55)),)),
    ],
)  # fmt: skip
def test_one_table(content: str | bytes, expected: tuple[Finding, ...]) -> None:
    assert found(PEOPLE, people=content) == expected


@pytest.mark.parametrize(("first", "others"), [("7,41,女", "8,42,男"), ("7,7,女", "8,8,男")])
def test_a_forgotten_header_is_not_told(first: str, others: str) -> None:
    """Rule 4: then the first line is a record, and its cells are nobody's to see."""
    sentences = [each.sentence() for each in found(PEOPLE, people=f"{first}\n{others}\n")]
    assert sentences
    assert [cell for cell in first.split(",") if any(cell in each for each in sentences)] == []


@pytest.mark.parametrize(
    ("visits", "drugs", "expected"),
    [
        ("no,day,pid\n1,1,1\n2,1,2\n", "no\n1\n2\n2\n", ()),
        ("no,day,pid\n1,1,1\n1,2,2\n", "no\n1\n", one(What.DUPLICATE_KEY, "no", table="visits", rows=(2,))),
        ("no,day,pid\n1,1,1\n2,1,1\n", "no\n1\n", one(What.DUPLICATE_UNIT_KEY, "day", table="visits", rows=(2,))),
        ("no,day,pid\n1,1,1\n2,1,7\n", "no\n1\n", one(What.NO_TARGET, "pid", table="visits", rows=(2,))),
        ("no,day,pid\n1,1,1\n2,1,2\n", "no\n3\n1\n", one(What.NO_TARGET, "no", table="drugs", rows=(1,))),
    ],
)
def test_keys_between_tables(visits: str, drugs: str, expected: tuple[Finding, ...]) -> None:
    with loaded(VISITS, {"people": "pid\n1\n2\n", "visits": visits, "drugs": drugs}) as result:
        assert result.findings == expected


def test_a_row_that_refers_to_nobody_belongs_to_nobody() -> None:
    """Rule 12: along the whole foreign-key path."""
    files = {"people": "pid\n1\n\n", "visits": "pid,no,day\n1,1,1\n,2,2\n", "drugs": "no\n1\n2\n"}
    files["people"] = 'pid\n1\n""\n'
    with loaded(VISITS, files) as result:
        assert result.findings == ()
        assert [len(rows) for rows in result.private_tables().values()] == [1, 1, 1]


def test_a_key_that_enforcement_breaks() -> None:
    """Stored values are what the plan language relies on: two codes that became `other` are no key."""
    assert found(CODES, codes="code\nA\nX\nY\n") == one(What.DUPLICATE_KEY, "code", table="codes", rows=(3,))


NOTES = card("d", private("notes", unit("pid"), words("note"), path="pid", unit_key=("note",), rows=9))
DAYS = card("d", private("days", unit("pid"), column("day", ColumnType.DATE), path="pid", unit_key=("day",), rows=9))
NAMES = card("d", public("names", words("name"), key=("name",)))
LONG = "x" * 256


def test_a_key_that_the_cut_breaks() -> None:
    """Rule 5: what every value of a type is cut to is cut before keys are judged, for private and public tables."""
    notes = f"pid,note\n1,{LONG}\n2,{LONG}a\n2,b\n"
    with loaded(NOTES, {"notes": notes}) as result:
        assert result.findings == ()
        assert {row["note"] for row in result.table("notes")} == {LONG, "b"}
    assert found(NOTES, notes=notes + f"1,{LONG}b\n") == one(What.DUPLICATE_UNIT_KEY, "note", table="notes", rows=(4,))
    assert found(NAMES, names=f"name\n{LONG}a\n{LONG}b\n") == one(What.DUPLICATE_KEY, "name", table="names", rows=(2,))
    assert found(DAYS, days="pid,day\n1,2024-01-01\n1,0000-01-01\n1,0000-01-02\n") == one(
        What.EMPTY, "day", table="days", rows=(2, 3)
    )


def test_all_findings_of_a_stage_are_listed() -> None:
    assert len(found(PEOPLE, people=HEAD + "x,y,女\n")) == 2


def test_damaged_and_nested_parquet() -> None:
    good = parquet(PEOPLE, "people", [("1", 1, "女")], {"age": "INTEGER"})
    nested = parquet(PEOPLE, "people", [("1", [1], "女")], {"age": "INTEGER[]"})
    for content, expected in (
        (good, ()),
        (good[:-20], one(What.DAMAGED)),
        (b"pid", one(What.DAMAGED)),
        (nested, one(What.NESTED, "age")),
    ):
        with loaded(PEOPLE, {"people": content}, format=Format.PARQUET) as result:
            assert result.findings == expected


def test_sentences_show_rows_and_no_values() -> None:
    [finding] = found(PEOPLE, people=HEAD + "1,SECRET,女\n")
    sentence = finding.sentence()
    assert sentence == "people.age: values that are not of the declared type; rows / 不符合声明类型的值；行 (1: 1)"
    assert all(Finding(what, "t").sentence().startswith("t: ") for what in What)
