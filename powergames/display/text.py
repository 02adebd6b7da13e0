"""Numbers, names and strategies as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from powergames.errors import printable


def number_text(value: Any) -> str:
    """Write a number with up to six digits, a fraction in full."""
    return str(value) if isinstance(value, Fraction) else f"{value:.6g}"


def number_list(values: Any) -> str:
    """Write several numbers, separated by commas."""
    return ", ".join(number_text(value) for value in values)


def regret_text(value: Any) -> str:
    """Write a regret, of which the order of magnitude matters."""
    if value == 0:
        return "0"
    return str(value) if isinstance(value, Fraction) else f"{value:.1e}"


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number of things, ``1 vertex`` or ``2 vertices``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def mixture_text(actions: Sequence[str], strategy: Any) -> str:
    """Write a mixed strategy as ``0.25 stag + 0.75 hare``, a pure one as ``stag``; numbered actions are told apart."""
    names = [printable(name) for name in actions]
    played = [(probability, name) for probability, name in zip(strategy, names, strict=True) if probability]
    if len(played) == 1:
        return played[0][1]
    return " + ".join(
        f"{number_text(probability)} {'action ' if name.isdecimal() else ''}{name}" for probability, name in played
    )
