"""Parameters of named games: read from numbers or from text, and checked."""

from __future__ import annotations

import operator
from fractions import Fraction
from typing import Any

from powergames.errors import InputError
from powergames.games.normal_form import to_fraction

# Bounds on what can be asked for at all; memory sets the real limit, and is checked separately.
MOST_PLAYERS = 1000
MOST_ACTIONS = 10**9
LARGEST_INTEGER = 2**53


def integer(name: str, value: Any, least: int, most: int) -> int:
    """Read an integer, given as one or as text, and check its range.

    Raises
    ------
    InputError

    Examples
    --------
    >>> integer("n", "3", 1, 10)
    3
    """
    try:
        number = int(value) if isinstance(value, str) else operator.index(value)
    except (TypeError, ValueError):
        raise InputError(f"{name}: got {quoted(str(value))}; give an integer") from None
    if not least <= number <= most:
        raise InputError(f"{name}: got {quoted(str(value))[1:-1]}; give an integer from {least} to {most}")
    return number


def real(name: str, value: Any) -> Fraction:
    """Read a number exactly, given as one or as text.

    Raises
    ------
    InputError

    Examples
    --------
    >>> real("cost", "1/3")
    Fraction(1, 3)
    """
    try:
        number = to_fraction(value)
        float(number)
    except (InputError, OverflowError):
        raise InputError(f"{name}: got {quoted(str(value))}; give a finite number") from None
    return number


def quoted(text: str) -> str:
    """Quote what was found, at bounded length.

    Examples
    --------
    >>> quoted("stag_hnt")
    "'stag_hnt'"
    """
    return repr(text if len(text) <= 60 else text[:57] + "...")
