"""The bodies of problems: why a request was not carried out, and the codes there are."""

from __future__ import annotations

from pydantic import Field

from query_gateway.shapes import Shape


class PlaceInSql(Shape):
    """Characters [start, end) of the SQL; line and column are counted from 1."""

    start: int
    end: int
    line: int
    column: int
    fragment: str


class ProblemDocument(Shape):
    """Why a request was not carried out (RFC 9457). Made from request, card and policy only, never from data."""

    type: str
    title: str
    status: int
    code: str = Field(examples=["sql.unsupported"])
    detail: str = Field(description="In the language of Accept-Language.")
    detail_en: str
    detail_zh: str
    place: PlaceInSql | None = None
    query: int | None = Field(default=None, description="Which one of a batch, from 0.")
    rewrite: str | None = Field(default=None, description="A query that would be accepted.")
    id: str | None = Field(default=None, description="The charge, when one was made.")
    trace: str | None = Field(default=None, description="To name to the operator.")


class ProblemCode(Shape):
    """One code of the closed list."""

    code: str
    status: int
    en: str
    zh: str
