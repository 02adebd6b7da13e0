"""Profiles from files: what ``train`` and ``solve --json`` write, and what users write by hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from powergames.errors import FormatError, InputError
from powergames.games.normal_form import NormalFormGame, to_fraction
from powergames.games.profiles import Profile
from powergames.games.stochastic import StochasticGame
from powergames.io._text import read_file
from powergames.io.json_format import parse_document, parse_tensor
from powergames.io.npz import numeric, read_arrays


def load_profile(path: str | os.PathLike[str], game: NormalFormGame | StochasticGame) -> Profile:
    """Read a mixed-strategy profile of a game, for a stochastic game one strategy per state.

    Parameters
    ----------
    path : str or path-like
        An ``.npz`` archive of arrays ``player_0``, ``player_1``, ... of shape (A_i,) or (S, A_i), or a ``.json``
        document with the key ``profile``, or one that ``solve --json`` printed, of which the first equilibrium counts.
    game : NormalFormGame or StochasticGame
        The game that the profile is for.

    Returns
    -------
    tuple of ndarray
        One read-only array of shape (A_i,) or (S, A_i) per player. In normal-form games, fraction strings such as
        ``"1/3"`` give exact fractions.

    Raises
    ------
    FormatError
        If the file cannot be read as a profile.
    InputError
        If the profile does not fit the game or is off the simplex.

    Examples
    --------
    >>> import tempfile
    >>> game = NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "policy.json"
    ...     _ = path.write_text('{"profile": [["1/3", "2/3"], [1, 0]]}')
    ...     load_profile(path, game)[0]
    array([Fraction(1, 3), Fraction(2, 3)], dtype=object)
    """
    readers = {".npz": _from_npz, ".json": _from_json}
    reader = readers.get(Path(path).suffix.lower())
    if reader is None:
        raise FormatError(f"{path}: a profile is a .npz or .json file; rename or convert it")
    source = str(path)
    try:
        vectors = reader(read_file(path), source, isinstance(game, StochasticGame))
    except MemoryError:
        raise FormatError(f"{source}: the profile does not fit into memory; make it smaller") from None
    try:
        return game.profile(vectors)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def _from_npz(data: bytes, source: str, by_state: bool) -> list[Any]:
    arrays = read_arrays(data, source)
    n_players = 0
    while f"player_{n_players}" in arrays:
        n_players += 1
    return [numeric(arrays, f"player_{player}", source) for player in range(max(n_players, 1))]


def _from_json(data: bytes, source: str, by_state: bool) -> list[Any]:
    document = parse_document(data, source)
    equilibria = document.get("equilibria")
    if "profile" not in document and isinstance(equilibria, list) and equilibria and isinstance(equilibria[0], dict):
        document = equilibria[0]
    profile = document.get("profile")
    if not isinstance(profile, list):
        raise FormatError(f"{source}: no list 'profile'; give one list of probabilities per player under that key")
    if by_state:
        # States may differ in the numbers of actions; the game checks the lists.
        return profile
    vectors = [parse_tensor(vector, f"profile[{player}]", source) for player, vector in enumerate(profile)]
    if all(vector.dtype != object for vector in vectors) and not _has_strings(profile):
        return vectors
    return [np.vectorize(to_fraction, otypes=[object])(vector) for vector in vectors]


def _has_strings(nested: Any) -> bool:
    return isinstance(nested, str) or (isinstance(nested, list) and any(map(_has_strings, nested)))
