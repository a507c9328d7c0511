"""The application: routes, documentation, health and metrics, with everything a request can meet around them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from query_gateway import documentation, routes, wire
from query_gateway.door import Door
from query_gateway.metrics import Metrics
from query_gateway.negotiation import language
from query_gateway.problem_wire import ProblemDocument
from query_gateway.protection import Protection
from query_gateway.relay import Relay, refused
from query_gateway.request_wire import BatchBody, QueryBody
from sandbox.errors import Refusal


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What the operator of the gateway sets; all by flags."""

    socket: Path
    """The sandbox's Unix socket."""
    max_body: int
    """Bytes of a request's body."""
    connections: int
    """Requests that wait for the sandbox at the same time; more wait their turn."""
    answer_seconds: float
    """Time after which the sandbox counts as unreachable."""


def create_app(settings: GatewaySettings) -> Protection:
    """The gateway as an ASGI application."""
    metrics = Metrics()
    relay = Relay(Door(settings.socket, settings.connections, settings.answer_seconds), settings.max_body)
    app = FastAPI(
        title="Vitrine",
        version=version("vitrine"),
        summary="A data sandbox: licensed institutions see differentially private results, never records.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.include_router(routes.router(relay))
    app.include_router(routes.log_router(relay))
    app.include_router(documentation.router())

    @app.get("/healthz", tags=["service"], response_model=wire.Health, responses={503: {"model": wire.Health}})
    async def healthz(request: Request) -> Response:
        """Whether gateway and sandbox answer, and whether what they do can be stored."""
        found = await relay.health(request)
        return JSONResponse({"gateway": "ok", "sandbox": found}, 200 if found == "ok" else 503)

    @app.get("/metrics", tags=["service"], response_class=Response)
    async def metrics_text() -> Response:
        """Counts and times of the gateway in the Prometheus text format."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _failed)

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
    return Protection(app, metrics)


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the bodies that no route reads or returns as a model."""
    document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    for model in (ProblemDocument, QueryBody, BatchBody):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"] |= schema.pop("$defs") | {model.__name__: schema}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            if not path.startswith("/v1"):
                operation["responses"].pop("422", None)  # nothing there is validated: what does not exist is 404
    return document


async def _no_route(request: Request, error: Exception) -> Response:
    tongue = language(request.headers.get("accept-language"))
    if isinstance(error, HTTPException) and error.status_code == 405:
        answer = refused(Refusal("request.method", {"method": request.method[:16]}), tongue)
        answer.headers.update(error.headers or {})
        return answer
    return refused(Refusal("request.route"), tongue)


async def _failed(request: Request, _: Exception) -> Response:
    """The one answer to any failure of ours; what it was stands in the operator's log only."""
    return refused(Refusal("service.failed"), language(request.headers.get("accept-language")))
