"""Going on where the newest database is lost for good: every account is closed, and the log begins anew.

What was charged since the database that is left is not known, so nothing is charged any more: what was paid before can
be asked again, what was left open is withheld. The log goes on under another name and key, since others hold
checkpoints of entries that are gone: no key ever signs two histories.
"""

from __future__ import annotations

import tomllib

from sqlalchemy import Engine

from sandbox.audit.checkpoint import LogKey, open_note
from sandbox.audit.entry import Header
from sandbox.audit.log import forget_checkpoints, sign_checkpoint
from sandbox.audit.mark import Mark
from sandbox.audit.merkle import Unverified
from sandbox.clock import milliseconds
from sandbox.disk import put
from sandbox.errors import Refusal
from sandbox.keys import replace_private_key
from sandbox.ledger.database import begin_write, migrate, open_database
from sandbox.ledger.restarts import restart_log
from sandbox.ledger.writer import require_continued
from sandbox.settings import write_settings
from sandbox.state import MARK, StateFolder


def recover(state: StateFolder, origin: str) -> int:
    """Begins the log of a state folder anew under this name, and says how many of its entries are left.

    Interrupted, it is called again; until it has ended, nothing is served.

    Refuses state.busy, log.sound, log.origin, settings.invalid.
    """
    with state.held():
        if origin == state.settings.origin:
            raise Refusal("log.origin", {"origin": origin})
        engine = open_database(state.settings.database)
        try:
            migrate(engine)
            return _recover(state, origin, engine)
        finally:
            engine.dispose()


def _recover(state: StateFolder, origin: str, engine: Engine) -> int:
    former = state.log_public_key
    try:
        require_continued(engine, former, state.mark)
    except Refusal:
        pass
    else:
        raise Refusal("log.sound")
    try:
        told = open_note(state.mark.newest(), former).size
    except Refusal:
        told = None
    key = _new_key(origin)
    header = Header(milliseconds(), state.bundle.digest, None, None)
    with begin_write(engine) as connection:
        with connection.begin():
            left = restart_log(connection, header, state.settings.origin, told)
            forget_checkpoints(connection)
        with connection.begin():
            note = sign_checkpoint(connection, key, None)
    keys = state.path / "keys"
    replace_private_key(keys / "log.pem", key.ed25519)
    replace_private_key(keys / "log-ml-dsa.pem", key.ml_dsa)
    put(keys / "log.pub", f"{key.public}\n".encode(), 0o644)
    settings = tomllib.loads((state.path / "vitrine.toml").read_text(encoding="utf-8"))
    write_settings(state.path, {**settings, "origin": origin})
    Mark.create(state.path / MARK, key.public, note)
    return left


def _new_key(origin: str) -> LogKey:
    key = LogKey.generate(origin)
    try:
        key.public  # noqa: B018 - a name that no key can have
    except Unverified:
        raise Refusal("settings.invalid", {"what": f"origin = {origin!r}"}) from None
    return key
