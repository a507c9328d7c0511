"""Accounts of privacy loss: opened once, charged by a guarded update, never refilled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import Connection, Row, and_, bindparam, select, update

from policies.cards import Budget
from policies.licences import LicenceBudget, Notion
from sandbox.audit.records import AccountCharge, AccountKind, Amounts, OpenedAccount
from sandbox.errors import Fault, Refusal
from sandbox.ledger.schema import accounts, restarts
from sandbox.privacy.loss import DELTA_UNIT, EPSILON_UNIT, RHO_UNIT, Loss, down

_MOST = 2**63 - 1
"""The greatest number of units that the database keeps."""

_ACCOUNT = select(accounts).where(accounts.c.id == bindparam("account"))
# Written as spent ≤ limit − amount: both sides stay within 64 bits.
_HAS_ROOM = and_(
    accounts.c.id == bindparam("account"),
    accounts.c.rho_spent <= accounts.c.rho_limit - bindparam("rho"),
    accounts.c.delta_spent <= accounts.c.delta_limit - bindparam("delta"),
    accounts.c.epsilon_spent <= accounts.c.epsilon_limit - bindparam("epsilon"),
)
_ROOM = select(accounts.c.id).where(_HAS_ROOM)
_CHARGE = (
    update(accounts)
    .where(_HAS_ROOM)
    .values(
        rho_spent=accounts.c.rho_spent + bindparam("rho"),
        delta_spent=accounts.c.delta_spent + bindparam("delta"),
        epsilon_spent=accounts.c.epsilon_spent + bindparam("epsilon"),
    )
    .returning(accounts)
)


@dataclass(frozen=True, slots=True)
class Account:
    """One account as committed."""

    id: str
    kind: AccountKind
    name: str
    notion: Notion
    limit: Amounts
    spent: Amounts


@dataclass(frozen=True, slots=True)
class Line:
    """What one charge takes from one account."""

    account: str
    loss: Amounts

    @property
    def kind(self) -> AccountKind:
        return AccountKind(self.account.partition(":")[0])

    @property
    def name(self) -> str:
        return self.account.partition(":")[2]


def account_id(kind: AccountKind, name: str) -> str:
    """The id of the account of a licence, a data set or a unit domain."""
    return f"{kind.value}:{name}"


def budget_limit(budget: Budget) -> Amounts:
    """The limit of a data set's or unit domain's account, rounded down."""
    return Amounts(down(budget.rho, RHO_UNIT), down(budget.delta, DELTA_UNIT), None)


def licence_limit(notion: Notion, budget: LicenceBudget) -> Amounts:
    """The limit of a licence's account, rounded down."""
    match notion:
        case Notion.ZCDP if budget.rho is not None:
            return Amounts(down(budget.rho, RHO_UNIT), down(budget.delta, DELTA_UNIT), None)
        case Notion.PURE if budget.epsilon is not None:
            return Amounts(None, 0, down(budget.epsilon, EPSILON_UNIT))
    raise Fault("a licence's budget does not fit its privacy notion")


def open_account(connection: Connection, kind: AccountKind, name: str, limit: Amounts) -> tuple[OpenedAccount, ...]:
    """The account exists; what was opened, or nothing: one that exists keeps its limit and what is spent (rule 7).

    Refuses: budget.too_large, log.restarted.
    """
    identifier = account_id(kind, name)
    if connection.scalar(select(accounts.c.id).where(accounts.c.id == identifier)) is not None:
        return ()
    _require_whole(connection)
    notion = Notion.ZCDP if limit.epsilon is None else Notion.PURE
    rho, delta, epsilon = _stored(limit)
    connection.execute(
        accounts.insert().values(
            id=identifier,
            kind=kind.value,
            name=name,
            notion=notion.value,
            rho_limit=rho,
            delta_limit=delta,
            epsilon_limit=epsilon,
        )
    )
    return (OpenedAccount(identifier, kind, limit),)


def change_limit(connection: Connection, kind: AccountKind, name: str, limit: Amounts) -> None:
    """The account's limit is this one.

    Refuses: budget.unknown, budget.below_spent, budget.too_large, log.restarted.
    """
    _require_whole(connection)
    rho, delta, epsilon = _stored(limit)
    account = connection.execute(select(accounts).where(accounts.c.id == account_id(kind, name))).one_or_none()
    if account is None or account.notion != (Notion.ZCDP if limit.epsilon is None else Notion.PURE):
        raise Refusal("budget.unknown", {"account": name})
    if rho < account.rho_spent or delta < account.delta_spent or epsilon < account.epsilon_spent:
        raise Refusal("budget.below_spent", {"account": name})
    connection.execute(
        update(accounts)
        .where(accounts.c.id == account.id)
        .values(rho_limit=rho, delta_limit=delta, epsilon_limit=epsilon)
    )


def _require_whole(connection: Connection) -> None:
    """No charge was lost: else the account may have been open before, and spent. Refuses: log.restarted."""
    if connection.scalar(select(restarts.c.leaf).limit(1)) is not None:
        raise Refusal("log.restarted")


def read_account(connection: Connection, kind: AccountKind, name: str) -> Account | None:
    """One account."""
    row = connection.execute(_ACCOUNT, {"account": account_id(kind, name)}).one_or_none()
    return None if row is None else _account(row)


def read_accounts(connection: Connection) -> tuple[Account, ...]:
    """Every account, in id order."""
    return tuple(_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.id)))


def lines_of(loss: Loss, licence: str, datasets: tuple[str, ...], domains: tuple[str, ...]) -> tuple[Line, ...]:
    """What a loss takes from each account, in account id order, the order in which they are locked.

    A pure loss takes ε from its licence and ρ = ε²/2 from the others (rule 6); each data set and each unit domain is
    charged the whole loss once (rule 7). What reads of nobody, and so of no unit domain, loses nothing: the licence's
    account alone says so.
    """
    if not domains and (loss.rho, loss.delta, loss.epsilon or 0) != (0, 0, 0):
        raise Fault("a loss is one of people")
    datasets = datasets if domains else ()
    whole = Amounts(loss.rho, loss.delta, None)
    if loss.epsilon is not None and loss.delta != 0:
        raise Fault("a pure loss has no δ")
    own = whole if loss.epsilon is None else Amounts(None, 0, loss.epsilon)
    lines = [Line(account_id(AccountKind.LICENCE, licence), own)]
    lines += [Line(account_id(AccountKind.DATASET, name), whole) for name in set(datasets)]
    lines += [Line(account_id(AccountKind.DOMAIN, name), whole) for name in set(domains)]
    return tuple(sorted(lines, key=lambda line: line.account))


def charge(connection: Connection, line: Line) -> AccountCharge:
    """The line is taken from its account and the balance after it is told, or the account is untouched.

    Refuses: budget.exhausted.
    """
    changed = connection.execute(_CHARGE, _taken(line)).one_or_none()
    if changed is None:
        _refuse(line)
    account = _account(changed)
    if (account.notion is Notion.PURE) != (line.loss.epsilon is not None):
        raise Fault("the loss does not fit the account's privacy notion")
    return AccountCharge(account.id, account.kind, line.loss, account.spent, account.limit)


def unchanged(connection: Connection, licence: str) -> AccountCharge:
    """The licence's own account as it stands, charged nothing."""
    account = read_account(connection, AccountKind.LICENCE, licence)
    if account is None:
        raise Fault("a licence without an account")
    nothing = Amounts(None if account.notion is Notion.PURE else 0, 0, 0 if account.notion is Notion.PURE else None)
    return AccountCharge(account.id, account.kind, nothing, account.spent, account.limit)


def require_room(connection: Connection, line: Line) -> None:
    """The account could be charged the line. It is not charged.

    Refuses: budget.exhausted.
    """
    if connection.scalar(_ROOM, _taken(line)) is None:
        _refuse(line)


def _taken(line: Line) -> dict[str, str | int]:
    """What `_CHARGE` and `_ROOM` are asked with."""
    rho, delta, epsilon = _amounts(line)
    return {"account": line.account, "rho": rho, "delta": delta, "epsilon": epsilon}


def _amounts(line: Line) -> tuple[int, int, int]:
    amounts = (line.loss.rho or 0, line.loss.delta, line.loss.epsilon or 0)
    if min(amounts) < 0:
        raise Fault("a charge may not be negative")
    if max(amounts) > _MOST:
        _refuse(line)
    return amounts


def _refuse(line: Line) -> NoReturn:
    raise Refusal("budget.exhausted", {"kind": line.kind.value, "account": line.name})


def _stored(limit: Amounts) -> tuple[int, int, int]:
    amounts = (limit.rho or 0, limit.delta, limit.epsilon or 0)
    if min(amounts) < 0 or max(amounts) > _MOST:
        raise Refusal("budget.too_large")
    return amounts


def _account(row: Row[Any]) -> Account:
    if row.notion == Notion.PURE:
        limit, spent = Amounts(None, 0, row.epsilon_limit), Amounts(None, 0, row.epsilon_spent)
    else:
        limit, spent = (
            Amounts(row.rho_limit, row.delta_limit, None),
            Amounts(row.rho_spent, row.delta_spent, None),
        )
    return Account(row.id, AccountKind(row.kind), row.name, Notion(row.notion), limit, spent)
