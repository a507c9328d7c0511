"""Rule 26: measures that read releases. Neighbours see the same constants, only noisy values enter, paid before."""

from __future__ import annotations

import json
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from policies.cards import Bounds
from policies.domains import UnitDomain
from sandbox.errors import Refusal
from sandbox.plan.limits import standard
from sandbox.privacy.clip import Norm
from sandbox.privacy.loss import Spend, total
from sandbox.queries.execution import execute
from sandbox.queries.preparation import Prepared, prepare
from sandbox.queries.requests import QueryRequest
from sandbox.workers.job import Job, Parts, Rows, Side, Table
from tests.privacy.test_bounded_statistics import TIGHT_BOUNDS, neighbours
from tests.privacy.test_separability import separable
from tests.support.answers import DEADLINE, LICENCE, Asker, Held, InProcess
from tests.support.cards import card, integer, private, unit
from tests.support.engine import load_as, loaded
from tests.support.exact import LIMITS, laboratory
from tests.support.lowering import GOLDEN, read
from tests.support.queries import Query
from tests.support.records import FULL, PEOPLE, UNITS

NESTED = [Query(case.sql, (), ordered=False) for case in read(GOLDEN / "accepted_nested.sql")]
ABOVE = """WITH a AS (SELECT AVG(费用) AS x, COUNT(*) AS n FROM visits)
SELECT a.x, a.n, b.above FROM a CROSS JOIN (SELECT COUNT(*) AS above FROM visits v CROSS JOIN a WHERE v.费用 > a.x) b"""
NOISY = Spend(epsilon=None, rho=Fraction(1, 100))


@pytest.mark.parametrize("person", UNITS[:2])
def test_one_unit_takes_its_rows_only_given_what_was_released(person: int) -> None:
    """Separability, and totals within the claim, of every measure, for the same releases."""
    with laboratory(FULL) as before, laboratory(FULL.without(person, Random(person))) as after:
        for place, query in enumerate(NESTED, person):
            separable(before, after, person, query)
            neighbours(before, after, query, TIGHT_BOUNDS[place % len(TIGHT_BOUNDS)], tuple(Norm)[place % 2])


class Watched:
    """Runs jobs, and keeps what each worker was handed."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self.jobs: list[tuple[Side, Job, Rows]] = []

    def __call__(self, parts: Parts, side: Side, job: Job) -> Rows:
        rows = self.asker._session(parts, side).run(job)
        self.jobs.append((side, job, rows))
        return rows

    def given(self) -> list[Table]:
        """The tables of jobs over private rows."""
        return [table for side, job, _ in self.jobs if side is Side.PRIVATE for table in job.tables]


def noisy(asker: Asker, sql: str, spend: Spend = NOISY) -> tuple[Prepared, Watched, dict[str, Any]]:
    held, watched = Held(asker.data), Watched(asker)
    request = QueryRequest("L1", "planning", "clinic", sql, spend, Bounds(1, 20), None)
    prepared = prepare(request, LICENCE, InProcess(), held.snapshots, asker.domains, asker.limits)
    execution = execute(prepared, held, watched, DEADLINE)
    assert total(each.loss for each in execution.invocations) == prepared.priced.loss
    return prepared, watched, json.loads(execution.release)


def test_only_noisy_values_reach_a_later_measure() -> None:
    """What the second measure is handed is what the answer shows of the first, held to its range; never a total."""
    with laboratory(FULL) as lab:
        asker = Asker([lab.loaded], {PEOPLE.name: PEOPLE}, LIMITS)
        exact = lab.statistics(lab.bound(lab.check(lab.lower(ABOVE)).measures[0], Bounds(1, 20)))
        different, beyond = 0, 0
        for _ in range(12):
            _, watched, release = noisy(asker, ABOVE)
            ((x, n, _),) = release["rows"]
            (table,) = watched.given()
            ((given_x,),) = table.rows
            assert isinstance(given_x, Fraction)
            assert float(given_x) == pytest.approx(min(max(x, 0.0), 2000.0))
            assert [side for side, _, _ in watched.jobs] == [Side.PRIVATE, Side.PUBLIC, Side.PRIVATE, Side.PUBLIC]
            different += n != next(iter(exact.values()))[0]
            beyond += n < 0
        assert different
        assert beyond, "noise that no clamp shows is no test"


def test_a_released_count_enters_within_its_range() -> None:
    sql = "SELECT SUM(packs - (SELECT COUNT(*) FROM visits)) FROM drugs"
    with laboratory(FULL) as lab:
        asker = Asker([lab.loaded], {PEOPLE.name: PEOPLE}, LIMITS)
        found = set()
        for _ in range(12):
            _, watched, _ = noisy(asker, sql, Spend(epsilon=None, rho=Fraction(1, 10**4)))
            ((value,),) = watched.given()[0].rows
            found.add(value)
            assert isinstance(value, int)
            assert 0 <= value <= 3 * PEOPLE.max_units
        assert 0 in found
        assert len(found) > 1


def test_the_price_is_that_of_all_measures_and_known_before() -> None:
    """It says nothing of what was released: two runs cost the same. All mechanisms are listed, shown or not."""
    sql = "SELECT COUNT(*) FROM visits WHERE 费用 > (SELECT AVG(费用) FROM visits)"
    with laboratory(FULL) as lab:
        asker = Asker([lab.loaded], {PEOPLE.name: PEOPLE}, LIMITS)
        one, _, release = noisy(asker, sql)
        other, _, again = noisy(asker, sql)
    assert one.priced == other.priced
    assert one.identity == other.identity
    assert release["privacy"] == again["privacy"]
    assert [each["measure"] for each in release["privacy"]["mechanisms"]] == ["m1", "m1", "m2"]
    assert one.priced.loss == total(step.loss for each in one.priced.measures for step in each.measurements)


FIRMS = card(
    "firms",
    private("f", unit("fid"), integer("size", 0, 100), path="fid", key=("fid",), unit_key=(), rows=1),
    domain="enterprises",
)
ENTERPRISES = UnitDomain("enterprises", PEOPLE.title, PEOPLE.canonical, 1000, PEOPLE.budget)


def test_measures_of_several_unit_domains_charge_each_once_rule_7() -> None:
    sql = """SELECT COUNT(*) FROM persons
    WHERE income > (SELECT AVG(size) FROM firms.f) AND birth_year > (SELECT COUNT(*) FROM firms.f)"""
    rows = {"f": "fid,size\n1,10\n2,30\n"}
    with laboratory(FULL) as lab, loaded(FIRMS, rows, **load_as(ENTERPRISES)) as firms:
        asker = Asker([lab.loaded, firms], {PEOPLE.name: PEOPLE, ENTERPRISES.name: ENTERPRISES}, LIMITS)
        prepared, _, release = noisy(asker, sql)
    assert list(prepared.domains) == ["enterprises", "people"]
    assert list(prepared.snapshots) == ["clinic", "firms"]
    assert release["privacy"]["unit_domains"] == ["enterprises", "people"]
    assert [each.source.domain for each in prepared.checked.measures] == ["enterprises", "people"]


def test_a_release_of_other_people_is_no_private_row() -> None:
    """It joins people of any domain; their own rows do not."""
    sql = "SELECT COUNT(*) FROM persons p JOIN firms.f ON p.birth_year = f.size"
    rows = {"f": "fid,size\n1,10\n2,30\n"}
    with laboratory(FULL) as lab, loaded(FIRMS, rows, **load_as(ENTERPRISES)) as firms:
        asker = Asker([lab.loaded, firms], {PEOPLE.name: PEOPLE, ENTERPRISES.name: ENTERPRISES}, LIMITS)
        with pytest.raises(Refusal) as refusal:
            noisy(asker, sql)
        assert refusal.value.code == "plan.domains"


def test_more_rows_of_a_release_than_a_measure_may_read_are_refused_rule_2() -> None:
    sql = """WITH g AS (SELECT 日期, COUNT(*) AS n FROM visits GROUP BY 日期)
    SELECT COUNT(*) FROM persons p CROSS JOIN (SELECT a.n FROM g a CROSS JOIN g b) x"""
    with laboratory(FULL) as lab:
        asker = Asker([lab.loaded], {PEOPLE.name: PEOPLE}, standard(cells=1000))
        with pytest.raises(Refusal) as refusal:
            noisy(asker, sql)
        assert refusal.value.code == "plan.too_large"


CONSTANT = """SELECT q.c, COUNT(*) AS m
FROM (SELECT r.n, NULLIF(3, 4) AS c FROM (SELECT 性别, COUNT(*) AS n FROM persons GROUP BY 性别) r) q
{join} GROUP BY q.c"""


@pytest.mark.parametrize("join", ["CROSS JOIN persons p", "JOIN persons p ON q.n > p.birth_year"])
def test_what_a_release_is_joined_as_is_not_the_unit_s_rules_20_and_26(join: str) -> None:
    """Even a constant: what is given to a measure is held to its values, not to agree in all of a unit's rows."""
    with laboratory(FULL) as lab:
        _, measure = lab.measures(lab.lower(CONSTANT.format(join=join)))
    (key,) = measure.keys
    assert measure.source.rows > 1
    assert not key.values.per_unit


def test_what_the_one_partner_of_a_unit_is_joined_as_is_the_unit_s_rule_20() -> None:
    """A public row that each row of a unit finds by what the unit determines."""
    sql = """SELECT c.name_en, COUNT(*) AS n FROM persons p JOIN cities c ON c.code = p.city
    JOIN visits v ON v.pid = p.pid GROUP BY 1"""
    with laboratory(FULL) as lab:
        (measure,) = lab.measures(lab.lower(sql))
    (key,) = measure.keys
    assert measure.source.rows > 1
    assert key.values.per_unit
