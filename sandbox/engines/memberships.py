"""The jobs that tell of which rows those of a group, a frame or a set of distinct rows are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from policies.cards import DatasetCard
from sandbox.engines.expressions import column
from sandbox.engines.groups import Grouping, plain
from sandbox.engines.operands import Parameters, number
from sandbox.engines.render import aggregates, hidden_columns
from sandbox.engines.selects import Selects
from sandbox.engines.sources import derived, named, select_from
from sandbox.engines.traces import numbered
from sandbox.plan.checked import CheckedPlan
from sandbox.plan.lineage import orders
from sandbox.plan.nodes import Distinct, Group, Type, Window
from sandbox.plan.origins import RANKS, Made, Membership, Node, made_of
from sandbox.workers.job import Job, Table


@dataclass(frozen=True, slots=True)
class MembersJob:
    """The job that reads the rows below a node, one more than `most` where there are more."""

    job: Job
    membership: Membership


def render_members(
    node: Node,
    wanted: Sequence[str],
    checked: CheckedPlan,
    cards: Mapping[str, DatasetCard],
    datasets: tuple[str, ...],
    released: Mapping[str, Table],
    most: int,
    deadline: float,
) -> MembersJob:
    """The job for the columns of the node that are wanted."""
    parameters = Parameters()
    selects = Selects(cards, datasets, parameters, released, checked.folded, noisy=aggregates(checked))
    source = selects.relation(node.source, total=isinstance(node, Window) and orders(node))
    grouping = Grouping(selects.scope, source, selects.folded, parameters, selects.markers)
    inner, alias = grouping.inner, parameters.fresh("r")
    carried = selects.carried(source.trace, grouping.known)
    numbers = {name: _numbers(node, name, grouping) for name in wanted}
    read = {name: made_of(node, name) for name in wanted}
    origins = {name: carried.origin(one) for name, (one, _) in read.items() if one is not None}
    conditions = {name: carried.origin(one) for name, (_, one) in read.items() if one is not None}
    names = {name: tuple(parameters.fresh("x") for _ in found) for name, found in numbers.items()}
    written = [named(sql, at) for name, found in numbers.items() for at, sql in zip(names[name], found, strict=True)]
    hidden = [named(column(inner, name), name) for name in source.hidden if name in selects.markers]
    rows = select_from([*written, *hidden, *carried.outputs], derived(source.select, inner))
    outputs = [named(column(alias, at), at) for found in names.values() for at in found]
    types = [Type.INTEGER for _ in outputs]
    places = {one.alias: place for place, one in enumerate(outputs)}
    known = {name: one for name, one in origins.items() if one is not None}
    made = Made(known, selects.markers, {})
    needed = [*known.values(), *conditions.values(), *source.trace.chosen]
    made = hidden_columns(made, needed, alias, outputs, types)
    select = select_from(outputs, derived(rows, alias))
    select.set("limit", exp.Limit(expression=number(most + 1)))
    sql, values = parameters.statement(select)
    tables = tuple(released[name] for name in sorted(selects.read))
    told = {name: tuple(places[at] for at in found) for name, found in names.items()}
    argued = frozenset(name for name, (one, _) in read.items() if one is not None)
    membership = Membership(made, conditions, source.trace.chosen, argued, told)
    return MembersJob(Job(sql, values, tables, tuple(types), most + 1, deadline), membership)


def _numbers(node: Node, name: str, grouping: Grouping) -> tuple[exp.Expr, ...]:
    """The number of a row's group or partition and, but for a rank, its place in it: as in the answer."""
    match node:
        case Distinct():
            columns = grouping.source.columns.items()
            return (numbered([plain(column(grouping.inner, one), values.type) for one, values in columns]),)
        case Group():
            return (numbered([grouping.plain(key.expression) for key in node.keys]),)
        case Window():
            one = next(one for one in node.functions if one.name == name)
            part, position = grouping.numbers(one)
            return (part,) if one.function in RANKS else (part, position)
