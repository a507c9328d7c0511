"""A small honest log: every kind of act once or more, written, checkpointed and exported with fixed keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, create_engine

from policies.licence_files import sign_licence
from sandbox.audit import log
from sandbox.audit.checkpoint import sign
from sandbox.audit.encoding import SALT_SIZE, encode
from sandbox.audit.entry import (
    AccountLimited,
    AccountOpened,
    Act,
    DatasetDestroyed,
    DatasetLoaded,
    DatasetWithdrawn,
    Entry,
    Estimated,
    FailureCause,
    Header,
    Limited,
    LogRestarted,
    QueryAuthorized,
    QueryDryRun,
    QueryFailed,
    QueryReleased,
    QueryRepeated,
    QueryReused,
    Read,
    Refused,
    ServiceStarted,
    ServiceStopped,
    StateRestored,
    VaultRotated,
)
from sandbox.audit.export import export
from sandbox.audit.merkle import leaf_hash, node_hash
from sandbox.audit.records import (
    AccountCharge,
    AccountKind,
    Actor,
    Amounts,
    DatasetUse,
    MechanismUse,
    OpenedAccount,
    ReleaseUse,
    SignedRequest,
)
from sandbox.audit.registry_acts import (
    InstitutionAdded,
    InstitutionRevoked,
    KeyRegistered,
    KeyRevoked,
    LicenceIssued,
    LicenceResumed,
    LicenceRevoked,
    LicenceSuspended,
    PersonAdded,
    PersonRevoked,
)
from sandbox.audit.tree_head import Checkpoint
from tests.support.log_keys import log_key

KEY = log_key("vitrine.test/log", bytes(range(32)))
DEPARTMENT = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
ACTOR = Actor("clinic", "li.wei", "li.wei-1")
SQL = b"SELECT count(*) FROM visits"
ROWS = b"SELECT * FROM visits"
CARD = b'name = "health"\n'
SPENT = Amounts(1 << 40, 1 << 20, None)
LIMIT = Amounts(10 << 40, 1 << 30, None)
PURE_LIMIT = Amounts(None, 0, 10 << 40)
LICENCE = sign_licence(
    """id = "L1"
institution = "clinic"
mode = "overall"
agreement = "%s"
outputs = ["query"]
not_before = 2026-01-01T00:00:00Z
not_after = 2027-01-01T00:00:00Z
notion = "zcdp"

[budget]
rho = "10"
delta = "1/1000000"

[[scenarios]]
id = "planning"
title = { en = "Planning", zh = "规划" }

[[grants]]
dataset = "health"
table = "visits"
columns = ["visits"]
"""
    % ("0" * 64),
    DEPARTMENT,
)
TEXTS = (SQL, ROWS, CARD, LICENCE)


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a history and the texts beside it."""

    entry: Entry
    texts: tuple[bytes, ...] = ()


def sha(text: bytes | str) -> str:
    return sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def request(word: str, idempotency: str | None = None) -> SignedRequest:
    """A signed request whose nonce and bytes are told apart by a word."""
    return SignedRequest(
        message=sha(f"message {word}"),
        base=sha(f"base {word}"),
        signature=sha(f"left {word}") + sha(f"right {word}"),
        nonce=sha(f"nonce {word}"),
        idempotency=None if idempotency is None else sha(idempotency),
    )


def step(time: int, act: Act, *texts: bytes, signed: SignedRequest | None = None, actor: Actor | None = None) -> Step:
    actor = ACTOR if signed is not None else actor
    return Step(Entry(Header(time, sha("bundle"), actor, signed), act), texts)


def times(amounts: Amounts, factor: int) -> Amounts:
    return Amounts((amounts.rho or 0) * factor, amounts.delta * factor, None)


def authorized(charge: str, number: int, queries: int = 1) -> QueryAuthorized:
    """The `number`-th charge of one and the same loss to the three accounts."""
    return QueryAuthorized(
        charge=charge,
        licence="L1",
        licence_file=sha(LICENCE),
        scenario="planning",
        datasets=(DatasetUse("health", sha("snapshot"), sha(CARD), 1),),
        sql=sha(SQL),
        plan=sha("plan"),
        queries=queries,
        rules=("permit-licensed",),
        accounts=tuple(
            AccountCharge(account, kind, SPENT, times(SPENT, number), LIMIT)
            for account, kind in (
                ("dataset:health", AccountKind.DATASET),
                ("domain:patients", AccountKind.DOMAIN),
                ("licence:L1", AccountKind.LICENCE),
            )
        ),
        mechanisms=(
            MechanismUse(
                measure="m1",
                statistic="s1",
                mechanism="discrete_gaussian",
                scale="0x1.8p+3",
                metric="l2_squared",
                sensitivity="9/4",
                threshold=None,
                loss=SPENT,
            ),
        ),
        opendp="0.16.0",
        features=("contrib",),
    )


def dry_run(run: str, release: bytes | str = "dummy release") -> QueryDryRun:
    """A dry run of the only query."""
    used = DatasetUse("health", sha("snapshot"), sha(CARD), 1)
    return QueryDryRun(run, "L1", "planning", (used,), sha(SQL), sha("plan"), ("use.analyst",), SPENT, sha(release))


def reused(charge: str) -> QueryReused:
    """The only query again, computed from the first release, after three charges."""
    nothing = Amounts(0, 0, None)
    return QueryReused(
        charge=charge,
        licence="L1",
        licence_file=sha(LICENCE),
        scenario="planning",
        datasets=(DatasetUse("health", sha("snapshot"), sha(CARD), 1),),
        sql=sha(SQL),
        plan=sha("another plan"),
        rules=("permit-licensed",),
        accounts=(AccountCharge("licence:L1", AccountKind.LICENCE, nothing, times(SPENT, 3), LIMIT),),
        sources=(ReleaseUse(9, sha("release 1")),),
        release=sha("computed release"),
    )


BATCH = sha(f"{sha('release 4')}\n{sha('release 5')}")
"""The answer to the batch."""


def opened(account: str, kind: AccountKind, limit: Amounts = LIMIT) -> OpenedAccount:
    return OpenedAccount(account, kind, limit)


def history() -> list[Step]:
    """Leaves 0 … 31: every kind of act, in an order that an honest service could write."""
    charged = [(9, "q1"), (10, "q2"), (15, "q3")]
    steps = [
        step(1, ServiceStarted("0.1.0", sha("configuration"))),
        step(2, InstitutionAdded("clinic", "诊所 Clinic")),
        step(3, PersonAdded("li.wei", "clinic", ("analyst",))),
        step(4, KeyRegistered("li.wei-1", "li.wei", sha("public key"), 2_000_000_000_000)),
        step(
            5,
            DatasetLoaded(
                dataset="health",
                domain="patients",
                snapshot=sha("snapshot"),
                card=sha(CARD),
                card_version=1,
                opened=(
                    opened("dataset:health", AccountKind.DATASET),
                    opened("domain:patients", AccountKind.DOMAIN),
                ),
            ),
            CARD,
        ),
        step(6, LicenceIssued("L1", "clinic", sha(LICENCE), (opened("licence:L1", AccountKind.LICENCE),)), LICENCE),
        step(7, Read("catalogue", None), signed=request("r1")),
        step(
            8, Estimated("L1", "planning", ("health",), sha(SQL), sha("plan"), SPENT), SQL, signed=request("e1", "e1")
        ),
        step(
            9,
            Refused("query", "sql.unsupported", (), "L1", sha(ROWS)),
            ROWS,
            signed=request("x1", "x1"),
        ),
    ]
    for number, (time, charge) in enumerate(charged, start=1):
        steps.append(step(time, authorized(charge, number), SQL, signed=request(charge, charge)))
    steps += [
        step(15, QueryReleased("q1", 9, 0, sha("message q1"), sha("release 1"), (sha("measured"),)), actor=ACTOR),
        step(16, QueryFailed("q2", 10, FailureCause.INCIDENT), actor=ACTOR),
        step(17, QueryRepeated("L1", "planning", 9, sha("release 1"), sha(SQL)), SQL, signed=request("p1", "p1")),
        step(17, dry_run("d1"), SQL, signed=request("d1", "d1")),
        step(17, reused("u1"), SQL, signed=request("u1", "u1")),
        step(18, LicenceSuspended("L1")),
        step(18, LicenceResumed("L1")),
        step(19, AccountOpened(opened("licence:L2", AccountKind.LICENCE, PURE_LIMIT))),
        step(20, AccountLimited("licence:L2", AccountKind.LICENCE, Amounts(None, 0, 20 << 40))),
        step(21, QueryReleased("q3", 11, 0, sha("message q3"), sha("release 3"), ()), actor=ACTOR),
        step(21, authorized("b1", 4, queries=2), SQL, signed=request("b1", "b1")),
        step(22, QueryReleased("b1", 22, 0, sha("message b1"), sha("release 4"), (sha("relation"),)), actor=ACTOR),
        step(23, QueryReleased("b1", 22, 1, sha("message b1"), sha("release 5"), ()), actor=ACTOR),
        step(23, QueryRepeated("L1", "planning", 22, BATCH, sha(SQL)), SQL, signed=request("b2", "b2")),
        step(23, Limited("limit.person_rate", 41), signed=request("m1")),
        step(23, KeyRevoked("li.wei-1", "li.wei"), signed=request("k1", "k1")),
        step(23, LicenceRevoked("L1")),
        step(24, DatasetWithdrawn("health", sha("snapshot"))),
        step(24, DatasetDestroyed("health", (sha("snapshot"),))),
        step(24, VaultRotated(9)),
        step(24, StateRestored(29, None)),
        step(25, PersonRevoked("li.wei", "clinic")),
        step(26, InstitutionRevoked("clinic")),
        step(27, ServiceStopped("0.1.0")),
    ]
    return steps


RESTART = step(28, LogRestarted("vitrine.test/former", 40))
"""After the history, where entries beyond it were lost."""


def database() -> Engine:
    """An empty log in memory."""
    engine = create_engine("sqlite://")
    tables = [log.leaves, log.hashes, log.head, log.checkpoints, log.stored_bodies]
    log.leaves.metadata.create_all(engine, tables=tables)
    return engine


def write(engine: Engine, steps: Iterable[Step]) -> str:
    """Appends the steps in one transaction, then signs the checkpoint."""
    with engine.begin() as connection:
        for each in steps:
            log.append(connection, each.entry, each.texts)
    with engine.begin() as connection:
        return log.sign_checkpoint(connection, KEY, None)


def exported(directory: Path, steps: Iterable[Step]) -> str:
    """Writes and exports a log of these steps, and returns its checkpoint."""
    engine = database()
    note = write(engine, steps)
    with engine.begin() as connection:
        export(connection, KEY.public, directory)
    engine.dispose()
    return note


def leaves(steps: Iterable[Step]) -> list[bytes]:
    """The entries' bytes, each with a salt of its own."""
    return [encode(each.entry, index.to_bytes(SALT_SIZE, "big")) for index, each in enumerate(steps)]


def forged(directory: Path, data: Sequence[bytes], texts: Iterable[bytes]) -> str:
    """A directory that a dishonest log made of any leaves whatever, with its true signature; returns the checkpoint."""
    levels = [[leaf_hash(each) for each in data]]
    while len(levels[-1]) >= 256:
        below = levels[-1]
        tops = [mth(below[start : start + 256]) for start in range(0, len(below) // 256 * 256, 256)]
        levels.append(tops)
    files = {f"tile/{level}/{name}": b"".join(part) for level, row in enumerate(levels) for name, part in cut(row)}
    for name, part in cut(data):
        files[f"tile/entries/{name}"] = b"".join(len(each).to_bytes(2, "big") + each for each in part)
    for text in texts:
        files[f"bodies/{sha(text)[:2]}/{sha(text)}"] = text
    note = sign(Checkpoint(KEY.name, len(data), mth(levels[0])), KEY)
    files["checkpoint"] = note.encode()
    for path, content in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    return note


def cut(row: Sequence[bytes]) -> Iterator[tuple[str, Sequence[bytes]]]:
    """Runs of 256 under their C2SP names; fewer than 256,000 in all."""
    for number, start in enumerate(range(0, len(row), 256)):
        part = row[start : start + 256]
        yield f"{number:03d}" + ("" if len(part) == 256 else f".p/{len(part)}"), part


def mth(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1 over leaf hashes."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256().digest()
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return node_hash(mth(hashes[:k]), mth(hashes[k:]))
