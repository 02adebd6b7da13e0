"""Profiles from files: what ``train`` and ``solve --json`` write, and what users write by hand."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from powergames.errors import FormatError, InputError
from powergames.games.memory import check_memory
from powergames.games.normal_form import NormalFormGame
from powergames.games.numbers import to_fraction
from powergames.games.policies import Policies, as_policies
from powergames.games.profiles import Profile
from powergames.games.stochastic import StochasticGame
from powergames.games.timed import TimedProfile, timed_profile
from powergames.io._text import file_extension, read_file
from powergames.io.json_format import parse_document, parse_tensor
from powergames.io.npz import numeric, read_arrays


def load_timed(path: str | os.PathLike[str], game: StochasticGame, horizon: int) -> TimedProfile:
    """Read a profile that may depend on time.

    Parameters
    ----------
    path : str or path-like
        An ``.npz`` archive as for `load_policies`, whose arrays may have the shape (T, S, A_i), or be integers of shape
        (T, S), the action at each step in each state. Or a ``.json`` document that ``solve --horizon --json`` printed,
        of which the first equilibrium counts, or one as for `load_policies`.
    game : StochasticGame
    horizon : int

    Returns
    -------
    tuple of TimedStrategy
        Where a stationary policy says nothing of a state, it is filled with equal probabilities.

    Raises
    ------
    FormatError
        If the file cannot be read as a profile.
    InputError
        If the profile does not fit the game or the horizon, or is off the simplex.
    """
    source = str(path)
    try:
        if file_extension(path) == ".npz":
            return timed_profile(game, _from_npz(read_file(path), source, game), horizon, fill=True)
        if file_extension(path) == ".json":
            document = parse_document(read_file(path), source)
            found = document.get("equilibria")
            first = found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else document
            if "actions" in first and "mixtures" in first:
                return timed_profile(game, _compact(first, source, game), horizon)
        return timed_profile(game, load_policies(path, game), horizon)
    except MemoryError:
        raise FormatError(f"{source}: the profile does not fit into memory; make it smaller") from None
    except FormatError:
        raise
    except InputError as error:
        raise InputError(f"{source}: {str(error).removeprefix(f'{source}: ')}") from None


def _compact(document: dict[str, Any], source: str, game: StochasticGame) -> list[np.ndarray]:
    """Read actions, and mixtures at some steps in some states, as probabilities of shape (T, S, A_i)."""
    problem = FormatError(
        f"{source}: 'actions' and 'mixtures' are no profile over time; give those that solve --horizon --json printed"
    )
    profile = []
    try:
        if not len(document["actions"]) == len(document["mixtures"]) == game.n_players:
            raise problem
        for size, actions, mixtures in zip(game.max_actions, document["actions"], document["mixtures"], strict=True):
            chosen = np.array(actions)
            if chosen.ndim != 2 or chosen.dtype.kind != "i" or chosen.shape[1] != game.n_states or chosen.max() >= size:
                raise problem
            check_memory(8 * chosen.size * size, f"{source}: the profile")
            # What is negative is no action: all zeros until its mixture comes.
            strategy = (np.arange(size) == chosen[:, :, None]).astype(np.float64)
            for t, s, probabilities in mixtures:
                strategy[t, s, : len(probabilities)] = probabilities
            profile.append(strategy)
    except (IndexError, TypeError, ValueError):
        raise problem from None
    return profile


def load_policies(path: str | os.PathLike[str], game: NormalFormGame | StochasticGame) -> Policies:
    """Read policies of which some may say nothing about some states of a stochastic game.

    Parameters
    ----------
    path : str or path-like
        An ``.npz`` archive of arrays ``player_0``, ``player_1``, ..., or of one under each player's name, of shape
        (A_i,) or (S, A_i), NaN in the rows of unvisited states. Or a ``.json`` document with the key ``profile``, or
        one that ``solve --json`` printed, of which the first equilibrium counts; the profile is a list, or an object by
        players' names, whose entries may be objects by states' names, and null stands for an unvisited state.
    game : NormalFormGame or StochasticGame
        The game that the policies are for.

    Returns
    -------
    Policies
        In normal-form games, fraction strings such as ``"1/3"`` give exact fractions.

    Raises
    ------
    FormatError
        If the file cannot be read as a profile.
    InputError
        If the profile does not fit the game or is off the simplex.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import powergames as pg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "policy.json"
    ...     _ = path.write_text('{"profile": [{"play": [0.1, 0.9]}, [[0.5, 0.5], [1], [1]]]}')
    ...     load_policies(path, pg.load("big_match")).unvisited
    (array([1, 2]), array([], dtype=int64))
    """
    readers = {".npz": _from_npz, ".json": _from_json}
    reader = readers.get(file_extension(path))
    if reader is None:
        raise FormatError(f"{path}: a profile is a .npz or .json file; rename or convert it")
    source = str(path)
    try:
        return as_policies(game, reader(read_file(path), source, game))
    except MemoryError:
        raise FormatError(f"{source}: the profile does not fit into memory; make it smaller") from None
    except FormatError:
        raise
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def load_profile(path: str | os.PathLike[str], game: NormalFormGame | StochasticGame) -> Profile:
    """Read a mixed-strategy profile of a game, for a stochastic game one strategy per state.

    Parameters
    ----------
    path : str or path-like
        As for `load_policies`; every state needs probabilities.
    game : NormalFormGame or StochasticGame
        The game that the profile is for.

    Returns
    -------
    tuple of ndarray
        One read-only array of shape (A_i,) or (S, A_i) per player.

    Raises
    ------
    FormatError
        If the file cannot be read as a profile.
    InputError
        If the profile does not fit the game, leaves a state out or is off the simplex.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> game = NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "policy.json"
    ...     _ = path.write_text('{"profile": [["1/3", "2/3"], [1, 0]]}')
    ...     load_profile(path, game)[0]
    array([Fraction(1, 3), Fraction(2, 3)], dtype=object)
    """
    policies = load_policies(path, game)
    for player, states in enumerate(policies.unvisited):
        if len(states):
            raise InputError(
                f"{path}: profile of player {player}: no probabilities for state {int(states[0])}; give a number for "
                "each action, or use 'powergames audit', which fills such states"
            )
    return policies.profile


def _from_npz(data: bytes, source: str, game: NormalFormGame | StochasticGame) -> Any:
    arrays = read_arrays(data, source)
    if "player_0" not in arrays and set(arrays) == set(game.players):
        return {name: numeric(arrays, name, source) for name in game.players}
    n_players = 0
    while f"player_{n_players}" in arrays:
        n_players += 1
    return [numeric(arrays, f"player_{player}", source) for player in range(max(n_players, 1))]


def _from_json(data: bytes, source: str, game: NormalFormGame | StochasticGame) -> Any:
    document = parse_document(data, source)
    equilibria = document.get("equilibria")
    if "profile" not in document and isinstance(equilibria, list) and equilibria and isinstance(equilibria[0], dict):
        document = equilibria[0]
    profile = document.get("profile")
    if not isinstance(profile, (list, dict)):
        raise FormatError(f"{source}: no list 'profile'; give one list of probabilities per player under that key")
    if isinstance(game, StochasticGame):
        # States may differ in the numbers of actions; the game checks the lists.
        return profile
    keys = list(profile) if isinstance(profile, dict) else list(range(len(profile)))
    vectors = {key: parse_tensor(profile[key], f"profile[{key!r}]", source) for key in keys}
    if any(vector.dtype == object or _has_strings(profile[key]) for key, vector in vectors.items()):
        exact = np.vectorize(to_fraction, otypes=[object])
        vectors = {key: exact(vector) for key, vector in vectors.items()}
    return vectors if isinstance(profile, dict) else list(vectors.values())


def _has_strings(nested: Any) -> bool:
    return isinstance(nested, str) or (isinstance(nested, list) and any(map(_has_strings, nested)))
