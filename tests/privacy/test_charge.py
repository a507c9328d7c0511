"""What the mechanisms lost is what was priced, what was charged and what the ledger says: to the unit, every time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby, product
from math import ceil
from typing import Any, TypeAlias

import opendp.mod
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from policies.cards import Bounds
from query_gateway.wire import QueryAnswer
from sandbox.privacy.calibrate import PricedMeasure
from sandbox.privacy.clip import ClipAt
from sandbox.privacy.conversion import epsilon_of
from sandbox.privacy.loss import DELTA_UNIT, EPSILON_UNIT, RHO_UNIT, Loss, total
from sandbox.privacy.mechanisms import Measurement, Noise, Selection, as_loss, stated_loss
from sandbox.privacy.notices import NoticeKind
from sandbox.privacy.sensitivity import sensitivity
from sandbox.queries import runs
from sandbox.queries.execution import Execution, execute
from sandbox.queries.preparation import Prepared
from sandbox.workers.job import Side
from tests.support.answers import InProcess
from tests.support.broker_world import BrokerWorld, broker_world, query
from tests.support.queries import Query, queries
from tests.support.records import Records

RECORDS = Records(
    (("1", "女", "1950", "12.5", "A"), ("2", "男", "1960", "99.25", "B"), ("3", "女", "1985", "", "A")),
    (
        ("1", "1", "内科", "2024-01-31", "10", "true"),
        ("2", "1", "外科", "2024-02-01", "", "false"),
        ("3", "2", "内科", "2024-12-31", "1999.99", "true"),
    ),
    (("1", "A", "1"), ("3", "B", "10")),
)
DELTA = Fraction(1, 10**6)
"""The licences' δ."""
ACCOUNTS = ("dataset:clinic", "domain:people")
"""Beside the licence's own."""
ACCURACY = {"half_width": "40", "confidence": "0.9", "expected_size": 50, "at_most": {"epsilon": "30"}}
"""Of every measured column."""
Spent = Mapping[str, Any]
Asked: TypeAlias = Bounds | ClipAt | None
AUTO = ClipAt(None)
CLIPS = (*(ClipAt(Fraction(rows)) for rows in (1, 2, 5)), AUTO, AUTO)
SPENDS = st.sampled_from(
    (
        {"epsilon": "0.5"},
        {"epsilon": "3"},
        {"epsilon": "0.01"},
        {"rho": "0.125"},
        {"rho": "0.001"},
        {"rho": "7"},
        ACCURACY,
    )
)
KINDS = (
    "SELECT COUNT(*), COUNT(DISTINCT pid), SUM(费用), AVG(费用) FROM visits",
    "SELECT 科室, COUNT(*), SUM(费用) FROM visits GROUP BY 1",
    "SELECT 科室, MEDIAN(费用), MAX(费用) FILTER (WHERE emergency), COUNT(*) FROM visits GROUP BY 1",
    "SELECT MIN(费用), MAX(费用), MEDIAN(费用) FROM visits",
    "SELECT 费用, COUNT(*), MEDIAN(费用), MIN(费用) FROM visits GROUP BY 1",
    "SELECT 费用, COUNT(*), COUNT(DISTINCT pid) FROM visits GROUP BY 1",
    "SELECT a.n + b.n AS n FROM (SELECT COUNT(*) n FROM visits) a CROSS JOIN (SELECT COUNT(*) n FROM persons) b",
    "SELECT COUNT(*) FROM visits WHERE 费用 > (SELECT AVG(费用) / (SELECT AVG(income) FROM persons) FROM visits)",
    """WITH g AS (SELECT 科室, COUNT(*) n FROM visits GROUP BY 1)
    SELECT v.科室, SUM(v.费用 / 2) FROM visits v JOIN g USING (科室) WHERE g.n > 1 GROUP BY 1""",
    "SELECT 科室, COUNT(*), COUNT(DISTINCT pid), AVG(费用) FROM visits GROUP BY ROLLUP(科室)",
    "SELECT 费用, 科室, COUNT(*) FROM visits GROUP BY CUBE(费用, 科室)",
)
"""Gaussian and Laplace, public and private keys, two measures, measures that read others, and grouping sets."""
REFUSED = {
    "plan.overflow",
    "plan.private_keys_pure",
    "spend.above_most",
    "spend.column",
    "spend.notion",
    "spend.too_small",
    "spend.unreachable",
}
"""What a generated query may be refused for."""


@dataclass(slots=True)
class Watched:
    """Everything that ran: executions with what was prepared, and every OpenDP measurement that was invoked."""

    executions: list[tuple[Prepared, Execution]] = field(default_factory=list)
    invoked: list[opendp.mod.Measurement] = field(default_factory=list)

    def clear(self) -> None:
        self.executions.clear()
        self.invoked.clear()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWorld]:
    with broker_world(tmp_path_factory.mktemp("charges"), RECORDS, lambda _: InProcess()) as found:
        yield found


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    """Watches the path without a seam of its own in the product."""
    seen = Watched()
    call = opendp.mod.Measurement.__call__

    def watch(prepared: Prepared, *words: Any) -> Execution:
        found = execute(prepared, *words)
        seen.executions.append((prepared, found))
        return found

    def invoke(self: opendp.mod.Measurement, value: Any) -> Any:
        seen.invoked.append(self)
        return call(self, value)  # type: ignore[no-untyped-call]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "execute", watch)
        patch.setattr(opendp.mod.Measurement, "__call__", invoke)
        yield seen


@settings(max_examples=settings().max_examples // 2)
@given(
    queries(),
    st.sampled_from(("L1", "L1", "P1")),
    SPENDS,
    st.none() | st.builds(Bounds, st.integers(1, 3), st.integers(1, 3)) | st.sampled_from(CLIPS),
)
def test_every_unit_of_loss_is_accounted_for(
    world: BrokerWorld, watched: Watched, asked: Query, licence: str, spend: Spent, bounds: Asked
) -> None:
    note(asked.sql)
    accounted(world, watched, asked.sql, licence, spend, bounds)


@pytest.mark.parametrize("licence", ["L1", "P1"])
@pytest.mark.parametrize("spend", [{"epsilon": "0.75"}, {"epsilon": "0.05"}, {"rho": "0.25"}, ACCURACY], ids=str)
@pytest.mark.parametrize("sql", KINDS)
def test_every_kind_of_mechanism(world: BrokerWorld, watched: Watched, sql: str, spend: Spent, licence: str) -> None:
    accounted(world, watched, sql, licence, spend, None)


def accounted(world: BrokerWorld, watched: Watched, sql: str, licence: str, spend: Spent, bounds: Asked) -> None:
    """One query, and its repeats."""
    changes = {} if bounds is None else {"bounds": asked_bounds(bounds)}
    body = query(sql, spend, licence=licence, reuse=False, **changes)
    watched.clear()
    world.engine.runs.clear()
    before = world.spent()
    answer = world.ask(body)
    charged = difference(before, world.spent())
    if answer.status != 200:
        assert json.loads(answer.body)["code"] in REFUSED
        assert not charged
        assert not world.engine.runs
        assert not watched.executions
        assert not watched.invoked
        return
    if dict(answer.headers).get("vitrine-repeat") == "true":
        assert not charged  # drawn before
        return
    QueryAnswer.model_validate(json.loads(answer.body))
    ((prepared, execution),) = watched.executions
    loss = total(each.loss for each in execution.invocations)
    assert loss == prepared.priced.loss
    in_accounts = (loss.rho, loss.delta, None)
    assert charged == {
        f"licence:{licence}": in_accounts if loss.epsilon is None else (None, 0, loss.epsilon),
        **dict.fromkeys(ACCOUNTS, in_accounts),
    }
    within_spend(loss, spend)
    givens = sum(len(each.bounded.checked.givens) for each in prepared.priced.measures)
    jobs = sum(prepared.readings)
    assert world.engine.runs == {Side.PRIVATE: jobs, Side.PUBLIC: 1 + givens}
    invoked_as_priced(prepared, watched.invoked)
    repeated(world, watched, body, answer.body)
    reused(world, watched, prepared, query(sql, {"epsilon": "0.02"}, licence=licence, **changes))


def reused(world: BrokerWorld, watched: Watched, prepared: Prepared, body: bytes) -> None:
    """Asked again for less, it is had from what was paid for: nothing is lost, invoked or read, no account moves."""
    watched.clear()
    world.engine.runs.clear()
    before = world.spent()
    answer = world.ask(body)
    if answer.status != 200:
        return  # too little for these measures
    privacy = json.loads(answer.body)["release"]["privacy"]
    if not privacy["reused"]:
        again = [found.priced.loss for found, _ in watched.executions]
        assert unkept(prepared) or not again or again[0].rho > prepared.priced.loss.rho
        return
    assert difference(before, world.spent()) == {}
    assert not watched.executions
    assert not watched.invoked
    assert world.engine.runs == {Side.PUBLIC: 1}
    assert not privacy["mechanisms"]
    assert {privacy[name] for name in ("rho", "delta", "epsilon")} <= {"0", None}


def unkept(prepared: Prepared) -> bool:
    """Whether a measure reads what another one released, or has quantiles or grouping sets: such relations are not
    kept."""
    bounded = [each.bounded for each in prepared.priced.measures]
    return any(each.checked.givens or each.quantiles or each.checked.measure.levels is not None for each in bounded)


def asked_bounds(bounds: Bounds | ClipAt) -> dict[str, object] | str:
    """As a body has them."""
    if isinstance(bounds, ClipAt):
        return "auto" if bounds.rows is None else {"clip": str(int(bounds.rows))}
    return {"groups": bounds.groups, "rows": bounds.rows}


def difference(
    before: Mapping[str, tuple[int | None, ...]], after: Mapping[str, tuple[int | None, ...]]
) -> dict[str, tuple[int | None, ...]]:
    """What each account that changed was charged."""
    changed = {name: zip(before[name], now, strict=True) for name, now in after.items() if now != before[name]}
    return {
        name: tuple(None if now is None else now - (was or 0) for was, now in pairs) for name, pairs in changed.items()
    }


def within_spend(loss: Loss, spend: Spent) -> None:
    """The request loses no more than it wanted to, thresholds included (rule 6)."""
    spend = spend.get("at_most", spend)
    if loss.epsilon is not None:
        assert loss.epsilon * EPSILON_UNIT <= Fraction(spend["epsilon"])
        return
    if "rho" in spend:
        assert loss.rho * RHO_UNIT <= Fraction(spend["rho"])
        return
    left = DELTA - loss.delta * DELTA_UNIT
    assert epsilon_of(loss.rho * RHO_UNIT, left) <= Fraction(spend["epsilon"])


def invoked_as_priced(prepared: Prepared, invoked: list[opendp.mod.Measurement]) -> None:
    """Each statistic once on each level, by a measurement whose own map gives the charged loss at no less than the
    sensitivity; private keys of every level by a threshold of their own (rule 25)."""
    steps: list[Measurement] = []
    for priced in prepared.priced.measures:
        levels, told = priced.bounded.checked.levels, priced.bounded.checked.measure.levels is not None
        private = [place if told else None for place, level in enumerate(levels) if level.key_set.cells is None]
        decided = [(step.statistic, step.level) for step in priced.measurements if step.threshold]
        assert decided == [(priced.bounded.existence, place) for place in private]
        over = {step: range(len(levels)) if step.level is None else [step.level] for step in priced.measurements}
        parts = [(place, name) for step, places in over.items() for place in places for name in step.statistics]
        ranked = [(0, each.name) for each in priced.bounded.quantiles]
        assert sorted([*parts, *ranked]) == sorted(priced.bounded.parts)
        for step, places in over.items():
            claimed = Fraction(step.sensitivity)
            for place, name in product(places, step.statistics):
                change = sensitivity(priced.bounded, priced.bounded.statistic(name), place)
                assert claimed >= change.l1 if step.noise is Noise.LAPLACE else claimed**2 >= change.l2_squared
            covers(step)
        steps += priced.drawn
        noticed(priced)
    plain = [step for step in steps if step.threshold is None]
    selected = [each for each in invoked if "LInf" in str(each.input_metric)]
    choices = list[tuple[Selection, int | None]]()
    for priced in prepared.priced.measures:
        choices += [(step, 1) for step in priced.selections]
        rows, cells = priced.bounded.checked.source.rows, priced.bounded.checked.key_set.cells
        steps_of = zip(priced.bounded.quantiles, priced.quantiles, priced.brackets, strict=True)
        for quantile, choice, bracket in steps_of:
            assert (bracket is None) is (quantile.fraction in (0, 1))
            for each in (choice, bracket) if bracket is not None else (choice,):
                assert each.sensitivity >= quantile.sensitivity
                assert each.groups * quantile.buckets.rows >= min(rows, quantile.buckets.groups * quantile.buckets.rows)
                choices.append((each, None if cells is None else len(cells)))
    made = [list(each) for _, each in groupby(selected, id)]  # of a choice one per group key (rule 22)
    if len(made) < len(choices):  # no private key was released
        choices = [(choice, groups) for choice, groups in choices if groups is not None]
    for (choice, groups), same in zip(choices, made, strict=True):
        assert groups in (None, len(same))
        stated = choice.groups * Fraction(same[0].map(choice.sensitivity))  # type: ignore[no-untyped-call]
        assert as_loss(choice.noise, stated, Fraction(0)) == choice.loss
    of_vectors = [each for each in invoked if "Vector" in str(each.input_domain) and each not in selected]
    assert len(of_vectors) == len(plain)
    assert len(invoked) - len(selected) - len(of_vectors) <= len(steps) - len(plain)
    for step, measurement in zip(plain, of_vectors, strict=True):
        distances = [step.sensitivity / 2**halved for halved in range(64 if step.vector else 1)]
        found = [Fraction(measurement.map(distance)) for distance in distances]  # type: ignore[no-untyped-call]
        assert any(as_loss(step.noise, one, Fraction(0)) == step.loss for one in found)


def noticed(priced: PricedMeasure) -> None:
    """Rule 28: a notice of units where a bound could bind, one of groups where keys are private, each with its own Δ
    and a fiftieth of the measure's loss.
    """
    measure, kinds = priced.bounded, [notice.kind for notice in priced.notices]
    private = [place for place, level in enumerate(measure.checked.levels) if level.key_set.cells is None]
    assert kinds == [NoticeKind.BINDING] * measure.truncates + [NoticeKind.GROUPS] * bool(private)
    losses = [step.loss for step in priced.drawn] + [step.loss for step in priced.choices]
    for notice in priced.notices:
        covers(notice.step)
        groups = sum(min(measure.at(place).groups, measure.checked.source.rows) for place in private)
        assert notice.step.sensitivity == (1 if notice.kind is NoticeKind.BINDING else groups)
        amount = "rho" if notice.step.noise is Noise.GAUSSIAN else "epsilon"
        spent, part = getattr(total(losses), amount), getattr(notice.step.loss, amount)
        rounded = len(measure.parts) + 1 + sum(ceil(step.groups) for step in priced.quantiles)
        assert abs(part - spent / 50) <= rounded + spent / 10**6


def covers(step: Measurement) -> None:
    """The loss charged is no less than what the mechanism states, to less than a unit."""
    stated, delta = stated_loss(step.noise, step.scale, step.sensitivity, step.threshold)
    if step.noise is Noise.LAPLACE:
        epsilon = ceil(stated * 2**40)
        assert (step.loss.epsilon, step.loss.delta) == (epsilon, 0)
        assert step.loss.rho == ceil(Fraction(epsilon**2, 2**41))
        return
    assert (step.loss.rho, step.loss.delta) == (ceil(stated * 2**40), ceil(delta * 2**60))
    assert (step.loss.delta > 0) == (step.threshold is not None)


def repeated(world: BrokerWorld, watched: Watched, body: bytes, answer: bytes) -> None:
    """The same query again costs its licence nothing, and another licence its own full loss (rule 8)."""
    runs, invoked, before = sum(world.engine.runs.values()), len(watched.invoked), world.spent()
    again = world.ask(body, person="wang")
    assert (again.status, again.body, dict(again.headers)["vitrine-repeat"]) == (200, answer, "true")
    assert world.spent() == before
    asked = json.loads(body)
    if asked["licence"] == "L1":
        other = world.ask(json.dumps(asked | {"licence": "L2"}).encode(), person="wang")
        loss = watched.executions[0][0].priced.loss
        assert json.loads(other.body)["release"] == json.loads(answer)["release"]
        assert difference(before, world.spent()) == {"licence:L2": (loss.rho, loss.delta, None)}
    assert sum(world.engine.runs.values()) == runs
    assert len(watched.invoked) == invoked
