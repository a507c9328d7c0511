"""The cards that tests are built on are cards a provider could sign."""

from __future__ import annotations

import pytest

from policies.canonical import card_from_json, card_to_json
from policies.card_consistency import card_problems, domain_problems
from policies.cards import DatasetCard
from tests.support.cards import CENSUS, CLINIC, DOMAINS, TPCH, VISITS

CARDS = [CLINIC, CENSUS, VISITS, TPCH]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_cards_are_consistent(card: DatasetCard) -> None:
    assert card_problems(card) == ()
    assert card.unit_domain in DOMAINS


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_cards_survive_json(card: DatasetCard) -> None:
    assert card_from_json(card_to_json(card)) == card


def test_domains_are_consistent() -> None:
    assert [problem for domain in DOMAINS.values() for problem in domain_problems(domain)] == []
