"""Games, payoffs and profiles as other libraries hold them; none of these libraries is imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from powergames.errors import InputError

# What turns the game of each library into one of ours.
_CONVERTERS = {
    "nashpy": "pg.from_nashpy(game)",
    "pygambit": "pg.from_pygambit(game)",
    "pyspiel": "pg.from_openspiel(game)",
    "quantecon": "pg.NormalFormGame.from_quantecon(game)",
}


def converter(given: Any) -> str | None:
    """Return the call that turns an object of another library, or a sequence of such objects, into a game.

    Examples
    --------
    >>> import nashpy
    >>> converter(nashpy.Game([[1, 0], [0, 1]])), converter([[1, 0], [0, 1]])
    ('pg.from_nashpy(game)', None)
    """
    if isinstance(given, (list, tuple)) and given:
        given = given[0]
    return _CONVERTERS.get(_library(given))


def no_game(given: Any, wanted: str = "a NormalFormGame, or pg.load(...) one") -> str:
    """Say what was given instead of a game, and what makes a game of it.

    Parameters
    ----------
    given : object
        What is no game.
    wanted : str
        What to give where nothing makes a game of it.

    Returns
    -------
    str
        The end of an error message.

    Examples
    --------
    >>> no_game("stag_hunt")
    'got str; give a NormalFormGame, or pg.load(...) one'
    >>> no_game(([[1, 0], [0, 1]], [[1, 0], [0, 1]]))
    'got tuple; build a game of the payoffs first, with pg.NormalFormGame.from_bimatrix(A, B)'
    """
    name = type(given).__name__
    if call := converter(given):
        if not isinstance(given, (list, tuple)):
            name = f"{_library(given)}.{name}"
        return f"got {name}; convert it first, with {call}"
    try:
        shape = np.shape(given)
    except ValueError:
        shape = ()
    if looks_like_cells(given):
        build = "from_cells(cells)"
    elif len(shape) == 2 or (len(shape) == 3 and shape[0] == 2):
        build = "from_bimatrix(A, B)"
    elif len(shape) > 2:
        return f"got {name}; build a game of the payoffs first, with pg.NormalFormGame(payoffs)"
    else:
        return f"got {name}; give {wanted}"
    return f"got {name}; build a game of the payoffs first, with pg.NormalFormGame.{build}"


def looks_like_cells(payoffs: Any) -> bool:
    """Whether the innermost sequences are tuples of numbers, as where each cell of a table holds all payoffs.

    Examples
    --------
    >>> looks_like_cells([[(3, 3), (0, 5)], [(5, 0), (1, 1)]])
    True
    >>> looks_like_cells([[[3, 0], [5, 1]], [[3, 5], [0, 1]]])
    False
    """
    innermost = None
    if is_frame(payoffs):
        payoffs = payoffs.to_numpy()
    if isinstance(payoffs, np.ndarray) and payoffs.dtype == object and payoffs.size:
        payoffs = [payoffs.flat[0]]
    while isinstance(payoffs, (list, tuple)) and payoffs:
        innermost, payoffs = payoffs, payoffs[0]
    return isinstance(innermost, tuple) and not np.ndim(payoffs)


def is_frame(payoffs: Any) -> bool:
    """Whether payoffs are a data frame of pandas."""
    return _library(payoffs) == "pandas" and hasattr(payoffs, "columns")


def frame_labels(matrices: Sequence[Any]) -> list[list[str]] | None:
    """Return the names of actions in data frames of payoffs: their row and column labels.

    Parameters
    ----------
    matrices : sequence
        One matrix of payoffs per player, any of which may be a data frame.

    Returns
    -------
    list of list of str, or None
        None if no data frame has labels other than the numbers from 0 on.

    Raises
    ------
    InputError
        If two data frames name the same actions differently, or in another order.

    Examples
    --------
    >>> import pandas as pd
    >>> frame_labels([pd.DataFrame([[3, 0], [5, 1]], ["quiet", "talk"], ["quiet", "talk"]), [[3, 5], [0, 1]]])
    [['quiet', 'talk'], ['quiet', 'talk']]
    """
    frames = [matrix for matrix in matrices if is_frame(matrix)]
    labels: list[list[str]] = []
    named = False
    for axis, lines in enumerate(("rows", "columns")):
        every = [[str(label) for label in frame.axes[axis]] for frame in frames]
        numbered = [[str(k) for k in range(len(names))] for names in every]
        found = [names for names, numbers in zip(every, numbered, strict=True) if names != numbers]
        if any(names != found[0] for names in found):
            other = next(names for names in found if names != found[0])
            raise InputError(
                f"payoffs: the {lines} are {str(found[0])[:60]} in one data frame and {str(other)[:60]} in another; "
                "give both the same labels in the same order, such as by B.reindex_like(A)"
            )
        named = named or bool(found)
        labels += (found or numbered)[:1]
    return labels if named else None


def strategies_of(profile: Any) -> Any:
    """Return the probabilities in a mixed or behaviour strategy profile of Gambit; anything else as it is.

    Parameters
    ----------
    profile : object

    Returns
    -------
    object
        Of a profile of Gambit, one list per player with the probability of each strategy.
    """
    if _library(profile) != "pygambit" or not hasattr(profile, "game"):
        return profile
    mixed = profile.as_strategy() if hasattr(profile, "as_strategy") else profile
    return [[mixed[strategy] for strategy in player.strategies] for player in mixed.game.players]


def in_order(strategy: Any, names: Sequence[str]) -> Any:
    """Return the probabilities in a series of pandas in the order of the actions, if these are its labels.

    Examples
    --------
    >>> import pandas as pd
    >>> in_order(pd.Series({"hare": 0.25, "stag": 0.75}), ("stag", "hare"))
    [0.75, 0.25]
    """
    if _library(strategy) != "pandas" or not hasattr(strategy, "index"):
        return strategy
    labels = [str(label) for label in strategy.index]
    if len(set(names)) < len(names) or sorted(labels) != sorted(names):
        return strategy
    probabilities = strategy.tolist()
    return [probabilities[labels.index(name)] for name in names]


def check_unmasked(values: Any, what: str) -> None:
    """Refuse arrays that hide entries, or lists with such arrays.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_unmasked(np.ma.array([4, 0], mask=[False, True]), "payoffs")
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: payoffs: 1 of 2 entries are masked; give each, such as by filled(...)
    """
    if isinstance(values, np.ma.MaskedArray) and (hidden := int(np.ma.getmaskarray(values).sum())):
        raise InputError(f"{what}: {hidden} of {values.size} entries are masked; give each, such as by filled(...)")
    if isinstance(values, (list, tuple)):
        for value in values:
            if not isinstance(value, (list, tuple, np.ndarray)):
                break
            check_unmasked(value, what)


def _library(given: Any) -> str:
    """Return the package in which the type of an object is defined."""
    return type(given).__module__.partition(".")[0]
