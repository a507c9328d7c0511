"""A new vault key: every data key of a state folder is wrapped by it, and the old one opens nothing any more.

First all new headers are written down, then the new key; from then on the rotation can only go forward, and whoever
finds it unfinished finishes it. The old key is gone when the new one takes its name.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

from sandbox.datasets.dictionary import context
from sandbox.datasets.intake import dictionary_folder, snapshots_folder, vault_folder
from sandbox.datasets.snapshot import contexts
from sandbox.datasets.vault import KEY, NEXT, Vault, alone, read_key, secret_context
from sandbox.disk import move, overwrite, publish, remove
from sandbox.errors import Refusal

_HEADERS = "rotation"
"""New headers by path, while they are being written."""


def rotate(state: Path) -> int:
    """Gives a state folder a new vault key and says how many files it wraps.

    Interrupted anywhere, it is carried on by the next call; until then the vault refuses `vault.rotating`. Refuses
    `state.busy` while anyone uses the vault, `vault.key`, `vault.damaged`.
    """
    folder = vault_folder(state)
    following = folder / NEXT
    with alone(folder):
        if not following.exists():
            remove(folder / _HEADERS)
            key = secrets.token_bytes(KEY)
            publish(folder / _HEADERS, (json.dumps(_rewrapped(state, key)).encode(),))
            publish(following, (key,))
        headers: dict[str, str] = json.loads((folder / _HEADERS).read_bytes())
        for name, header in headers.items():
            _overwrite(state / name, bytes.fromhex(header))
        move(following, folder / "vault.key")
        remove(folder / _HEADERS)
    return len(headers)


def _rewrapped(state: Path, key: bytes) -> dict[str, str]:
    """The header of every sealed file, in hex, with its data key wrapped by the new vault key."""
    folder = vault_folder(state)
    vault = Vault(folder, read_key(folder / "vault.key"))
    return {str(path.relative_to(state)): vault.rewrapped(path, use, key).hex() for path, use in sealed(state)}


def sealed(state: Path) -> Iterator[tuple[Path, str]]:
    """Every sealed file with its context."""
    for path in vault_folder(state).glob("*.sealed"):
        yield path, secret_context(path.stem)
    for folder in snapshots_folder(state).glob("[0-9a-f]*"):
        yield from contexts(folder)
    for folder in dictionary_folder(state).glob("*"):
        for path in folder.glob("*.sealed"):
            yield path, context(folder.name, int(path.stem))


def _overwrite(path: Path, header: bytes) -> None:
    try:
        overwrite(path, header)
    except FileNotFoundError:
        raise Refusal("vault.damaged", {"file": path.name}) from None
