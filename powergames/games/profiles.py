"""Mixed-strategy profiles: one probability vector per player."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Rational
from typing import Any

import numpy as np

from powergames.errors import InputError
from powergames.games.foreign import check_unmasked
from powergames.games.numbers import to_fraction

SIMPLEX_TOLERANCE = 1e-6

Profile = tuple[np.ndarray, ...]


def as_profile(n_actions: Sequence[int], profile: Any) -> Profile:
    """Check a profile and return it as a tuple of read-only arrays that sum to one.

    Parameters
    ----------
    n_actions : sequence of int
        Number of actions of each player.
    profile : sequence of array_like
        ``profile[i][a]`` is the probability with which player `i` plays action `a`. If a player's entries are rational,
        as `fractions.Fraction`, SymPy's rationals and strings such as ``"1/3"`` are, the result keeps exact fractions
        (dtype object). Integers alone count as floats. An int in place of a vector is the index of the action that the
        player plays.

    Returns
    -------
    tuple of ndarray
        One read-only vector of shape (A_i,) per player. Sums within 1e-6 of one are normalized.

    Raises
    ------
    InputError
        If a vector is missing, has the wrong length, is not numeric or lies off the simplex.

    Examples
    --------
    >>> as_profile((2, 2), [[1, 0], [0.5, 0.5]])[1]
    array([0.5, 0.5])
    >>> as_profile((2, 3), [1, [0.5, 0.5, 0]])[0]
    array([0., 1.])
    """
    try:
        vectors = list(profile)
    except TypeError:
        raise InputError(f"profile: got {type(profile).__name__}; give one probability vector per player") from None
    if len(vectors) != len(n_actions):
        raise InputError(f"profile: got {len(vectors)} vectors for {len(n_actions)} players; give one per player")
    exact = any(_is_exact(vector) for vector in vectors)
    return tuple(
        _as_strategy(vector, size, player, exact)
        for player, (vector, size) in enumerate(zip(vectors, n_actions, strict=True))
    )


def uniform_profile(n_actions: Sequence[int]) -> Profile:
    """Return the profile in which every player mixes all actions equally.

    Parameters
    ----------
    n_actions : sequence of int
        Number of actions of each player.

    Returns
    -------
    tuple of ndarray
        ``profile[i][a] = 1 / A_i``.

    Examples
    --------
    >>> uniform_profile((2, 4))[1]
    array([0.25, 0.25, 0.25, 0.25])
    """
    return tuple(frozen(np.full(size, 1.0 / size)) for size in n_actions)


def pure_profile(n_actions: Sequence[int], joint_action: Sequence[int]) -> Profile:
    """Return the profile in which every player plays one action.

    Parameters
    ----------
    n_actions : sequence of int
        Number of actions of each player.
    joint_action : sequence of int
        ``joint_action[i]`` is the action of player `i`.

    Returns
    -------
    tuple of ndarray
        Unit vectors.

    Examples
    --------
    >>> pure_profile((2, 3), (0, 2))[1]
    array([0., 0., 1.])
    """
    profile = []
    for size, action in zip(n_actions, joint_action, strict=True):
        strategy = np.zeros(size)
        strategy[action] = 1.0
        profile.append(frozen(strategy))
    return tuple(profile)


def action_indices(given: Any) -> np.ndarray | None:
    """Return what are the indices of actions and not probabilities: an integer, or a vector of integers.

    Parameters
    ----------
    given : object

    Returns
    -------
    ndarray of int, shape () or (K,), or None
        None if it is anything else. Probabilities of 0 and 1 may be integers, too; who takes both must tell.

    Examples
    --------
    >>> action_indices([0, 2, 1]), action_indices([0.0, 1.0]), action_indices([[0, 1]])
    (array([0, 2, 1]), None, None)
    """
    try:
        array = np.asarray(given)
    except (OverflowError, TypeError, ValueError):
        return None
    return array if array.dtype.kind in "iu" and array.ndim <= 1 and array.size else None


def frozen(array: np.ndarray) -> np.ndarray:
    """Return an array that nobody can make writeable, in the memory of the given one, which is handed over.

    Only a view of an array that could still be written to is copied.

    Examples
    --------
    >>> array = frozen(np.zeros(2))
    >>> array.flags.writeable = True
    Traceback (most recent call last):
        ...
    ValueError: cannot set WRITEABLE flag to True of this array
    """
    if not array.flags.writeable:
        try:
            array.flags.writeable = True
        except ValueError:
            return array
    if isinstance(array.base, np.ndarray):
        array = array.copy(order="K")
    array.flags.writeable = False
    # NumPy refuses to make a view writeable if what owns the memory is read-only. Numba's own memory never is.
    return array.view() if array.flags.owndata else np.asarray(array.data.toreadonly())


def read_only(array: np.ndarray) -> np.ndarray:
    """Return a view of an array through which it cannot be changed.

    Kernels are compiled anew for arrays that can be and for such that cannot, so they get all games in this form.

    Examples
    --------
    >>> read_only(np.zeros(2)).flags.writeable
    False
    """
    view = array.view()
    view.flags.writeable = False
    return view


def nobody_can_write(array: np.ndarray) -> bool:
    """Tell whether the memory of an array is out of reach of assignments, through this array or what it is a view of.

    Examples
    --------
    >>> array = np.zeros(2)
    >>> nobody_can_write(read_only(array)), nobody_can_write(frozen(array))
    (False, True)
    """
    memory: Any = array
    while isinstance(memory, (np.ndarray, memoryview)):
        if not (memory.readonly if isinstance(memory, memoryview) else not memory.flags.writeable):
            return False
        memory = memory.obj if isinstance(memory, memoryview) else memory.base
    # Memory of Numba is within reach of its array only.
    if memory is None or type(memory).__name__ == "_MemInfo":
        return True
    try:
        with memoryview(memory) as view:
            return view.readonly
    except TypeError:
        return False


def _is_exact(vector: Any) -> bool:
    if isinstance(vector, str) or (isinstance(vector, np.ndarray) and vector.dtype.kind in "biuf"):
        return False
    try:
        entries = list(vector)
    except TypeError:
        return False
    exact = [isinstance(entry, (Rational, str, Decimal)) for entry in entries]
    return all(exact) and not all(isinstance(entry, Integral) for entry in entries)


def _as_strategy(vector: Any, size: int, player: int, exact: bool) -> np.ndarray:
    check_unmasked(vector, f"profile of player {player}")
    action = action_indices(vector)
    if action is not None and action.ndim == 0:
        if not 0 <= action < size:
            raise InputError(f"profile of player {player}: got action {action}; give an index from 0 to {size - 1}")
        vector = [int(action == own) for own in range(size)]
    try:
        if exact:
            entries = [Fraction(entry) if isinstance(entry, Fraction) else to_fraction(entry) for entry in vector]
            strategy = np.array(entries, dtype=object)
        elif np.iscomplexobj(vector):
            raise TypeError
        else:
            strategy = np.array(vector, dtype=np.float64)
    except (OverflowError, TypeError, ValueError):
        raise InputError(f"profile of player {player}: not a vector of numbers; give {size} probabilities") from None
    if strategy.shape != (size,):
        raise InputError(
            f"profile of player {player}: got shape {strategy.shape}, expected ({size},), one probability per action"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        lowest, total = strategy.min(), strategy.sum()
    if not exact and not np.isfinite(total):
        raise InputError(f"profile of player {player}: contains NaN or infinity; give finite probabilities")
    if lowest < -SIMPLEX_TOLERANCE or abs(total - 1) > SIMPLEX_TOLERANCE:
        raise InputError(
            f"profile of player {player}: off the simplex (smallest {float(lowest):.6g}, sum {float(total):.9g}); "
            "give probabilities that sum to 1"
        )
    if lowest < 0:
        strategy = np.where(strategy < 0, 0, strategy)
        total = strategy.sum()
    if total != 1:
        strategy = strategy / total
    return frozen(strategy)
