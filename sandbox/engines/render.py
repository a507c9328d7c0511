"""From checked plans to jobs: SQL text that the sandbox wrote, its parameters, and the shape that must come back.

No text of an analyst is parsed or written here: identifiers are generated, literals are bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from policies.cards import DatasetCard
from sandbox.engines.buckets import RELEASED
from sandbox.engines.expressions import column
from sandbox.engines.measures import MeasureSelect
from sandbox.engines.operands import Parameters, number
from sandbox.engines.selects import Selects
from sandbox.engines.sources import EMPTY, derived, named, put_in_order, select_from
from sandbox.plan.checked import CheckedPlan, Given
from sandbox.plan.levels import released_rows
from sandbox.plan.limits import ANSWER_ROWS
from sandbox.plan.nodes import Expression, Type
from sandbox.plan.origins import Exact, Made, Members, Rows, reached
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.keys import Key
from sandbox.privacy.notices import NoticeKind
from sandbox.privacy.quantiles import Buckets
from sandbox.workers.job import Job, Table

PRIVATE_ROWS = 4 * ANSWER_ROWS
"""Of the private group keys of a measure. The declared units make no more than `ANSWER_ROWS`; more units than declared
make a failure only when they are four times as many, for a failure would tell of them."""


@dataclass(frozen=True, slots=True)
class AnswerJob:
    """The job of a plan's public part and of what its rows are made."""

    job: Job
    noisy: frozenset[str]
    """Columns that noise takes part in."""
    made: Made
    """Hidden columns come back after the answer's own."""


def render_measure(
    bounded: BoundedMeasure,
    cards: Mapping[str, DatasetCard],
    datasets: tuple[str, ...],
    deadline: float,
    tables: tuple[Table, ...] = (),
) -> Job:
    """The job that computes a measure's exact totals: group key parts, with several levels the level's number, then its
    statistics in order.

    `datasets` are the data sets of the plan in the order of the worker's catalogs, `tables` what it is given.
    """
    parameters = Parameters()
    tree = MeasureSelect(bounded, cards, datasets, parameters).select()
    sql, values = parameters.statement(tree)
    level = () if bounded.checked.measure.levels is None else (Type.INTEGER,)
    keys = (*(key.values.type for key in bounded.checked.keys), *level)
    return Job(
        sql=sql,
        parameters=values,
        tables=tables,
        columns=(*keys, *(Type.INTEGER for _ in bounded.statistics)),
        max_rows=released_rows(bounded.checked.levels, PRIVATE_ROWS),
        deadline=deadline,
    )


def render_weights(
    bounded: BoundedMeasure,
    heaviest: Sequence[int],
    cards: Mapping[str, DatasetCard],
    datasets: tuple[str, ...],
    deadline: float,
    tables: tuple[Table, ...] = (),
) -> Job:
    """The job that says how long units' vectors are: the weight of the units per undecided clip, by its place among
    them, and bucket of its candidates.
    """
    parameters = Parameters()
    tree = MeasureSelect(bounded, cards, datasets, parameters).weights(heaviest)
    sql, values = parameters.statement(tree)
    rows = sum(len(clip.candidates) for clip in bounded.undecided)
    return Job(sql, values, tables, (Type.INTEGER, Type.INTEGER, Type.INTEGER), rows, deadline)


def render_notice(
    bounded: BoundedMeasure,
    kind: NoticeKind,
    cards: Mapping[str, DatasetCard],
    datasets: tuple[str, ...],
    deadline: float,
    tables: tuple[Table, ...] = (),
) -> Job:
    """The job that counts what a notice tells of: one row of one number."""
    parameters = Parameters()
    select = MeasureSelect(bounded, cards, datasets, parameters)
    match kind:
        case NoticeKind.BINDING:
            tree = select.binding()
        case NoticeKind.GROUPS:
            tree = select.groups()
    sql, values = parameters.statement(tree)
    return Job(sql, values, tables, (Type.INTEGER,), 1, deadline)


def render_buckets(
    bounded: BoundedMeasure,
    buckets: Buckets,
    released: Sequence[Key],
    cards: Mapping[str, DatasetCard],
    datasets: tuple[str, ...],
    deadline: float,
    tables: tuple[Table, ...] = (),
) -> Job:
    """The job that counts buckets: group key parts, bucket, steps; of private group keys the released ones alone (rule
    23), which are a table of the job. No more rows than the grid allows (rule 2).
    """
    parameters, keys = Parameters(), bounded.checked.keys
    listed = Table(RELEASED, tuple((key.name, key.values.type) for key in keys), tuple(released))
    if bounded.checked.key_set.cells is None:
        tables = (*tables, listed)
    sql, values = parameters.statement(MeasureSelect(bounded, cards, datasets, parameters).buckets(buckets))
    types = (*(key.values.type for key in keys), Type.INTEGER, Type.INTEGER)
    return Job(sql, values, tables, types, len(released) * buckets.size, deadline)


def render_given(
    given: Given,
    cards: Mapping[str, DatasetCard],
    datasets: tuple[str, ...],
    released: Mapping[str, Table],
    deadline: float,
) -> Job:
    """The job of the public side that computes what a measure is given: the relation's columns, its first rows."""
    parameters = Parameters()
    selects = Selects(cards, datasets, parameters, released, given.folded)
    source = selects.relation(given.relation)
    alias = parameters.fresh("r")
    outputs = [named(column(alias, name), name) for name in given.known.columns]
    select = select_from(outputs, derived(source.select, alias))
    put_in_order(select, selects.order(source, alias))
    select.set("limit", exp.Limit(expression=number(given.known.rows)))
    sql, values = parameters.statement(select)
    tables = tuple(released[name] for name in sorted(selects.read))
    return Job(sql, values, tables, tuple(kind for _, kind in given_columns(given)), given.known.rows, deadline)


def given_columns(given: Given) -> tuple[tuple[str, Type], ...]:
    """The columns of a given's table: a constant where the relation has none."""
    found = tuple((name, values.type) for name, values in given.known.columns.items())
    return found or ((EMPTY, Type.BOOLEAN),)


def render_answer(
    checked: CheckedPlan,
    cards: Mapping[str, DatasetCard],
    datasets: tuple[str, ...],
    released: Mapping[str, Table],
    deadline: float,
) -> AnswerJob:
    """The job of the public part: the answer's columns in the order of the labels, then the numbers of released rows.

    `released` holds, per measure, a table of its group keys, its aggregates, and the row's `NUMBER`.
    """
    parameters = Parameters()
    selects = Selects(cards, datasets, parameters, released, checked.folded, noisy=aggregates(checked))
    source = selects.relation(checked.plan.answer)
    alias = parameters.fresh("r")
    names = tuple(checked.answer)
    outputs, types = [named(column(alias, name), name) for name in names], list(checked.answer.values())
    origins = {name: source.trace.origins[name] for name in names if name in source.trace.origins}
    made = hidden_columns(Made(origins, selects.markers, {}), origins.values(), alias, outputs, types)
    select = select_from(outputs, derived(source.select, alias))
    put_in_order(select, selects.order(source, alias))
    sql, values = parameters.statement(select)
    tables = tuple(released[name] for name in sorted(selects.read))
    job = Job(sql, values, tables, tuple(types), ANSWER_ROWS, deadline)
    return AnswerJob(job, source.trace.noisy & set(names), made)


def aggregates(checked: CheckedPlan) -> Mapping[str, frozenset[str]]:
    """Per measure, the released columns that have noise."""
    return {each.name: frozenset(one.name for one in each.aggregates) for each in checked.plan.measures}


def hidden_columns(
    made: Made, needed: Iterable[Expression | None], alias: str, outputs: list[exp.Expr], types: list[Type]
) -> Made:
    """The same, with the markers that are needed among what is selected."""
    places = dict(made.places)
    for marker in sorted(reached(made.markers, *needed)):
        match made.markers[marker]:
            case Rows():
                type_ = Type.INTEGER
            case Exact(type_):
                pass
            case Members():
                continue
        places[marker] = len(outputs)
        outputs.append(named(column(alias, marker), marker))
        types.append(type_)
    return replace(made, places=places)
