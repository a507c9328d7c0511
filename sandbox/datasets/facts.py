"""The facts of public tables as JSON, between the child of a load, its parent and the manifest."""

from __future__ import annotations

from typing import Any

from sandbox.plan.checked import PublicFacts
from sandbox.workers.wire import decode_scalar, encode_scalar


def facts_to_json(facts: PublicFacts) -> dict[str, Any]:
    """The facts as what JSON knows; `facts_from_json` reads them back exactly."""
    members = {column: [encode_scalar(value) for value in values] for column, values in facts.members.items()}
    return {"rows": facts.rows, "members": members, "multiplicity": dict(facts.multiplicity)}


def facts_from_json(found: dict[str, Any]) -> PublicFacts:
    """The facts that were written."""
    members = {column: tuple(decode_scalar(value) for value in values) for column, values in found["members"].items()}
    return PublicFacts(found["rows"], members, found["multiplicity"])
