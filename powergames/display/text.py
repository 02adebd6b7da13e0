"""Numbers, names and strategies as people read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import repeat
from typing import Any

from powergames.errors import printable

# Numbers no larger than this, relative to their scale, are rounding.
ROUNDING = 1e-12


def number_text(value: Any, noise: float = 0.0) -> str:
    """Write a number with up to six digits, a fraction in full; a float of at most `noise` is 0.

    Examples
    --------
    >>> number_text(1 / 3), number_text(-1.7e-34, noise=1e-12), number_text(Fraction(1, 10**15), noise=1e-12)
    ('0.333333', '0', '1/1000000000000000')
    """
    if isinstance(value, Fraction):
        return str(value)
    return "0" if abs(value) <= noise else f"{value:.6g}"


def number_list(values: Any, noise: Iterable[float] | None = None) -> str:
    """Write several numbers, separated by commas; each has its own noise."""
    return ", ".join(map(number_text, values, repeat(0.0) if noise is None else noise))


def regret_text(value: Any, noise: float = 0.0) -> str:
    """Write a regret, of which the order of magnitude matters; a float of at most `noise` is 0."""
    if isinstance(value, Fraction) or abs(value) <= noise:
        return number_text(value, noise)
    return f"{value:.1e}"


def discount_text(discount: float) -> str:
    """Write a discount in full, for a rounded one is that of another game.

    Examples
    --------
    >>> discount_text(0.9), discount_text(1 - 1e-9)
    ('0.9', '0.999999999')
    """
    short = number_text(discount)
    return short if float(short) == discount else repr(float(discount))


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number of things, ``1 vertex`` or ``2 vertices``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def state_text(name: str) -> str:
    """Write the name of a state in a sentence, with the word "state" unless the name begins with it.

    Examples
    --------
    >>> state_text("running"), state_text("state 52"), state_text("stateless")
    ('state running', 'state 52', 'state stateless')
    """
    text = printable(name)
    return text if re.match("state(?![a-z])", text, re.IGNORECASE) else f"state {text}"


def mixture_text(actions: Sequence[str], strategy: Any) -> str:
    """Write a mixed strategy as ``0.25 stag + 0.75 hare``, a pure one as ``stag``; numbered actions are told apart."""
    names = [printable(name) for name in actions]
    shares = [number_text(probability, ROUNDING) for probability in strategy]
    played = [(share, name) for share, name in zip(shares, names, strict=True) if share != "0"]
    if len(played) == 1:
        return played[0][1]
    return " + ".join(f"{share} {'action ' if name.isdecimal() else ''}{name}" for share, name in played)
