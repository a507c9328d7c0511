"""With ε → ∞ and bounds that do not bind, the answer is plain SQL's over the stored values."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, note, settings
from hypothesis import strategies as st

from policies.cards import Bounds
from sandbox.errors import Refusal
from sandbox.privacy.clip import ClipAt
from tests.support.answers import Asker, PlainSql, compare
from tests.support.exact import LIMITS, laboratory
from tests.support.queries import Query, every_answer, every_measure, queries
from tests.support.records import FULL, PEOPLE, ROOMY, Records, records

ROUNDS = 8
"""Queries asked of each database: loading it is what takes time."""
FOLDED = Bounds(groups=19, rows=19)
"""Less than most relations allow, so that the engine folds, and more than most units have."""

TOO_NARROW = "plan.overflow"
"""The only refusal: of a range that no grid has a point in."""

ONCE_WRONG = (
    Query("SELECT SUM(clamp(round(birth_year, 1), 1930, 1960)), COUNT(*) FROM persons", (), ordered=False),
    Query("SELECT SUM(clamp(power(income, 2), 0, 100)) FROM persons", (), ordered=False),
    Query("SELECT SUM(coalesce(income, 0.5 / 4)), SUM(coalesce(income, 0.125)) FROM persons", (), ordered=False),
    Query(
        "SELECT SUM(clamp(income, 0.125, 1.0625)), SUM(clamp(birth_year, 1930.5, 1960)) FROM persons", (), ordered=False
    ),
    Query("SELECT SUM(CASE WHEN income > 1 THEN income ELSE 2 / 7 END) FROM persons", (), ordered=False),
    Query("SELECT SUM(CASE WHEN birth_year > 1955 THEN -3 ELSE 2 / 7 END) FROM persons", (), ordered=False),
)
"""Queries that were answered wrongly."""


def test_every_kind_of_answer() -> None:
    with laboratory(FULL.doubled(), card=ROOMY) as lab:
        asker, plain = Asker([lab.loaded], {PEOPLE.name: PEOPLE}, LIMITS), PlainSql([lab.loaded])
        for query in (*every_measure()[::2], *every_answer()[1::2], *ONCE_WRONG):
            answer = asker.ask(query.sql, "clinic", Bounds(10**6, 10**6))
            compare(answer, plain.ask(query.sql, "clinic"), ordered=query.ordered)


@settings(max_examples=settings().max_examples // 4)
@given(records(), st.lists(st.tuples(queries(), st.sampled_from(("no", "rows", "clip"))), min_size=1, max_size=ROUNDS))
def test_generated_queries(everybody: Records, asked: list[tuple[Query, str]]) -> None:
    """Every unit stands there twice: private group keys of one unit alone would be withheld."""
    with laboratory(everybody.doubled(), card=ROOMY) as lab:
        asker = Asker([lab.loaded], {PEOPLE.name: PEOPLE}, LIMITS)
        plain = PlainSql([lab.loaded])
        for query, fold in asked:
            note(query.sql)
            (measure,) = lab.check(lab.lower(query.sql)).measures
            units = [row.unit for row in lab.rows(measure)]
            most = max(map(units.count, set(units)), default=0)
            wide = Bounds(10**6, 10**6)
            bounds: Bounds | ClipAt = wide
            if fold == "clip":
                bounds = ClipAt(Fraction(3 * most + 1))
            elif fold == "rows" and most <= FOLDED.rows:
                bounds = FOLDED
            try:
                answer = asker.ask(query.sql, "clinic", bounds)
            except Refusal as refusal:
                if refusal.code != TOO_NARROW:
                    raise
                continue
            compare(answer, plain.ask(query.sql, "clinic"), ordered=query.ordered)
