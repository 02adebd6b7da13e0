"""Names of players, actions and states."""

from __future__ import annotations

from typing import Any

from powergames.errors import InputError


def check_names(names: Any, count: int, what: str, counted: str) -> tuple[str, ...]:
    """Check a list of names and return them as text.

    Parameters
    ----------
    names : iterable
        The names; whatever is not text is written as text.
    count : int
        How many there must be.
    what : str
        What they name, to begin an error message with.
    counted : str
        What they are counted against, with its number.

    Returns
    -------
    tuple of str

    Raises
    ------
    InputError
        If there are more or fewer, or no list is given.

    Examples
    --------
    >>> check_names(["Ann", 2], 2, "players", "2 players")
    ('Ann', '2')
    """
    try:
        labels = None if isinstance(names, str) else tuple(str(name) for name in names)
    except TypeError:
        labels = None
    if labels is None:
        raise InputError(f"{what}: got {type(names).__name__}; give a list of {count} names")
    if len(labels) != count:
        raise InputError(f"{what}: got {len(labels)} names for {counted}; give one each")
    return labels
