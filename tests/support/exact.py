"""The exact values behind an answer, in process: what oracles compare, and what no socket or setting reaches.

A laboratory holds one loaded data set; it judges plans against it and runs their private parts without noise.
"""

from __future__ import annotations

import contextlib
import hmac
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any

import duckdb

from policies.cards import Bounds
from policies.domains import UnitDomain
from query_gateway.sql.lower import lower
from sandbox.engines.choices import choice
from sandbox.engines.duckdb import Session, create
from sandbox.engines.operands import Parameters
from sandbox.engines.render import given_columns, render_buckets, render_measure, render_notice, render_weights
from sandbox.engines.selects import Selects
from sandbox.engines.sources import SEED
from sandbox.errors import Refusal
from sandbox.plan.check import check
from sandbox.plan.checked import CheckedMeasure, CheckedPlan
from sandbox.plan.functions import FUNCTIONS, resolve
from sandbox.plan.givens import held
from sandbox.plan.limits import standard
from sandbox.plan.nodes import Call, Expression, Literal, Ref, Scalar, Type
from sandbox.plan.plan import Plan
from sandbox.plan.values import Values, stored
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.clip import Clip, ClipAt, Norm
from sandbox.privacy.clipping import bound_by
from sandbox.privacy.keys import Key
from sandbox.privacy.notices import NoticeKind
from sandbox.privacy.quantiles import Buckets
from sandbox.privacy.selection import heaviest, of_clip
from sandbox.workers.job import Limits, Table
from tests.support.engine import SEED_KEY, Loaded, load_as, loaded
from tests.support.lowering import schema
from tests.support.queries import Query
from tests.support.records import PEOPLE, SMALL, Records
from tests.support.reference import Evaluate, Rank, Row, binding, both, buckets, totals, weights

LIMITS = standard(cells=2_000)
WORKER = Limits(threads=1, megabytes=256)
DEADLINE = 60.0


@dataclass(frozen=True, slots=True)
class Laboratory:
    """One loaded data set and an engine over it."""

    loaded: Loaded
    domain: UnitDomain
    session: Session
    raw: duckdb.DuckDBPyConnection
    """The same files for questions that no job may ask."""

    def lower(self, sql: str) -> Plan:
        """The plan of a query, as the front end makes it."""
        return lower(sql, schema(self.loaded.card.name, [self.loaded.card])).plan

    def measures(self, asked: Query | Plan) -> tuple[CheckedMeasure, ...]:
        """The measures of SQL, which is always accepted, or of a plan; none of one that is refused."""
        if isinstance(asked, Query):
            return self.check(self.lower(asked.sql)).measures
        try:
            return self.check(asked).measures
        except Refusal:
            return ()

    def check(self, plan: Plan, *, open_ranges: bool = False) -> CheckedPlan:
        """The plan, judged."""
        card = self.loaded.card
        facts = {(card.name, table): known for table, known in self.loaded.facts.items()}
        return check(plan, {card.name: card}, facts, {self.domain.name: self.domain}, LIMITS, open_ranges=open_ranges)

    def bound(self, checked: CheckedMeasure, asked: Bounds | ClipAt | None, norm: Norm = Norm.L2) -> BoundedMeasure:
        """The measure with its contribution bounds."""
        return bound_by(checked, asked, None, self.domain.max_units, norm, minimum=1)

    def rows(self, measure: CheckedMeasure) -> list[Row]:
        """The relation before the measure; a row's unit is its seed, and unit keys have no value (rule 9).

        What the measure is given of releases is what `given_tables` makes up: the same for every database.
        """
        parameters = Parameters()
        card = self.loaded.card
        givens = {each.relation: each for each in measure.givens}
        source = Selects({card.name: card}, (card.name,), parameters, {}, measure.folded, givens=givens).relation(
            measure.measure.source
        )
        sql, values = parameters.statement(source.select)
        cursor = self.raw.cursor()
        for table in given_tables(measure):
            create(cursor, table)
        found = cursor.execute(sql, [float(one) if isinstance(one, Fraction) else one for one in values])
        names = [str(column[0]) for column in found.description or ()]
        rows = []
        for row in found.fetchall():
            cells = dict(zip(names, row, strict=True))
            known = {name: _value(values_, cells[name]) for name, values_ in measure.source.values.items()}
            rows.append(Row(cells[SEED], known))
        return rows

    def statistics(self, measure: BoundedMeasure) -> dict[Key, tuple[int, ...]]:
        """The exact totals per group key, as the rendered job gives them."""
        card = self.loaded.card
        tables = given_tables(measure.checked)
        job = render_measure(measure, {card.name: card}, (card.name,), DEADLINE, tables)
        width = len(measure.checked.keys) + (measure.checked.measure.levels is not None)
        rows = self.session.run(job).rows
        found = {row[:width]: tuple(int(value) for value in row[width:]) for row in rows}  # type: ignore[arg-type]
        assert len(found) == len(rows)
        return found

    def keys(self, measure: BoundedMeasure) -> tuple[Key, ...]:
        """The group keys: the public ones, else those of the measure's rows, as if all of them had been released."""
        cells = measure.checked.key_set.cells
        return tuple(self.statistics(measure)) if cells is None else cells

    def weights(self, measure: BoundedMeasure, clip: Clip) -> dict[Scalar, Scalar]:
        """The weight of units per bucket of a clip's candidates, as the rendered job gives it."""
        card = self.loaded.card
        tables, most = given_tables(measure.checked), [heaviest(measure, each) for each in measure.undecided]
        job = render_weights(measure, most, {card.name: card}, (card.name,), DEADLINE, tables)
        rows = self.session.run(job).rows
        assert len({row[:2] for row in rows}) == len(rows)
        return dict(of_clip(measure.undecided.index(clip), rows))

    def expected_weights(self, measure: BoundedMeasure, clip: Clip) -> dict[Scalar, Scalar]:
        """The same by the reference. Raises UnknownValueError where a function has none."""
        return weights(measure, clip, heaviest(measure, clip), self.rows(measure.checked), *self._reference(measure))

    def notice(self, measure: BoundedMeasure, kind: NoticeKind) -> int:
        """What a notice counts, as the rendered job gives it."""
        card, tables = self.loaded.card, given_tables(measure.checked)
        job = render_notice(measure, kind, {card.name: card}, (card.name,), DEADLINE, tables)
        ((found,),) = self.session.run(job).rows
        assert isinstance(found, int)
        return found

    def expected_notice(self, measure: BoundedMeasure, kind: NoticeKind) -> int:
        """The same by the reference. Raises UnknownValueError where a function has none."""
        rows = self.rows(measure.checked)
        match kind:
            case NoticeKind.BINDING:
                return len(binding(measure, rows, *self._reference(measure)))
            case NoticeKind.GROUPS:
                return sum(private_group(measure, key) for key in totals(measure, rows, *self._reference(measure)))

    def buckets(self, measure: BoundedMeasure, asked: Buckets, keys: Sequence[Key]) -> dict[Key, dict[int, int]]:
        """Per group key of these, the steps in each bucket that has any, as the rendered job gives them."""
        card, tables = self.loaded.card, given_tables(measure.checked)
        job = render_buckets(measure, asked, keys, {card.name: card}, (card.name,), DEADLINE, tables)
        found: dict[Key, dict[int, int]] = {}
        for *key, bucket, steps in self.session.run(job).rows:
            assert isinstance(bucket, int)
            assert isinstance(steps, int)
            assert found.setdefault(tuple(key), {}).setdefault(bucket, steps) == steps
        return found

    def expected_buckets(
        self, measure: BoundedMeasure, asked: Buckets, keys: Sequence[Key]
    ) -> dict[Key, dict[int, int]]:
        """The same by the reference. Raises UnknownValueError where a function has none."""
        return buckets(measure, asked, keys, self.rows(measure.checked), *self._reference(measure))

    def expected(self, measure: BoundedMeasure) -> dict[Key, tuple[int, ...]]:
        """The same totals by the reference in plain Python, from the rows before the measure: of private group keys
        those that enough units have.

        Raises UnknownValueError where a function has no reference.
        """
        return _existing(measure, totals(measure, self.rows(measure.checked), *self._reference(measure)))

    def contributed(
        self, measure: BoundedMeasure, rows: Sequence[Row]
    ) -> tuple[dict[Key, tuple[int, ...]], list[dict[Key, tuple[int, ...]]]]:
        """The same for the rows, and what each unit adds."""
        found, units = both(measure, rows, *self._reference(measure))
        return _existing(measure, found), list(units.values())

    def _reference(self, measure: BoundedMeasure) -> tuple[Rank, Evaluate]:
        types = [key.values.type for key in measure.checked.keys]

        def rank(unit: Any, key: Key) -> tuple[object, ...]:
            typed = [*types, *map(_type, key[len(types) :])]
            return choice(unit, list(zip(typed, key, strict=True))), *map(_sortable, key)

        def evaluate(expression: Expression, values: Mapping[str, Scalar]) -> Scalar:
            return _evaluated(expression, values, measure.checked.source.values)[1]

        return rank, evaluate


def _existing(measure: BoundedMeasure, found: dict[Key, tuple[int, ...]]) -> dict[Key, tuple[int, ...]]:
    """The totals of the keys that enough units have, where keys are private."""
    if measure.existence is None:
        return found
    place = [each.name for each in measure.statistics].index(measure.existence)
    return {
        key: sums for key, sums in found.items() if sums[place] >= measure.minimum or not private_group(measure, key)
    }


def with_nothing(measure: BoundedMeasure, found: dict[Key, tuple[int, ...]]) -> dict[Key, tuple[int, ...]]:
    """The totals, and those of a group of no keys, which is there also where no row is."""
    several = measure.checked.measure.levels is not None
    whole = dict(found)
    for level in measure.checked.levels:
        if not level.places:
            key: Key = (*(None for _ in measure.checked.keys), *([level.number] if several else []))
            whole.setdefault(key, (0,) * len(measure.statistics))
    return whole


def private_group(measure: BoundedMeasure, key: Key) -> bool:
    """Whether a group is of a level whose keys are private."""
    levels = measure.checked.levels
    if measure.checked.measure.levels is None:
        return levels[0].key_set.cells is None
    return any(level.key_set.cells is None for level in levels if level.number == key[-1])


def _type(value: Scalar) -> Type:
    """Of a value that is not NULL."""
    match value:
        case bool():
            return Type.BOOLEAN
        case int():
            return Type.INTEGER
        case str():
            return Type.TEXT
        case datetime():
            return Type.TIMESTAMP
        case date():
            return Type.DATE
    return Type.DOUBLE


@contextlib.contextmanager
def laboratory(records: Records, domain: UnitDomain = PEOPLE, card: Any = SMALL) -> Iterator[Laboratory]:
    """The records, loaded."""
    with loaded(card, records.files, **load_as(domain)) as found, duckdb.connect() as raw:
        assert found.findings == ()
        private, public = (f"/proc/self/fd/{found.private}", f"/proc/self/fd/{found.public}")
        raw.execute(f"ATTACH '{private}' AS private0 (READ_ONLY)")
        raw.execute(f"ATTACH '{public}' AS public0 (READ_ONLY)")
        raw.execute("SET TimeZone = 'UTC'")
        yield Laboratory(found, domain, Session([(private, public)], WORKER), raw)


def given_tables(measure: CheckedMeasure) -> tuple[Table, ...]:
    """Rows that earlier releases may have had for all that the plan tells, noise beyond every range among them."""
    chance = Random(repr([(each.name, list(each.known.columns.items())) for each in measure.givens]))
    tables = []
    for each in measure.givens:
        made = [
            tuple(_made(values, chance) for values in each.known.columns.values()) or (True,)
            for _ in range(chance.randint(0, 9))
        ]
        tables.append(Table(each.name, given_columns(each), held(each, made)))
    return tuple(tables)


def _made(values: Values, chance: Random) -> Scalar:
    if values.members and chance.random() < 0.9:
        return chance.choice(values.members)
    start = date(2023, 12, 1) + timedelta(days=chance.randint(0, 400))
    match values.type:
        case _ if chance.random() < 0.1:
            return None
        case Type.BOOLEAN:
            return chance.random() < 0.5
        case Type.INTEGER:
            return chance.choice((-(2**40), -1, 0, 1, 2, 7, 2000, 2**40))
        case Type.DOUBLE:
            return Fraction(chance.choice((-1e6, -0.5, 0.0, 0.25, 12.5, 99.25, 1e6)))
        case Type.TEXT:
            return chance.choice(("", "A", "内科", "女", "x%y"))
        case Type.DATE:
            return start
    return datetime(start.year, start.month, start.day, 12)  # noqa: DTZ001  moments have no zone


def seed(unit: int) -> int:
    """The seed that load gives a person, computed apart from it."""
    return int.from_bytes(hmac.digest(SEED_KEY, str(unit).encode(), "sha256")[:8])


def multiset(rows: Sequence[Row]) -> Counter[tuple[object, ...]]:
    """Rows as often as they stand, with whose they are."""
    return Counter((row.unit, *sorted(row.values.items())) for row in rows)


def _value(values: Values, cell: object) -> Scalar:
    """A cell as the plan language knows it; of a unit key, whether it is there."""
    if values.type in (Type.UNIT, Type.PRESENCE):
        return cell is not None
    return Fraction(cell) if isinstance(cell, float) else cell  # type: ignore[return-value]


def _sortable(part: Scalar) -> tuple[bool, object]:
    return part is None, 0 if part is None else part


def _evaluated(
    expression: Expression, cells: Mapping[str, Scalar], columns: Mapping[str, Values]
) -> tuple[Type, Scalar]:
    """An expression by the reference functions of the function table."""
    match expression:
        case Ref(name):
            return columns[name].type, cells[name]
        case Literal(type_, value):
            return type_, stored(type_, value)
        case Call(name, arguments):
            given = [_evaluated(argument, cells, columns) for argument in arguments]
            if name in ("is_null", "is_not_null") and given[0][0] in (Type.UNIT, Type.PRESENCE):
                return Type.BOOLEAN, given[0][1] is (name == "is_not_null")
            signature = resolve(name, tuple(type_ for type_, _ in given))
            values = [stored(type_, value) for type_, (_, value) in zip(signature.parameters, given, strict=True)]
            return signature.result, FUNCTIONS[name].of(*values)
