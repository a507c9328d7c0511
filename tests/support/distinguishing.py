"""Telling two neighbouring databases apart by what is released about them: the lower bound on what was really lost.

One half of the runs chooses the event that tells most, the other half counts it, so no search spoils the bound.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import exp, log, sqrt
from statistics import NormalDist, fmean, pvariance
from typing import Any, TypeAlias

from policies.licences import LicenceBudget, Notion
from sandbox.engines.duckdb import Session
from sandbox.privacy.loss import DELTA_UNIT, EPSILON_UNIT, RHO_UNIT, Spend
from sandbox.queries.execution import execute
from sandbox.queries.preparation import Prepared, prepare
from sandbox.queries.requests import QueryRequest
from sandbox.workers.job import Job, Parts, Rows, Side
from tests.support.answers import DEADLINE, LICENCE, Held, InProcess
from tests.support.engine import LIMITS, Loaded
from tests.support.exact import LIMITS as SIZES
from tests.support.records import PEOPLE

FALSE_ALARM = 1e-9
"""Of one bound."""
_NORMAL = NormalDist()
_CUTS = 40
"""Thresholds that are tried for each score."""

Outcome: TypeAlias = Mapping[str, float]
"""The cells of one release: of a row that is not there, none."""
Score: TypeAlias = Callable[[Outcome], float]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says it loses. Under zCDP by Gaussian noise alone: μ = √(2ρ) of a Gaussian trade-off."""

    notion: Notion
    mu: float
    epsilon: float
    delta: float

    def allows(self, chance: float) -> float:
        """The most that an event of this chance on one database can have on its neighbour."""
        if self.notion is Notion.PURE:
            return min(1.0, exp(self.epsilon) * chance)
        if not 0 < chance < 1:
            return chance
        return min(1.0, _NORMAL.cdf(_NORMAL.inv_cdf(chance) + self.mu) + self.delta)


@dataclass(frozen=True, slots=True)
class Question:
    """A request, prepared on a database: released again and again, each time with fresh noise."""

    prepared: Prepared
    held: Held
    run: Callable[[Parts, Side, Job], Rows]

    @property
    def claim(self) -> Claim:
        """What it is charged."""
        loss = self.prepared.priced.loss
        epsilon = 0.0 if loss.epsilon is None else float(loss.epsilon * EPSILON_UNIT)
        return Claim(
            self.prepared.licence.notion,
            sqrt(2 * float((loss.rho or 0) * RHO_UNIT)),
            epsilon,
            float(loss.delta * DELTA_UNIT),
        )

    def release(self) -> Outcome:
        """One release."""
        found = json.loads(execute(self.prepared, self.held, self.run, DEADLINE).release)
        measured = [column["measured"] for column in found["columns"]]
        outcome: dict[str, float] = {}
        for row in found["rows"]:
            place = "|".join(repr(cell) for cell, is_measured in zip(row, measured, strict=True) if not is_measured)
            outcome[place] = 1.0
            for number, (cell, is_measured) in enumerate(zip(row, measured, strict=True)):
                if is_measured and cell is not None:
                    outcome[f"{place}#{number}"] = float(cell)
        return outcome


def ask(data: Loaded, sql: str, notion: Notion, spend: Spend, **options: Any) -> Question:
    """The request on one database. Its exact rows are read once: they do not change."""
    held = Held([data])
    budget = replace(LICENCE.budget, delta=Fraction(1, 10**3))
    if notion is Notion.PURE:
        budget = LicenceBudget(rho=None, epsilon=Fraction(100), delta=Fraction(0))
    licence = replace(LICENCE, notion=notion, budget=budget)
    request = QueryRequest("L1", "planning", data.card.name, sql, spend, options.pop("bounds", None), None, **options)
    prepared = prepare(request, licence, InProcess(), held.snapshots, {PEOPLE.name: PEOPLE}, SIZES)
    known: dict[tuple[Side, Job], Rows] = {}
    sessions = {
        Side.PRIVATE: Session([(f"/proc/self/fd/{data.private}", f"/proc/self/fd/{data.public}")], LIMITS),
        Side.PUBLIC: Session([(None, f"/proc/self/fd/{data.public}")], LIMITS),
    }

    def run(_: Parts, side: Side, job: Job) -> Rows:
        if side is Side.PUBLIC or job.tables:
            return sessions[side].run(job)
        if (side, job) not in known:
            known[side, job] = sessions[side].run(job)
        return known[side, job]

    return Question(prepared, held, run)


def violation(claim: Claim, ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> str | None:
    """An event that proves that more was lost than claimed, at `FALSE_ALARM`; None where there is none."""
    for one, other in ((ours, theirs), (theirs, ours)):
        found = _told(claim, one, other)
        if found is not None:
            return found
    return None


def _told(claim: Claim, ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> str | None:
    half = len(ours) // 2
    scores = _scores(ours[:half], theirs[:half])
    best: tuple[float, str, Score, float] | None = None
    for name, score in scores.items():
        mine, others = sorted(map(score, ours[:half])), sorted(map(score, theirs[:half]))
        for cut in sorted({others[k * (half - 1) // _CUTS] for k in range(_CUTS + 1)} | {mine[0], 0.5}):
            p, q = (_share(values, cut) for values in (mine, others))
            gain = p - claim.allows(max(q, 1 / half))
            if best is None or gain > best[0]:
                best = gain, name, score, cut
    if best is None:
        return None
    _, name, score, cut = best
    tested = len(ours) - half
    hits, base = (sum(score(one) >= cut for one in runs[half:]) for runs in (ours, theirs))
    least, most = _least(hits, tested), _most(base, tested)
    if least <= claim.allows(most):
        return None
    return f"{name} ≥ {cut:g}: {hits} and {base} of {tested}, where {claim} allows {claim.allows(most):.4f}"


def _scores(ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> dict[str, Score]:
    """Each cell, either way, and all of them together along the line between the means."""
    names = sorted({name for one in (*ours, *theirs) for name in one})
    weights = {}
    for name in names:
        mine, others = ([one.get(name, 0.0) for one in runs] for runs in (ours, theirs))
        spread = (pvariance(mine) + pvariance(others)) / 2
        weights[name] = (fmean(mine) - fmean(others)) / spread if spread > 0 else 0.0
    scores: dict[str, Score] = {"all": lambda one: sum(weight * one.get(name, 0.0) for name, weight in weights.items())}
    for name in names:
        sign = 1.0 if weights[name] >= 0 else -1.0
        scores[name] = lambda one, name=name, sign=sign: sign * one.get(name, 0.0)  # type: ignore[misc]
    return scores


def _share(values: Sequence[float], cut: float) -> float:
    return sum(value >= cut for value in values) / len(values)


def _least(hits: int, runs: int) -> float:
    """A chance below which so many hits come at most once in 1 / `FALSE_ALARM` (Chernoff's bound)."""
    return _bound(hits / runs, runs, 0.0)


def _most(hits: int, runs: int) -> float:
    """A chance above which so few hits come at most once in 1 / `FALSE_ALARM`."""
    return _bound(hits / runs, runs, 1.0)


def _bound(share: float, runs: int, end: float) -> float:
    """Between `share` and `end`: where runs times the divergence from `share` reaches ln(1 / `FALSE_ALARM`)."""
    near, far = share, end
    for _ in range(60):
        middle = (near + far) / 2
        near, far = (middle, far) if runs * _divergence(share, middle) < -log(FALSE_ALARM) else (near, middle)
    return far


def _divergence(p: float, q: float) -> float:
    terms = [(p, q), (1 - p, 1 - q)]
    return sum(a * log(a / b) for a, b in terms if a > 0)
