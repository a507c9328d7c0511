"""Whatever the text, lowering gives a plan or a refusal, and the plan is one that canonical bytes can carry."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import tokenize

from query_gateway.sql.explain import explain
from query_gateway.sql.lower import lower
from sandbox.errors import Refusal
from sandbox.plan.canonical import encode
from sandbox.plan.decoding import decode
from tests.support.lowering import files, read, schema

CASES = [case for kind in ("accepted", "refused", "mistaken") for path in files(kind) for case in read(path)]
SCHEMAS = {dataset: schema(dataset) for dataset in ("clinic", "tpch")}
TOKENS = [
    [case.sql[token.start : token.end + 1] for token in tokenize(case.sql, dialect="duckdb")]
    for case in CASES
    if case.name not in ("a text that does not end", "curly quotes", "curly single quotes", "backticks")
]
EVERY_TOKEN = sorted({token for tokens in TOKENS for token in tokens})
HOSTILE = st.text(st.sampled_from("'\"`;()[]{}$?@:-/*%\\\0\n\t 0aé女😀") | st.characters(), max_size=60)


def refusal_of(sql: str, dataset: str) -> Refusal | None:
    """The refusal; None when the plan is one that canonical bytes can carry."""
    try:
        plan = lower(sql, SCHEMAS[dataset]).plan
    except Refusal as refusal:
        found = explain(sql, SCHEMAS[dataset], refusal.code, refusal.detail, refusal.subject, ())
        return replace(refusal, span=found.span, rewrite=found.rewrite)
    assert decode(encode(plan)) == plan
    return None


def lowers_or_refuses(sql: str, *datasets: str) -> None:
    for dataset, known in SCHEMAS.items():
        if datasets and dataset not in datasets:
            continue
        refusal = refusal_of(sql, dataset)
        if refusal is not None and refusal.span is not None:
            assert 0 <= refusal.span.start <= refusal.span.end <= len(sql)
        if refusal is not None and refusal.rewrite is not None:
            lower(refusal.rewrite, known)


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A golden query with some tokens left out, repeated, exchanged or taken from another."""
    tokens = list(draw(st.sampled_from(TOKENS)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(tokens) - 1))
        match draw(st.sampled_from(("drop", "repeat", "exchange", "insert", "replace", "graft"))):
            case "drop":
                del tokens[place]
            case "repeat":
                tokens.insert(place, tokens[place])
            case "exchange":
                other = draw(st.integers(0, len(tokens) - 1))
                tokens[place], tokens[other] = tokens[other], tokens[place]
            case "insert":
                tokens.insert(place, draw(st.sampled_from(EVERY_TOKEN)))
            case "replace":
                tokens[place] = draw(st.sampled_from(EVERY_TOKEN))
            case "graft":
                other_query = draw(st.sampled_from(TOKENS))
                tokens[place:place] = ["(", *other_query, ")"]
        if not tokens:
            return ""
    return " ".join(tokens)


@settings(max_examples=4 * settings().max_examples, suppress_health_check=[HealthCheck.too_slow])
@given(mutations())
def test_mutated_queries(sql: str) -> None:
    lowers_or_refuses(sql)


@settings(max_examples=2 * settings().max_examples)
@given(st.lists(st.sampled_from(EVERY_TOKEN), max_size=30).map(" ".join))
def test_words_in_any_order(sql: str) -> None:
    lowers_or_refuses("SELECT " + sql)


@settings(max_examples=2 * settings().max_examples)
@given(HOSTILE, HOSTILE)
def test_hostile_text(before: str, within: str) -> None:
    lowers_or_refuses(before)
    lowers_or_refuses(f"SELECT COUNT(*) AS {within} FROM persons WHERE city = '{within}' {before}")
