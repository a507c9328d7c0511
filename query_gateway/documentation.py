"""The API's pages for people: Swagger UI from this host alone, and the list of problem codes."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated

from fastapi import APIRouter, Path, Response
from starlette.concurrency import run_in_threadpool

from query_gateway.problem_wire import ProblemCode
from query_gateway.relay import refused
from query_gateway.routes import described
from sandbox.errors import PROBLEMS, Refusal

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_OWN = files("query_gateway") / "assets"
_SWAGGER = files("fastapi_offline") / "static"
_ASSETS: dict[str, tuple[Traversable, str]] = {
    "docs.js": (_OWN / "docs.js", "text/javascript"),
    "swagger-ui-bundle.js": (_SWAGGER / "swagger-ui-bundle.js", "text/javascript"),
    "swagger-ui.css": (_SWAGGER / "swagger-ui.css", "text/css"),
}


def router() -> APIRouter:
    """`/docs`, its assets, and `/problems`."""
    api = APIRouter()

    @api.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        page = await run_in_threadpool((_OWN / "docs.html").read_bytes)
        return Response(page, headers={"content-security-policy": _POLICY}, media_type="text/html; charset=utf-8")

    @api.get("/docs/{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        if name not in _ASSETS:
            return refused(Refusal("request.route"), "en")
        file, media = _ASSETS[name]
        content = await run_in_threadpool(file.read_bytes)
        return Response(content, headers={"cache-control": "max-age=3600"}, media_type=f"{media}; charset=utf-8")

    @api.get("/problems", tags=["service"])
    async def problem_codes() -> list[ProblemCode]:
        """Every code a request can be refused with."""
        return [_code(code) for code in sorted(PROBLEMS)]

    @api.get("/problems/{code}", tags=["service"], response_model=ProblemCode, responses={404: described(404)})
    async def problem_code(code: Annotated[str, Path(examples=["plan.raw_rows"])]) -> ProblemCode | Response:
        """One code: what a problem's `type` refers to."""
        return _code(code) if code in PROBLEMS else refused(Refusal("request.route"), "en")

    return api


def _code(code: str) -> ProblemCode:
    problem = PROBLEMS[code]
    return ProblemCode(code=code, status=problem.status, en=problem.en, zh=problem.zh)
