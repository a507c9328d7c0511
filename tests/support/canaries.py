"""One person's values that no other thing could be: whoever finds one has found a leak, however it is written."""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

from tests.support.served_state import CARD, DOMAIN, LICENCE

UNIT = "UNIT-KANARIE-5B1E9D7A"
TEXT = 'kanarie, 金丝雀 "4d2f8c6b"'
INTEGER = 7_391_846_205_518_364_207
NEGATIVE = -6_120_493_857_261_940_583
DOUBLE = 918_273.645_546_372_8
DAY = date(1873, 11, 17)
MOMENT = datetime(1868, 7, 23, 13, 57, 41, 918_273, tzinfo=UTC)
AMOUNT = 73_918_462_055_183
"""Of an amount with a range; the sum over all rows is no less a secret."""
ROWS = 3
"""Of the person with these values."""
OTHERS = 40
TOTAL = ROWS * AMOUNT + sum(7 * person for person in range(OTHERS))
BAD = "KANARIE-9c3e-no-number"
"""In a column of integers: it refuses the load."""

_COLUMNS = ("pid", "word", "number", "below", "real", "day", "moment", "amount", "flag")
_KINDS = ("unit", "text", "integer", "integer", "double", "date", "timestamp", "integer", "boolean")
HEADER = ",".join(_COLUMNS)


def card() -> str:
    """The card of a table with a private column of each type; all but one of unknown range."""
    head = (
        CARD.split("columns = [")[0].replace("rows_per_unit = 5", "rows_per_unit = 9").replace("rows = 5", "rows = 9")
    )
    ranged = {"amount": ", range = [0, 100000000000000]"}
    columns = "".join(
        f'  {{ name = "{name}", type = "{kind}"{ranged.get(name, "")},'
        f'{"" if kind == "unit" else " nullable = true,"} title = {{ zh = "{name}", en = "{name}" }} }},\n'
        for name, kind in zip(_COLUMNS, _KINDS, strict=True)
    )
    return f"{head}columns = [\n{columns}]\n"


def domain() -> str:
    return DOMAIN.replace('"integer"', '"upper"')


def licence() -> str:
    """Rich enough for a long history."""
    return LICENCE.replace('"1.25"', '"100"').replace('["pid", "cost"]', str(list(_COLUMNS)).replace("'", '"'))


def line(number: str = str(INTEGER)) -> str:
    """A row of the person's."""
    word = TEXT.replace('"', '""')
    moment = MOMENT.replace(tzinfo=None).isoformat()
    return f'{UNIT},"{word}",{number},{NEGATIVE},{DOUBLE},{DAY},{moment},{AMOUNT},true\n'


def others() -> str:
    """Rows of people who are nobody."""
    return "".join(
        f"P{person},w{person % 3},{person},-{person},{person}.5,2024-01-02,2024-01-02T03:04:05,{7 * person},false\n"
        for person in range(OTHERS)
    )


def spellings() -> Mapping[str, frozenset[bytes]]:
    """Per canary all the ways in which it is looked for; none so short that chance could make it (1e-9 in 4 MB)."""
    moment = MOMENT.replace(tzinfo=None)
    micros = (MOMENT - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    texts = {
        "unit key": (UNIT,),
        "text": (TEXT, TEXT.rsplit(maxsplit=1)[-1]),
        "integer": (str(INTEGER), f"{INTEGER:x}", f"{INTEGER:,}", repr(float(INTEGER))),
        "negative integer": (str(NEGATIVE), f"{-NEGATIVE:x}", f"{NEGATIVE % 2**64:x}"),
        "double": (repr(DOUBLE), repr(DOUBLE)[:13], DOUBLE.hex()),
        "date": (DAY.isoformat(), DAY.strftime("%Y/%m/%d"), DAY.strftime("%d.%m.%Y"), repr(DAY)),
        "moment": (moment.isoformat(), str(moment), repr(moment), str(micros)),
        "amount": (str(AMOUNT), f"{AMOUNT:,}", repr(float(AMOUNT))),
        "exact total": (str(TOTAL), f"{TOTAL:,}"),
        "bad value": (BAD, BAD.rpartition("-no-")[0]),
    }
    numbers = {
        "integer": (struct.pack("<q", INTEGER), struct.pack(">q", INTEGER)),
        "negative integer": (struct.pack("<q", NEGATIVE), struct.pack(">q", NEGATIVE)),
        "double": (struct.pack("<d", DOUBLE), struct.pack(">d", DOUBLE)),
        "moment": (struct.pack("<q", micros), struct.pack(">q", micros)),
        "amount": (struct.pack("<q", AMOUNT), struct.pack(">q", AMOUNT)),
        "exact total": (struct.pack("<q", TOTAL), struct.pack(">q", TOTAL)),
    }
    return {
        name: frozenset([*(way for text in told for way in _written(text)), *numbers.get(name, ())])
        for name, told in texts.items()
    }


def _written(text: str) -> Iterator[bytes]:
    """The text in other letters, encodings and escapes; of base64 what is the same at any place."""
    for said in {text, text.lower(), text.upper()}:
        raw = said.encode()
        yield from (raw, said.encode("utf-16-le"), said.encode("utf-16-be"), raw[::-1])
        yield from (quote(said).encode(), said.encode("unicode_escape"), said.replace('"', '\\"').encode())
        if len(raw) >= 8:
            yield from (raw.hex().encode(), raw.hex().upper().encode())
            for skipped in range(3):
                coded = b64encode(b"\0" * skipped + raw)
                yield coded[4 if skipped else 0 : len(coded) - 4]


SPELLINGS = spellings()


def found(content: bytes) -> set[str]:
    """The canaries that stand in the bytes, in whatever spelling."""
    return {name for name, ways in SPELLINGS.items() if any(way in content for way in ways)}
