"""Tails of the discrete Gaussian, bounded with directed rounding."""

from __future__ import annotations

from fractions import Fraction

from sandbox.privacy.rounding import SQRT_2PI, exp_up


def gaussian_tail(scale: Fraction, least: int) -> Fraction:
    """No less than P[X ≥ least] for X discrete Gaussian of variance parameter scale² around 0, for least ≥ 0.

    The terms from `least` on fall at least geometrically with the first ratio; the normaliser is at least
    max(1, √(2π)·σ). Source: Canonne, Kamath & Steinke 2020, Fact 18 and Prop. 25.
    """
    variance = scale**2
    first = exp_up(-Fraction(least**2) / (2 * variance))
    ratio = exp_up(-Fraction(2 * least + 1) / (2 * variance))
    normaliser = max(Fraction(1), SQRT_2PI * scale)
    return min(Fraction(1), first / ((1 - ratio) * normaliser)) if ratio < 1 else Fraction(1)
