"""Steps 8 and 9 of a request, after the charge: a job per measure, noise, then the plan's public part.

An exact answer exists here only between a worker's rows and the noise; what comes out is a release.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from policies.canonical import canonical_json
from sandbox.datasets.dummies import Dummies
from sandbox.datasets.snapshot import Snapshots
from sandbox.engines.render import (
    given_columns,
    render_answer,
    render_buckets,
    render_given,
    render_measure,
    render_notice,
    render_weights,
)
from sandbox.engines.sources import NUMBER
from sandbox.errors import Fault
from sandbox.plan.givens import held
from sandbox.plan.nodes import Type
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.brackets import around
from sandbox.privacy.calibrate import PricedMeasure
from sandbox.privacy.forms import Noisy
from sandbox.privacy.intervals import ReleasedMeasure, release
from sandbox.privacy.kept import Kept, keep
from sandbox.privacy.keys import Key, Totals, align
from sandbox.privacy.loss import total
from sandbox.privacy.mechanisms import Invocation, measure, noisy_number, select, select_each
from sandbox.privacy.quantiles import NONE, Buckets, Quantile, counts, fitted, measured_keys, offset
from sandbox.privacy.quantiles import scores as ranks
from sandbox.privacy.selection import of_clip, scores, target
from sandbox.queries.preparation import Prepared
from sandbox.queries.releases import Decided, release_json
from sandbox.queries.reuse import Reuse
from sandbox.queries.uncertainty import uncertainty
from sandbox.workers.job import Job, Parts, Rows, Side, Table

Run = Callable[[Parts, Side, Job], Rows]
"""Runs one job in a worker that holds these files."""
Work = Callable[[Job], Rows]
"""Runs one job where it belongs."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What running a prepared request gave."""

    releases: tuple[bytes, ...]
    """Canonical; one for each query."""
    invocations: tuple[Invocation, ...]
    """Every mechanism that ran, with the loss it stated."""
    kept: tuple[tuple[int, Kept], ...]
    """The measured relations that later requests may be computed from, each with the first query that reads it."""

    @property
    def release(self) -> bytes:
        """That of the only query."""
        (found,) = self.releases
        return found


def execute(prepared: Prepared, snapshots: Snapshots, run: Run, deadline: float) -> Execution:
    """The release of a charged request: each measure's relation is read once and noised once, in the plan's order.

    Of a query without measures no private part is opened: its public part is all there is.

    Nothing but what was released before reaches a later measure: a worker of the public side makes of it what the
    measure is given, and it is held to what `check` says of it (rule 26).

    Raises WorkerFailure, and Fault for a dry run, or when a mechanism states another loss than was charged.
    """
    if prepared.request.dry_run:
        raise Fault("a dry run reads no records")
    used = tuple(prepared.snapshots.values())
    private = tuple(snapshots.part(snapshot.id, Side.PRIVATE) for snapshot in used if prepared.priced.measures)
    public = tuple(snapshots.part(snapshot.id, Side.PUBLIC) for snapshot in used)
    return _executed(
        prepared,
        lambda job: run(private, Side.PRIVATE, job),
        lambda job: run(public, Side.PUBLIC, job),
        deadline,
        dummy=False,
    )


def rehearse(prepared: Prepared, dummies: Dummies, run: Run, deadline: float) -> Execution:
    """The release of a dry run: the same path over dummies, noise included, marked as dummy.

    Raises WorkerFailure, and Fault for anything but a dry run.
    """
    if not prepared.request.dry_run:
        raise Fault("a query is answered from records")
    used = tuple(prepared.snapshots.values())
    dummy = tuple(dummies.part(snapshot) for snapshot in used if prepared.priced.measures)
    public = tuple(dummies.public(snapshot) for snapshot in used)
    return _executed(
        prepared,
        lambda job: run(dummy, Side.DUMMY, job),
        lambda job: run(public, Side.PUBLIC, job),
        deadline,
        dummy=True,
    )


def derived(prepared: Prepared, reuse: Reuse, snapshots: Snapshots, run: Run, deadline: float) -> tuple[bytes, ...]:
    """The releases of a request that is computed from earlier ones: no private part is opened, no noise drawn.

    Raises WorkerFailure.
    """
    public = tuple(snapshots.part(snapshot.id, Side.PUBLIC) for snapshot in prepared.snapshots.values())

    def answering(job: Job) -> Rows:
        return run(public, Side.PUBLIC, job)

    decided, released, noise = list[Decided](), dict[str, Table](), dict[str, Noisy]()
    for taken in reuse.measures:
        ran = taken.derived.priced
        freed = taken.derived.released()
        released[freed.measure], noise[freed.measure] = _table(freed), Noisy(ran, freed, taken.families)
        told = zip(ran.notices, (each.number for each in taken.source.kept.notices), strict=True)
        decided.append(Decided((), ran, tuple(told), len(freed.rows), taken))
    return _answered(prepared, decided, released, noise, answering, deadline, dummy=False)


def _executed(prepared: Prepared, measuring: Work, answering: Work, deadline: float, *, dummy: bool) -> Execution:
    names = tuple(prepared.snapshots)
    invocations: list[Invocation] = []
    decided: list[Decided] = []
    keeps: list[tuple[int, Kept]] = []
    released: dict[str, Table] = {}
    noise: dict[str, Noisy] = {}
    for priced in prepared.priced.measures:
        tables = []
        for given in priced.bounded.checked.givens:
            found = answering(render_given(given, prepared.cards, names, released, deadline))
            tables.append(Table(given.name, given_columns(given), held(given, found.rows)))
        ran = priced
        if priced.selections:
            heaviest = [step.sensitivity for step in priced.selections]
            job = render_weights(priced.bounded, heaviest, prepared.cards, names, deadline, tuple(tables))
            ran = priced.decided(_chosen(priced, measuring(job), invocations))
        exact = Totals(ran.bounded.checked.key_set.cells or (), {})
        if ran.bounded.statistics:
            job = render_measure(ran.bounded, prepared.cards, names, deadline, tuple(tables))
            exact = align(ran.bounded, measuring(job).rows)
        noisy = measure(ran.measurements, exact, invocations)
        told = []
        for notice in ran.notices:
            job = render_notice(ran.bounded, notice.kind, prepared.cards, names, deadline, tuple(tables))
            told.append((notice, noisy_number(notice.step, measuring(job).rows, invocations)))
        if ran.bounded.quantiles:
            job_of = partial(
                render_buckets, cards=prepared.cards, datasets=names, deadline=deadline, tables=tuple(tables)
            )
            ran, noisy = _ranked(ran, noisy, job_of, measuring, invocations)
        freed = release(ran, noisy)
        released[freed.measure] = _table(freed)
        noise[freed.measure] = Noisy(ran, freed)
        shown = sum(at in ran.bounded.private for at in freed.levels)
        decided.append(Decided(priced.selections, ran, tuple(told), shown))
        subject = prepared.subject(priced.bounded.checked.measure)
        kept = None if subject is None else keep(subject, priced, ran, freed, told)
        keeps += [] if kept is None else [(_first(prepared, freed.measure), kept)]
    if prepared.priced.measures and total(each.loss for each in invocations) != prepared.priced.loss:
        raise Fault("the mechanisms lost something else than was charged")
    bodies = _answered(prepared, decided, released, noise, answering, deadline, dummy=dummy)
    return Execution(bodies, tuple(invocations), tuple(keeps))


def _first(prepared: Prepared, measure: str) -> int:
    """The first query that reads the measure."""
    reading = (number for number, each in enumerate(prepared.queries) if measure in each.measures)
    return next(reading, 0)


def _answered(
    prepared: Prepared,
    decided: Sequence[Decided],
    released: Mapping[str, Table],
    noise: Mapping[str, Noisy],
    answering: Work,
    deadline: float,
    *,
    dummy: bool,
) -> tuple[bytes, ...]:
    """The public part of each query over what was released, as it leaves."""
    bodies = []
    for query in prepared.queries:
        answer = render_answer(query.checked, query.cards, tuple(query.snapshots), released, deadline)
        rows = answering(answer.job)
        known = uncertainty(query, answer, rows, noise, released, answering, deadline)
        own = [each for each in decided if each.priced.bounded.checked.measure.name in query.measures]
        bodies.append(canonical_json(release_json(query, own, known, rows, dummy=dummy)))
    return tuple(bodies)


def _chosen(priced: PricedMeasure, weights: Rows, invocations: list[Invocation]) -> list[int]:
    """The candidate of each undecided clip, chosen privately by the weights of the units that it would cut."""
    chosen = list[int]()
    for place, (clip, step) in enumerate(zip(priced.bounded.undecided, priced.selections, strict=True)):
        goal = target(priced.bounded, clip, priced.steps[next(iter(clip.fine))].scale, step.scale)
        chosen.append(select(step, scores(clip, goal, of_clip(place, weights.rows)), invocations))
    return chosen


def _ranked(
    ran: PricedMeasure,
    noisy: Totals,
    job_of: Callable[[BoundedMeasure, Buckets, Sequence[Key]], Job],
    measuring: Work,
    invocations: list[Invocation],
) -> tuple[PricedMeasure, Totals]:
    """With a bucket per quantile and group that is looked at, on the grid that as many groups leave room for."""
    existence = ran.bounded.existence
    places = measured_keys(None if existence is None else noisy.columns[existence], len(noisy.keys))
    keys = [noisy.keys[place] for place in places]
    fits = {each.name: fitted(each, len(keys)) for each in ran.bounded.buckets}
    counted = {name: counts(each, keys, measuring(job_of(ran.bounded, each, keys)).rows) for name, each in fits.items()}
    columns, quantiles = dict(noisy.columns), list[Quantile]()

    def spread(name: str, found: Sequence[int]) -> None:
        known = dict(zip(places, found, strict=True))
        columns[name] = tuple(known.get(place, NONE) for place in range(len(noisy.keys)))

    for quantile, step, bracket in zip(ran.bounded.quantiles, ran.quantiles, ran.brackets, strict=True):
        fit = replace(quantile, buckets=fits[quantile.buckets.name])
        groups, moved = counted[fit.buckets.name], offset(fit, step.scale)
        picked = select_each(step, [ranks(fit, each, moved) for each in groups], invocations)
        spread(fit.name, picked)
        if bracket is not None:
            spread(fit.bracket, select_each(bracket, around(fit, bracket, groups, picked), invocations))
        quantiles.append(fit)
    bounded = replace(ran.bounded, quantiles=tuple(quantiles))
    return replace(ran, bounded=bounded), Totals(noisy.keys, columns)


def _table(found: ReleasedMeasure) -> Table:
    """The released relation as the public part reads it, its rows numbered."""
    rows = tuple((*row, number) for number, row in enumerate(found.rows))
    return Table(found.measure, (*found.columns, (NUMBER, Type.INTEGER)), rows)
