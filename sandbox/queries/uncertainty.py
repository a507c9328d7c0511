"""The 95 % intervals of an answer's cells, and why a column has none (rule 29).

Of which rows those of a group or a frame are made is asked of the public side, as the answer was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sandbox.engines.memberships import render_members
from sandbox.engines.render import AnswerJob
from sandbox.plan.nodes import Expression, Ref
from sandbox.plan.origins import Made, Membership, Node, Rows, place, wanted
from sandbox.privacy.cells import Cells, Row, TooManyError
from sandbox.privacy.forms import NUMERIC, Form, Noisy
from sandbox.privacy.intervals import Interval
from sandbox.queries.preparation import Prepared
from sandbox.workers.job import Job, Table
from sandbox.workers.job import Rows as Found
from sandbox.workers.pool import WorkerFailure

PROPAGATED = 200_000
"""Parts of an answer's cells that are looked at for intervals, and rows below one of its nodes; where there are more,
only what came with an interval has one."""

Work = Callable[[Job], Found]
"""Runs one job where it belongs."""


class Why(StrEnum):
    """Why a column that noise takes part in has no intervals."""

    TYPE = "type"
    """It is no number."""
    KIND = "kind"
    """None is known for what it is computed by, or noise has decided what it is computed of."""
    NOISE = "noise"
    """In no row does the noise leave one."""
    SIZE = "size"
    """There is too much to compute, or it could not be computed."""


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """What is known of the noise in an answer."""

    intervals: tuple[tuple[Interval | None, ...], ...]
    """Per row, one per column; None also where a cell is NULL or its noise too large."""
    measured: frozenset[str]
    """Numbers that noise takes part in."""
    without: Mapping[str, Why]
    """Columns that noise takes part in and that have no intervals."""


def uncertainty(
    prepared: Prepared,
    answer: AnswerJob,
    rows: Found,
    noise: Mapping[str, Noisy],
    released: Mapping[str, Table],
    answering: Work,
    deadline: float,
) -> Uncertainty:
    """Of an answer that was made of these releases; `noise` and `released` by measure.

    An answer is worth more than its intervals: where they take too much, or their jobs fail, it leaves without them.
    """
    types = prepared.checked.answer
    measured = frozenset(name for name in answer.noisy if types[name] in NUMERIC)
    without = dict.fromkeys(answer.noisy - measured, Why.TYPE)
    without |= {name: Why.KIND for name in measured if name not in answer.made.origins}
    origins = {name: one for name, one in answer.made.origins.items() if name in measured}
    alone = {name: one for name, origin in origins.items() if (one := _alone(origin, answer.made)) is not None}
    computed = {name: origin for name, origin in origins.items() if name not in alone}
    found: list[dict[str, Interval | None]]
    try:
        members = _members(prepared, answer.made, computed.values(), released, answering, deadline)
        cells = Cells(noise, members, PROPAGATED)
        forms = [{name: _form(cells, one, answer.made, row) for name, one in computed.items()} for row in rows.rows]
        found = [{name: _interval(cells, form) for name, form in row.items()} for row in forms]
        kinds = {name: all(row[name] is None for row in forms) for name in computed}
    except (TooManyError, WorkerFailure):
        found = [{} for _ in rows.rows]
        kinds = {}
        without |= dict.fromkeys(computed, Why.SIZE)
    for intervals, row in zip(found, rows.rows, strict=True):
        for name, (measure, at, column) in alone.items():
            intervals[name] = noise[measure].interval(row[at], column)
    shown = tuple(
        tuple(None if value is None else intervals.get(name) for name, value in zip(types, row, strict=False))
        for intervals, row in zip(found, rows.rows, strict=True)
    )
    silent = {name for at, name in enumerate(types) if name in origins and all(row[at] is None for row in shown)}
    without = {name: Why.KIND if kinds.get(name) else Why.NOISE for name in silent if rows.rows} | without
    return Uncertainty(shown, measured, without)


def _form(cells: Cells, origin: Expression, made: Made, row: Row) -> Form | None:
    """Of what a cell is made; None also where a number on the way is none that the machine has."""
    try:
        return cells.form(origin, made, row)
    except ArithmeticError:
        return None


def _interval(cells: Cells, form: Form | None) -> Interval | None:
    try:
        return None if form is None else cells.propagation.interval(form)
    except ArithmeticError:
        return None


def _alone(origin: Expression, made: Made) -> tuple[str, int, str] | None:
    """Of a column that is a released one as it is: the measure, where the number of the row stands, and which."""
    if not isinstance(origin, Ref):
        return None
    name, column = place(origin)
    match made.markers[name]:
        case Rows(measure):
            return measure, made.places[name], column
    return None


def _members(
    prepared: Prepared,
    made: Made,
    origins: Iterable[Expression],
    released: Mapping[str, Table],
    answering: Work,
    deadline: float,
) -> Mapping[Node, tuple[Membership, Sequence[Row]]]:
    """The rows below every node that the origins need, from the top down."""
    found = dict[Node, tuple[Membership, Sequence[Row]]]()
    asked, left = dict[Node, frozenset[str]](), wanted(made.markers, *origins)
    while left:
        node, names = left.popitem()
        asked[node] = names | asked.get(node, frozenset())
        job = render_members(
            node,
            sorted(asked[node]),
            prepared.checked,
            prepared.cards,
            tuple(prepared.snapshots),
            released,
            PROPAGATED,
            deadline,
        )
        rows, below = answering(job.job).rows, job.membership
        if len(rows) <= PROPAGATED:
            found[node] = below, rows
        needed = [*below.made.origins.values(), *below.conditions.values(), *below.chosen]
        for each, more in wanted(below.made.markers, *needed).items():
            if not more <= asked.get(each, frozenset()):
                left[each] = more | left.get(each, frozenset())
    return found
