"""TLS as our servers speak it: versions 1.2 and 1.3."""

from __future__ import annotations

import ssl
from pathlib import Path

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: authenticated encryption with forward secrecy alone. TLS 1.3 has nothing else."""


def tls(chain: Path, key: Path) -> ssl.SSLContext:
    """The server's side of TLS.

    Raises OSError and ssl.SSLError for files that cannot be used, PermissionError for a key that everybody can read.
    """
    if key.stat().st_mode & 0o007:
        raise PermissionError(f"{key}: others can read it")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.load_cert_chain(chain, key)
    return context
