"""SQL → plan, and refused SQL → code, place and rewrite, as the golden files say."""

from __future__ import annotations

import pytest

from sandbox.plan.canonical import encode
from sandbox.plan.check import check
from sandbox.plan.decoding import decode
from sandbox.plan.limits import standard
from tests.support.cards import DOMAINS
from tests.support.judging import FACTS, outcome, told
from tests.support.lowering import CARDS, Case, files, lowered, read

ACCEPTED = [case for path in files("accepted") for case in read(path)]
REFUSED = [case for path in files("refused") for case in read(path)]
MISTAKEN = [case for path in files("mistaken") for case in read(path)]
"""Plausible mistakes of an analyst, some of them none."""
REWRITES = [
    (case, line.removeprefix("write "))
    for case in (*REFUSED, *MISTAKEN)
    for line in case.expected.splitlines()
    if line.startswith("write ")
]


def name(case: Case) -> str:
    return case.name


def test_there_are_enough_cases() -> None:
    assert len(ACCEPTED) >= 60
    assert len(REFUSED) >= 60
    names = [case.name for case in (*ACCEPTED, *REFUSED, *MISTAKEN)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", ACCEPTED, ids=name)
def test_accepted(case: Case) -> None:
    assert outcome(case.sql, case.dataset) == case.expected


@pytest.mark.parametrize("case", ACCEPTED, ids=name)
def test_every_plan_is_canonical_and_known_to_check(case: Case) -> None:
    plan = lowered(case.sql, case.dataset).plan
    assert decode(encode(plan)) == plan
    checked = check(plan, {card.name: card for card in CARDS}, FACTS, DOMAINS, standard(cells=10_000))
    assert [label.name for label in plan.labels] == list(checked.answer)


@pytest.mark.parametrize("case", REFUSED, ids=name)
def test_refused(case: Case) -> None:
    assert outcome(case.sql, case.dataset) == case.expected


@pytest.mark.parametrize(("case", "rewrite"), REWRITES, ids=[case.name for case, _ in REWRITES])
def test_every_rewrite_is_accepted(case: Case, rewrite: str) -> None:
    assert not outcome(rewrite, case.dataset).startswith("refused")
    assert told(rewrite, case.dataset) == "accepted"
    assert rewrite != case.sql


@pytest.mark.parametrize("case", MISTAKEN, ids=name)
def test_a_mistake_teaches(case: Case) -> None:
    assert told(case.sql, case.dataset) == case.expected


def test_most_mistakes_are_told_what_to_write() -> None:
    refused = [case for case in (*REFUSED, *MISTAKEN) if case.expected != "accepted"]
    assert len(MISTAKEN) >= 60
    assert len(REWRITES) >= 0.7 * len(refused)


@pytest.mark.parametrize("case", ACCEPTED, ids=name)
def test_the_place_of_every_name_is_in_the_text(case: Case) -> None:
    found = lowered(case.sql, case.dataset)
    assert all(0 <= span.start < span.end <= len(case.sql) for span in found.spans.values())
    for measure in found.plan.measures:
        assert {key.name for key in measure.keys} <= found.spans.keys()
        assert {aggregate.name for aggregate in measure.aggregates} <= found.spans.keys()
