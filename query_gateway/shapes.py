"""What bodies of the API are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Exact = Annotated[str, Field(description="An exact decimal number.", examples=["0.5"])]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256, hex.")]


class Shape(BaseModel):
    """One object: exactly these fields."""

    model_config = ConfigDict(extra="forbid")


class Text(Shape):
    """In both languages."""

    zh: str
    en: str
