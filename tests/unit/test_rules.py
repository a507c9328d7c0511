"""Who may do what: cases in, decision and deciding rules out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from policies.documents import read_licence_text
from policies.errors import PolicyError
from policies.rules import (
    FOLDER,
    REFUSALS,
    UNDECIDED,
    UNPERMITTED,
    Action,
    Context,
    DatasetUse,
    Decision,
    LicenceResource,
    Principal,
    Role,
    State,
    Target,
    Use,
    packaged_rules,
    read_rules,
)
from sandbox.errors import PROBLEMS, Refusal
from tests.support.documents import LICENCE

RULES = packaged_rules()
GRANT = LicenceResource(read_licence_text(LICENCE.encode()), State.ACTIVE)
ANALYST = Principal("张三", "institute", frozenset({Role.ANALYST}))
BEGIN = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
END = int(datetime(2026, 12, 31, tzinfo=UTC).timestamp())
USE = Use(
    scenario="insurance",
    output="query",
    datasets=(DatasetUse("clinic", State.ACTIVE, "conditional"),),
    tables=(("clinic", "visits"), ("clinic", "cities")),
    columns=(("clinic", "visits", "pid"), ("clinic", "visits", "科室"), ("clinic", "cities", "code")),
)
NOW = Context(BEGIN, State.ACTIVE, State.ACTIVE, USE)
STANDING = replace(NOW, use=None)
OTHER_ACTS = [action for action in Action if action not in {Action.QUERY, Action.ESTIMATE}]


def used(**changes: Any) -> Context:
    """The context with a part of the use changed."""
    return replace(NOW, use=replace(USE, **changes))


def data(state: State = State.ACTIVE, opening: str = "conditional") -> tuple[DatasetUse, ...]:
    """The data set used, and another that is fine."""
    return (DatasetUse("clinic", state, opening), DatasetUse("other", State.ACTIVE, "conditional"))


# who, under which licence, in which context → the deciding rules and the code
REFUSED_USES = [
    (replace(ANALYST, institution="rival"), GRANT, NOW, ["use.own-institution"], "policy.institution"),
    (replace(ANALYST, roles=frozenset({Role.AUDITOR})), GRANT, NOW, [UNPERMITTED], "policy.denied"),
    (replace(ANALYST, roles=frozenset()), GRANT, NOW, [UNPERMITTED], "policy.denied"),
    (ANALYST, GRANT, replace(NOW, person=State.SUSPENDED), ["act.active"], "policy.suspended"),
    (ANALYST, GRANT, replace(NOW, institution=State.REVOKED), ["act.active"], "policy.suspended"),
    (ANALYST, replace(GRANT, state=State.SUSPENDED), NOW, ["use.licence-active"], "licence.suspended"),
    (ANALYST, replace(GRANT, state=State.WITHDRAWN), NOW, ["use.licence-active"], "licence.suspended"),
    (ANALYST, replace(GRANT, state=State.REVOKED), NOW, ["use.licence-not-revoked"], "licence.revoked"),
    (ANALYST, GRANT, replace(NOW, now=BEGIN - 1), ["use.licence-begun"], "licence.not_yet"),
    (ANALYST, GRANT, replace(NOW, now=END), ["use.licence-not-expired"], "licence.expired"),
    (ANALYST, GRANT, used(datasets=data(State.WITHDRAWN)), ["use.dataset-active"], "dataset.withdrawn"),
    (ANALYST, GRANT, used(datasets=data(State.SUSPENDED)), ["use.dataset-active"], "dataset.withdrawn"),
    (ANALYST, GRANT, used(datasets=data(opening="none")), ["use.dataset-open"], "policy.closed"),
    (ANALYST, GRANT, used(datasets=data(opening="maybe")), ["use.dataset-open"], "policy.closed"),
    (ANALYST, GRANT, used(scenario="marketing"), ["use.scenario"], "policy.scenario"),
    (ANALYST, GRANT, used(output="model"), ["use.output"], "policy.output"),
    (ANALYST, GRANT, used(tables=(*USE.tables, ("clinic", "drugs"))), ["use.tables"], "policy.scope"),
    (
        ANALYST,
        GRANT,
        used(datasets=data(), tables=(("other", "visits"),), columns=()),
        ["use.tables"],
        "policy.scope",
    ),
    (ANALYST, GRANT, used(columns=(*USE.columns, ("clinic", "visits", "age"))), ["use.columns"], "policy.column"),
    (ANALYST, GRANT, used(columns=(("clinic", "visits", "COST"),)), ["use.columns"], "policy.column"),
    # several at once: all are named, and the gravest is told
    (
        ANALYST,
        replace(GRANT, state=State.SUSPENDED),
        replace(used(scenario="marketing"), now=END),
        ["use.licence-active", "use.licence-not-expired", "use.scenario"],
        "licence.suspended",
    ),
    # doubt
    (ANALYST, GRANT, STANDING, [UNDECIDED], "policy.denied"),
    (ANALYST, Target("clinic-2026-001", "institute"), NOW, [UNDECIDED], "policy.denied"),
    (ANALYST, GRANT, replace(NOW, now=2**63), [UNDECIDED], "policy.denied"),
]


@pytest.mark.parametrize("action", [Action.QUERY, Action.ESTIMATE])
@pytest.mark.parametrize("now", [BEGIN, END - 1])
def test_a_use_inside_the_licence_is_allowed(action: Action, now: int) -> None:
    assert RULES.decide(ANALYST, action, GRANT, replace(NOW, now=now)) == Decision(True, ("use.analyst",), None, {})


@pytest.mark.parametrize("action", [Action.QUERY, Action.ESTIMATE])
@pytest.mark.parametrize(("who", "what", "context", "rules", "code"), REFUSED_USES)
def test_a_use_outside_is_refused_by_rule(
    who: Principal, what: LicenceResource, context: Context, rules: list[str], code: str, action: Action
) -> None:
    decision = RULES.decide(who, action, what, context)
    assert (decision.allowed, list(decision.rules), decision.code) == (False, rules, code)


INSTITUTE, RIVAL, SERVICE = Target("x", "institute"), Target("x", "rival"), Target("x", None)

# act, on what → the roles that alone suffice, for somebody of `institute`
EVERYONE = set(Role)
ACTS = [
    (Action.CATALOGUE_READ, SERVICE, EVERYONE),
    (Action.CHECKPOINT_READ, SERVICE, EVERYONE),
    (Action.LICENCE_READ, INSTITUTE, EVERYONE),
    (Action.HISTORY_READ, INSTITUTE, EVERYONE),
    (Action.AUDIT_READ, INSTITUTE, EVERYONE),
    (Action.LICENCE_READ, RIVAL, {Role.AUDITOR, Role.DEPARTMENT}),
    (Action.HISTORY_READ, RIVAL, {Role.AUDITOR, Role.DEPARTMENT}),
    (Action.AUDIT_READ, SERVICE, {Role.AUDITOR, Role.DEPARTMENT}),
    (Action.DATASET_LOAD, SERVICE, {Role.PROVIDER}),
    (Action.DATASET_LOAD, INSTITUTE, {Role.PROVIDER}),
    (Action.DATASET_LOAD, RIVAL, set()),
    (Action.DATASET_WITHDRAW, RIVAL, {Role.DEPARTMENT}),
    (Action.DATASET_WITHDRAW, INSTITUTE, {Role.PROVIDER, Role.DEPARTMENT}),
    (Action.LICENCE_ISSUE, RIVAL, {Role.DEPARTMENT}),
    (Action.LICENCE_SUSPEND, RIVAL, {Role.DEPARTMENT}),
    (Action.LICENCE_REVOKE, RIVAL, {Role.DEPARTMENT}),
    (Action.INSTITUTION_ADD, SERVICE, {Role.DEPARTMENT}),
    (Action.PERSON_ADD, INSTITUTE, {Role.REGISTRAR, Role.DEPARTMENT}),
    (Action.KEY_REGISTER, RIVAL, {Role.REGISTRAR, Role.DEPARTMENT}),
    (Action.KEY_REVOKE, RIVAL, {Role.REGISTRAR, Role.DEPARTMENT}),
    (Action.QUERY, INSTITUTE, set()),
]


@pytest.mark.parametrize(("action", "what", "roles"), ACTS)
def test_acts_need_a_role(action: Action, what: Target, roles: set[Role]) -> None:
    allowed = {
        role
        for role in Role
        if RULES.decide(Principal("p", "institute", frozenset({role})), action, what, STANDING).allowed
    }
    assert allowed == roles


@pytest.mark.parametrize("action", OTHER_ACTS)
@pytest.mark.parametrize(
    "context", [replace(STANDING, person=State.SUSPENDED), replace(STANDING, institution=State.REVOKED)]
)
def test_the_suspended_do_nothing(action: Action, context: Context) -> None:
    decision = RULES.decide(Principal("p", "institute", frozenset(Role)), action, INSTITUTE, context)
    assert (decision.allowed, decision.rules, decision.code) == (False, ("act.active",), "policy.suspended")


def test_every_act_can_be_allowed() -> None:
    everybody = Principal("p", "institute", frozenset(Role))
    assert [act for act in OTHER_ACTS if RULES.decide(everybody, act, INSTITUTE, STANDING).allowed] == OTHER_ACTS


def test_every_forbidding_rule_is_tried() -> None:
    tried = {rule for *_, rules, _ in REFUSED_USES for rule in rules} - {UNDECIDED, UNPERMITTED}
    assert tried == set(RULES.refusals) - {"hold.own"}
    assert RULES.decide(
        Principal("p", "institute", frozenset(Role) - {Role.DEPARTMENT}), Action.DATASET_LOAD, RIVAL, STANDING
    ).rules == ("hold.own",)


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_can_be_said(code: str) -> None:
    outside = used(scenario="x", columns=(("clinic", "visits", "age"),))
    detail = RULES.decide(ANALYST, Action.QUERY, GRANT, outside).detail
    refusal = Refusal(code, detail)
    assert PROBLEMS[code].en.format(**refusal.detail)
    assert PROBLEMS[code].zh.format(**refusal.detail)


def test_a_refusal_says_what_is_missing() -> None:
    columns = (*USE.columns, ("clinic", "visits", "age"))
    detail = RULES.decide(ANALYST, Action.QUERY, GRANT, used(columns=columns)).detail
    assert (detail["columns"], detail["tables"], detail["licence"]) == ("clinic.visits.age", "", "clinic-2026-001")


@pytest.mark.parametrize(
    "changes",
    [
        {"datasets": ()},
        {"tables": ()},
        {"tables": (("other", "visits"),)},
        {"columns": (("clinic", "drugs", "packs"),)},
    ],
)
def test_a_use_leaves_nothing_out(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not listed"):
        replace(USE, **changes)


PERMIT = '@id("p") permit (principal, action, resource);'
FORBID = '@id("f") @refusal("policy.denied") forbid (principal, action in Action::"use", resource)'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "rules: there is none"),
        ("permit (principal, action, resource)", "own.cedar:"),
        ("permit (principal, action, resource);", "every rule has an @id"),
        (PERMIT.replace('"p"', '"default.p"'), "every rule has an @id, and none that begins with default."),
        (PERMIT + PERMIT, "the id p stands twice"),
        (PERMIT.replace("resource)", "resource == ?resource)"), "templates are not used"),
        (PERMIT.replace("permit", "forbid"), "a forbid, and only a forbid, has a @refusal"),
        (PERMIT.replace("permit", '@refusal("policy.denied") permit'), "a forbid, and only a forbid, has a @refusal"),
        (PERMIT.replace("permit", '@refusal("other") forbid'), "a forbid, and only a forbid, has a @refusal"),
        (FORBID + " when { resource.colums.isEmpty() };", "colums"),
        (FORBID + " when { context.now > 1.5 };", "own.cedar:"),
        (PERMIT.replace("action,", 'action == Action::"qery",'), "qery"),
    ],
)
def test_rules_that_cannot_be_right_are_refused(text: str, problem: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read_rules({"own.cedar": text} if text else {})
    assert any(problem in found for found in refused.value.problems), refused.value.problems


def test_a_rule_that_fails_denies() -> None:
    """Cedar itself skips a forbid that it cannot evaluate."""
    rules = read_rules({"own.cedar": PERMIT + FORBID + f" when {{ context.now * {2**62} > 0 }};"})
    decision = rules.decide(ANALYST, Action.QUERY, GRANT, NOW)
    assert (decision.allowed, decision.rules, decision.code) == (False, (UNDECIDED,), "policy.denied")


def test_the_digest_covers_contents_not_file_names() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.cedar")}
    renamed = {f"z{number}.cedar": text for number, text in enumerate(reversed(texts.values()))}
    changed = texts | {"acts.cedar": texts["acts.cedar"].replace('["auditor", "department"]', '["auditor"]')}
    assert read_rules(texts).digest == RULES.digest == read_rules(renamed).digest
    assert read_rules(changed).digest != RULES.digest
