"""Where a server of ours listens: the flags that say so, and what they are held to."""

from __future__ import annotations

import argparse
import ssl
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from query_gateway.connections import SERVING
from query_gateway.transport import tls
from sandbox.hosts import is_this_host

_IN_THE_CLEAR = "beyond this host it takes --tls-cert and --tls-key, or --behind-proxy with one that speaks TLS"


@dataclass(frozen=True, slots=True)
class Listening:
    """An address, and how it is spoken to."""

    host: str
    port: int
    tls: ssl.SSLContext | None

    def serving(self, app: ASGIApp) -> uvicorn.Config:
        """A server of the application there, with its connections bounded."""
        context = self.tls
        return uvicorn.Config(
            app,
            host=self.host,
            port=self.port,
            ssl_context_factory=None if context is None else lambda *_: context,
            **SERVING,
        )


def add_flags(parser: argparse.ArgumentParser, listen: str) -> None:
    """The flags that `listening` reads, with the address where they name none."""
    parser.add_argument("--listen", default=listen, help="HOST:PORT (default %(default)s)")
    parser.add_argument("--tls-cert", type=Path, help="PEM file of the certificate chain")
    parser.add_argument("--tls-key", type=Path, help="PEM file of its private key")
    parser.add_argument(
        "--behind-proxy", action="store_true", help="a proxy speaks TLS: listen beyond this host without"
    )


def listening(options: argparse.Namespace) -> Listening:
    """What the flags say. Raises ValueError: no address, half of what TLS takes, or neither TLS nor a proxy beyond this
    host."""
    host, _, port = options.listen.rpartition(":")
    if not port.isdecimal():
        raise ValueError("--listen is HOST:PORT")
    host = host.strip("[]") or "127.0.0.1"
    if (options.tls_cert is None) != (options.tls_key is None):
        raise ValueError("--tls-cert and --tls-key go together")
    try:
        context = None if options.tls_key is None else tls(options.tls_cert, options.tls_key)
    except OSError as error:
        raise ValueError(f"TLS: {error}") from None
    if context is None and not options.behind_proxy and not is_this_host(host):
        raise ValueError(
            "beyond this host it takes --tls-cert and --tls-key, or --behind-proxy with one that speaks TLS"
        )
    return Listening(host, int(port), context)
