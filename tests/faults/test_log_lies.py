"""A dishonest log signs whatever it likes: each lie is found by the offline audit, under its own code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from policies.licence_files import sign_licence
from sandbox.audit.checkpoint import open_note
from sandbox.audit.encoding import SALT_SIZE, encode
from sandbox.audit.entry import (
    AccountLimited,
    AccountOpened,
    QueryAuthorized,
    QueryDryRun,
    QueryFailed,
    QueryReleased,
    QueryRepeated,
    QueryReused,
    ServiceStarted,
)
from sandbox.audit.entry import FailureCause as Cause
from sandbox.audit.findings import FINDINGS
from sandbox.audit.records import AccountKind, Amounts, ReleaseUse
from sandbox.audit.registry_acts import LicenceIssued
from sandbox.audit.verify import MOST_FINDINGS, Report, verify
from tests.support.log_history import (
    CARD,
    DEPARTMENT,
    KEY,
    LICENCE,
    LIMIT,
    PURE_LIMIT,
    RESTART,
    SPENT,
    SQL,
    TEXTS,
    Step,
    authorized,
    exported,
    forged,
    history,
    leaves,
    opened,
    request,
    reused,
    sha,
    step,
    times,
)

STEPS = history()
LAST = len(STEPS) - 1
AUTHORIZED = next(index for index, each in enumerate(STEPS) if isinstance(each.entry.act, QueryAuthorized))
ISSUED = next(index for index, each in enumerate(STEPS) if isinstance(each.entry.act, LicenceIssued))
RELEASED = next(index for index, each in enumerate(STEPS) if isinstance(each.entry.act, QueryReleased))
FAILED = next(index for index, each in enumerate(STEPS) if isinstance(each.entry.act, QueryFailed))
REPEATED = next(index for index, each in enumerate(STEPS) if isinstance(each.entry.act, QueryRepeated))
DRY = next(index for index, each in enumerate(STEPS) if isinstance(each.entry.act, QueryDryRun))
REUSED = next(index for index, each in enumerate(STEPS) if isinstance(each.entry.act, QueryReused))
BATCHED = next(index for index, each in enumerate(STEPS) if getattr(each.entry.act, "queries", 1) > 1)
HOLDER = opened("licence:L1", AccountKind.LICENCE)
OTHER = sign_licence(LICENCE.decode().split("\n\n— ")[0].replace('"L1"', '"L9"') + "\n", DEPARTMENT)


def audit(directory: Path, *remembered: str) -> Report:
    return verify(directory, KEY.public, DEPARTMENT.public_key(), remembered)


def codes(report: Report) -> set[str]:
    assert report.ok is not bool(report.findings)
    return {finding.code for finding in report.findings}


def test_an_honest_log_has_no_findings(tmp_path: Path) -> None:
    note = exported(tmp_path / "log", STEPS)
    report = audit(tmp_path / "log", note)
    assert report.to_json() | {"root": "", "accounts": {}, "counts": {}} == {
        "ok": True,
        "size": len(STEPS),
        "root": "",
        "verified": len(STEPS),
        "counts": {},
        "accounts": {},
        "open_charges": 0,
        "findings": [],
        "total_findings": 0,
    }
    assert report.root == open_note(note, KEY.public).root
    assert report.counts["query.authorized"] == 4
    assert report.accounts["licence:L1"].spent == times(SPENT, 4)


def test_a_log_that_was_begun_anew_has_nothing_left(tmp_path: Path) -> None:
    exported(tmp_path / "log", [*STEPS, RESTART])
    report = audit(tmp_path / "log")
    assert report.findings == ()
    assert {account.limit for account in report.accounts.values()} == {
        account.spent for account in report.accounts.values()
    }
    later = step(30, FREE, signed=request("q9", "q9"))
    forged(tmp_path / "charged", leaves([*STEPS, RESTART, later]), TEXTS)
    assert {"account.limit", "charge.overspent"} <= codes(audit(tmp_path / "charged"))


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 513])
def test_logs_of_any_size(tmp_path: Path, size: int) -> None:
    """The export has exactly the files that an independent writer makes, and verifies."""
    steps = [step(time, ServiceStarted("1", sha("c"))) for time in range(size)]
    note = exported(tmp_path / "log", steps)
    assert audit(tmp_path / "log", note).ok
    forged(tmp_path / "other", leaves(steps), ())
    assert audit(tmp_path / "other").ok
    assert files(tmp_path / "log") == files(tmp_path / "other")


def files(directory: Path) -> dict[str, int]:
    return {
        path.relative_to(directory).as_posix(): path.stat().st_size for path in directory.rglob("*") if path.is_file()
    }


def act(index: int, **changes: Any) -> list[Step]:
    """The honest steps but for some fields of one act."""
    entry = STEPS[index].entry
    lie = Step(replace(entry, act=replace(entry.act, **changes)), STEPS[index].texts)
    return [*STEPS[:index], lie, *STEPS[index + 1 :]]


def header(index: int, **changes: Any) -> list[Step]:
    entry = STEPS[index].entry
    lie = Step(replace(entry, header=replace(entry.header, **changes)), STEPS[index].texts)
    return [*STEPS[:index], lie, *STEPS[index + 1 :]]


def charged(place: int, **changes: Any) -> list[Step]:
    """The honest steps but for one account's line of the last charge."""
    index = AUTHORIZED + 2
    lines = list(authorized("q3", 3).accounts)
    lines[place] = replace(lines[place], **changes)
    return act(index, accounts=tuple(lines))


def added(lie: Any, **where: Any) -> list[Step]:
    return [*STEPS, step(30, lie, **where)]


COMPUTED = (ReleaseUse(REUSED, sha("computed release")),)
"""What was computed is no source of further answers."""
FREE = replace(authorized("q9", 5), mechanisms=(), accounts=authorized("q9", 5).accounts[2:])
"""A release that another licence paid for: the licence alone pays."""

LIES: list[tuple[str, list[Step]]] = [
    ("account.closed", [*STEPS, RESTART, step(30, AccountOpened(opened("licence:L7", AccountKind.LICENCE)))]),
    ("account.closed", [*STEPS, RESTART, step(30, AccountLimited("licence:L2", AccountKind.LICENCE, PURE_LIMIT))]),
    ("account.limit", charged(0, limit=times(LIMIT, 2))),
    ("account.reopened", added(AccountOpened(HOLDER))),
    ("account.reopened", [*STEPS, step(30, LicenceIssued("L1", "clinic", sha(LICENCE), (HOLDER,)))]),
    ("account.unknown", act(ISSUED, opened=())),
    ("account.unknown", charged(0, kind=AccountKind.DOMAIN)),
    ("account.unknown", added(AccountLimited("licence:L7", AccountKind.LICENCE, LIMIT))),
    ("account.unknown", added(AccountLimited("licence:L1", AccountKind.DATASET, LIMIT))),
    ("account.unknown", added(AccountLimited("licence:L1", AccountKind.LICENCE, PURE_LIMIT))),
    ("charge.accounts", act(AUTHORIZED + 2, accounts=authorized("q3", 3).accounts[1:])),
    ("charge.accounts", act(AUTHORIZED + 2, accounts=authorized("q3", 3).accounts[:2])),
    ("charge.accounts", act(AUTHORIZED + 2, accounts=())),
    ("charge.accounts", act(AUTHORIZED + 2, licence="L2")),
    ("charge.accounts", added(replace(FREE, accounts=authorized("q9", 5).accounts), signed=request("q9", "q9"))),
    ("charge.balance", charged(0, spent=times(SPENT, 2))),
    ("charge.balance", charged(1, loss=times(SPENT, 2))),
    ("charge.balance", charged(2, loss=Amounts(None, 0, 1 << 40))),
    ("charge.overspent", act(ISSUED, opened=(replace(HOLDER, limit=times(SPENT, 2)),))),
    ("charge.overspent", added(AccountLimited("licence:L1", AccountKind.LICENCE, SPENT))),
    ("charge.reused", act(AUTHORIZED + 1, charge="q1")),
    ("charge.underpaid", charged(2, loss=replace(SPENT, rho=(1 << 40) - 1))),
    ("charge.underpaid", charged(2, loss=replace(SPENT, delta=0))),
    ("dummy.released", act(DRY, release=sha("release 1"))),
    ("dummy.released", act(DRY, release=sha("release 3"))),
    ("dummy.released", act(DRY, run="q1")),
    ("final.cause", act(FAILED, cause=Cause.PUBLIC)),
    ("final.repeated", added(QueryReleased("q1", AUTHORIZED, 0, sha("message q1"), sha("release 1"), ()))),
    ("final.repeated", act(BATCHED + 2, number=0)),
    ("final.repeated", act(BATCHED + 2, number=2)),
    ("final.repeated", act(BATCHED, queries=1)),
    ("final.repeated", added(QueryFailed("b1", BATCHED, Cause.INCIDENT))),
    ("repeat.differs", act(BATCHED + 3, release=sha("release 4"))),
    ("repeat.differs", act(BATCHED, queries=3)),
    ("final.repeated", added(QueryFailed("q1", AUTHORIZED, Cause.INCIDENT))),
    ("final.unauthorized", act(RELEASED, authorization=AUTHORIZED - 1)),
    ("final.unauthorized", act(RELEASED, charge="q3")),
    ("final.unauthorized", act(RELEASED, request=sha("message q2"))),
    ("final.unauthorized", act(RELEASED, authorization=RELEASED + 1)),
    ("licence.limit", act(ISSUED, opened=(replace(HOLDER, limit=times(LIMIT, 2)),))),
    ("licence.limit", act(ISSUED, opened=(replace(HOLDER, limit=PURE_LIMIT),))),
    ("licence.signature", act(ISSUED, institution="another")),
    ("licence.signature", act(ISSUED, licence="L9")),
    ("licence.signature", act(ISSUED, file=sha(OTHER))),
    ("licence.signature", act(ISSUED, file=sha(SQL))),
    ("repeat.differs", act(REPEATED, release=sha("release 2"))),
    ("repeat.differs", act(REPEATED, authorization=0)),
    ("repeat.differs", act(REPEATED, licence="L2")),
    ("reuse.differs", act(REUSED, sources=())),
    ("reuse.differs", act(REUSED, sources=(ReleaseUse(AUTHORIZED, sha("release 2")),))),
    ("reuse.differs", act(REUSED, sources=(ReleaseUse(AUTHORIZED + 1, sha("release 1")),))),
    ("reuse.differs", act(REUSED, licence="L2")),
    ("reuse.differs", act(REUSED, accounts=(replace(authorized("u1", 4).accounts[2]),))),
    ("reuse.differs", added(replace(reused("u2"), sources=COMPUTED), signed=request("u2", "u2"))),
    ("charge.accounts", act(REUSED, accounts=())),
    ("charge.balance", act(REUSED, accounts=(replace(reused("u1").accounts[0], spent=times(SPENT, 2)),))),
    ("charge.reused", act(REUSED, charge="q1")),
    ("final.repeated", added(QueryReleased("u1", REUSED, 0, sha("message u1"), sha("computed release"), ()))),
    ("request.idempotency", header(REUSED, request=request("u1", "q1"))),
    ("request.idempotency", header(AUTHORIZED + 1, request=request("q2", "q1"))),
    ("request.nonce", header(AUTHORIZED + 1, request=request("q1", "q2"))),
    ("time.backward", header(LAST, time=0)),
]


@pytest.mark.parametrize(("code", "lie"), LIES, ids=[f"{number}-{code}" for number, (code, _) in enumerate(LIES)])
def test_a_signed_lie(tmp_path: Path, code: str, lie: list[Step]) -> None:
    forged(tmp_path, leaves(lie), (*TEXTS, OTHER))
    report = audit(tmp_path)
    assert code in codes(report)
    assert report.verified == len(lie)


def test_a_licence_that_pays_for_an_earlier_release_alone(tmp_path: Path) -> None:
    limited = replace(FREE.accounts[0], spent=times(SPENT, 5))
    steps = added(replace(FREE, accounts=(limited,)), signed=request("q9", "q9"))
    forged(tmp_path, leaves(steps), TEXTS)
    report = audit(tmp_path)
    assert codes(report) == set()
    assert report.open_charges == 1


Damage = Callable[[Path], object]
DAMAGES: list[tuple[str, Damage]] = [
    ("body.differs", lambda log: text(log, CARD).write_bytes(b"another card")),
    ("body.missing", lambda log: text(log, SQL).unlink()),
    ("checkpoint.invalid", lambda log: (log / "checkpoint").unlink()),
    ("checkpoint.invalid", lambda log: (log / "checkpoint").write_bytes(b"\xff")),
    ("checkpoint.invalid", lambda log: (log / "checkpoint").write_bytes(b"x" * 200_000)),
    ("checkpoint.invalid", lambda log: (log / "checkpoint").rename(log / "tile" / "checkpoint")),
    ("entry.differs", lambda log: swap(log / f"tile/entries/000.p/{len(STEPS)}")),
    ("file.differs", lambda log: (log / f"tile/0/000.p/{len(STEPS)}").write_bytes(b"")),
    ("file.differs", lambda log: (log / f"tile/entries/000.p/{len(STEPS)}").write_bytes(b"\0")),
    ("file.differs", lambda log: (log / f"tile/entries/000.p/{len(STEPS)}").write_bytes(b"\0\0")),
    ("file.missing", lambda log: (log / f"tile/0/000.p/{len(STEPS)}").unlink()),
    ("file.missing", lambda log: (log / f"tile/entries/000.p/{len(STEPS)}").unlink()),
    ("file.unexpected", lambda log: (log / "tile/0/001").write_bytes(bytes(8192))),
    ("file.unexpected", lambda log: text(log, b"unnamed", make=True).write_bytes(b"unnamed")),
    ("file.unexpected", lambda log: (log / "bodies" / sha(SQL)).write_bytes(SQL)),
    ("file.unexpected", lambda log: (log / "tile/1").symlink_to("0")),
]


def text(log: Path, content: bytes, *, make: bool = False) -> Path:
    path = log / "bodies" / sha(content)[:2] / sha(content)
    if make:
        path.parent.mkdir(exist_ok=True)
    return path


def swap(bundle: Path) -> None:
    """The first two entries change places."""
    data = bundle.read_bytes()
    first = 2 + int.from_bytes(data[:2], "big")
    second = first + 2 + int.from_bytes(data[first : first + 2], "big")
    bundle.write_bytes(data[first:second] + data[:first] + data[second:])


@pytest.mark.parametrize(("code", "damage"), DAMAGES, ids=[f"{n}-{code}" for n, (code, _) in enumerate(DAMAGES)])
def test_a_damaged_directory(tmp_path: Path, code: str, damage: Damage) -> None:
    exported(tmp_path / "log", STEPS)
    damage(tmp_path / "log")
    assert code in codes(audit(tmp_path / "log"))


def test_an_edited_entry_is_named(tmp_path: Path) -> None:
    exported(tmp_path / "log", STEPS)
    bundle = tmp_path / f"log/tile/entries/000.p/{len(STEPS)}"
    bundle.write_bytes(bundle.read_bytes().replace("诊所".encode(), "医院".encode()))
    report = audit(tmp_path / "log")
    assert {finding.leaf for finding in report.findings if finding.code == "entry.differs"} == {1}
    assert "root.differs" in codes(report)


def test_a_leaf_that_is_no_entry(tmp_path: Path) -> None:
    forged(tmp_path, [*leaves(STEPS), b"no entry", encode(STEPS[LAST].entry, bytes(SALT_SIZE))], TEXTS)
    report = audit(tmp_path)
    assert codes(report) == {"entry.malformed"}
    assert report.findings[0].leaf == len(STEPS)


def test_a_log_cut_short_and_signed_again(tmp_path: Path) -> None:
    """Only someone who remembers a newer checkpoint can tell: that is what remembering is for."""
    newest = exported(tmp_path / "full", STEPS)
    forged(tmp_path / "short", leaves(STEPS)[:12], TEXTS)
    assert "log.truncated" in codes(audit(tmp_path / "short", newest))


def test_a_log_rewritten_and_signed_again(tmp_path: Path) -> None:
    before = forged(tmp_path / "first", leaves(STEPS[:5]), TEXTS[2:3])
    forged(tmp_path / "second", leaves(header(2, time=3, bundle=sha("other"))), TEXTS)
    assert codes(audit(tmp_path / "first", before)) == set()
    assert codes(audit(tmp_path / "second")) == set()
    assert codes(audit(tmp_path / "second", before)) == {"log.forked"}


def test_a_log_that_grew_contains_what_was_remembered(tmp_path: Path) -> None:
    notes = [forged(tmp_path / str(size), leaves(STEPS[:size]), ()) for size in range(len(STEPS) + 1)]
    forged(tmp_path / "log", leaves(STEPS), TEXTS)
    assert codes(audit(tmp_path / "log", *notes)) == set()


def test_a_remembered_checkpoint_of_another_log(tmp_path: Path) -> None:
    note = exported(tmp_path / "log", STEPS)
    assert codes(audit(tmp_path / "log", note.replace("vitrine", "another"))) == {"remembered.invalid"}


def test_a_flood_of_findings_is_counted(tmp_path: Path) -> None:
    forged(tmp_path, [b"no entry"] * (MOST_FINDINGS + 5), ())
    report = audit(tmp_path)
    assert (len(report.findings), report.total_findings) == (MOST_FINDINGS, MOST_FINDINGS + 5)


def test_without_the_departments_key_licences_are_not_judged(tmp_path: Path) -> None:
    forged(tmp_path, leaves(act(ISSUED, institution="another")), TEXTS)
    assert verify(tmp_path, KEY.public).ok


def test_every_finding_has_a_test() -> None:
    tried = {code for code, _ in LIES} | {code for code, _ in DAMAGES}
    assert tried | {"entry.malformed", "log.forked", "log.truncated", "remembered.invalid", "root.differs"} == set(
        FINDINGS
    )
