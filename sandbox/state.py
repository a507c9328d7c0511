"""The state folder: where everything that a sandbox keeps stands.

```
vitrine.toml       settings
keys/              log.pem log-ml-dsa.pem log.pub; department.pem, to be kept offline once licences are signed elsewhere
policy/            the policy bundle, with department.pub
vault/             the vault key and the keys it wraps
snapshots/         sealed snapshots
vitrine.db         the embedded database, unless the settings name another
log.mark           the newest checkpoint told, by which a database that was rolled back is found out
lock               held by the one process that serves the folder, or copies it; on PostgreSQL, by all that serve it
```
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from policies.bundle import KEY_FILE, Bundle, read_bundle
from policies.errors import PolicyError
from sandbox.audit.checkpoint import LogKey, LogPublicKey
from sandbox.audit.mark import Mark
from sandbox.datasets.intake import snapshots_folder, vault_folder
from sandbox.datasets.snapshot import Snapshots
from sandbox.datasets.vault import Vault
from sandbox.disk import make_folder, put, sync_folder, sync_tree
from sandbox.errors import Refusal
from sandbox.keys import make_ml_dsa_key, make_private_key, read_ml_dsa_key, read_private_key, write_public_key
from sandbox.settings import Settings, read_settings, write_settings

DATABASE, MARK = "vitrine.db", "log.mark"
"""Files of the state folder."""


@dataclass(frozen=True, slots=True)
class StateFolder:
    """One sandbox's state."""

    path: Path

    @property
    def settings(self) -> Settings:
        """Refuses settings.invalid."""
        return read_settings(self.path)

    @property
    def log_key(self) -> LogKey:
        """Refuses key.unreadable, key.exposed."""
        ed25519, ml_dsa = (self.path / "keys" / name for name in ("log.pem", "log-ml-dsa.pem"))
        return LogKey(self.settings.origin, read_private_key(ed25519), read_ml_dsa_key(ml_dsa))

    @property
    def log_public_key(self) -> LogPublicKey:
        """What `keys/log.pub` says."""
        return LogPublicKey.parse((self.path / "keys" / "log.pub").read_text(encoding="utf-8"))

    @property
    def mark(self) -> Mark:
        """The newest checkpoint that was told, outside the database."""
        return Mark(self.path / MARK, self.log_public_key)

    @property
    def embedded(self) -> bool:
        """Whether the database is within."""
        return self.settings.database == f"sqlite:///{self.path / DATABASE}"

    @property
    def bundle(self) -> Bundle:
        """The policy bundle. Refuses policy.invalid."""
        try:
            return read_bundle(self.path / "policy")
        except PolicyError as error:
            raise Refusal("policy.invalid", {"what": "; ".join(error.problems)}) from None

    @property
    def vault(self) -> Vault:
        """Refuses vault.key."""
        return Vault.open(vault_folder(self.path))

    @property
    def snapshots(self) -> Snapshots:
        """The store of sealed snapshots."""
        return Snapshots(snapshots_folder(self.path), self.vault)

    @contextmanager
    def held(self, *, shared: bool = False) -> Iterator[None]:
        """No other process serves or copies the folder within, or none but others that share it; a killed one holds
        nothing. Refuses state.busy."""
        with held(self.path / "lock", shared=shared):
            yield


@contextmanager
def held(lock: Path, *, shared: bool) -> Iterator[None]:
    """A lock is held within, alone or beside others that share it. Refuses state.busy."""
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal("state.busy") from None
        yield
    finally:
        os.close(descriptor)


def _take(path: Path) -> None:
    """An empty folder of ours becomes one that nobody else enters. Refuses state.exists."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        raise Refusal("state.exists", {"folder": path.name}) from None
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise Refusal("state.exists", {"folder": path.name})
        os.fchmod(descriptor, 0o700)
        with os.scandir(descriptor) as found:
            if next(found, None) is not None:
                raise Refusal("state.exists", {"folder": path.name})
    finally:
        os.close(descriptor)


def create(path: Path, settings: dict[str, str | int], policies: Path) -> StateFolder:
    """A new state folder with every key made and the policy folder copied, under the new department's key.

    Refuses state.exists, policy.invalid. An empty folder is taken when it is our own, and closed to others first.
    """
    make_folder(path.parent)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        _take(path)
    sync_folder(path.parent)
    keys = path / "keys"
    make_folder(keys)
    origin, ml_dsa = str(settings["origin"]), keys / "log-ml-dsa.pem"
    log = LogKey(origin, make_private_key(keys / "log.pem"), make_ml_dsa_key(ml_dsa))
    put(keys / "log.pub", f"{log.public}\n".encode(), 0o644)
    department = make_private_key(keys / "department.pem")
    shutil.copytree(policies, path / "policy")
    write_public_key(path / "policy" / KEY_FILE, department.public_key())
    Mark.begin(path / MARK, log)
    sync_tree(path)
    Vault.create(vault_folder(path))
    write_settings(path, settings)  # last: without them it is no state folder yet
    created = StateFolder(path)
    created.bundle  # noqa: B018 - refuses a policy folder that cannot be read
    return created
