"""Recipes: the onions and tomatoes of a soup, written as ``ooo`` or ``oot``, and what the soup is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from powergames.errors import InputError
from powergames.games.catalog.parameters import quoted, real

# Numbers of onions and of tomatoes.
Recipe = tuple[int, int]

# What Overcooked-AI pays for a soup, and how many ingredients its pots take, unless a layout says otherwise.
VALUE, SIZE = 20, 3


def read_recipes(recipes: Any) -> dict[Recipe, Fraction]:
    """Read recipes and what each is worth.

    Parameters
    ----------
    recipes : str or mapping of str to number
        One letter for each ingredient, ``o`` or ``t``. As text with ``+`` between recipes, and the value behind ``*``;
        without one a recipe is worth 20.

    Returns
    -------
    dict of (int, int) to Fraction

    Raises
    ------
    InputError
        If a recipe has other letters or is there twice, or a value is not a finite number.

    Examples
    --------
    >>> read_recipes("ooo+ott*30")
    {(3, 0): Fraction(20, 1), (1, 2): Fraction(30, 1)}
    """
    if isinstance(recipes, str):
        parts = [part.partition("*") for part in recipes.split("+")]
        pairs: Iterable[tuple[Any, Any]] = [(word.strip(), value.strip() or VALUE) for word, _, value in parts]
    elif isinstance(recipes, Mapping):
        pairs = recipes.items()
    else:
        raise InputError(f"recipes: got {type(recipes).__name__}; give text such as 'ooo+ttt*30', or a mapping")
    found: dict[Recipe, Fraction] = {}
    for word, value in pairs:
        if not isinstance(word, str) or not word or set(word) - set("ot"):
            raise InputError(f"recipes: got {quoted(str(word))}; give letters o and t, as in ooo+oot*30")
        recipe = word.count("o"), word.count("t")
        if recipe in found:
            raise InputError(f"recipes: {quoted(word)} is there twice; give each soup once")
        found[recipe] = real(f"recipes: {word}", value)
    if not found:
        raise InputError("recipes: got none; give at least one, such as ooo")
    return found


def all_recipes(size: int) -> tuple[Recipe, ...]:
    """Return what can be in a pot that takes so many ingredients, the empty pot first.

    Examples
    --------
    >>> all_recipes(2)
    ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))
    """
    return tuple((total - tomatoes, tomatoes) for total in range(size + 1) for tomatoes in range(total + 1))


def letters(recipe: Recipe) -> str:
    """Write a recipe as letters.

    Examples
    --------
    >>> letters((2, 1))
    'oot'
    """
    return "o" * recipe[0] + "t" * recipe[1]
