"""Stochastic games as NumPy archives (``.npz``), schema ``powergames/1``, kind ``stochastic``.

Besides ``schema``, ``kind``, ``title``, ``players``, ``states``, ``start`` and ``discount``, the archive holds

- ``rewards``, shape (n, S, A_0, ..., A_{n-1}); or, if the numbers of actions differ from state to state, ``n_actions``,
  shape (S, n), and ``rewards``, shape (n, R), with one column for each state and joint action;
- ``transitions``, shape (S, A_0, ..., A_{n-1}, S) or (R, S); or the CSR arrays ``transitions_data``,
  ``transitions_indices`` and ``transitions_indptr`` of a sparse matrix of shape (R, S);
- ``actions_0``, ``actions_1``, ...: the names of each player's actions, or, of shape (S, A_i), those in each state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from powergames.errors import FormatError
from powergames.games.memory import check_memory
from powergames.games.stochastic import StochasticGame
from powergames.io.json_format import SCHEMA, check_kind
from powergames.io.npz import labels, numeric, packed, text
from powergames.io.stochastic_json import KIND

_CSR = ("transitions_data", "transitions_indices", "transitions_indptr")


def build(arrays: Mapping[str, np.ndarray], source: str) -> StochasticGame:
    """Build the game that an archive holds.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        As `powergames.io.npz.read_arrays` returns them.
    source : str
        Name of the file, for error messages.

    Returns
    -------
    StochasticGame

    Raises
    ------
    FormatError
        If an array is missing or holds what it should not.
    InputError
        If the game itself is not valid.

    Examples
    --------
    >>> arrays = {"kind": np.array("stochastic"), "discount": np.array(0.5), "rewards": np.ones((1, 1, 2)),
    ...           "transitions": np.ones((1, 2, 1))}
    >>> build(arrays, "small.npz").n_rows
    2
    """
    check_kind(text(arrays, "schema", SCHEMA, source), text(arrays, "kind", KIND, source), source, KIND)
    rewards, discount = numeric(arrays, "rewards", source), numeric(arrays, "discount", source)
    transitions: Any
    if any(name in arrays for name in _CSR):
        if "transitions" in arrays:
            raise FormatError(f"{source}: both 'transitions' and '{_CSR[0]}'; give one of them")
        transitions = tuple(numeric(arrays, name, source) for name in _CSR)
    else:
        transitions = numeric(arrays, "transitions", source)
    fields: dict[str, Any] = {
        "players": labels(arrays, "players", source) if "players" in arrays else None,
        "states": labels(arrays, "states", source) if "states" in arrays else None,
        "start": numeric(arrays, "start", source) if "start" in arrays else None,
        "title": text(arrays, "title", "", source),
    }
    n_actions = numeric(arrays, "n_actions", source) if "n_actions" in arrays else None
    fields["actions"] = _actions(arrays, len(rewards) if rewards.ndim else 0, n_actions, source)
    if n_actions is None:
        return StochasticGame(rewards, transitions, discount, **fields)
    return StochasticGame.from_rows(n_actions, rewards, transitions, discount, **fields)


def write(game: StochasticGame) -> bytes:
    """Write a game archive.

    Parameters
    ----------
    game : StochasticGame
        The game. Its transitions are written in full if that takes less room than the sparse form.

    Returns
    -------
    bytes
        Contents of the file; not compressed, so that its size is that of its arrays.

    Examples
    --------
    >>> import io
    >>> with np.load(io.BytesIO(write(StochasticGame([[[1, 0]]], [[[1], [1]]], 0.5)))) as archive:
    ...     archive["rewards"].shape, archive["transitions"].shape
    ((1, 1, 2), (1, 2, 1))
    """
    sizes = (game.n_states, *game.max_actions)
    same = (game.discounts == game.discounts[0]).all()
    arrays: dict[str, Any] = {
        "schema": np.array(SCHEMA),
        "kind": np.array(KIND),
        "title": np.array(game.title),
        "players": np.array(game.players),
        "states": np.array(list(game.states)),
        **_action_arrays(game),
        "discount": game.discounts[0] if same else game.discounts,
        "start": game.start,
    }
    if game.uniform_actions:
        arrays["rewards"] = game.rewards.reshape(game.n_players, *sizes)
    else:
        arrays |= {"n_actions": game.n_actions, "rewards": game.rewards}
    n_cells = game.n_rows * game.n_states
    if 8 * n_cells <= game.data.nbytes + game.indices.nbytes + game.indptr.nbytes:
        check_memory(8 * n_cells, "the transitions in full")
        dense = np.zeros((game.n_rows, game.n_states))
        dense[np.repeat(np.arange(game.n_rows), np.diff(game.indptr)), game.indices] = game.data
        arrays["transitions"] = dense.reshape(*sizes, game.n_states) if game.uniform_actions else dense
    else:
        arrays |= dict(zip(_CSR, (game.data, game.indices, game.indptr), strict=True))
    return packed(arrays)


def _actions(
    arrays: Mapping[str, np.ndarray], n_players: int, n_actions: np.ndarray | None, source: str
) -> list[Any] | None:
    """Return names per player, or per state and player."""
    names = [f"actions_{player}" for player in range(n_players)]
    present = [name in arrays for name in names]
    if not any(present):
        return None
    if not all(present):
        raise FormatError(f"{source}: no array '{names[present.index(False)]}'; name all players' actions or none")
    if all(arrays[name].ndim == 1 for name in names):
        return [labels(arrays, name, source) for name in names]
    tables = [labels(arrays, name, source, n_axes=2) for name in names]
    n_states = len(tables[0])
    if any(len(table) != n_states for table in tables):
        raise FormatError(f"{source}: arrays '{names[0]}' to '{names[-1]}' tell of different numbers of states")
    if n_actions is None:
        return [[table[state] for table in tables] for state in range(n_states)]
    if n_actions.shape != (n_states, n_players):
        raise FormatError(
            f"{source}: array 'n_actions' has shape {n_actions.shape}; expected {(n_states, n_players)}, as many "
            "states as have names of actions"
        )
    return [
        [table[state][: max(int(count), 0)] for table, count in zip(tables, n_actions[state].tolist(), strict=True)]
        for state in range(n_states)
    ]


def _action_arrays(game: StochasticGame) -> dict[str, np.ndarray]:
    if not game.actions_by_state:
        names: Any = game.actions
        return {f"actions_{player}": np.array(own) for player, own in enumerate(names)}
    arrays = {}
    for player, size in enumerate(game.max_actions):
        table = []
        for state in range(game.n_states):
            own = list(game.action_names(state, player))
            table.append(own + [""] * (size - len(own)))
        arrays[f"actions_{player}"] = np.array(table)
    return arrays
