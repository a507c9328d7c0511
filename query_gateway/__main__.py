"""Serves the gateway: `python -m query_gateway --socket PATH --listen HOST:PORT`."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import structlog
import uvicorn

from query_gateway.app import GatewaySettings, create_app


def main() -> None:
    """Serves until SIGTERM or SIGINT, then lets requests under way end."""
    arguments = _arguments()
    level = logging.INFO if arguments.log_requests else logging.WARNING
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    host, _, port = arguments.listen.rpartition(":")
    uvicorn.run(
        create_app(
            GatewaySettings(arguments.socket, arguments.max_body, arguments.connections, arguments.answer_seconds)
        ),
        host=host.strip("[]") or "127.0.0.1",
        port=int(port),
        ssl_certfile=arguments.tls_cert,
        ssl_keyfile=arguments.tls_key,
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=10,
    )


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
    arguments = parser.parse_args()
    if (arguments.tls_cert is None) != (arguments.tls_key is None):
        parser.error("--tls-cert and --tls-key go together")
    if not arguments.listen.rpartition(":")[2].isdecimal():
        parser.error("--listen is HOST:PORT")
    return arguments


if __name__ == "__main__":
    main()
