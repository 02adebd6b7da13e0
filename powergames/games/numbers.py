"""Numbers as users give them, read exactly: a float stands for the shortest decimal that prints it."""

from __future__ import annotations

from fractions import Fraction
from numbers import Rational
from typing import Any

import numpy as np

from powergames.errors import InputError


def float_to_fraction(value: float | np.floating[Any]) -> Fraction:
    """Return the number that a finite float stands for: the shortest decimal that prints it.

    A NumPy float of another precision prints in its own digits, so ``np.float32(0.1)`` is 1/10 too. From 2**53 on, or
    2**24 for float32, floats lie further apart than integers, and each is the integer that it holds; so payoffs may be
    scaled by powers of two without any tie being broken.

    Examples
    --------
    >>> float_to_fraction(0.1), float_to_fraction(np.float32(0.1)), float_to_fraction(2.0**60) == 2**60
    (Fraction(1, 10), Fraction(1, 10), True)
    """
    digits = 53 if isinstance(value, float) else np.finfo(type(value)).nmant + 1
    return Fraction(int(value)) if abs(float(value)) >= 2.0**digits else Fraction(str(value))


def to_fraction(value: Any) -> Fraction:
    """Read a number exactly; a float as `float_to_fraction` does.

    Parameters
    ----------
    value : int, float, Fraction, Decimal, str, or another library's rational number
        For a str, an integer, a decimal or a ratio such as ``"5/2"``.

    Returns
    -------
    fractions.Fraction

    Raises
    ------
    InputError
        If the value is not a finite number, or so large or small that no float is near it.

    Examples
    --------
    >>> to_fraction(0.1), to_fraction("5/2")
    (Fraction(1, 10), Fraction(5, 2))
    """
    if isinstance(value, (int, Fraction, Rational)) and not isinstance(value, bool):
        number = Fraction(int(value.numerator), int(value.denominator))
    elif isinstance(value, (float, np.floating)) and np.isfinite(value):
        number = float_to_fraction(value)
    else:
        text = str(value)
        _, _, exponent = text.lower().partition("e")
        try:
            # Fraction would write out all the digits of a huge power of ten.
            outsized = bool(exponent) and abs(int(exponent)) > 400
            number = Fraction(0 if outsized else text)
        except (ValueError, ZeroDivisionError):
            raise InputError(f"{text[:40]!r} is not a finite number") from None
        if outsized:
            raise InputError(f"number {text[:40]!r} is out of the range of a float")
    try:
        vanishes = number != 0 and float(number) == 0.0
    except OverflowError:
        raise InputError("number is too large for a float") from None
    if vanishes:
        raise InputError("number is too small for a float")
    return number


def doubles(values: np.ndarray) -> np.ndarray:
    """Turn float16 or float32 into float64: each becomes the double nearest to the decimal that prints it.

    Parameters
    ----------
    values : ndarray of float16 or float32

    Returns
    -------
    ndarray of float64
        A new, C-contiguous array of the same shape.

    Examples
    --------
    >>> doubles(np.array([0.1, 16777216, 1e-20], dtype=np.float32))
    array([1.0000000e-01, 1.6777216e+07, 1.0000000e-20])
    """
    given = values.reshape(-1)
    found = given.astype(np.float64)
    # Whole numbers are what they are. The others are rounded to more and more decimals, until one is near enough.
    with np.errstate(invalid="ignore"):
        rest = np.flatnonzero(np.abs(found - np.rint(found)) > 0)
    for scale in 10.0 ** np.arange(1, 23):
        decimals = np.rint(found[rest] * scale) / scale
        near = decimals.astype(values.dtype) == given[rest]
        found[rest[near]] = decimals[near]
        rest = rest[~near]
    found[rest] = [float(str(value)) for value in given[rest]]
    return found.reshape(values.shape)
