"""Parameters of named games: read from numbers or from text, and checked."""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Collection
from fractions import Fraction
from typing import Any

from powergames.errors import InputError
from powergames.games.numbers import to_fraction

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


def named_values(name: str, text: str, known: Collection[str]) -> dict[str, str]:
    """Read ``key=value`` pairs that are separated by ``,`` or ``:``.

    Parameters
    ----------
    name : str
        Name of the game, to begin messages with.
    text : str
    known : collection of str
        The keys that there are.

    Raises
    ------
    InputError
        If a pair is not of that form, or a key is unknown or given twice.

    Examples
    --------
    >>> named_values("assembly_line", "n=4", ["n"])
    {'n': '4'}
    """
    values: dict[str, str] = {}
    for pair in re.split("[,:]", text):
        key, separator, value = (part.strip() for part in pair.partition("="))
        if not (key and separator and value):
            raise InputError(f"{name}: got {quoted(pair)}; give parameters as key=value, separated by commas")
        if key not in known:
            listed = f"its parameters are {', '.join(known)}" if known else "it has no parameters"
            raise InputError(f"{name}: unknown parameter {quoted(key)};{closest(key, known)} {listed}")
        if key in values:
            raise InputError(f"{name}: parameter {key} is given twice; give it once")
        values[key] = value
    return values


def closest(word: str, known: Collection[str]) -> str:
    """Return a question with the known word that is closest to a given one, to be put into a message; "" if none is.

    Examples
    --------
    >>> closest("stag_hnt", ["stag_hunt", "chicken"])
    ' did you mean stag_hunt?'
    """
    matches = difflib.get_close_matches(word[:100].lower().replace("-", "_"), known, n=1)
    return f" did you mean {matches[0]}?" if matches else ""
