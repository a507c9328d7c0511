"""Steps 3 to 6 of a request: lowered, checked, decided and priced. Reveals nothing and costs nothing.

Reads the signed request, the licence, the cards and the public facts of snapshots, nothing else (rule 3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from fractions import Fraction

from policies.canonical import canonical_json
from policies.cards import Bounds, DatasetCard
from policies.domains import UnitDomain
from policies.licences import Licence, Notion
from sandbox.datasets.snapshot import Snapshot
from sandbox.errors import Refusal
from sandbox.frontend import Frontend
from sandbox.plan.canonical import encode
from sandbox.plan.check import check
from sandbox.plan.checked import CheckedMeasure, CheckedPlan, ReadColumn
from sandbox.plan.joint import joint
from sandbox.plan.limits import Limits
from sandbox.plan.lineage import releases, scans
from sandbox.plan.nodes import Measure, Scan
from sandbox.plan.plan import Plan
from sandbox.plan.subjects import Subject, digest, subject
from sandbox.privacy.accuracy import least_spend
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.calibrate import Priced, price, summed, units
from sandbox.privacy.clip import norm_of
from sandbox.privacy.clipping import bound_by
from sandbox.privacy.conversion import epsilon_of
from sandbox.privacy.loss import DELTA_UNIT, EPSILON_UNIT, RHO_UNIT, Loss, Spend, decimal, nothing
from sandbox.queries.goals import goals, weighed
from sandbox.queries.requests import QueryRequest
from sandbox.queries.rewrites import taught

_EXACT = Context(prec=100)
"""More digits than a request's number has."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request whose price is fixed."""

    request: QueryRequest
    licence: Licence
    checked: CheckedPlan
    """Of a batch: every measure, and the public part of its first query."""
    spend: Spend
    """As asked, or found for the accuracy asked."""
    priced: Priced
    sizes: Mapping[str, int | None]
    """Rows that the groups of a measure are assumed to have, by measure."""
    snapshots: Mapping[str, Snapshot]
    """Of the data sets that the plan reads, by name."""
    domains: Mapping[str, UnitDomain]
    """Of the people that the plan reads, by name."""
    further: tuple[CheckedPlan, ...] = ()
    """The other queries of a batch: the same measures, each with a public part of its own."""

    @property
    def queries(self) -> tuple[Prepared, ...]:
        """Each query of the request with what it reads of the measures; a request of one query is that query."""
        if not self.further:
            return (self,)
        return tuple(self._query(each) for each in (self.checked, *self.further))

    def _query(self, checked: CheckedPlan) -> Prepared:
        read = measures_read(checked.plan)
        measures = tuple(each for each in self.priced.measures if each.bounded.checked.measure.name in read)
        priced = summed(measures) if measures else Priced((), nothing(self.priced.loss))
        return replace(self, checked=checked, priced=priced, further=())

    @property
    def measures(self) -> frozenset[str]:
        """The names of its measures."""
        return frozenset(each.bounded.checked.measure.name for each in self.priced.measures)

    @property
    def readings(self) -> tuple[int, ...]:
        """How often each measure reads its rows."""
        return tuple(
            bool(each.bounded.statistics) + bool(each.selections) + len(each.notices) + len(each.bounded.buckets)
            for each in self.priced.measures
        )

    @property
    def plan_digest(self) -> str:
        """Of the plan; of a batch, of those of its queries."""
        plans = b"\n".join(encode(each.plan) for each in (self.checked, *self.further))
        return hashlib.sha256(plans).hexdigest()

    @property
    def cards(self) -> Mapping[str, DatasetCard]:
        return {name: snapshot.card for name, snapshot in self.snapshots.items()}

    @property
    def scans(self) -> tuple[Scan, ...]:
        """Every table that the plan reads, as often as it does."""
        return tuple(scan for each in (self.checked, *self.further) for scan in plan_scans(each.plan))

    @property
    def reads(self) -> tuple[ReadColumn, ...]:
        """Every column that is read."""
        found = {read for each in (self.checked, *self.further) for read in each.reads}
        return tuple(sorted(found, key=lambda read: (read.dataset, read.table, read.column)))

    def subject(self, measure: Measure) -> Subject | None:
        """What the measure is of, on which snapshots; None where it reads what others release."""
        found = subject(measure)
        used = {(scan.dataset, self.snapshots[scan.dataset].id) for scan in scans(measure.source)}
        return None if found is None else replace(found, relation=digest((found.relation, tuple(sorted(used)))))

    @property
    def identity(self) -> str:
        """What makes two requests the same query (rule 8): SHA-256, hex."""
        measures = [
            {
                "bounds": [each.bounded.bounds.groups, each.bounded.bounds.rows, each.bounded.fold],
                "minimum": each.bounded.minimum,
                "clips": [
                    [clip.norm, clip.most, clip.row, dict(clip.fine), list(clip.candidates)]
                    for clip in each.bounded.clips
                ],
                "selections": [[step.statistic, step.scale.hex(), step.sensitivity] for step in each.selections],
                "quantiles": [
                    [step.statistic, step.scale.hex(), step.sensitivity, str(step.groups)]
                    for step in each.choices[len(each.selections) :]
                ],
                "buckets": [repr(quantile) for quantile in each.bounded.quantiles],
                "steps": [
                    [
                        step.statistic,
                        step.level,
                        step.noise,
                        step.scale.hex(),
                        step.sensitivity.hex(),
                        repr(step.threshold),
                    ]
                    for step in each.drawn
                ],
            }
            for each in self.priced.measures
        ]
        whole = {
            "plan": self.plan_digest,
            "measures": measures,
            "snapshots": {name: snapshot.id for name, snapshot in self.snapshots.items()},
            "notion": self.licence.notion,
            "delta": str(self.licence.budget.delta),
        }
        if self.accuracy is not None:
            whole["accuracy"] = self.accuracy
        return hashlib.sha256(canonical_json(whole)).hexdigest()

    @property
    def accuracy(self) -> dict[str, object] | None:
        """The accuracy that was asked, with what its price assumes; None where a spend was."""
        asked = self.request.spend
        if isinstance(asked, Spend):
            return None
        return {
            "half_width": _number(asked.half_width),
            "relative": _number(asked.relative),
            "confidence": _number(asked.confidence),
            "column": asked.column,
            "expected_value": _number(asked.expected_value),
            "expected_size": self.request.expected_size or min(filter(None, self.sizes.values()), default=None),
        }

    @property
    def epsilon(self) -> str | None:
        """The ε that the loss amounts to at the licence's δ, as a decimal; None where it amounts to none."""
        return _epsilon(self.priced.loss, self.licence)


def prepare(
    request: QueryRequest,
    licence: Licence,
    frontend: Frontend,
    snapshots: Mapping[str, Snapshot],
    domains: Mapping[str, UnitDomain],
    limits: Limits,
) -> Prepared:
    """The request lowered, checked, bounded and priced; whether it is allowed is asked of the rules with what it reads.

    `snapshots` are the current ones of the data sets that may be named. Refuses: sql.*, plan.*, spend.*; a rewrite that
    goes with it would itself be prepared.
    """

    known = _Known(licence, frontend, snapshots, domains, limits)
    if not request.further:
        return known.alone(request)
    alone = []
    for number, sql in enumerate(request.queries):
        try:
            alone.append(known.alone(replace(request, sql=sql, further=(), weights=())))
        except Refusal as refusal:
            refusal.query = number
            raise
    return known.together(request, alone)


@dataclass(frozen=True, slots=True)
class _Known:
    """What preparing knows beside the request."""

    licence: Licence
    frontend: Frontend
    snapshots: Mapping[str, Snapshot]
    domains: Mapping[str, UnitDomain]
    limits: Limits

    @property
    def cards(self) -> Mapping[str, DatasetCard]:
        return {name: snapshot.card for name, snapshot in self.snapshots.items()}

    def check(self, plan: Plan, request: QueryRequest) -> CheckedPlan:
        """The plan, judged."""
        facts = {(name, table): known for name, each in self.snapshots.items() for table, known in each.facts.items()}
        return check(plan, self.cards, facts, self.domains, self.limits, open_ranges=request.open_ranges)

    def alone(self, request: QueryRequest) -> Prepared:
        """One query, with what a refusal of it teaches."""

        def ask(sql: str, passed_over: Sequence[str]) -> Prepared:
            return self._lowered(replace(request, sql=sql), passed_over)

        try:
            return ask(request.sql, ())
        except Refusal as refusal:
            raise taught(request.sql, refusal, ask) from None

    def _lowered(self, request: QueryRequest, passed_over: Sequence[str]) -> Prepared:
        cards = tuple(self.cards.values())
        lowered = self.frontend.lower(request.sql, request.dataset, cards, passed_over)
        try:
            return self._priced(request, self.check(lowered.plan, request), ())
        except Refusal as refusal:
            raise self.frontend.explain(request.sql, request.dataset, cards, refusal, passed_over) from None

    def together(self, request: QueryRequest, alone: Sequence[Prepared]) -> Prepared:
        """Queries planned together: what they measure alike is measured once, and one spend is split over all of it."""
        first, *others = (self.check(plan, request) for plan in joint([each.checked.plan for each in alone]))
        return self._priced(request, first, tuple(replace(each, measures=first.measures) for each in others))

    def _priced(self, request: QueryRequest, checked: CheckedPlan, further: tuple[CheckedPlan, ...]) -> Prepared:
        plans = (checked, *further)
        measures = tuple(
            bounded(measure, request, self.licence, self.cards, self.domains) for measure in checked.measures
        )
        sizes = {each.measure.name: request.expected_size or _expected(each, self.cards) for each in checked.measures}
        spend, priced = _priced(request, self.licence, plans, measures, sizes)
        used = {scan.dataset for each in plans for scan in plan_scans(each.plan)}
        people = {measure.source.domain for measure in checked.measures}
        return Prepared(
            request,
            self.licence,
            checked,
            spend,
            priced,
            sizes,
            {name: self.snapshots[name] for name in sorted(used)},
            {name: self.domains[name] for name in sorted(people)},
            further,
        )


def plan_scans(plan: Plan) -> tuple[Scan, ...]:
    """Every scan of the plan's measures and of its public part."""
    return tuple(scan for measure in plan.measures for scan in scans(measure.source)) + scans(plan.answer)


def measures_read(plan: Plan) -> frozenset[str]:
    """The measures that the public part reads, and those that they read themselves."""
    sources = {measure.name: measure.source for measure in plan.measures}
    read, left = set[str](), list(releases(plan.answer))
    while left:
        name = left.pop()
        if name not in read:
            read.add(name)
            left += releases(sources[name])
    return frozenset(read)


def _priced(
    request: QueryRequest,
    licence: Licence,
    plans: Sequence[CheckedPlan],
    measures: Sequence[BoundedMeasure],
    sizes: Mapping[str, int | None],
) -> tuple[Spend, Priced]:
    """The spend asked, or the least that gives the accuracy asked, and its price.

    Refuses: `spend.*`, of them `spend.above_most` with what the accuracy would cost.
    """

    weights = weighed(plans, request.weights)

    def priced_at(spend: Spend) -> Priced:
        return price(measures, spend, licence.notion, licence.budget.delta, weights)

    if isinstance(request.spend, Spend):
        return request.spend, priced_at(request.spend)
    asked = request.spend
    spend = least_spend(goals(asked, plans, measures, sizes), asked.confidence, licence.notion, priced_at)
    priced = priced_at(spend)
    if asked.at_most is not None and _units(spend, measures, licence) > _units(asked.at_most, measures, licence):
        raise Refusal("spend.above_most", {"cost": _cost(priced.loss, licence)})
    return spend, priced


def _units(spend: Spend, measures: Sequence[BoundedMeasure], licence: Licence) -> int:
    return units(spend, measures, licence.notion, licence.budget.delta)


def _cost(loss: Loss, licence: Licence) -> str:
    """A loss in words that a request can spend."""
    epsilon = _epsilon(loss, licence)
    shown = [] if licence.notion is Notion.PURE else [f"ρ = {decimal(loss.rho * RHO_UNIT)}"]
    return ", ".join([*shown, *([] if epsilon is None else [f"ε = {epsilon}"])])


def _epsilon(loss: Loss, licence: Licence) -> str | None:
    if loss.epsilon is not None:
        return decimal(loss.epsilon * EPSILON_UNIT)
    left = licence.budget.delta - loss.delta * DELTA_UNIT
    return decimal(epsilon_of(loss.rho * RHO_UNIT, left)) if left > 0 else None


def _number(value: Fraction | None) -> str | None:
    """A number of the request as a decimal, exactly."""
    return None if value is None else f"{_EXACT.divide(Decimal(value.numerator), Decimal(value.denominator)):f}"


def bounded(
    measure: CheckedMeasure,
    request: QueryRequest,
    licence: Licence,
    cards: Mapping[str, DatasetCard],
    domains: Mapping[str, UnitDomain],
) -> BoundedMeasure:
    """The measure bounded as request, licence and cards say."""
    units = domains[measure.source.domain].max_units
    norm, minimum = norm_of(licence.notion), _minimum(measure, licence, cards)
    return bound_by(measure, request.bounds, _declared(measure, cards), units, norm, minimum)


def _minimum(measure: CheckedMeasure, licence: Licence, cards: Mapping[str, DatasetCard]) -> int:
    """The minimum frequency of a measure's groups: the largest that licence and cards demand (rule 24); 1: none."""
    demanded = [cards[scan.dataset].minimum_frequency for scan in scans(measure.measure.source)]
    return max(each or 1 for each in (licence.minimum_frequency, *demanded))


def _expected(measure: CheckedMeasure, cards: Mapping[str, DatasetCard]) -> int | None:
    """The rows that the cards say a group may be assumed to have: the fewest of the tables that the measure scans."""
    tables = [cards[scan.dataset].table(scan.table) for scan in scans(measure.measure.source)]
    return min((table.expected_size for table in tables if table is not None and table.expected_size), default=None)


def _declared(measure: CheckedMeasure, cards: Mapping[str, DatasetCard]) -> Bounds | None:
    """The cards' default bounds for a measure: the tightest of the tables it scans; None where none is declared."""
    tables = [cards[scan.dataset].table(scan.table) for scan in scans(measure.measure.source)]
    found = [table.bounds for table in tables if table is not None and table.bounds is not None]
    if not found:
        return None
    return Bounds(min(each.groups for each in found), min(each.rows for each in found))
