"""What the caller wants to read: format by `Accept`, language by `Accept-Language`.

Source: RFC 9110 sections 12.4.2, 12.5.1 and 12.5.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

LANGUAGES = ("en", "zh")
"""The first is the one for a caller who prefers neither."""


def accepted(header: str | None, offered: Sequence[str]) -> str | None:
    """The offered media type that the caller prefers, an earlier one of equals; None when it accepts none of them."""
    if not header or not header.strip():
        return offered[0]
    wanted = list(_weighted(header))
    best = max(offered, key=lambda media: _media_weight(media, wanted))
    return best if _media_weight(best, wanted) > 0 else None


def language(header: str | None) -> str:
    """`en` or `zh`: the one that the caller prefers."""
    wanted = list(_weighted(header or ""))

    def weight(name: str) -> float:
        return max((q for tag, q in wanted if tag.split("-", 1)[0] == name), default=0.0)

    return max(LANGUAGES, key=weight)


def _media_weight(media: str, wanted: Sequence[tuple[str, float]]) -> float:
    """The weight of the most specific range that fits."""
    for fitting in (media, media.split("/", 1)[0] + "/*", "*/*"):
        for found, weight in wanted:
            if found == fitting:
                return weight
    return 0.0


def _weighted(header: str) -> Iterator[tuple[str, float]]:
    """Each element in lower case with its weight; parameters other than `q` are passed over."""
    for element in header.lower().split(","):
        value, *parameters = (part.strip() for part in element.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                weight = _quality(parameter.removeprefix("q="))
        if value:
            yield value, weight


def _quality(text: str) -> float:
    """A weight between 0 and 1; a malformed one counts as 0."""
    try:
        return min(1.0, max(0.0, float(text))) if len(text) <= 5 else 0.0
    except ValueError:
        return 0.0
