"""Who may do what: Cedar rules with a schema decide, and every decision names the rules that made it.

Deny on any doubt: no permitting rule, a rule that cannot be evaluated, an attribute nobody declared.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import cedarpy

from policies.canonical import canonical_json
from policies.errors import refuse
from policies.licences import Licence

FOLDER = Path(__file__).parent / "rules"
SCHEMA = FOLDER / "vitrine.cedarschema"

REFUSALS = (
    "policy.institution",
    "policy.suspended",
    "licence.revoked",
    "licence.suspended",
    "licence.not_yet",
    "licence.expired",
    "dataset.withdrawn",
    "policy.closed",
    "policy.scenario",
    "policy.output",
    "policy.scope",
    "policy.column",
    "policy.denied",
)
"""The codes a rule may refuse with; where several rules forbid, the caller is told the first."""

UNDECIDED = "default.undecided"
"""Stands for a rule where the request did not fit the schema or a rule could not be evaluated."""
UNPERMITTED = "default.unpermitted"
"""Stands for a rule where none permitted."""


class Role(StrEnum):
    """What a person may be registered as."""

    ANALYST = "analyst"
    PROVIDER = "provider"
    DEPARTMENT = "department"
    REGISTRAR = "registrar"
    AUDITOR = "auditor"


class Action(StrEnum):
    """Every act there is."""

    QUERY = "query"
    ESTIMATE = "estimate"
    CATALOGUE_READ = "catalogue.read"
    CHECKPOINT_READ = "checkpoint.read"
    LICENCE_READ = "licence.read"
    HISTORY_READ = "history.read"
    AUDIT_READ = "audit.read"
    DATASET_LOAD = "dataset.load"
    DATASET_WITHDRAW = "dataset.withdraw"
    LICENCE_ISSUE = "licence.issue"
    LICENCE_SUSPEND = "licence.suspend"
    LICENCE_REVOKE = "licence.revoke"
    INSTITUTION_ADD = "institution.add"
    PERSON_ADD = "person.add"
    KEY_REGISTER = "key.register"
    KEY_REVOKE = "key.revoke"


class State(StrEnum):
    """The state of a person, institution, licence or data set; only ACTIVE lets anything pass."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Principal:
    """The registered person who signed."""

    person: str
    institution: str
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class LicenceResource:
    """The licence that is asked under, with the registry's word on it."""

    licence: Licence
    state: State


@dataclass(frozen=True, slots=True)
class Target:
    """What any other act is about."""

    id: str
    institution: str | None
    """The institution concerned; None where it is the service itself."""


Resource: TypeAlias = LicenceResource | Target


@dataclass(frozen=True, slots=True)
class DatasetUse:
    """A data set that is asked about."""

    name: str
    state: State
    opening: str
    """As on its card."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a query or estimate would use: nothing it touches may be left out."""

    scenario: str
    output: str
    """query | model | verification"""
    datasets: tuple[DatasetUse, ...]
    tables: tuple[tuple[str, str], ...]
    """(data set, table), public tables included."""
    columns: tuple[tuple[str, str, str], ...]
    """(data set, table, column), unit keys included."""

    def __post_init__(self) -> None:
        if not {table[0] for table in self.tables} <= {dataset.name for dataset in self.datasets}:
            raise ValueError("a table of a data set that is not listed")
        if not {column[:2] for column in self.columns} <= set(self.tables):
            raise ValueError("a column of a table that is not listed")


@dataclass(frozen=True, slots=True)
class Context:
    """What is so at the moment of the act."""

    now: int
    """Seconds since 1970."""
    person: State
    institution: State
    """Of the principal."""
    use: Use | None
    """For QUERY and ESTIMATE."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Allowed or not, and by which rules."""

    allowed: bool
    rules: tuple[str, ...]
    """Ids of the deciding rules, sorted; never empty."""
    code: str | None
    """The refusal to tell the caller; None when allowed."""
    detail: Mapping[str, str]
    """Words for the refusal's sentence, from request and licence."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Parsed rules, ready to decide."""

    policies: cedarpy.PolicySet
    schema: cedarpy.Schema
    refusals: Mapping[str, str]
    """Per id of a forbidding rule, its code."""
    digest: str
    """SHA-256 over rules and schema, whatever the files are called."""

    def decide(self, principal: Principal, action: Action, resource: Resource, context: Context) -> Decision:
        """The decision on one act."""
        request = {
            "principal": {"type": "Person", "id": principal.person},
            "action": {"type": "Action", "id": action.value},
            "resource": _uid(resource),
            "context": _context(context),
        }
        result = cedarpy.is_authorized(request, self.policies, [_person(principal), _entity(resource)], self.schema)
        ids = tuple(sorted(result.diagnostics.id_annotations_by_reason.values()))
        allowed = result.allowed and bool(ids) and not result.diagnostics.errors
        if allowed:
            return Decision(True, ids, None, {})
        if result.diagnostics.errors:
            rules: tuple[str, ...] = (UNDECIDED,)
        else:
            rules = ids or (UNPERMITTED,)
        codes = {self.refusals.get(rule, "policy.denied") for rule in rules}
        code = next(known for known in REFUSALS if known in codes)
        return Decision(False, rules, code, _detail(action, resource, context, rules))


def read_rules(texts: Mapping[str, str]) -> Rules:
    """The rules of these files, by name. Refuses: PolicyError on syntax, a misspelt attribute, a rule without an id."""
    schema = SCHEMA.read_text(encoding="utf-8")
    files = [texts[name] for name in sorted(texts)]
    refuse(_syntax_problems(texts))
    whole = "\n".join(files)
    policies = json.loads(cedarpy.policies_to_json_str(whole))
    refuse(_rule_problems(policies))
    refuse(f"{error.policy_id}: {error.error}" for error in cedarpy.validate_policies(whole, schema).errors)
    annotated = [policy["annotations"] for policy in policies["staticPolicies"].values()]
    contents = sorted(hashlib.sha256(text.encode()).hexdigest() for text in files)
    return Rules(
        policies=cedarpy.PolicySet.from_str(whole),
        schema=cedarpy.Schema.from_str(schema),
        refusals={each["id"]: each["refusal"] for each in annotated if "refusal" in each},
        digest=hashlib.sha256(canonical_json({"rules": contents, "schema": schema})).hexdigest(),
    )


@cache
def packaged_rules() -> Rules:
    """The rules that come with Vitrine."""
    return read_rules({path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.cedar")})


def _syntax_problems(texts: Mapping[str, str]) -> Iterator[str]:
    if not texts:
        yield "rules: there is none"
    for name in sorted(texts):
        try:
            cedarpy.PolicySet.from_str(texts[name])
        except ValueError as error:
            yield f"{name}: {error}"


def _rule_problems(policies: dict[str, Any]) -> Iterator[str]:
    if policies["templates"] or policies["templateLinks"]:
        yield "rules: templates are not used"
    ids: Counter[str] = Counter()
    for policy in policies["staticPolicies"].values():
        annotations = policy.get("annotations", {})
        rule = annotations.get("id")
        if not rule or rule.startswith("default."):
            yield "rules: every rule has an @id, and none that begins with default."
            continue
        ids[rule] += 1
        refusal = annotations.get("refusal")
        if (policy["effect"] == "forbid") != (refusal is not None) or refusal not in {None, *REFUSALS}:
            yield f"rules: {rule}: a forbid, and only a forbid, has a @refusal of {', '.join(REFUSALS)}"
    yield from (f"rules: the id {rule} stands twice" for rule, count in ids.items() if count > 1)


def _uid(resource: Resource) -> dict[str, str]:
    if isinstance(resource, LicenceResource):
        return {"type": "Licence", "id": resource.licence.id}
    return {"type": "Target", "id": resource.id}


def _person(principal: Principal) -> dict[str, Any]:
    attributes = {"institution": principal.institution, "roles": sorted(principal.roles)}
    return {"uid": {"type": "Person", "id": principal.person}, "attrs": attributes, "parents": []}


def _entity(resource: Resource) -> dict[str, Any]:
    match resource:
        case LicenceResource(licence, state):
            attributes: dict[str, object] = {
                "institution": licence.institution,
                "state": state,
                "not_before": int(licence.not_before.timestamp()),
                "not_after": int(licence.not_after.timestamp()),
                "mode": licence.mode,
                "notion": licence.notion,
                "scenarios": [scenario.id for scenario in licence.scenarios],
                "outputs": list(licence.outputs),
                "tables": sorted(_granted_tables(licence)),
                "columns": sorted(_granted_columns(licence)),
            }
        case Target(_, institution):
            attributes = {} if institution is None else {"institution": institution}
    return {"uid": _uid(resource), "attrs": attributes, "parents": []}


def _context(context: Context) -> dict[str, object]:
    standing: dict[str, object] = {
        "now": context.now,
        "person": context.person,
        "institution": context.institution,
    }
    use = context.use
    if use is None:
        return standing
    return standing | {
        "scenario": use.scenario,
        "output": use.output,
        "datasets": sorted({dataset.name for dataset in use.datasets}),
        "states": sorted({dataset.state for dataset in use.datasets}),
        "openings": sorted({dataset.opening for dataset in use.datasets}),
        "tables": sorted(".".join(table) for table in use.tables),
        "columns": sorted(".".join(column) for column in use.columns),
    }


def _granted_tables(licence: Licence) -> set[str]:
    return {f"{grant.dataset}.{grant.table}" for grant in licence.grants}


def _granted_columns(licence: Licence) -> set[str]:
    return {f"{grant.dataset}.{grant.table}.{column}" for grant in licence.grants for column in grant.columns}


def _detail(action: Action, resource: Resource, context: Context, rules: tuple[str, ...]) -> Mapping[str, str]:
    detail = {"action": action.value, "rules": ", ".join(rules)}
    use = context.use
    if not isinstance(resource, LicenceResource) or use is None:
        return detail
    licence = resource.licence
    shut = {each.name for each in use.datasets if each.state is not State.ACTIVE or each.opening == "none"}
    return detail | {
        "licence": licence.id,
        "scenario": use.scenario,
        "output": use.output,
        "dataset": ", ".join(sorted(shut)),
        "tables": ", ".join(sorted({".".join(table) for table in use.tables} - _granted_tables(licence))),
        "columns": ", ".join(sorted({".".join(column) for column in use.columns} - _granted_columns(licence))),
    }
