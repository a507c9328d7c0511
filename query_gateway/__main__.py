"""Serves the gateway: `python -m query_gateway --socket PATH --listen HOST:PORT`."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import structlog
import uvicorn

from query_gateway.app import GatewaySettings, create_app
from query_gateway.connections import SERVING
from query_gateway.enclosure import enclose
from query_gateway.transport import tls
from sandbox.hosts import is_this_host
from sandbox.serving import operator_log


def main() -> None:
    """Serves until SIGTERM or SIGINT, then lets requests under way end; enclosed before the first one comes."""
    arguments = _arguments()
    operator_log.begin()
    level = logging.INFO if arguments.log_requests else logging.WARNING
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    context = arguments.tls
    config = uvicorn.Config(
        create_app(
            GatewaySettings(arguments.socket, arguments.max_body, arguments.connections, arguments.answer_seconds)
        ),
        host=arguments.host,
        port=arguments.port,
        ssl_context_factory=None if context is None else lambda *_: context,
        **SERVING,
    )
    listening = config.bind_socket()
    enclose()
    uvicorn.Server(config).run(sockets=[listening])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="vitrine serve gateway",
        description="Serves the HTTP API in front of a sandbox. Without TLS, put it behind a proxy that speaks it.",
    )
    parser.add_argument("--socket", type=Path, required=True, help="the sandbox's Unix socket")
    parser.add_argument("--listen", default="127.0.0.1:8080", help="HOST:PORT (default %(default)s)")
    parser.add_argument("--tls-cert", type=Path, help="PEM file of the certificate chain")
    parser.add_argument("--tls-key", type=Path, help="PEM file of its private key")
    parser.add_argument("--max-body", type=int, default=64 * 1024, help="bytes of a request (default %(default)s)")
    parser.add_argument(
        "--connections", type=int, default=64, help="requests in the sandbox at a time (default %(default)s)"
    )
    parser.add_argument(
        "--answer-seconds", type=float, default=300, help="longest wait for the sandbox (default %(default)s)"
    )
    parser.add_argument("--log-requests", action="store_true", help="a line of JSON per request on standard output")
    parser.add_argument(
        "--behind-proxy", action="store_true", help="a proxy speaks TLS: listen beyond this host without"
    )
    arguments = parser.parse_args()
    host, _, port = arguments.listen.rpartition(":")
    if not port.isdecimal():
        parser.error("--listen is HOST:PORT")
    arguments.host, arguments.port = host.strip("[]") or "127.0.0.1", int(port)
    if (arguments.tls_cert is None) != (arguments.tls_key is None):
        parser.error("--tls-cert and --tls-key go together")
    try:
        arguments.tls = None if arguments.tls_key is None else tls(arguments.tls_cert, arguments.tls_key)
    except OSError as error:
        parser.error(f"TLS: {error}")
    if arguments.tls is None and not arguments.behind_proxy and not is_this_host(arguments.host):
        parser.error("beyond this host it takes --tls-cert and --tls-key, or --behind-proxy with one that speaks TLS")
    return arguments


if __name__ == "__main__":
    main()
