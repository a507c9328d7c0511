"""Token buckets, exact to the nanosecond, and what is kept of them."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from sandbox.serving.rates import Rates

SECOND = 1_000_000_000


class Clock:
    def __init__(self) -> None:
        self.now = 5 * SECOND

    def __call__(self) -> int:
        return self.now


def taken(rates: Rates, name: str) -> bool:
    """Takes a token where there is one."""
    if rates.wait(name):
        return False
    rates.take(name)
    return True


@given(
    most=st.integers(1, 7),
    seconds=st.integers(1, 60),
    pauses=st.lists(st.integers(0, 20 * SECOND) | st.integers(0, 3), max_size=60),
)
def test_a_bucket_is_the_bucket_of_the_textbook(most: int, seconds: int, pauses: list[int]) -> None:
    """`most` tokens at the start, `most` in each period, never more than `most`; and the wait is exact."""
    clock = Clock()
    rates = Rates(most, seconds * SECOND, clock)
    tokens, refill = Fraction(most), Fraction(most, seconds * SECOND)
    for pause in pauses:
        clock.now += pause
        tokens = min(Fraction(most), tokens + pause * refill)
        wait = rates.wait("a")
        assert (wait == 0) == (tokens >= 1)
        if wait:
            assert (wait - 1) * refill < 1 - tokens <= wait * refill
        else:
            rates.take("a")
            tokens -= 1


def test_names_do_not_share() -> None:
    rates = Rates(3, SECOND, Clock())
    assert [taken(rates, "a") for _ in range(5)] == [True, True, True, False, False]
    assert [taken(rates, "b") for _ in range(5)] == [True, True, True, False, False]


def test_what_is_refused_takes_nothing() -> None:
    clock = Clock()
    rates = Rates(2, SECOND, clock)
    assert [taken(rates, "a") for _ in range(50)].count(True) == 2
    clock.now += SECOND // 2
    assert [taken(rates, "a") for _ in range(50)].count(True) == 1


def test_names_that_have_all_their_tokens_are_forgotten() -> None:
    """Memory is bounded by who asks, not by who ever asked."""
    clock = Clock()
    rates = Rates(10, SECOND, clock)
    for number in range(100_000):
        assert taken(rates, str(number))
        clock.now += SECOND // 100
    assert len(rates) <= 1025
