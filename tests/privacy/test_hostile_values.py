"""Every function on the worst values a column can hold, inside every kind of measure: nothing fails, nothing shows.

Two worlds, one of which holds a person with nothing but such values, give the same answers byte by byte, noise taken
out (rules 2 and 5): a failure that depends on a record, a row more, another type or number of digits would differ.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import cast

import pytest
from sqlglot import exp

from policies.cards import ColumnType, DatasetCard
from query_gateway.sql.lower import lower
from sandbox.engines.functions import RENDERINGS
from sandbox.engines.renderings import operator
from sandbox.errors import Refusal
from sandbox.plan.check import check
from sandbox.plan.checked import PublicFacts
from sandbox.plan.functions import FUNCTIONS
from sandbox.plan.limits import standard
from sandbox.plan.nodes import Type
from sandbox.queries import runs
from tests.support import broker_world as worlds
from tests.support.broker_world import BUDGET, DOMAIN, licence_text, query
from tests.support.cards import card, column, private, public, unit, words
from tests.support.function_examples import EXAMPLES
from tests.support.lowering import schema
from tests.support.outside import View, Watched, difference, view
from tests.support.records import Records
from tests.unit.test_functions import EDGES

COLUMNS = {
    "birth_year": ColumnType.INTEGER,
    "income": ColumnType.DOUBLE,
    "科室": ColumnType.TEXT,
    "日期": ColumnType.DATE,
    "时刻": ColumnType.TIMESTAMP,
    "emergency": ColumnType.BOOLEAN,
}
ROWS = 40
CARD: DatasetCard = replace(
    card(
        "clinic",
        private("visits", unit("pid"), *(column(name, kind, nullable=True) for name, kind in COLUMNS.items()),
                path="pid", rows=ROWS),
        public("codes", words("code"), key=("code",)),
    ),
    budget=BUDGET,
)  # fmt: skip
GRANTS = {"visits": ("pid", *COLUMNS), "codes": ("code",)}
CODES = ("1984", "内科")
FACTS = PublicFacts(len(CODES), {"code": CODES}, {"code": 1})
MORE = {
    Type.DOUBLE: ("nan", "inf", "-inf", "-0.0", "1e400", "2.2250738585072014e-308"),
    Type.TEXT: ("\u0001", "\u202e", "e\u0301", "\ufb01", "ß", "İ", "😀" * 300, "0" * 5000, "'", "--", "9" * 40, "١٢"),
    Type.DATE: ("9999-12-31", "0001-01-01", "2000-02-29", "1900-02-28", "1582-10-10"),
}
"""As they stand in the file, beside the edges that the table of functions is tried on."""


@dataclass(frozen=True, slots=True)
class Files:
    """What a provider sends; some with a person of the worst values."""

    hostile: bool

    @property
    def files(self) -> dict[str, str]:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(GRANTS["visits"])
        for person in range(1, 5):
            writer.writerow([person, 1980 + person, 10 * person, "内科", "2024-02-29", "2024-02-29 12:00:00", "true"])
        if self.hostile:
            pools = [list(_cells(Type(kind.value))) for kind in COLUMNS.values()]
            for number in range(2 * ROWS):  # of which a keyed choice keeps half
                cells = (pool[number * (1 + place) % len(pool)] for place, pool in enumerate(pools))
                writer.writerow([9, *cells])
        return {"visits": out.getvalue(), "codes": "code\n" + "".join(f'"{each}"\n' for each in CODES)}


def _cells(kind: Type) -> Iterator[str]:
    for value in EDGES[kind]:
        yield "" if value is None else repr(float(value)) if kind is Type.DOUBLE else str(value)  # type: ignore[arg-type]
    yield from MORE.get(kind, ())


def expressions() -> list[str]:
    """The examples of the table of functions, on columns of unknown range; of days also on moments."""
    found = [each for each in EXAMPLES.values() if not each.startswith("COUNT")]
    found += [each.replace("日期", "时刻") for each in found if "日期" in each]
    return [each for each in dict.fromkeys(found) if accepted(f"SELECT COUNT({each}) AS n FROM visits v")]


def accepted(sql: str) -> bool:
    """Whether it is a query at all: what is refused is refused before the charge, from the card alone."""
    try:
        plan = lower(sql, schema("clinic", [CARD])).plan
        check(plan, {"clinic": CARD}, {("clinic", "codes"): FACTS}, {DOMAIN.name: DOMAIN}, standard(2000))
    except Refusal:
        return False
    return True


def several(every: Sequence[str], number: int) -> Iterator[list[str]]:
    left = iter(every)
    while found := list(islice(left, number)):
        yield found


def queries(every: Sequence[str]) -> Iterator[str]:
    """Each expression counted, told apart, looked for and added up; some ranked, ordered, grouped and joined by."""
    own = "PARTITION BY pid ORDER BY"
    for some in several(every, 20):
        counts = ", ".join(f"COUNT({each}), COUNT(DISTINCT {each})" for each in some)
        yield f"SELECT {counts} FROM visits v WHERE {' OR '.join(f'({each}) IS NOT NULL' for each in some)}"
        ranked = some[::2]
        windows = ", ".join(
            f"RANK() OVER ({own} {each}) AS r{n}, LAG({each}) OVER ({own} {each}) AS l{n},"
            f" LEAD({each}) OVER ({own} {each}) AS m{n}"
            for n, each in enumerate(ranked)
        )
        kept = " OR ".join(f"(r{n} = 1 AND l{n} IS DISTINCT FROM m{n})" for n, _ in enumerate(ranked))
        yield f"SELECT COUNT(*) AS n FROM (SELECT {windows} FROM visits v) s WHERE {kept}"
    numbers = [f"clamp(TRY_CAST({each} AS DOUBLE), -1000000, 1000000)" for each in every]
    summed = [each for each in numbers if accepted(f"SELECT SUM({each}) AS s FROM visits v")]
    for some in several(summed, 20):
        yield f"SELECT {', '.join(f'SUM({each})' for each in some)}, STDDEV({some[0]}) FROM visits v"
    yield f"SELECT {', '.join(f'MEDIAN({each}), MAX({each})' for each in summed[::60])} FROM visits v"
    for some in several(every[::6], 10):
        yield f"SELECT {', '.join(some)}, COUNT(*) AS n FROM visits v GROUP BY {', '.join(some)}"
    texts = [each for each in every if accepted(f"SELECT COUNT(*) AS n FROM visits v JOIN codes c ON {each} = c.code")]
    any_of = " OR ".join(f"{each} = c.code" for each in texts)
    yield f"SELECT COUNT(*) AS n FROM visits v JOIN codes c ON {any_of}"


def asking(every: Sequence[str]) -> Callable[[Watched], None]:
    def asked(found: Watched) -> None:
        found.world.issue(licence_text("H", grants=GRANTS))
        for sql in every:
            found.ask(query(sql, {"rho": "1"}, licence="H", bounds={"groups": 2, "rows": 3}, reuse=False))

    return asked


def hostile_card(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(runs, "remaining", lambda *_: 0.0)  # the time class of so many functions is long
    patch.setattr(worlds, "CARD", CARD)
    patch.setattr(worlds, "BUNDLE", replace(worlds.BUNDLE, cards={CARD.name: CARD}))


def test_almost_all_functions_are_tried() -> None:
    assert len(FUNCTIONS) >= 149
    assert len(expressions()) >= 150


def worlds_apart(folder: Path, every: Sequence[str], plant: Callable[[pytest.MonkeyPatch], None]) -> list[View]:
    """What is seen without that person and with them."""
    return [
        view(folder / name, cast("Records", Files(hostile)), frozenset(), asking(every), plant)
        for name, hostile in (("without", False), ("with", True))
    ]


def test_a_person_of_the_worst_values_changes_no_answer(tmp_path: Path) -> None:
    every = [each for each in queries(expressions()) if accepted(each)]
    one, other = worlds_apart(tmp_path, every, hostile_card)
    answers = [each[0] for each in one.values() if isinstance(each, tuple)]
    assert len(every) > 30
    assert answers == [200] * len(every)
    assert difference(one, other) == []


def test_a_function_that_is_not_total_is_seen(tmp_path: Path) -> None:
    """The engine's own shift raises where bits would be lost."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        hostile_card(patch)
        patch.setitem(cast("dict[str, object]", RENDERINGS), "shift_left", operator(exp.BitwiseLeftShift))

    assert difference(*worlds_apart(tmp_path, ["SELECT COUNT(birth_year << 2) AS n FROM visits"], plant)) != []
