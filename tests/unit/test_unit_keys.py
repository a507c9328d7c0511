"""Unit keys in SQL are unit keys in Python, and HMAC is HMAC."""

from __future__ import annotations

import hashlib
import hmac

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.domains import Canonical
from sandbox.datasets.units import ascii_canonical_sql, bits_sql, canonical_key, content_sql, hmac_sql, hmac_values

ENGINE = duckdb.connect()
ASCII = st.text(st.characters(max_codepoint=127, exclude_characters="\0"), max_size=8)
NUMERIC = st.text(st.sampled_from("+-0123. \t\x1c"), max_size=8)


def digest(key: bytes, message: bytes) -> str:
    sql = f"SELECT {hmac_sql('$outer', '$inner', '$message')}"
    [(found,)] = ENGINE.execute(sql, {**hmac_values("", key), "message": message}).fetchall()
    return str(found)


@pytest.mark.parametrize(
    ("key", "message", "expected"),
    [
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    ],
)
def test_rfc_4231(key: bytes, message: bytes, expected: str) -> None:
    assert digest(key, message) == expected


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_hmac(key: bytes, message: bytes) -> None:
    assert digest(key, message) == hmac.new(key, message, hashlib.sha256).hexdigest()


@given(st.binary(min_size=32, max_size=32))
def test_bits(data: bytes) -> None:
    sql = f"SELECT {bits_sql('$digest', 0)}, {bits_sql('$digest', 1)}"
    [found] = ENGINE.execute(sql, {"digest": data.hex()}).fetchall()
    assert found == (int.from_bytes(data[:8], "big"), int.from_bytes(data[8:16], "big"))


@given(st.one_of(ASCII, NUMERIC), st.sampled_from(Canonical))
def test_canonical_keys_agree(text: str, form: Canonical) -> None:
    [(found,)] = ENGINE.execute(f"SELECT {ascii_canonical_sql('$text', form)}", {"text": text}).fetchall()
    assert found == canonical_key(text, form)


@given(st.text(max_size=8), st.sampled_from(Canonical))
def test_canonical_keys_are_fixed_points(text: str, form: Canonical) -> None:
    once = canonical_key(text, form)
    assert once is None or canonical_key(once, form) == once


ROW = st.tuples(*[st.one_of(st.none(), st.text(st.sampled_from("1:,-ab甲"), max_size=4))] * 3)


@given(ROW, ROW)
def test_content_is_injective(one: tuple[str | None, ...], two: tuple[str | None, ...]) -> None:
    sql = f"SELECT {content_sql(['CAST($a AS VARCHAR)', 'CAST($b AS VARCHAR)', 'CAST($c AS VARCHAR)'])}"
    texts = [ENGINE.execute(sql, dict(zip("abc", row, strict=True))).fetchall() for row in (one, two)]
    assert (texts[0] == texts[1]) == (one == two)
