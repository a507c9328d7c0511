"""Rules broken on purpose, one place each: the test that guards the rule then fails. Where it guards, it passes as the
code stands; so a guard that sees nothing is seen here.

Every rule of the thirty has a mutant or stands in `NOT_BUILT`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import pytest
from sqlglot import exp

from policies.cards import Bounds
from sandbox.datasets import enforcement, files, parts, vault
from sandbox.datasets import load as loading
from sandbox.engines import aggregates, buckets, clips, duckdb, groups, inputs, measures
from sandbox.engines.selects import Selects
from sandbox.ledger import transactions
from sandbox.plan import check, relations
from sandbox.privacy import bounding, calibrate, clipping, intervals, notices, propagation, reach, sensitivity
from sandbox.privacy import structure as structures
from sandbox.privacy.conversion import rho_of
from sandbox.privacy.quantiles import Quantile
from sandbox.queries import execution, runs
from sandbox.queries.preparation import Prepared
from sandbox.registry import acts
from tests.privacy import (
    test_adaptive,
    test_bounded_statistics,
    test_calibrate,
    test_clips,
    test_coverage,
    test_distinct,
    test_enforced,
    test_hostile_data,
    test_intervals,
    test_leaving,
    test_load_separability,
    test_minimum_frequency,
    test_propagation,
    test_quantiles,
    test_sensitivity,
    test_separability,
    test_truncation,
    test_withheld_groups,
    test_within_units,
)
from tests.support import mutants
from tests.support.answers import InProcess
from tests.support.broker_world import ZCDP, broker_world, licence_text
from tests.support.ledger_world import open_world
from tests.support.measures import SUM_X
from tests.support.mutants import Mutant
from tests.support.partitions import WINDOWS
from tests.support.records import FULL
from tests.support.released_noise import KINDS
from tests.unit import (
    test_bounding,
    test_check,
    test_check_combined,
    test_engine_session,
    test_load_values,
    test_registry,
    test_repeats,
    test_vault,
)

NOT_BUILT = {
    30: "no logged request is replayed so far",
}
"""Rules about what there is not, and why no code can break them."""

TABLES = {
    "people": [(1, "f"), (2, "m")],
    "visits": [(no, str(1 + no % 2), "A", str(no)) for no in range(12)],
    "notes": [],
    "drugs": [],
}


def inner(test: Any) -> Callable[..., object]:
    """A property test, for a case that is given."""
    found: Callable[..., object] = test.hypothesis.inner_test
    return found


def every(test: Any) -> None:
    """A parametrized test with each of its parameters."""
    (mark,) = test.pytestmark
    for given in mark.args[1]:
        test(*given) if isinstance(given, tuple) else test(given)


def load() -> None:
    inner(test_load_separability.test_removing_a_unit_changes_nobody_else)(TABLES, 1, Random(1))


def cells() -> None:
    every(test_load_values.test_cell)


def keys_of_units() -> None:
    every(test_load_values.test_one_person_one_key)


def epsilon() -> None:
    every(test_calibrate.test_epsilon_is_dp_of_the_whole_request_thresholds_included)


def joins() -> None:
    test_separability.test_every_kind_of_join(1)


def windows() -> None:
    test_separability.test_every_kind_of_group_and_window(1)


def totals() -> None:
    for unit in (1, 2):
        test_bounded_statistics.test_every_kind_of_measure(unit)


def scales() -> None:
    test = inner(test_calibrate.test_each_statistic_has_the_least_noise_its_share_allows)
    test(rho=Fraction(1, 8), aggregates=[SUM_X], rows=4, bounds=None, hi=100)


def capacity() -> None:
    test_bounding.test_no_total_reaches_the_capacity(1000, 10**15, 10**6)


def withheld() -> None:
    every(test_withheld_groups.test_groups_are_counted_after_bounding_and_before_any_minimum)


def cut_units() -> None:
    every(test_truncation.test_each_unit_counts_once_over_all_of_its_groups)


def coverage() -> None:
    test_intervals.test_intervals_cover(*test_intervals.SPENDS["zcdp"], None)


def summed() -> None:
    test_coverage.test_intervals_cover(KINDS["sum over releases"], test_coverage.SPENDS["zcdp"])


def refused(name: str) -> None:
    test_check.test_refused(name)


def levels() -> None:
    for structure in test_sensitivity.CUBED.values():
        test_sensitivity.test_claimed_is_the_worst_case_on_every_level(
            structure, test_sensitivity.RANGES["mixed"], Bounds(2, 2)
        )


def counted() -> None:
    test_quantiles.test_the_engine_counts_buckets_as_the_reference_does(test_quantiles.ASKED[0], Bounds(1, 1))


def moved() -> None:
    inner(test_quantiles.test_one_unit_changes_no_score_by_more_than_is_priced)(
        test_quantiles.median(), [40] * 5, [3, 0, 0, 0, 0], 0
    )


def enforced() -> None:
    for bounds in test_enforced.BOUNDS:
        test_enforced.test_values_are_clamped_and_keys_dropped_whatever_was_concluded(bounds)


def existence() -> None:
    for bounds in (None, Bounds(1, 1)):
        test_hostile_data.test_the_existence_of_a_private_key_is_decided_by_units(bounds)


def sets_of_keys() -> None:
    every(test_check.test_group_keys_rule_23)


def presence() -> None:
    test_check_combined.test_full_joins_leave_presence_on_either_side_rule_12()


def sealed() -> None:
    with tempfile.TemporaryDirectory() as folder:
        test_vault.test_sizes_are_padded(vault.Vault.create(Path(folder) / "vault"), Path(folder))


def of_ledger(test: Callable[[Any], None]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_world(Path(folder)) as world:
        test(world)


def of_broker(test: Callable[..., None], records: Any, *given: Any) -> None:
    with tempfile.TemporaryDirectory() as folder, broker_world(Path(folder), records, lambda _: InProcess()) as world:
        for licence in ("K5", "K5b"):
            world.issue(licence_text(licence, "minimum_frequency = 5\n" + ZCDP))
        test(world, *given)


def frequency(test: Callable[..., None]) -> None:
    of_broker(test, test_minimum_frequency.RECORDS)


def leaving() -> None:
    with pytest.MonkeyPatch.context() as patch:
        of_broker(test_leaving.leaves_on_the_grid, FULL, patch)


def session() -> None:
    with tempfile.TemporaryDirectory() as folder, test_engine_session.session_in(Path(folder)) as found:
        test_engine_session.test_sessions_run_in_utc_with_binary_collation(found)


def of_orders(test: Callable[..., None], *given: Any) -> None:
    with test_within_units.many_orders() as stored:
        test(stored, *given)


SIZES = partial(refused, "rows per unit")

MUTANTS = (
    Mutant(1, "rows of a unit by their place in the file", parts, "content_sql", lambda _: "CAST(n AS VARCHAR)", load),
    Mutant(2, "any size is accepted", check._Checker, "_most", lambda *_: None, SIZES),
    Mutant(2, "an answer leaves when it is there", runs, "remaining", lambda *_: 0.0, leaving),
    Mutant(
        3,
        "a half-width before the norm is chosen",
        intervals,
        "half_width",
        mutants.told_early,
        test_clips.test_no_half_width_is_told_before_a_norm_is_chosen,
    ),
    Mutant(4, "a sealed file as long as what is in it", vault, "_ciphertext", mutants.as_long_as_it_is, sealed),
    Mutant(5, "values stored as they come", enforcement, "enforce_sql", lambda _, value, *__: value, cells),
    Mutant(6, "ε buys a fifth more ρ", calibrate, "rho_of", mutants.scaled(rho_of, Fraction(6, 5)), epsilon),
    Mutant(
        7,
        "a new snapshot starts its accounts anew",
        acts,
        "open_account",
        mutants.reopened,
        partial(of_ledger, test_registry.test_a_new_snapshot_takes_over_and_the_accounts_stay),
    ),
    Mutant(
        7,
        "data set and people are not charged",
        transactions,
        "lines_of",
        mutants.own_line,
        partial(of_ledger, test_repeats.test_a_repeat_under_the_same_licence_is_free),
    ),
    Mutant(7, "unit keys as they are spelt", files, "ascii_canonical_sql", lambda key, _: key, keys_of_units),
    Mutant(
        8,
        "nobody has paid before",
        transactions,
        "find_payer",
        lambda *_: None,
        partial(of_ledger, test_repeats.test_a_repeat_under_the_same_licence_is_free),
    ),
    Mutant(
        8,
        "what another licence was told is drawn anew",
        transactions,
        "find_releases_of_any",
        lambda *_: (),
        partial(of_ledger, test_repeats.test_another_licence_pays_for_itself_alone_and_copies_the_release),
    ),
    Mutant(
        8,
        "the plan alone makes a query the same",
        Prepared,
        "identity",
        property(lambda prepared: prepared.plan_digest),
        partial(
            frequency, test_minimum_frequency.test_a_release_without_it_is_never_copied_for_a_licence_that_demands_it
        ),
    ),
    Mutant(
        9, "a unit key is a group key", check, "VALUES", mutants.EVERYTHING, partial(refused, "unit key as group key")
    ),
    Mutant(10, "a join makes no rows more", relations, "_rows", lambda left, *_: left.rows, joins),
    Mutant(10, "windows over all units", groups.Grouping, "_over", mutants.across_units, windows),
    Mutant(
        10,
        "joins of different units",
        Selects,
        "_matching",
        mutants.differently,
        joins,
    ),
    Mutant(11, "every row of a unit is kept", loading._DuckDB, "rows", mutants.all_rows, joins),
    Mutant(12, "a missing unit key is one", relations, "_extended", lambda columns: columns, presence),
    Mutant(
        13,
        "ties in the order of storage",
        groups.Grouping,
        "_ties",
        (),
        partial(of_orders, test_within_units.test_no_window_notices_the_order_of_stored_rows, WINDOWS["row_number"]),
    ),
    Mutant(
        13,
        "sums of reals",
        aggregates.Operand,
        "steps",
        property(lambda operand: operand.sql),
        partial(of_orders, test_within_units.test_sums_inside_a_unit_are_exact),
    ),
    Mutant(14, "groups are kept by content alone", measures, "choice_sql", mutants.without_seed, totals),
    Mutant(
        14,
        "rows are kept by content alone",
        parts,
        "hmac_sql",
        mutants.without_the_seed,
        test_load_separability.test_rank_is_not_the_order_of_content,
    ),
    Mutant(15, "sessions in the zone of some place", duckdb, "_lock", mutants.unlocked, session),
    Mutant(16, "sums of what the range rule promises", inputs, "_clamped", mutants.unclamped, enforced),
    Mutant(17, "partial sums not clipped", measures, "limited", lambda value, *_: value, totals),
    Mutant(18, "one unit counts 1", calibrate, "sensitivity", lambda *_: sensitivity.Sensitivity(1, 1, 1, 1), scales),
    Mutant(19, "no vector is cut", clips, "_cut", lambda _, part, __: part, totals),
    Mutant(20, "a unit has one group", structures, "groups_by", lambda *_: 1, totals),
    Mutant(
        21,
        "every value of a unit counts",
        measures,
        "kept_values",
        mutants.unlimited,
        partial(test_distinct.test_the_seed_decides_what_a_unit_keeps, "日期", 1),
    ),
    Mutant(22, "every row of a unit counts", buckets, "choose", lambda *_, default: default, counted),
    Mutant(22, "half of what a unit moves", Quantile, "sensitivity", mutants.halved(Quantile.sensitivity), moved),
    Mutant(23, "group keys outside the set", measures, "within", lambda *_: exp.true(), enforced),
    Mutant(23, "rows decide which keys exist", measures.MeasureSelect, "_units", mutants.rows_of_units, existence),
    Mutant(23, "no group of NULL", check._Checker, "_key_set", mutants.without_null, sets_of_keys),
    Mutant(
        24,
        "small groups are released",
        clipping,
        "demanding",
        lambda bounded, _: bounded,
        partial(frequency, test_minimum_frequency.test_a_licence_demands_it),
    ),
    Mutant(25, "a level is like the first", sensitivity, "unclipped", mutants.first_level, levels),
    Mutant(
        26,
        "released values enter as they are",
        execution,
        "held",
        lambda _, rows: tuple(rows),
        test_adaptive.test_a_released_count_enters_within_its_range,
    ),
    Mutant(27, "totals above 2⁶²", bounding, "CAPACITY", 2**70, capacity),
    Mutant(
        28, "groups counted after the minimum", measures.MeasureSelect, "groups", mutants.groups_that_pass, withheld
    ),
    Mutant(
        28,
        "groups as if a unit brought one",
        calibrate,
        "change",
        lambda measure, _: notices.change(measure, notices.NoticeKind.BINDING),
        test_withheld_groups.test_a_unit_changes_it_by_as_many_groups_as_it_keeps,
    ),
    Mutant(28, "units that lose rows are not cut", measures.MeasureSelect, "_binds", lambda *_: None, cut_units),
    Mutant(
        29,
        "intervals a fifth short",
        intervals,
        "quantile",
        mutants.scaled(reach.quantile, Fraction(4, 5)),
        coverage,
    ),
    Mutant(29, "of many noises one", propagation, "reach", lambda noises, by: reach.reach(noises[:1], by), summed),
    Mutant(
        29,
        "shared noise as if independent",
        propagation.Propagation,
        "_apart",
        lambda _, weights: [dict(weights)],
        test_propagation.test_noise_that_two_releases_share_is_not_taken_to_cancel,
    ),
    Mutant(
        29,
        "rows near a choice as if sure",
        propagation.Propagation,
        "truth",
        lambda *_: True,
        test_propagation.test_rows_that_noise_may_have_chosen_leave_none,
    ),
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"rule {mutant.rule}: {mutant.how}")
def test_its_guard_fails(mutant: Mutant) -> None:
    with (
        mock.patch.object(mutant.where, mutant.what, mutant.put),
        pytest.raises((AssertionError, pytest.fail.Exception, duckdb.EngineError)),
    ):
        mutant.guard()


def test_every_rule_has_a_mutant_or_nothing_that_could_be_broken() -> None:
    broken = {mutant.rule for mutant in MUTANTS}
    assert broken | NOT_BUILT.keys() == set(range(1, 31))
    assert not broken & NOT_BUILT.keys()
