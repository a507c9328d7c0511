"""The registry's acts: each a leaf, each refusal without one, and what the read model says after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from policies.domains import UnitDomain
from policies.errors import PolicyError
from policies.licence_files import licence_digest, sign_licence
from policies.rules import Role, State
from sandbox.audit.log import size
from sandbox.errors import Refusal
from sandbox.keys import key_id
from sandbox.ledger.nonces import consume
from sandbox.registry import acts
from tests.support.cards import domain
from tests.support.ledger_world import (
    CARD,
    DEPARTMENT,
    KEYS,
    NOW,
    PEOPLE,
    YEAR,
    World,
    issue,
    licence_file,
    open_world,
    sha,
)

NEW_KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
LI = key_id(KEYS["li"].public_key())


@pytest.fixture
def world(tmp_path: Path, ledger: str) -> Iterator[World]:
    with open_world(tmp_path, ledger) as opened:
        yield opened
        assert opened.audit().findings == ()


def test_the_read_model_says_what_was_registered(world: World) -> None:
    registry = world.registry
    signer = registry.signer(LI)
    assert signer is not None
    assert (signer.person, signer.institution, signer.roles) == ("li", "clinic", frozenset({Role.ANALYST}))
    assert signer.public == KEYS["li"].public_key().public_bytes_raw()
    assert registry.signer("0" * 16) is None
    assert {one.person for one in registry.signers()} == {"li", "wang"}
    assert [one.name for one in registry.institutions()] == ["Clinic"]
    assert [one.id for one in registry.people()] == ["li", "wang"]
    licence = registry.licence("L1")
    assert licence is not None
    assert (licence.licence.id, licence.state, licence.file) == ("L1", State.ACTIVE, licence_file("L1"))
    assert licence.digest == licence_digest(licence_file("L1"))
    assert registry.licence("L9") is None
    assert [one.licence.id for one in registry.licences("clinic")] == ["L1", "L2"]
    assert registry.licences("other") == ()
    snapshot = registry.snapshot("health")
    assert snapshot is not None
    assert (snapshot.id, snapshot.unit_domain, snapshot.card_version) == (sha("snapshot"), "patients", 1)
    assert registry.snapshots() == (snapshot,)
    assert registry.dataset_state("health") is State.ACTIVE
    assert registry.dataset_state("other") is None
    assert registry.bundle() == "b" * 64


def test_a_revoked_key_stays_known(world: World) -> None:
    world.act(acts.revoke_key, LI)
    signer = world.registry.signer(LI)
    assert signer is not None
    assert signer.revoked_at == NOW


@pytest.mark.parametrize(("act", "subject"), [(acts.revoke_person, "li"), (acts.revoke_institution, "clinic")])
def test_revoking_people_revokes_their_keys(world: World, act: Callable[..., int], subject: str) -> None:
    world.act(act, subject)
    revoked = {signer.person: signer.revoked_at for signer in world.registry.signers()}
    assert revoked == {"li": NOW, "wang": NOW if subject == "clinic" else None}
    for again in (
        lambda c: act(c, world.header(), None, subject),
        lambda c: acts.register_key(c, world.header(), None, "li", NEW_KEY.public_key(), NOW + YEAR),
    ):
        with pytest.raises(Refusal) as refused:
            world.do(again)
        assert refused.value.code == "registry.state"


def test_a_revoked_institution_gets_no_people_and_no_licence(world: World) -> None:
    world.act(acts.revoke_institution, "clinic")
    for act in (
        lambda c: acts.add_person(c, world.header(), None, "zhao", "clinic", frozenset({Role.ANALYST})),
        lambda c: acts.issue_licence(c, world.header(), None, licence_file("L7"), DEPARTMENT.public_key()),
    ):
        with pytest.raises(Refusal) as refused:
            world.do(act)
        assert refused.value.code == "registry.state"


def test_a_licence_is_suspended_resumed_and_revoked(world: World) -> None:
    def state() -> State:
        licence = world.registry.licence("L1")
        assert licence is not None
        return licence.state

    for act, after in (
        (acts.suspend_licence, State.SUSPENDED),
        (acts.resume_licence, State.ACTIVE),
        (acts.suspend_licence, State.SUSPENDED),
        (acts.revoke_licence, State.REVOKED),
    ):
        world.act(act, "L1")
        assert state() is after


def test_a_new_snapshot_takes_over_and_the_accounts_stay(world: World) -> None:
    """Rule 7."""
    world.ask("q")
    before = world.accounts()
    wider = replace(CARD, version=2, budget=replace(CARD.budget, rho=CARD.budget.rho * 2))
    world.act(acts.load_dataset, wider, PEOPLE, sha("snapshot 2"))
    snapshot = world.registry.snapshot("health")
    assert snapshot is not None
    assert (snapshot.id, snapshot.card_version) == (sha("snapshot 2"), 2)
    assert world.accounts() == before


def test_a_second_data_set_of_the_same_people_shares_their_account(world: World) -> None:
    """Rule 7."""
    other = replace(CARD, name="income")
    world.act(acts.load_dataset, other, PEOPLE, sha("income"))
    assert set(world.accounts()) == {
        "dataset:health",
        "dataset:income",
        "domain:patients",
        "licence:L1",
        "licence:L2",
    }


def test_a_withdrawn_data_set_answers_again_after_a_new_load(world: World) -> None:
    world.act(acts.withdraw_dataset, "health")
    assert world.registry.snapshot("health") is None
    assert world.registry.dataset_state("health") is State.WITHDRAWN
    world.act(acts.load_dataset, CARD, PEOPLE, sha("snapshot 2"))
    assert world.registry.dataset_state("health") is State.ACTIVE


def test_the_service_adopts_the_bundle_it_starts_with(world: World) -> None:
    for bundle in ("c" * 64, "b" * 64, "b" * 64):
        header = replace(world.header(), bundle=bundle)
        world.do(partial(acts.start_service, header=header, version="0", configuration=sha("configuration")))
        assert world.registry.bundle() == bundle
    world.do(lambda c: acts.stop_service(c, world.header(), "0"))


def test_an_act_by_signed_request_uses_up_its_nonce(world: World) -> None:
    nonce = world.nonce("li", "n")
    header = world.header(NOW, "li", "n")
    world.do(lambda c: acts.suspend_licence(c, header, nonce, "L1"))
    with pytest.raises(Refusal) as refused:
        world.do(lambda c: acts.resume_licence(c, header, nonce, "L1"))
    assert refused.value.code == "identity.replayed"
    licence = world.registry.licence("L1")
    assert licence is not None
    assert licence.state is State.SUSPENDED


def test_nonces_are_kept_while_their_key_can_sign(world: World) -> None:
    def register(at: int) -> None:
        world.do(lambda c: acts.register_key(c, world.header(at), None, "li", NEW_KEY.public_key(), NOW + 3 * YEAR))

    nonces = [world.nonce("li", "n"), world.nonce("wang", "n")]
    for nonce in nonces:
        world.do(partial(consume, nonce=nonce))
    world.act(acts.revoke_key, LI)
    register(NOW)
    world.do(lambda c: consume(c, nonces[0]))
    with pytest.raises(Refusal):
        world.do(lambda c: consume(c, nonces[1]))


def load(world: World, **changes: object) -> Callable[[Connection], int]:
    card = replace(CARD, **{name: value for name, value in changes.items() if name in ("version", "title", "name")})  # type: ignore[arg-type]
    people = changes.get("people", PEOPLE)
    assert isinstance(people, UnitDomain)
    card = replace(card, unit_domain=people.name)
    snapshot = changes.get("snapshot", sha("new"))
    assert isinstance(snapshot, str)
    return lambda c: acts.load_dataset(c, world.header(), None, card, people, snapshot)


REFUSED: Mapping[str, tuple[str, Callable[[World], Callable[[Connection], int]]]] = {
    "institution twice": (
        "registry.exists",
        lambda w: lambda c: acts.add_institution(c, w.header(), None, "clinic", "C"),
    ),
    "person twice": (
        "registry.exists",
        lambda w: lambda c: acts.add_person(c, w.header(), None, "li", "clinic", frozenset()),
    ),
    "person of nowhere": (
        "registry.unknown",
        lambda w: lambda c: acts.add_person(c, w.header(), None, "zhao", "other", frozenset()),
    ),
    "key twice": (
        "registry.exists",
        lambda w: lambda c: acts.register_key(c, w.header(), None, "wang", KEYS["li"].public_key(), NOW + YEAR),
    ),
    "key of nobody": (
        "registry.unknown",
        lambda w: lambda c: acts.register_key(c, w.header(), None, "zhao", NEW_KEY.public_key(), NOW + YEAR),
    ),
    "key that has expired": (
        "registry.state",
        lambda w: lambda c: acts.register_key(c, w.header(), None, "li", NEW_KEY.public_key(), NOW),
    ),
    "unknown key": ("registry.unknown", lambda w: lambda c: acts.revoke_key(c, w.header(), None, "0")),
    "licence twice": (
        "registry.exists",
        lambda w: lambda c: acts.issue_licence(c, w.header(), None, licence_file("L1"), DEPARTMENT.public_key()),
    ),
    "active licence resumed": (
        "registry.state",
        lambda w: lambda c: acts.resume_licence(c, w.header(), None, "L1"),
    ),
    "unknown licence": ("registry.unknown", lambda w: lambda c: acts.suspend_licence(c, w.header(), None, "L9")),
    "unknown data set": (
        "registry.unknown",
        lambda w: lambda c: acts.withdraw_dataset(c, w.header(), None, "other"),
    ),
    "snapshot twice": ("registry.exists", lambda w: load(w, snapshot=sha("snapshot"))),
    "older card": ("registry.card", lambda w: load(w, version=0)),
    "changed card": ("registry.card", lambda w: load(w, title=CARD.description.__class__("其他", "Other"))),
    "other people": ("registry.card", lambda w: load(w, people=domain("others"))),
    "endless budget": ("budget.too_large", lambda w: load(w, name="new", people=domain("all", rho="1e9"))),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refused_act_changes_nothing_and_leaves_no_leaf(world: World, what: str) -> None:
    code, act = REFUSED[what]
    before = (world.read(size), world.accounts(), world.registry.snapshots(), world.registry.signers())
    with pytest.raises(Refusal) as refused:
        world.do(act(world))
    assert refused.value.code == code
    assert before == (world.read(size), world.accounts(), world.registry.snapshots(), world.registry.signers())


@pytest.mark.parametrize("name", ["suspend_licence", "revoke_licence", "resume_licence"])
def test_a_revoked_licence_stays_revoked(world: World, name: str) -> None:
    world.act(acts.revoke_licence, "L1")
    with pytest.raises(Refusal) as refused:
        world.act(getattr(acts, name), "L1")
    assert refused.value.code == "registry.state"


def test_a_revoked_key_cannot_be_revoked_or_registered_again(world: World) -> None:
    world.act(acts.revoke_key, LI)
    for act, code in (
        (lambda c: acts.revoke_key(c, world.header(), None, LI), "registry.state"),
        (
            lambda c: acts.register_key(c, world.header(), None, "li", KEYS["li"].public_key(), NOW + YEAR),
            "registry.exists",
        ),
    ):
        with pytest.raises(Refusal) as refused:
            world.do(act)
        assert refused.value.code == code


def test_only_the_departments_own_licence_files_are_issued(world: World) -> None:
    text = licence_file("L3").rpartition(b"\n\n")[0].decode() + "\n"
    for file in (b"", text.encode(), sign_licence(text, NEW_KEY), licence_file("L3") + b"\n"):
        with pytest.raises(PolicyError):
            issue(world, file)
    issue(world, licence_file("L3"))
