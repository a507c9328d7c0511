"""What the engine is asked for each golden query: the SQL of its measures and of its public part.

`python -m tests.support.rendering` writes what is rendered now; the reviewer reads the difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import sqlglot

from policies.cards import Bounds
from sandbox.engines.render import render_answer, render_buckets, render_given, render_measure, render_notice
from sandbox.engines.sources import NUMBER
from sandbox.plan.aggregates import released_type
from sandbox.plan.check import check
from sandbox.plan.checked import PublicFacts
from sandbox.plan.limits import standard
from sandbox.plan.nodes import Type
from sandbox.privacy.bounding import bound
from sandbox.privacy.notices import due, name
from sandbox.workers.job import Job, Table
from tests.support.cards import CLINIC, domain
from tests.support.lowering import GOLDEN, lowered, read

RENDERED = GOLDEN / "rendered_clinic.sql"
FACTS = {("clinic", "cities"): PublicFacts(2, {"code": ("b", "s")}, {"code": 1, "name_zh": 1, "name_en": 1})}
BOUNDS = Bounds(groups=2, rows=3)
CARDS = {"clinic": CLINIC}
RELEASED = ((Fraction(1),), (None,))
"""Private group keys, as if they had been released."""


def rendered(sql: str) -> str:
    """Every job of a query, as a reviewer reads it: formatted, its parameters beneath."""
    return "\n".join(_jobs(sql))


def _jobs(sql: str) -> Iterator[str]:
    people = domain(max_units=100_000)
    checked = check(lowered(sql, "clinic").plan, CARDS, FACTS, {"people": people}, standard(cells=1000))
    released = dict[str, Table]()
    for one in checked.measures:
        bounded = bound(one, BOUNDS, None, people.max_units)
        for given in one.givens:
            yield from _job(given.name, render_given(given, CARDS, ("clinic",), released, 1.0))
        if bounded.statistics:
            yield from _job(one.measure.name, render_measure(bounded, CARDS, ("clinic",), 1.0))
        for kind in due(bounded):
            yield from _job(name(bounded, kind), render_notice(bounded, kind, CARDS, ("clinic",), 1.0))
        for each in bounded.buckets:
            groups = one.key_set.cells or RELEASED
            yield from _job(each.name, render_buckets(bounded, each, groups, CARDS, ("clinic",), 1.0))
        keys = tuple((key.name, key.values.type) for key in one.keys)
        totals = tuple((each.aggregate.name, released_type(each.aggregate, each.values)) for each in one.aggregates)
        released[one.measure.name] = Table(one.measure.name, (*keys, *totals, (NUMBER, Type.INTEGER)), ())
    yield from _job("answer", render_answer(checked, CARDS, ("clinic",), released, 1.0).job)


def _job(name: str, job: Job) -> Iterator[str]:
    yield f"-- {name}"
    yield sqlglot.parse_one(job.sql, dialect="duckdb").sql("duckdb", pretty=True)
    values = ", ".join(f"${number} = {value}" for number, value in enumerate(job.parameters, 1))
    yield f"-- with {values or 'no parameters'}; at most {job.max_rows} rows of {', '.join(job.columns)}"


def write(path: Path = RENDERED) -> None:
    """The golden file as it would be now."""
    blocks = ["-- data set clinic"]
    blocks += [f"-- {case.name}\n{case.sql}\n=>\n{rendered(case.sql)}" for case in read(path)]
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
