"""The functions of texts.

Rule: total and row-local, by binary collation; no result longer than 256 characters (rules 2, 15)
"""

from __future__ import annotations

from sandbox.plan import arithmetic, distances, matcher, patterns, ranges, text_edits, texts
from sandbox.plan.function import Function, at
from sandbox.plan.meanings import filled
from sandbox.plan.nodes import Type
from sandbox.plan.signatures import either, fixed, same
from sandbox.plan.values import TEXT_LENGTH

TEXT, INTEGER, DOUBLE, BOOLEAN = Type.TEXT, Type.INTEGER, Type.DOUBLE, Type.BOOLEAN
TEXTS = fixed((TEXT, TEXT), BOOLEAN)
CASED = fixed((TEXT,), TEXT)
TRIMMED = either(CASED, fixed((TEXT, TEXT), TEXT))
PADDED = fixed((TEXT, INTEGER, TEXT), TEXT)
CODED = fixed((TEXT,), INTEGER)
APART = fixed((TEXT, TEXT), INTEGER)
ALIKE = fixed((TEXT, TEXT), DOUBLE)
LAST_CODE = text_edits.CODE_POINTS - 1
MOST_BYTES = distances.MOST_BYTES
FAR_APART = ranges.perhaps(0, MOST_BYTES)

TEXT_FUNCTIONS: tuple[Function, ...] = (
    Function("like", TEXTS, texts.like, ranges.truth, literals=at(1)),
    Function("lower", CASED, texts.lower, ranges.opaque, work=256),
    Function("upper", CASED, texts.upper, ranges.opaque, work=256),
    Function("trim", TRIMMED, texts.trim, ranges.opaque),
    Function("ltrim", TRIMMED, texts.ltrim, ranges.opaque),
    Function("rtrim", TRIMMED, texts.rtrim, ranges.opaque),
    Function(
        "substring",
        either(fixed((TEXT, INTEGER), TEXT), fixed((TEXT, INTEGER, INTEGER), TEXT)),
        texts.substring,
        ranges.opaque,
    ),
    Function("length", fixed((TEXT,), INTEGER), texts.length, ranges.length),
    Function("concat", same((TEXT,), 1, None), texts.concat, ranges.opaque),
    Function("starts_with", TEXTS, texts.starts_with, ranges.truth),
    Function("ends_with", TEXTS, texts.ends_with, ranges.truth),
    Function("contains", TEXTS, texts.contains, ranges.truth),
    Function("replace", fixed((TEXT, TEXT, TEXT), TEXT), texts.replace, ranges.opaque, literals=at(1, 2), work=256),
    Function("left", fixed((TEXT, INTEGER), TEXT), texts.left, ranges.opaque),
    Function("right", fixed((TEXT, INTEGER), TEXT), texts.right, ranges.opaque),
    Function("reverse", CASED, text_edits.reverse, ranges.opaque, work=512),
    Function("repeat", fixed((TEXT, INTEGER), TEXT), text_edits.repeat, ranges.opaque),
    Function("lpad", PADDED, text_edits.lpad, ranges.opaque, literals=at(2), meant=filled, work=128),
    Function("rpad", PADDED, text_edits.rpad, ranges.opaque, literals=at(2), meant=filled, work=128),
    Function("position", APART, text_edits.position, ranges.length),
    Function("split_part", fixed((TEXT, TEXT, INTEGER), TEXT), text_edits.split_part, ranges.opaque, work=256),
    Function("ascii", CODED, text_edits.code_point, ranges.constant(0, LAST_CODE)),
    Function("unicode", CODED, text_edits.code_point_or_minus_one, ranges.constant(-1, LAST_CODE)),
    Function("chr", fixed((INTEGER,), TEXT), text_edits.character, ranges.partial),
    Function("translate", fixed((TEXT, TEXT, TEXT), TEXT), text_edits.translate, ranges.opaque, work=512),
    Function(
        "concat_ws",
        same((TEXT,), 2, text_edits.MOST_JOINED + 1),
        text_edits.concat_ws,
        ranges.like_first,
        lifted=True,
    ),
    Function("octet_length", CODED, text_edits.octet_length, ranges.constant(0, 4 * TEXT_LENGTH)),
    Function("strip_accents", CASED, text_edits.unaccented, ranges.opaque, work=2048),
    Function("nfc_normalize", CASED, text_edits.unaccented, ranges.opaque, work=2048),
    Function("levenshtein", APART, distances.levenshtein, FAR_APART, work=2048),
    Function("damerau_levenshtein", APART, arithmetic.unknown, FAR_APART, work=10_240),
    Function("hamming", APART, distances.hamming, ranges.perhaps(0, 4 * TEXT_LENGTH)),
    Function("jaccard", ALIKE, distances.jaccard, ranges.perhaps(0, 1), work=64),
    Function("jaro_similarity", ALIKE, arithmetic.unknown, ranges.perhaps(0, 1), work=512),
    Function("jaro_winkler_similarity", ALIKE, arithmetic.unknown, ranges.perhaps(0, 1), work=512),
    Function("regexp_matches", TEXTS, matcher.matches, ranges.truth, at(1), patterns.pattern, work=patterns.work),
    Function("regexp_full_match", TEXTS, matcher.full_match, ranges.truth, at(1), patterns.pattern, work=patterns.work),
    Function(
        "regexp_extract",
        fixed((TEXT, TEXT, INTEGER), TEXT),
        matcher.extract,
        ranges.opaque,
        at(1, 2),
        patterns.pattern,
        work=patterns.work,
    ),
    Function(
        "regexp_replace",
        fixed((TEXT, TEXT, TEXT), TEXT),
        matcher.replace_first,
        ranges.opaque,
        at(1, 2),
        patterns.pattern,
        work=patterns.work,
    ),
)
"""Rows of the function table."""
