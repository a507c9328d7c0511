"""The ledger as the log tells it, derived again entry by entry: accounts, charges and how each charge ended.

Pure. Keeps the balances, about a hundred bytes per charge, and digests of nonces and idempotency keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from sandbox.audit.encoding import kind_of
from sandbox.audit.entry import (
    AccountLimited,
    AccountOpened,
    DatasetLoaded,
    Entry,
    FailureCause,
    LogRestarted,
    QueryAuthorized,
    QueryDryRun,
    QueryFailed,
    QueryReleased,
    QueryRepeated,
    QueryReused,
)
from sandbox.audit.findings import Finding
from sandbox.audit.forms import joint_digest
from sandbox.audit.records import AccountCharge, AccountKind, Amounts, OpenedAccount, ReleaseUse, SignedRequest
from sandbox.audit.registry_acts import LicenceIssued


@dataclass(frozen=True, slots=True)
class Account:
    """An account after the entries so far."""

    kind: AccountKind
    limit: Amounts
    spent: Amounts


@dataclass(slots=True)
class _Charge:
    id: str
    licence: str
    request: str | None
    """Digest of what was signed."""
    queries: int = 1
    ended: bool = False
    releases: dict[int, str] = field(default_factory=dict)
    """Digests, by the number of the query."""
    paid: bool = True
    """Whether it cost anything."""
    computed: bool = False
    """From earlier releases: it is no source of further ones."""

    @property
    def answer(self) -> str | None:
        """The digest of all releases; None before the end."""
        digests = [digest for _, digest in sorted(self.releases.items())]
        return joint_digest(digests) if digests and self.ended else None


class Chains:
    """Takes the entries in order and yields what does not follow from those before."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.counts: dict[str, int] = {}
        """Entries of each kind."""
        self.time: int = 0
        """Of the entry taken last."""
        self._charges: dict[int, _Charge] = {}
        """By the index of their authorization."""
        self._domains: dict[str, str] = {}
        """The unit domain of each data set loaded."""
        self._seen: set[bytes] = set()
        self._closed = False
        """Whether the log was begun anew after a loss."""

    @property
    def open_charges(self) -> int:
        """Charges that have not ended."""
        return sum(not charge.ended for charge in self._charges.values())

    def take(self, index: int, entry: Entry) -> Iterator[Finding]:
        kind = kind_of(entry)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if entry.header.time < self.time:
            yield Finding("time.backward", index)
        self.time = entry.header.time
        yield from self._request(index, entry)
        match entry.act:
            case LicenceIssued(opened=opened):
                for account in opened:
                    yield from self._open(index, account)
            case DatasetLoaded(opened=opened) as act:
                self._domains[act.dataset] = act.domain
                for account in opened:
                    yield from self._open(index, account)
            case AccountOpened(opened=account):
                yield from self._open(index, account)
            case LogRestarted():
                self._restart()
            case AccountLimited() as act:
                yield from self._limit(index, act)
            case QueryAuthorized() as act:
                yield from self._authorize(index, act, entry.header.request)
            case QueryReleased() | QueryFailed() as act:
                yield from self._end(index, act)
            case QueryReused() as act:
                yield from self._reuse(index, act, entry.header.request)
            case QueryRepeated() as act:
                yield from self._repeat(index, act)
            case QueryDryRun() as act:
                yield from self._dry_run(index, act)
            case _:
                return

    def _request(self, index: int, entry: Entry) -> Iterator[Finding]:
        """Nonces are unique per signing key, idempotency keys per person among the charged."""
        actor, request = entry.header.actor, entry.header.request
        if actor is None or request is None:
            return
        if self._again("nonce", actor.key, request.nonce):
            yield Finding("request.nonce", index)
        if not isinstance(entry.act, QueryAuthorized | QueryReused) or request.idempotency is None:
            return
        if self._again("idempotency", actor.person, request.idempotency):
            yield Finding("request.idempotency", index)

    def _restart(self) -> None:
        """Every account has nothing left, and no other comes to be."""
        self._closed = True
        self.accounts = {name: Account(each.kind, each.spent, each.spent) for name, each in self.accounts.items()}

    def _open(self, index: int, opened: OpenedAccount) -> Iterator[Finding]:
        if self._closed:
            yield Finding("account.closed", index, subject=opened.account)
        if opened.account in self.accounts:
            yield Finding("account.reopened", index, subject=opened.account)
            return
        self.accounts[opened.account] = Account(opened.kind, opened.limit, _nothing(opened.limit))

    def _limit(self, index: int, act: AccountLimited) -> Iterator[Finding]:
        account = self.accounts.get(act.account)
        if account is None or account.kind is not act.kind or not _alike(account.limit, act.limit):
            yield Finding("account.unknown", index, subject=act.account)
            return
        if self._closed and act.limit != account.limit:
            yield Finding("account.closed", index, subject=act.account)
        if not _within(account.spent, act.limit):
            yield Finding("charge.overspent", index, subject=act.account)
        self.accounts[act.account] = Account(account.kind, act.limit, account.spent)

    def _authorize(self, index: int, act: QueryAuthorized, signed: SignedRequest | None) -> Iterator[Finding]:
        if self._again("charge", act.charge):
            yield Finding("charge.reused", index, subject=act.charge)
        paid = any(any(_parts(charge.loss)) for charge in act.accounts)
        message = None if signed is None else signed.message
        self._charges[index] = _Charge(act.charge, act.licence, message, act.queries, paid=paid)
        for charge in act.accounts:
            yield from self._charge(index, charge)
        if sorted(charge.account for charge in act.accounts) != sorted(self._due(act)):
            yield Finding("charge.accounts", index, subject=act.charge)
        for charge in act.accounts:
            used = [mechanism.loss for mechanism in act.mechanisms]
            for place, loss in enumerate(_parts(charge.loss)):
                if loss is not None and sum(_parts(part)[place] or 0 for part in used) > loss:
                    yield Finding("charge.underpaid", index, subject=charge.account)

    def _due(self, act: QueryAuthorized) -> set[str]:
        """The accounts that must pay: the licence, and for measures each data set and its people (rules 7, 8)."""
        due = {f"{AccountKind.LICENCE}:{act.licence}"}
        for use in act.datasets if act.mechanisms else ():
            due.add(f"{AccountKind.DATASET}:{use.dataset}")
            due.add(f"{AccountKind.DOMAIN}:{self._domains.get(use.dataset, '')}")
        return due

    def _charge(self, index: int, charge: AccountCharge) -> Iterator[Finding]:
        account = self.accounts.get(charge.account)
        if account is None or account.kind is not charge.kind:
            yield Finding("account.unknown", index, subject=charge.account)
            return
        if charge.limit != account.limit:
            yield Finding("account.limit", index, subject=charge.account)
        if not _follows(account.spent, charge.loss, charge.spent):
            yield Finding("charge.balance", index, subject=charge.account)
        if not _within(charge.spent, account.limit):
            yield Finding("charge.overspent", index, subject=charge.account)
        self.accounts[charge.account] = Account(account.kind, account.limit, charge.spent)

    def _end(self, index: int, act: QueryReleased | QueryFailed) -> Iterator[Finding]:
        charge = self._charges.get(act.authorization)
        if charge is None or charge.id != act.charge:
            yield Finding("final.unauthorized", index, subject=act.charge)
            return
        if isinstance(act, QueryFailed) and act.cause is FailureCause.PUBLIC and charge.paid:
            yield Finding("final.cause", index, subject=act.charge)
        number = act.number if isinstance(act, QueryReleased) else None
        if charge.ended or number in charge.releases or (number or 0) >= charge.queries:
            yield Finding("final.repeated", index, subject=act.charge)
        if isinstance(act, QueryReleased):
            charge.releases[act.number] = act.release
            self._again("release", act.release)
            if self._known("dummy", act.release):
                yield Finding("dummy.released", index, subject=act.charge)
            if act.request != charge.request:
                yield Finding("final.unauthorized", index, subject=act.charge)
        charge.ended = number is None or len(charge.releases) >= charge.queries

    def _reuse(self, index: int, act: QueryReused, signed: SignedRequest | None) -> Iterator[Finding]:
        """It loses nothing, and what it is computed from was released to the same licence."""
        if self._again("charge", act.charge):
            yield Finding("charge.reused", index, subject=act.charge)
        for charge in act.accounts:
            yield from self._charge(index, charge)
        if [charge.account for charge in act.accounts] != [f"{AccountKind.LICENCE}:{act.licence}"]:
            yield Finding("charge.accounts", index, subject=act.charge)
        lost = any(part for charge in act.accounts for part in _parts(charge.loss))
        if lost or not act.sources or not all(self._released_to(act.licence, use) for use in act.sources):
            yield Finding("reuse.differs", index, subject=act.charge)
        message = None if signed is None else signed.message
        self._charges[index] = _Charge(
            act.charge, act.licence, message, ended=True, releases={0: act.release}, computed=True
        )
        self._again("release", act.release)
        if self._known("dummy", act.release):
            yield Finding("dummy.released", index, subject=act.charge)

    def _released_to(self, licence: str, use: ReleaseUse) -> bool:
        """Whether that release of a charge was made for the licence, and not computed itself."""
        charge = self._charges.get(use.authorization)
        if charge is None or charge.computed or charge.licence != licence:
            return False
        return use.release in charge.releases.values()

    def _repeat(self, index: int, act: QueryRepeated) -> Iterator[Finding]:
        charge = self._charges.get(act.authorization)
        if charge is None or charge.licence != act.licence or act.release not in (None, charge.answer):
            yield Finding("repeat.differs", index)

    def _dry_run(self, index: int, act: QueryDryRun) -> Iterator[Finding]:
        """A dry run has no charge and no charge's answer: what is dummy is never what was measured."""
        self._again("dummy", act.release)
        if self._known("charge", act.run) or self._known("release", act.release):
            yield Finding("dummy.released", index, subject=act.run)

    def _known(self, *parts: str) -> bool:
        """Whether these words were given before."""
        return _mark(parts) in self._seen

    def _again(self, *parts: str) -> bool:
        """Whether these words were given before; they are, from now on."""
        known = self._known(*parts)
        self._seen.add(_mark(parts))
        return known


def _mark(parts: tuple[str, ...]) -> bytes:
    return sha256("\n".join(parts).encode()).digest()[:16]


def _nothing(limit: Amounts) -> Amounts:
    """Nothing spent, in the components that the limit has."""
    return Amounts(None if limit.rho is None else 0, 0, None if limit.epsilon is None else 0)


def _parts(amounts: Amounts) -> tuple[int | None, int, int | None]:
    return amounts.rho, amounts.delta, amounts.epsilon


def _alike(left: Amounts, right: Amounts) -> bool:
    """Both keep the same components."""
    return [part is None for part in _parts(left)] == [part is None for part in _parts(right)]


def _within(spent: Amounts, limit: Amounts) -> bool:
    return _alike(spent, limit) and all(
        (part or 0) <= (most or 0) for part, most in zip(_parts(spent), _parts(limit), strict=True)
    )


def _follows(before: Amounts, loss: Amounts, after: Amounts) -> bool:
    if not (_alike(before, loss) and _alike(before, after)):
        return False
    parts = zip(_parts(before), _parts(loss), _parts(after), strict=True)
    return all((start or 0) + (taken or 0) == (end or 0) for start, taken, end in parts)
