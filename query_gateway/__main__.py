"""Serves the gateway: `python -m query_gateway --socket PATH --listen HOST:PORT`."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import structlog
import uvicorn

from query_gateway.app import GatewaySettings, create_app
from query_gateway.enclosure import enclose
from query_gateway.listening import add_flags, listening
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
    config = arguments.listening.serving(
        create_app(
            GatewaySettings(arguments.socket, arguments.max_body, arguments.connections, arguments.answer_seconds)
        )
    )
    bound = config.bind_socket()
    enclose()
    uvicorn.Server(config).run(sockets=[bound])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="vitrine serve gateway",
        description="Serves the HTTP API in front of a sandbox. Without TLS, put it behind a proxy that speaks it.",
    )
    parser.add_argument("--socket", type=Path, required=True, help="the sandbox's Unix socket")
    add_flags(parser, listen="127.0.0.1:8080")
    parser.add_argument("--max-body", type=int, default=64 * 1024, help="bytes of a request (default %(default)s)")
    parser.add_argument(
        "--connections", type=int, default=64, help="requests in the sandbox at a time (default %(default)s)"
    )
    parser.add_argument(
        "--answer-seconds", type=float, default=300, help="longest wait for the sandbox (default %(default)s)"
    )
    parser.add_argument("--log-requests", action="store_true", help="a line of JSON per request on standard output")
    arguments = parser.parse_args()
    try:
        arguments.listening = listening(arguments)
    except ValueError as error:
        parser.error(str(error))
    return arguments


if __name__ == "__main__":
    main()
