"""After a run: does the ledger hold what people were told they paid, each charge once, and does the log verify?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from benchmarks.acts import Person
from benchmarks.town import Town
from sandbox.audit import log
from sandbox.audit.encoding import decode
from sandbox.audit.entry import QueryAuthorized, QueryFailed
from sandbox.audit.records import Amounts
from sandbox.audit.verify import verify
from sandbox.ledger.accounts import read_accounts
from sandbox.ledger.schema import charges
from sandbox.upkeep import commands


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What was found."""

    charges: int
    """In the log."""
    lost: int
    """Charges that somebody was told of and the log does not hold."""
    unacknowledged: int
    """Charges of the log that nobody was answered: paid for nothing, or twice."""
    differing: int
    """Accounts that spent else than the log says, or, of a licence, than the sum of what its people were told."""
    open_charges: int
    failed: int
    attempts: int
    """Runs that were begun again after a kill."""
    entries: int
    """Of the log, each verified."""
    findings: int
    """Of the offline verifier."""
    said: tuple[str, ...]
    """Its findings, and the accounts that differ."""
    database: int
    """Bytes, for so many entries: it grows by design."""


def reckoned(town: Town, people: Sequence[Person]) -> Reckoning:
    """Exports and verifies the log of a service that has ended, and compares it with what people were told."""
    state, exported = town.state, town.folder / "export"
    commands.export_log(state, exported)
    report = verify(exported, state.log_public_key, state.bundle.department)
    with commands.database(state) as engine, engine.connect() as connection:
        acts = [decode(data).act for data in log.entries(connection, 0, log.size(connection))]
        accounts = {account.id: account.spent for account in read_accounts(connection)}
        attempts = connection.scalar(select(func.sum(charges.c.attempts)))
    authorized = {act.charge for act in acts if isinstance(act, QueryAuthorized)}
    told = {charge: paid for person in people for charge, paid in person.charges.items()}
    paying = {charge: paid for charge, paid in told.items() if charge in authorized}
    sums: dict[str, int] = {}
    for account, amount in paying.values():
        sums[account] = sums.get(account, 0) + amount
    differing = [
        f"{name}: spent {_units(spent)}, told {sums.get(name, 0)}, log {_units(report.accounts[name].spent)}"
        for name, spent in accounts.items()
        if spent != report.accounts[name].spent or (name.startswith("licence:") and _units(spent) != sums.get(name, 0))
    ]
    return Reckoning(
        charges=len(authorized),
        lost=len({charge for person in people for charge in person.fresh} - authorized),
        unacknowledged=len(authorized - told.keys()),
        differing=len(differing),
        open_charges=report.open_charges,
        failed=sum(isinstance(act, QueryFailed) for act in acts),
        attempts=int(attempts or 0),
        entries=report.verified,
        findings=report.total_findings,
        said=(*(str(finding.to_json()) for finding in report.findings), *differing),
        database=state.path.joinpath("vitrine.db").stat().st_size,
    )


def _units(amounts: Amounts) -> int:
    """Of ρ, or of ε in the account of a pure licence."""
    return amounts.epsilon or 0 if amounts.rho is None else amounts.rho
