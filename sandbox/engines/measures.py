"""A bounded measure as one SELECT of exact integer totals per group key (design §4, rules 14–19)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

from sqlglot import exp

from policies.cards import DatasetCard
from sandbox.engines.binding import CUT, binding
from sandbox.engines.buckets import BUCKET, COUNTED, among_released, bucketed
from sandbox.engines.choices import choice_sql
from sandbox.engines.clips import LARGEST, clipped, weights
from sandbox.engines.distinct import distinct_values, kept_values
from sandbox.engines.expressions import Rendered, column, render_expression
from sandbox.engines.inputs import Inputs, added, grid_steps, on_grid, over
from sandbox.engines.key_sets import consecutive, within
from sandbox.engines.levels import LEVEL, by_levels, by_sets, told
from sandbox.engines.operands import (
    Parameters,
    binary,
    call,
    cast,
    choose,
    every,
    is_null,
    limited,
    negated,
    number,
)
from sandbox.engines.selects import Selects
from sandbox.engines.sources import SEED, UNIT, derived, named, ordered, place, select_from, where
from sandbox.errors import Fault
from sandbox.plan.nodes import Expression, Type
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.quantiles import Buckets
from sandbox.privacy.statistics import Statistic, StatisticKind
from sandbox.privacy.structure import structural

GROUPS = "_groups"
PLACE = "_place"
SUMS = (StatisticKind.SUM, StatisticKind.SCALED_SUM)


@dataclass(slots=True)
class MeasureSelect:
    """Renders one measure: rows, then folded units where bounds must be enforced, then totals."""

    bounded: BoundedMeasure
    cards: Mapping[str, DatasetCard]
    datasets: tuple[str, ...]
    parameters: Parameters

    def select(self) -> exp.Select:
        """Group key parts, with several levels the level's number, then the statistics in order, each clipped and cast
        to 64 bits.
        """
        rows, inputs, alias = self._rows(self.bounded.statistics)
        totals = self._folded(rows, inputs, alias) if self.bounded.fold else self._direct(rows, inputs, alias)
        last = self.parameters.fresh("r")
        outputs = [named(column(last, name), name) for name in self._keys]
        outputs += [named(cast(column(last, LEVEL), "BIGINT"), LEVEL)] if self._several else []
        for statistic in self.bounded.statistics:
            clipped = limited(cast(column(last, statistic.name), "HUGEINT"), number(-LARGEST), number(LARGEST))
            outputs.append(named(cast(clipped, "BIGINT"), statistic.name))
        select = select_from(outputs, derived(totals, last))
        if self.bounded.existence is not None and self.bounded.minimum > 1:
            enough = binary(exp.GTE, column(last, self.bounded.existence), number(self.bounded.minimum))
            public = [level.number for level in self.bounded.checked.levels if level.key_set.cells is not None]
            told = exp.In(this=column(last, LEVEL), expressions=[number(each) for each in public])
            where(select, binary(exp.Or, told, enough) if public else enough)
        return select

    def weights(self, heaviest: Sequence[int]) -> exp.Select:
        """Per clip to be chosen and bucket of its candidates, the weight of the units whose norm falls into it."""
        return weights(self._parts(*self._rows(self.bounded.statistics)), self.bounded, heaviest, self.parameters)

    def buckets(self, buckets: Buckets) -> exp.Select:
        """Per group key and bucket, the steps that the rows count for; only where there are any."""
        rows, (read,), alias = self._rows((buckets.statistic,))
        if read.steps is None:
            raise Fault("buckets without an argument")
        inner, keys = self.parameters.fresh("r"), self._keys
        outputs = [named(column(alias, name), name) for name in (UNIT, SEED, *keys)]
        outputs.append(named(read.steps.copy(), BUCKET))
        counts = [negated(is_null(read.steps)), *(() if read.passes is None else [read.passes.copy()])]
        found = where(select_from(outputs, derived(rows, alias)), every(counts))
        outputs = [named(column(inner, UNIT), UNIT), named(exp.Min(this=column(inner, SEED)), SEED)]
        outputs += [named(column(inner, name), name) for name in (*keys, BUCKET)]
        outputs.append(named(exp.Count(this=exp.Star()), COUNTED))
        by = exp.Group(expressions=[column(inner, name) for name in (UNIT, *keys, BUCKET)])
        parts = self._grouped(outputs, found, inner, by)
        if self.bounded.existence is not None:
            parts = among_released(parts, self.bounded.checked.keys, self.parameters)
        return bucketed(parts, self.bounded.checked.keys, buckets, self.parameters)

    @property
    def _several(self) -> bool:
        """Whether there are several levels, or one that is told."""
        return self.bounded.checked.measure.levels is not None

    def binding(self) -> exp.Select:
        """How many units have a bound that binds (rule 28)."""
        ranked = tuple(each.statistic for each in self.bounded.buckets)
        rows = self._rows((*self.bounded.statistics, *ranked))
        return binding(self._fold(*rows, marked=True), self.bounded, self.parameters)

    def groups(self) -> exp.Select:
        """How many private group keys units have after bounding, of all levels, however few have each (rule 28)."""
        rows, inputs, alias = self._rows(self.bounded.statistics)
        kept = self._parts(rows, inputs, alias) if self.bounded.fold else rows
        inner, outer = self.parameters.fresh("r"), self.parameters.fresh("r")
        levels = [self.bounded.checked.levels[at] for at in self.bounded.private]
        places = sorted({place for level in levels for place in level.places})
        keys = select_from(
            [named(column(inner, self._keys[at]), self._keys[at]) for at in places], derived(kept, inner)
        )
        if self._several:
            keys.set("group", by_sets(self.bounded, inner, self.bounded.private))
        else:
            keys.set("distinct", exp.Distinct())
        return select_from([named(cast(exp.Count(this=exp.Star()), "BIGINT"), GROUPS)], derived(keys, outer))

    @property
    def _keys(self) -> tuple[str, ...]:
        return tuple(key.name for key in self.bounded.checked.keys)

    def _rows(self, statistics: Sequence[Statistic]) -> tuple[exp.Select, tuple[Inputs, ...], str]:
        """The measured rows: unit, seed, group key, and every distinct argument and filter once, under an alias."""
        givens = {given.relation: given for given in self.bounded.checked.givens}
        folded = self.bounded.checked.folded
        selects = Selects(self.cards, self.datasets, self.parameters, {}, folded, givens=givens)
        source = selects.relation(self.bounded.checked.measure.source)
        if not source.private:
            raise Fault("a measure over a public relation")
        inner, alias = self.parameters.fresh("r"), self.parameters.fresh("r")
        scope = selects.scope(source, inner)
        outputs = [named(column(inner, name), name) for name in (UNIT, SEED)]
        outputs += [
            named(render_expression(key.expression, scope, self.parameters).sql, key.name)
            for key in self.bounded.checked.measure.keys
        ]
        written = dict[tuple[Expression, Fraction | None], Rendered]()

        def write(expression: Expression, grid: Fraction | None) -> Rendered:
            if (expression, grid) not in written:
                name = self.parameters.fresh("x")
                found = render_expression(expression, scope, self.parameters)
                outputs.append(named(found.sql if grid is None else on_grid(found.sql, grid, self.parameters), name))
                written[expression, grid] = Rendered(column(alias, name), found.values)
            return written[expression, grid]

        def read(statistic: Statistic) -> Inputs:
            passes = None if statistic.filter is None else write(statistic.filter, None).sql
            if statistic.kind is StatisticKind.DISTINCT and statistic.argument is not None:
                return Inputs(write(statistic.argument, None), None, passes)
            factors = tuple(gridded(each.argument, each.granularity, None) for each in statistic.factors)
            if statistic.argument is None:
                return Inputs(None, None, passes, factors)
            return gridded(statistic.argument, statistic.granularity, passes)

        def gridded(argument: Expression, grid: Fraction, passes: exp.Expr | None) -> Inputs:
            value = write(argument, None)
            return Inputs(value, write(argument, grid).sql if value.values.type is Type.DOUBLE else None, passes)

        inputs = tuple(read(statistic) for statistic in statistics)
        rows = select_from(outputs, derived(source.select, inner))
        return *self._stepped(rows, [output.alias for output in outputs], statistics, inputs, alias), alias

    def _stepped(
        self,
        rows: exp.Select,
        names: Sequence[str],
        statistics: Sequence[Statistic],
        inputs: tuple[Inputs, ...],
        alias: str,
    ) -> tuple[exp.Select, tuple[Inputs, ...]]:
        """The rows with what each adds to a sum as a column: a row counts for the argument where it is not NULL, which
        costs the engine a fraction of asking the argument.
        """
        inner = self.parameters.fresh("r")
        outputs = [named(column(inner, name), name) for name in names]
        counted = dict[Expression, exp.Expr]()
        found = list[Inputs]()
        for statistic, read in zip(statistics, inputs, strict=True):
            if statistic.kind not in SUMS or statistic.argument is None or read.value is None:
                found.append(read)
                continue
            name = self.parameters.fresh("x")
            value = replace(read.value, sql=_of(read.value.sql, inner))
            whole = None if read.rounded is None else _of(read.rounded, inner)
            outputs.append(named(grid_steps(statistic, value, whole, self.parameters), name))
            counted.setdefault(statistic.argument, column(alias, name))
            found.append(replace(read, steps=column(alias, name)))
        if not counted:
            return rows, inputs
        settled = (
            replace(read, steps=counted[statistic.argument])
            if read.steps is None and statistic.argument in counted
            else read
            for statistic, read in zip(statistics, found, strict=True)
        )
        return select_from(outputs, derived(rows, inner)), tuple(settled)

    def _grouped(self, outputs: list[exp.Expr], rows: exp.Select, alias: str, by: exp.Group | None) -> exp.Select:
        """Grouped rows without those outside a public key set (rule 23).

        Whether a key is in a set is asked of groups, for that costs a fraction of asking it of rows; the count keeps
        the engine from doing so all the same. A range is asked of rows: it tells the engine which groups will come.
        Everything is, where groups are of several levels, for a key that a level does not have is NULL in it.
        """
        select = select_from(outputs, derived(rows, alias))
        checked = self.bounded.checked
        places = {place for one in checked.levels if one.key_set.cells is not None for place in one.places}
        public = [key for place, key in enumerate(checked.keys) if place in places]
        parts = [(within(column(alias, key.name), key.values, self.parameters), key.values) for key in public]
        by_sets = by is not None and any(isinstance(one, exp.GroupingSets) for one in by.expressions)
        if first := [inside for inside, values in parts if by_sets or consecutive(values)]:
            where(select, every(first))
        if by is not None:
            select.set("group", by)
        if sets := [inside for inside, values in parts if not by_sets and not consecutive(values)]:
            present = binary(exp.GT, exp.Count(this=exp.Star()), number(0))
            select.set("having", exp.Having(this=choose((present, every(sets)))))
        return select

    def _direct(self, rows: exp.Select, inputs: tuple[Inputs, ...], alias: str) -> exp.Select:
        """One aggregation: the structure guarantees the bounds. What decides which groups are released counts units
        all the same: should a structure ever not hold, no group passes a threshold by one unit's rows.
        """
        outputs = [*(named(column(alias, name), name) for name in self._keys), *told(self.bounded, alias)]
        for statistic, read in zip(self.bounded.statistics, inputs, strict=True):
            decides = statistic.name in (self.bounded.existence, self.bounded.frequency)
            distinct = self.bounded.bounds.rows > 1 or decides or self._several
            units = statistic.kind is StatisticKind.UNITS and distinct
            total = self._units(read, alias) if units else self._total(statistic, read)
            outputs.append(named(total, statistic.name))
        return self._grouped(outputs, rows, alias, by_levels(self.bounded, alias))

    def _units(self, read: Inputs, alias: str) -> exp.Expr:
        return over(exp.Count(this=exp.Distinct(expressions=[column(alias, UNIT)])), read.counted())

    def _total(self, statistic: Statistic, read: Inputs) -> exp.Expr:
        """Rows or values counted, or the sum of their grid steps."""
        if statistic.kind is StatisticKind.DISTINCT:
            return over(exp.Count(this=exp.Distinct(expressions=[read.valued()])), read.counted())
        if statistic.kind in (StatisticKind.UNITS, StatisticKind.ROWS):
            return read.count()
        total = over(exp.Sum(this=added(statistic, read, self.parameters)), read.passes)
        return exp.Coalesce(this=total, expressions=[number(0)])

    def _folded(self, rows: exp.Select, inputs: tuple[Inputs, ...], alias: str) -> exp.Select:
        """Per unit and group by all keys, each statistic cut to the bounds; at most g such groups of a unit; then the
        totals of every level (rule 25): parts add up, units and values are counted once.
        """
        parts = self._parts(rows, inputs, alias)
        if self.bounded.clips:
            kept = [each.name for each in self.bounded.statistics if self.bounded.clip(each.name) is None]
            unit = (UNIT,) if self._several else ()
            parts = clipped(parts, self.bounded, (*unit, *self._keys, *kept), self.parameters)
        last = self.parameters.fresh("r")
        outputs = [*(named(column(last, name), name) for name in self._keys), *told(self.bounded, last)]
        for statistic in self.bounded.statistics:
            part = column(last, statistic.name)
            match statistic.kind:
                case StatisticKind.DISTINCT:
                    total = distinct_values(part)
                case StatisticKind.UNITS if self._several and self.bounded.clip(statistic.name) is None:
                    units = exp.Count(this=exp.Distinct(expressions=[column(last, UNIT)]))
                    total = over(units, binary(exp.GT, part, number(0)))
                case _:
                    total = exp.Sum(this=part)
            outputs.append(named(exp.Coalesce(this=total, expressions=[number(0)]), statistic.name))
        select = select_from(outputs, derived(parts, last))
        by = by_levels(self.bounded, last)
        if by is not None:
            select.set("group", by)
        return select

    def _parts(self, rows: exp.Select, inputs: tuple[Inputs, ...], alias: str) -> exp.Select:
        """What each unit adds to each group key that counts."""
        parts = self._fold(rows, inputs, alias)
        if not self.bounded.clips or self.bounded.bounds.groups < structural(self.bounded.checked).groups:
            return self._chosen(parts)
        return parts

    def _fold(self, rows: exp.Select, inputs: tuple[Inputs, ...], alias: str, *, marked: bool = False) -> exp.Select:
        """What each unit adds to each group key, within the bound of r rows; `marked` where that bound cuts, or
        that of the buckets whose inputs follow."""
        outer = self.parameters.fresh("r")
        seed = exp.Min(this=column(alias, SEED))
        folded = [named(column(alias, UNIT), UNIT), named(seed, SEED)]
        folded += [named(column(alias, name), name) for name in self._keys]
        cut = [named(column(outer, name), name) for name in (UNIT, SEED, *self._keys)]
        for statistic, read in zip(self.bounded.statistics, inputs, strict=False):
            count, total = f"n_{statistic.name}", f"s_{statistic.name}"
            if statistic.kind is StatisticKind.DISTINCT:
                whole = exp.Count(this=exp.Distinct(expressions=[read.valued()]))
                folded.append(named(self._kept(statistic, read, alias), total))
                folded += [named(over(whole, read.counted()), count)] if marked else []
            elif statistic.kind is not StatisticKind.SUM:
                folded.append(named(read.count(), count))
            if statistic.kind in SUMS:
                folded.append(named(self._total(statistic, read), total))
            cut.append(named(self._part(statistic, column(outer, count), column(outer, total)), statistic.name))
        if marked:
            marks = [(each, number(1)) for each in map(partial(self._binds, outer), self.bounded.statistics) if each]
            for buckets, read in zip(self.bounded.buckets, inputs[len(self.bounded.statistics) :], strict=True):
                folded.append(named(read.count(), buckets.name))
                if buckets.scaled:
                    marks.append((binary(exp.GT, column(outer, buckets.name), number(buckets.rows)), number(1)))
            cut.append(named(choose(*marks, default=number(0)) if marks else number(0), CUT))
        by = exp.Group(expressions=[column(alias, name) for name in (UNIT, *self._keys)])
        grouped = self._grouped(folded, rows, alias, by)
        return select_from(cut, derived(grouped, outer))

    def _kept(self, statistic: Statistic, read: Inputs, alias: str) -> exp.Expr:
        """The values of one unit that count for one group key (rules 14 and 21)."""
        if read.value is None:
            raise Fault("values without an argument")
        value = read.valued()
        key = [(each.values.type, column(alias, each.name)) for each in self.bounded.checked.keys]
        digest = choice_sql(column(alias, SEED), [*key, (read.value.values.type, value)])
        return kept_values(digest, value, read.counted(), statistic.high)

    def _binds(self, alias: str, statistic: Statistic) -> exp.Expr | None:
        """Whether the bound of rows or values cuts one unit's part of one group key; None where it never does."""
        count, total = column(alias, f"n_{statistic.name}"), column(alias, f"s_{statistic.name}")
        match statistic.kind:
            case StatisticKind.DISTINCT:
                return binary(exp.GT, count, number(statistic.high))
            case StatisticKind.UNITS:
                return None
            case _ if self.bounded.clip(statistic.name) is not None:
                return None
            case StatisticKind.SUM:
                return binary(exp.NEQ, total, self._part(statistic, count, total.copy()))
            case StatisticKind.ROWS | StatisticKind.SCALED_SUM:
                return binary(exp.GT, count, number(self.bounded.bounds.rows))

    def _part(self, statistic: Statistic, count: exp.Expr, total: exp.Expr) -> exp.Expr:
        """One unit's part of one group key's total, within the bound (design §4); whole where a clip will cut it."""
        if self.bounded.clip(statistic.name) is not None and statistic.kind is not StatisticKind.UNITS:
            return total if statistic.kind is StatisticKind.SUM else count
        most = self.bounded.bounds.rows
        lo, hi = number(min(0, most * statistic.low)), number(max(0, most * statistic.high))
        match statistic.kind:
            case StatisticKind.DISTINCT:
                return total
            case StatisticKind.UNITS:
                return call("LEAST", count, number(1))
            case StatisticKind.ROWS:
                return call("LEAST", count, number(most))
            case StatisticKind.SUM:
                return limited(total, lo, hi)
            case StatisticKind.SCALED_SUM:
                product = binary(exp.Mul, cast(total, "HUGEINT"), number(most))
                scaled = binary(exp.IntDiv, product, cast(count, "HUGEINT"))
                return limited(choose((binary(exp.GT, count, number(most)), scaled), default=total), lo, hi)

    def _chosen(self, parts: exp.Select) -> exp.Select:
        """At most g group keys of each unit, by the keyed choice; all, where the unit determines its one key."""
        keys = self.bounded.checked.keys
        if all(key.values.per_unit for key in keys):
            return parts
        inner, outer = self.parameters.fresh("r"), self.parameters.fresh("r")
        digest = choice_sql(column(inner, SEED), [(key.values.type, column(inner, key.name)) for key in keys])
        order = ordered([(digest, False), *((column(inner, name), False) for name in self._keys)])
        unit = (UNIT,) if self.bounded.clips or self._several else ()
        kept = (*unit, *self._keys, *(statistic.name for statistic in self.bounded.statistics))
        placed = [named(column(inner, name), name) for name in kept]
        placed.append(named(place(order, [column(inner, UNIT)]), PLACE))
        select = select_from(
            [named(column(outer, name), name) for name in kept],
            derived(select_from(placed, derived(parts, inner)), outer),
        )
        return where(select, binary(exp.LTE, column(outer, PLACE), number(self.bounded.bounds.groups)))


def _of(read: exp.Expr, alias: str) -> exp.Expr:
    """The same column of another relation."""
    return column(alias, read.name)
