"""How large a game may be: checked before anything is allocated."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal

import numpy as np

from powergames.errors import InputError

# Dimensions that a NumPy array can have; a payoff tensor needs one more than there are players.
MAX_AXES = 64 if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else 32

# Bytes up to which asking how much memory is free is not worth the time.
SMALL = 2**24


# Refuses a game with states that whoever loads it has no use for: from its number of players, of states, and of joint
# actions of all states.
SizeCheck = Callable[[int, int, int], None]

_size_check: ContextVar[SizeCheck | None] = ContextVar("size_check", default=None)


def available_memory() -> int | None:
    """Return the bytes of memory that can still be used, or None where the system does not tell.

    Returns
    -------
    int or None

    Examples
    --------
    >>> memory = available_memory()
    >>> memory is None or memory > 0
    True
    """
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def check_memory(n_bytes: int, what: str) -> None:
    """Refuse an array that does not fit in memory together with what building it takes.

    Parameters
    ----------
    n_bytes : int
        Size of the array; a Python int, so that no size overflows.
    what : str
        What it would hold, to begin the message with.

    Raises
    ------
    InputError
        If `n_bytes` and half as much again exceed the available memory.

    Examples
    --------
    >>> check_memory(800, "10 x 10 payoffs")
    >>> check_memory(8 * 400 * 2**400, "400 players")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: 400 players would take 8.3e+123 bytes, more than an array can have; ...
    """
    if n_bytes > 2**62:
        raise InputError(f"{what} would take {_bytes(n_bytes)}, more than an array can have; make the game smaller")
    available = available_memory()
    if available is not None and 3 * n_bytes > 2 * available:
        raise InputError(
            f"{what} would take {_bytes(n_bytes)}, half as much again while it is built, and {_bytes(available)} of "
            "memory are free; make the game smaller"
        )


@contextmanager
def sizes_checked(check: SizeCheck) -> Iterator[None]:
    """Refuse games of the catalog by their size, before they are built.

    Parameters
    ----------
    check : callable
        Called as ``check(n_players, n_states, n_rows)``, where `n_rows` counts the joint actions of all states, before
        a named stochastic game is built whose parameters decide how large it is. It raises an `InputError` if whoever
        loads the game has no use for it.

    Examples
    --------
    >>> import powergames as pg
    >>> def small(n_players, n_states, n_rows):
    ...     if n_states > 1000:
    ...         raise InputError(f"got {n_states:,} states; give up to 1,000")
    >>> with sizes_checked(small):
    ...     pg.load("random_sparse:states=2000000")
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: got 2,000,000 states; give up to 1,000
    """
    refusals: list[InputError] = []

    def call(n_players: int, n_states: int, n_rows: int) -> None:
        try:
            check(n_players, n_states, n_rows)
        except InputError as error:
            refusals.append(error)
            raise

    token = _size_check.set(call)
    try:
        yield
    except InputError:
        # As the check said it: the catalog puts the name of the game before its own errors.
        if refusals:
            raise refusals[0] from None
        raise
    finally:
        _size_check.reset(token)


def check_states(n_players: int, n_states: int, n_rows: int, n_bytes: int, what: str) -> None:
    """Refuse a stochastic game that does not fit in memory, or that whoever loads it has no use for.

    Parameters
    ----------
    n_players, n_states, n_rows : int
        Its size; `n_rows` counts the joint actions of all states.
    n_bytes : int
        Bytes that it takes.
    what : str
        What it is, to begin the message about memory with.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_states(2, 10, 90, 7200, "a game")
    """
    check = _size_check.get()
    if check is not None:
        check(n_players, n_states, n_rows)
    check_memory(n_bytes, what)


def check_copy(n_bytes: int) -> None:
    """Refuse to copy payoffs where memory does not suffice.

    Parameters
    ----------
    n_bytes : int
        Size of the copy.

    Raises
    ------
    InputError
        If `n_bytes` exceeds the available memory.

    Examples
    --------
    >>> check_copy(800)
    """
    available = available_memory() if n_bytes > SMALL else None
    if available is not None and n_bytes > available:
        raise InputError(
            f"payoffs: a copy of them would take {_bytes(n_bytes)}, and {_bytes(available)} of memory are free; make "
            "the game smaller, or give a read-only array of float64 (payoffs.flags.writeable = False), which is not "
            "copied"
        )


def check_tensor(n_actions: Sequence[int], what: str, item_bytes: int = 8) -> None:
    """Refuse a payoff tensor that memory or NumPy cannot hold.

    Parameters
    ----------
    n_actions : sequence of int
        Number of actions of each player; the tensor has shape (n, A_0, ..., A_{n-1}).
    what : str
        Name of the game, to begin the message with.
    item_bytes : int, default 8
        Bytes that each payoff takes.

    Raises
    ------
    InputError
        If the tensor does not fit.

    Examples
    --------
    >>> check_tensor((3, 4), "random_uniform")
    """
    n_players = len(n_actions)
    check_memory(item_bytes * n_players * math.prod(n_actions), f"{what}: the payoffs of {n_players} players")
    if n_players >= MAX_AXES:
        raise InputError(
            f"{what}: got {n_players} players; a NumPy array has at most {MAX_AXES} axes, so give at most "
            f"{MAX_AXES - 1} players"
        )


def _bytes(count: int) -> str:
    if count < 10**12:
        return f"{count:,} bytes"
    return f"{Decimal(count):.1e} bytes"
