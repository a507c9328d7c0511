"""A number of a request is exact, and read within steps that its length bounds."""

from __future__ import annotations

from fractions import Fraction

import pytest

from sandbox.errors import Refusal
from sandbox.privacy.loss import Spend
from sandbox.queries.requests import read_query

BODY = '{{"licence": "L", "scenario": "S", "dataset": "D", "sql": "SELECT 1", "spend": {{"epsilon": {}}}}}'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("0.1", Fraction(1, 10)),
        ("1e-9", Fraction(1, 10**9)),
        ("1E6", 10**6),
        ("1e+6", 10**6),
        ("9" * 6, 999_999),
        ('"0.1"', Fraction(1, 10)),
        ('"1e-9"', Fraction(1, 10**9)),
        (f'"0.{"3" * 38}"', Fraction(int("3" * 38), 10**38)),
    ],
)
def test_numbers(text: str, value: Fraction) -> None:
    assert read_query(BODY.format(text).encode()).spend == Spend(epsilon=Fraction(value), rho=None)


@pytest.mark.parametrize(
    "text",
    [
        "1e999999999", "1e-999999999", "1e99999999999999999999", "9" * 5000, "0", "-1", "-0.0", "1e7", "1e-10",
        "true", "null", '"1e999999999"', '"1e-999999999"', '"-1e999999999"', '"NaN"', '"-NaN"', '"sNaN"', '"-inf"',
        '"Infinity"', '""', '" 1"', '"0x1"', '"1/2"', '"٣٣"', '"1_0"', '"1e9_9"', '"1e"', '".5"', '"5."', '"+1"',
    ],
)  # fmt: skip
def test_no_numbers(text: str) -> None:
    """A billion digits are never written out: this would not come back."""
    with pytest.raises(Refusal) as caught:
        read_query(BODY.format(text).encode())
    assert caught.value.code == "request.body"
