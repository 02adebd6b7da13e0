"""Names of players, actions and states."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, overload

import numpy as np

from powergames.errors import InputError

# NumPy's strings lose a NUL at the end, and no text file holds lone surrogates or numbers beyond those of Unicode.
_NOT_TEXT = re.compile("[^\x01-\ud7ff\ue000-\U0010ffff]")


def check_text(text: Any, what: str) -> str:
    r"""Check a name or a title and return it as text: any characters of Unicode but NUL, however many.

    Parameters
    ----------
    text : object
        Whatever is not text is written as text.
    what : str
        What it is, to begin an error message with.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If it holds NUL, half of a surrogate pair or a number that is no character.

    Examples
    --------
    >>> check_text("a\0", "title")
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: title: character 1 is U+0000, which is not text; leave it out
    """
    text = str(text)
    if found := _NOT_TEXT.search(text):
        raise InputError(f"{what}: character {found.start()} is U+{ord(found[0]):04X}, which is not text; leave it out")
    return text


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
        If there are more or fewer, no list is given, or one of them is not text; see `check_text`.

    Examples
    --------
    >>> check_names(["Ann", 2], 2, "players", "2 players")
    ('Ann', '2')
    """
    each = f"{what}, a name"
    try:
        labels = None if isinstance(names, str) else tuple(check_text(name, each) for name in names)
    except TypeError:
        labels = None
    if labels is None:
        raise InputError(f"{what}: got {type(names).__name__}; give a list of {count} names")
    if len(labels) != count:
        raise InputError(f"{what}: got {len(labels)} names for {counted}; give one each")
    return labels


class Piece(NamedTuple):
    """Something on a grid: a player, or what lies in a cell.

    Attributes
    ----------
    x, y : int
        Its cell, counted from 0 at the top left.
    player : int
        Which player it is, or -1.
    facing : tuple of int
        Where a player looks, as steps in x and y; (0, 0) if that does not matter.
    holds : str
        What the player carries or what lies there, in a few words.
    """

    x: int
    y: int
    player: int = -1
    facing: tuple[int, int] = (0, 0)
    holds: str = ""


class Scene(NamedTuple):
    """A state on a grid: what each cell is, in words, row by row (floor is empty text), and the pieces on it."""

    rows: tuple[tuple[str, ...], ...]
    pieces: tuple[Piece, ...]


class StateNames(Sequence[str]):
    """Names of states that are made when they are asked for, as a game with very many states needs them.

    A subclass says how many there are, in ``__len__``, and makes a `name`; it may draw a `picture`. It is equal to any
    sequence of the same names.

    Examples
    --------
    >>> class Floors(StateNames):
    ...     def __len__(self):
    ...         return 1_000_000
    ...     def name(self, state):
    ...         return f"floor {state}"
    >>> Floors()[-1], Floors()[:2]
    ('floor 999999', ('floor 0', 'floor 1'))
    """

    @abstractmethod
    def name(self, state: int) -> str:
        """Return the name of a state, from 0 to S - 1."""

    def picture(self, state: int) -> str | None:
        """Return a drawing of a state as lines of text, or None if there is none."""
        return None

    def scene(self, state: int) -> Scene | None:
        """Return a state on a grid, for pictures, or None if there is no grid; the rows are those of every state."""
        return None

    def digits_table(self) -> np.ndarray | None:
        """Return integers that tell states apart, shape (S, K), or None if there is only the number of a state.

        States that are alike should share some of them: this is what networks see.
        """
        return None

    @overload
    def __getitem__(self, state: int) -> str: ...

    @overload
    def __getitem__(self, state: slice) -> tuple[str, ...]: ...

    def __getitem__(self, state: int | slice) -> str | tuple[str, ...]:
        found = range(len(self))[state]
        return self._checked(found) if isinstance(found, int) else tuple(map(self._checked, found))

    def __iter__(self) -> Iterator[str]:
        return map(self._checked, range(len(self)))

    def _checked(self, state: int) -> str:
        return check_text(self.name(state), "states, a name")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return self is other or (len(self) == len(other) and all(map(str.__eq__, self, other)))

    def __hash__(self) -> int:
        return hash(tuple(self))


class GridNames(StateNames):
    """Names of states on a grid.

    Parameters
    ----------
    names : sequence of str
    rows : sequence of sequence of str
        As in `Scene`.
    pieces : sequence of sequence of Piece
        Those of each state.

    Examples
    --------
    >>> names = GridNames(["apart", "over"], [["", "goal"]], [[Piece(0, 0, player=0)], []])
    >>> list(names), names.scene(0).pieces[0].player
    (['apart', 'over'], 0)
    """

    def __init__(self, names: Sequence[str], rows: Sequence[Sequence[str]], pieces: Sequence[Sequence[Piece]]) -> None:
        self.names = tuple(names)
        self.rows = tuple(map(tuple, rows))
        self.pieces = tuple(map(tuple, pieces))

    def __len__(self) -> int:
        return len(self.names)

    def name(self, state: int) -> str:
        """Return the name of a state."""
        return self.names[state]

    def scene(self, state: int) -> Scene:
        """Return a state on its grid."""
        return Scene(self.rows, self.pieces[state])
