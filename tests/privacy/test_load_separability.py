"""Rule 1: take one unit out of the input files, load again with the same keys; nobody else's rows change."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.cards import card, double, integer, private, unit, words
from tests.support.engine import Loaded, loaded

CARD = card(
    "d",
    private(
        "people", unit("pid"), words("sex", "f", "m", nullable=True), path="pid", key=("pid",), unit_key=(), rows=1
    ),
    private(
        "visits",
        integer("no"),
        unit("pid"),
        words("ward", "A", "B", "other", other="other"),
        double("cost", "0", "10", "0.5", nullable=True),
        path=("pid", "people"),
        key=("no",),
        rows=3,
    ),
    private("notes", unit("pid"), words("word", nullable=True), path="pid", rows=2),
    private("drugs", integer("no"), words("drug", "a", "b", nullable=True), path=("no", "visits"), rows=2),
)

Tables: TypeAlias = dict[str, list[tuple[Any, ...]]]
HEADERS = {"people": "pid,sex", "visits": "no,pid,ward,cost", "notes": "pid,word", "drugs": "no,drug"}
PIDS = st.integers(1, 5)


@st.composite
def databases(draw: st.DrawFn) -> Tables:
    people = draw(st.lists(st.tuples(PIDS, st.sampled_from(["f", "m", "x", ""])), unique_by=lambda row: row[0]))
    pids = st.sampled_from([str(pid) for pid, _ in people] + [""])
    cell = st.tuples(pids, st.sampled_from(["A", "B", "C"]), st.sampled_from(["", "1.2", "1.3", "11", "nan"]))
    visits = [(no, *row) for no, row in enumerate(draw(st.lists(cell, max_size=12)))]
    numbers = st.sampled_from([str(row[0]) for row in visits] + [""])
    notes = draw(st.lists(st.tuples(st.one_of(PIDS, st.just("")), st.sampled_from(["", "u", "v"])), max_size=12))
    drugs = draw(st.lists(st.tuples(numbers, st.sampled_from(["a", "b", ""])), max_size=12))
    return {"people": list(people), "visits": visits, "notes": notes, "drugs": drugs}


def without(tables: Tables, pid: int) -> Tables:
    """The input files without any record of one person."""
    gone = {str(row[0]) for row in tables["visits"] if str(row[1]) == str(pid)}
    return {
        "people": [row for row in tables["people"] if row[0] != pid],
        "visits": [row for row in tables["visits"] if str(row[1]) != str(pid)],
        "notes": [row for row in tables["notes"] if row[0] != pid],
        "drugs": [row for row in tables["drugs"] if row[0] not in gone],
    }


def files(tables: Tables) -> dict[str, str]:
    return {
        name: HEADERS[name] + "\n" + "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in rows)
        for name, rows in tables.items()
    }


def by_seed(found: Loaded) -> dict[int, list[tuple[str, tuple[Any, ...]]]]:
    """Per unit, named by its seed, all rows of all tables; the dense number is a name only (rule 9)."""
    assert found.findings == ()
    units: dict[int, list[tuple[str, tuple[Any, ...]]]] = defaultdict(list)
    numbers: dict[int, set[int]] = defaultdict(set)
    for table, rows in found.private_tables().items():
        order = [(row["_unit"], row["_row"]) for row in rows]
        assert order == sorted(set(order))
        for row in rows:
            numbers[row["_seed"]].add(row["_unit"])
            units[row["_seed"]].append((table, tuple(value for name, value in row.items() if name != "_unit")))
    assert all(len(found) == 1 for found in numbers.values())
    assert len(set().union(*numbers.values())) == len(numbers)
    return units


@settings(max_examples=settings().max_examples // 2)
@given(databases(), PIDS, st.randoms(use_true_random=False))
def test_removing_a_unit_changes_nobody_else(tables: Tables, pid: int, random: Any) -> None:
    """Also when the remaining records come in another order."""
    fewer = without(tables, pid)
    shuffled = {name: random.sample(rows, len(rows)) for name, rows in fewer.items()}
    with loaded(CARD, files(tables)) as all_of_them, loaded(CARD, files(shuffled)) as others:
        before, after = by_seed(all_of_them), by_seed(others)
    gone = before.keys() - after.keys()
    assert len(gone) <= 1
    assert {seed: rows for seed, rows in before.items() if seed not in gone} == after


def test_a_number_stays_with_a_person() -> None:
    """The dictionary grows; who was in it keeps the number, in every load and data set of the domain."""

    def numbers(found: Loaded) -> dict[int, int]:
        return {row["_seed"]: row["_unit"] for row in found.table("notes")}

    def notes(pids: Sequence[int]) -> dict[str, str]:
        rows: Tables = {"people": [], "visits": [], "notes": [(pid, "u") for pid in pids], "drugs": []}
        return files(rows)

    with contextlib.ExitStack() as stack:
        first = stack.enter_context(loaded(CARD, notes([5, 3])))
        second = stack.enter_context(loaded(CARD, notes([1, 2, 3, 4]), segments=[first.grown]))
        third = stack.enter_context(loaded(CARD, notes([5, 4, 3, 2, 1]), segments=[first.grown, second.grown]))
        one, two, three = numbers(first), numbers(second), numbers(third)
    assert sorted(one.values()) == [0, 1]
    assert sorted(three.values()) == [0, 1, 2, 3, 4]
    assert {**one, **two} == three


def test_rank_is_not_the_order_of_content() -> None:
    """Rule 14: with the seed in the hash, the row that survives a bound of one differs between people."""
    rows: Tables = {"people": [], "visits": [], "drugs": [], "notes": []}
    rows["notes"] = [(pid, word) for pid in range(40) for word in ("u", "v", "w", "x")]
    with loaded(CARD, files(rows)) as found:
        kept = {row["word"] for row in found.table("notes") if row["_rank"] == 1}
    assert kept == {"u", "v", "w", "x"}
