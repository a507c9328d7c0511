"""What every written document has: names that cannot be confused, and texts in both languages."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

from policies.cards import Text


def folded(name: str) -> str:
    """The form in which two names are the same name: NFKC, without case."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def name_problems(where: str, name: str) -> Iterator[str]:
    if not name.isidentifier() or name.startswith("_") or len(name) > 63:
        yield f"{where}: {name!r} is not a name: a letter of any script, then letters, digits, underscores; at most 63"
    elif unicodedata.normalize("NFKC", name) != name:
        yield f"{where}: {name!r} is not in Unicode form NFKC"


def twin_problems(where: str, names: Iterable[str]) -> Iterator[str]:
    listed = tuple(names)
    counts = Counter(folded(name) for name in listed)
    twins = [name for name in listed if counts[folded(name)] > 1]
    if twins:
        yield f"{where}: {', '.join(twins)} are the same name, case and width aside"


def text_problems(where: str, text: Text) -> Iterator[str]:
    for language, words in (("zh", text.zh), ("en", text.en)):
        if not words.strip():
            yield f"{where}.{language}: is empty"
