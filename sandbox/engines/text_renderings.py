"""How DuckDB computes the functions of texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from sandbox.engines.operands import (
    Operands,
    balanced,
    between,
    binary,
    call,
    cast,
    choose,
    every,
    is_null,
    negated,
    number,
)
from sandbox.engines.renderings import Rendering, cut, function, operator, whole
from sandbox.plan.distances import MOST_BYTES
from sandbox.plan.ranges import span
from sandbox.plan.text_edits import CODE_POINTS, SURROGATES
from sandbox.plan.texts import FAR
from sandbox.plan.values import TEXT_LENGTH


def _concat(of: Operands) -> exp.Expr:
    """Cut after every two, so that no text in between is long."""
    return cut(balanced(lambda left, right: cut(binary(exp.DPipe, left, right)), of.arguments))


def _offsets(name: str) -> Rendering:
    """A function of a text and numbers of characters, which are brought near enough for the engine."""

    def near(of: Operands, index: int) -> exp.Expr:
        found = span(of.given[index])
        if found is not None and found[0] >= -FAR and found[1] <= FAR:
            return of.arguments[index]
        lo, hi = number(-FAR), number(FAR)
        return of.bind(
            index,
            lambda one: choose((binary(exp.LT, one, lo), lo), (binary(exp.GT, one, hi), hi), default=one),
        )

    def render(of: Operands) -> exp.Expr:
        numbers = (near(of, index) for index in range(1, len(of.arguments)))
        return call(name, of.arguments[0], *numbers)

    return render


def _within(value: exp.Expr, lo: int, hi: int) -> exp.Expr:
    """A number brought between two limits, NULL to one of them."""
    return call("GREATEST", call("LEAST", value, number(hi)), number(lo))


def _repeat(of: Operands) -> exp.Expr:
    """No more often than fills a text, so that none in between is long."""

    def repeated(text: exp.Expr, count: exp.Expr) -> exp.Expr:
        length = call("GREATEST", call("LENGTH", text), number(1))
        enough = binary(exp.Add, binary(exp.IntDiv, number(TEXT_LENGTH), length), number(1))
        times = call("GREATEST", call("LEAST", count, enough), number(0))
        return choose((negated(is_null(count)), cut(call("REPEAT", text, times))))

    return of.bind(0, lambda text: of.bind(1, lambda count: repeated(text, count)))


def _padded(name: str) -> Rendering:
    """To no more characters than a text has."""

    def padded(of: Operands, count: exp.Expr) -> exp.Expr:
        near = cast(_within(count, 0, TEXT_LENGTH), "INTEGER")
        return choose((negated(is_null(count)), call(name, of.arguments[0], near, of.arguments[2])))

    return lambda of: of.bind(1, lambda count: padded(of, count))


def _chr(of: Operands) -> exp.Expr:
    """NULL where there is no character."""
    last, first, end = number(CODE_POINTS - 1), number(SURROGATES.start), number(SURROGATES.stop - 1)

    def character(code: exp.Expr) -> exp.Expr:
        sound = every([between(code, number(1), last), negated(between(code, first, end))])
        return choose((sound, call("CHR", cast(_within(code, 1, CODE_POINTS - 1), "INTEGER"))))

    return of.bind(0, character)


def _both(of: Operands, build: Callable[[exp.Expr, exp.Expr], exp.Expr]) -> exp.Expr:
    return of.bind(0, lambda left: of.bind(1, lambda right: build(left, right)))


def _measured(of: Operands, value: exp.Expr) -> exp.Expr:
    return cast(value, "BIGINT") if of.whole else value


def _apart(name: str) -> Rendering:
    """A distance whose work grows with the product of the lengths."""

    def distance(of: Operands, left: exp.Expr, right: exp.Expr) -> exp.Expr:
        short = every([binary(exp.LTE, call("STRLEN", one), number(MOST_BYTES)) for one in (left, right)])
        return choose((short, _measured(of, call(name, left, right))))

    return lambda of: _both(of, lambda left, right: distance(of, left, right))


def _hamming(of: Operands) -> exp.Expr:
    def distance(left: exp.Expr, right: exp.Expr) -> exp.Expr:
        one, other = call("STRLEN", left), call("STRLEN", right)
        alike = every([binary(exp.EQ, one, other), binary(exp.GT, one, number(0))])
        return choose((alike, _measured(of, call("HAMMING", left, right))))

    return _both(of, distance)


def _jaccard(of: Operands) -> exp.Expr:
    def share(left: exp.Expr, right: exp.Expr) -> exp.Expr:
        full = every([binary(exp.GT, call("STRLEN", one), number(0)) for one in (left, right)])
        return choose((full, call("JACCARD", left, right)))

    return _both(of, share)


def _regexp_extract(of: Operands) -> exp.Expr:
    text, pattern, group = of.arguments
    return call("REGEXP_EXTRACT", text, pattern, cast(group, "INTEGER"))


TEXT_RENDERINGS: Mapping[str, Rendering] = {
    "like": operator(exp.Like),
    "lower": function("LOWER"),
    "upper": function("UPPER"),
    "trim": function("TRIM"),
    "ltrim": function("LTRIM"),
    "rtrim": function("RTRIM"),
    "substring": _offsets("SUBSTRING"),
    "length": whole("LENGTH"),
    "concat": _concat,
    "starts_with": function("STARTS_WITH"),
    "ends_with": function("ENDS_WITH"),
    "contains": function("CONTAINS"),
    "replace": lambda of: cut(call("REPLACE", *of.arguments)),
    "left": _offsets("LEFT"),
    "right": _offsets("RIGHT"),
    "reverse": function("REVERSE"),
    "repeat": _repeat,
    "lpad": _padded("LPAD"),
    "rpad": _padded("RPAD"),
    "position": whole("STRPOS"),
    "split_part": function("SPLIT_PART"),
    "ascii": whole("ASCII"),
    "unicode": whole("UNICODE"),
    "chr": _chr,
    "translate": function("TRANSLATE"),
    "concat_ws": lambda of: cut(call("CONCAT_WS", *of.arguments)),
    "octet_length": whole("STRLEN"),
    "strip_accents": lambda of: cut(call("STRIP_ACCENTS", *of.arguments)),
    "nfc_normalize": lambda of: cut(call("NFC_NORMALIZE", *of.arguments)),
    "levenshtein": _apart("LEVENSHTEIN"),
    "damerau_levenshtein": _apart("DAMERAU_LEVENSHTEIN"),
    "hamming": _hamming,
    "jaccard": _jaccard,
    "jaro_similarity": _apart("JARO_SIMILARITY"),
    "jaro_winkler_similarity": _apart("JARO_WINKLER_SIMILARITY"),
    "regexp_matches": function("REGEXP_MATCHES"),
    "regexp_full_match": function("REGEXP_FULL_MATCH"),
    "regexp_extract": _regexp_extract,
    "regexp_replace": lambda of: cut(call("REGEXP_REPLACE", *of.arguments)),
}
"""One row for each of the function table."""
