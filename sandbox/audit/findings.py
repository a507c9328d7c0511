"""What an audit can find: a closed list of codes, each with its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FINDINGS: Mapping[str, str] = {
    "account.closed": "An account is opened or changed after the log was begun anew.",
    "account.limit": "A charge states another limit than the account was given.",
    "account.reopened": "An account that was open is opened again.",
    "account.unknown": "An account is charged or changed that was never opened.",
    "body.differs": "A text beside the log is not the one its name says.",
    "body.missing": "A text that an entry names is missing.",
    "charge.accounts": "A charge does not name one licence account, each account once, and what its mechanisms need.",
    "charge.balance": "An account's balance after a charge is not the balance before it plus the loss.",
    "charge.overspent": "A charge takes an account above its limit.",
    "charge.reused": "The id of an earlier charge is used again.",
    "charge.underpaid": "The mechanisms of a query lose more than was charged.",
    "checkpoint.invalid": "The checkpoint is missing, malformed or not signed by the log's key.",
    "dummy.released": "A dry run's answer is the release of a charge, or has the id of one.",
    "entry.differs": "An entry is not the one the tree was made of.",
    "entry.malformed": "An entry is not of the published schema.",
    "file.differs": "A file is malformed.",
    "file.missing": "A file of the log is missing.",
    "file.unexpected": "A file stands in the directory that is no part of the log.",
    "final.cause": "A failure is put down to public tables alone, though the charge was for more.",
    "final.repeated": "A charge that had ended is ended again.",
    "final.unauthorized": "A release or failure refers to no earlier authorization of that charge.",
    "licence.limit": "A licence's account was given a greater limit than the signed licence grants.",
    "licence.signature": "A licence file is not what the department signed for this licence and institution.",
    "log.forked": "The log does not contain the log of a checkpoint seen before.",
    "log.truncated": "The log is shorter than a checkpoint seen before.",
    "remembered.invalid": "A remembered checkpoint is malformed or not signed by the log's key.",
    "repeat.differs": "A repeated answer refers to no earlier query of the same licence, or to another release.",
    "request.idempotency": "A person's idempotency key was charged twice.",
    "request.nonce": "A signing key's nonce was accepted twice.",
    "reuse.differs": "An answer by reuse names no earlier release of the same licence, or loses something.",
    "root.differs": "The entries do not lead to the signed root.",
    "time.backward": "An entry is older than the one before it.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where."""

    code: str
    leaf: int | None = None
    """Index of the entry."""
    file: str | None = None
    """Path inside the directory."""
    subject: str | None = None
    """The account, charge or digest it is about."""

    def to_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "sentence": FINDINGS[self.code],
            "leaf": self.leaf,
            "file": self.file,
            "subject": self.subject,
        }
