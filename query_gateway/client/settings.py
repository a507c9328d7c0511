"""Where the service is and who asks: from flags, environment and `~/.config/vitrine/config.toml`, in this order."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from sandbox.audit.checkpoint import LogPublicKey
from sandbox.audit.merkle import Unverified
from sandbox.hosts import is_this_host


class Unset(Exception):
    """A setting is missing or cannot be used; the text says which and how to give it."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What the client needs, and the defaults of its requests."""

    url: str
    """`https://HOST[:PORT]`, where the gateway is reached."""
    authority: str
    """The service's public name, which requests are signed for."""
    key: Path
    """The caller's private key file."""
    log_key: str
    """The log's public key (`NAME+ID+BASE64`), against which every answer is checked."""
    ca: Path | None = None
    """PEM file of the certificates to trust; the system's when it is left out."""
    licence: str | None = None
    scenario: str | None = None
    dataset: str | None = None

    @property
    def log_public_key(self) -> LogPublicKey:
        """Refuses: Unset."""
        try:
            return LogPublicKey.parse(self.log_key)
        except Unverified as error:
            raise Unset(f"log_key: {error}") from None


NAMES = tuple(field.name for field in fields(ClientSettings))


def config_file() -> Path:
    """Where the settings stand when no other place is given."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "vitrine" / "config.toml"


def read_client_settings(
    file: Path | None, given: Mapping[str, str | None], environment: Mapping[str, str] = os.environ
) -> ClientSettings:
    """The settings: a given value before `VITRINE_NAME` before the file's `name`. Refuses: Unset."""
    found = dict(_file(file))
    for name in NAMES:
        value = given.get(name) or environment.get(f"VITRINE_{name.upper()}")
        if value:
            found[name] = value
    for name in ("url", "key", "log_key"):
        if name not in found:
            raise Unset(
                f"{name} is not set: give --{name.replace('_', '-')}, VITRINE_{name.upper()} or {config_file()}"
            )
    url = found["url"].rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
        raise Unset("url is https://HOST[:PORT]")
    if parts.scheme == "http" and not is_this_host(parts.hostname):
        raise Unset("url is https://HOST[:PORT]; http:// is for a service on this host alone")
    return ClientSettings(
        url=url,
        authority=found.get("authority", parts.netloc),
        key=Path(found["key"]).expanduser(),
        log_key=_log_key(found["log_key"]),
        ca=Path(found["ca"]).expanduser() if "ca" in found else None,
        licence=found.get("licence"),
        scenario=found.get("scenario"),
        dataset=found.get("dataset"),
    )


def _file(file: Path | None) -> Mapping[str, str]:
    """The settings of the file; none when the usual one is not there."""
    path = file or config_file()
    if file is None and not path.exists():
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Unset(f"{path}: {error}") from None
    for name, value in found.items():
        if name not in NAMES or not isinstance(value, str):
            raise Unset(f"{path}: {name} is no setting, or no text")
    return found


def _log_key(text: str) -> str:
    """The key itself, or that of a file."""
    if "+" in text:
        return text
    try:
        return Path(text).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Unset(f"log_key: {error}") from None
