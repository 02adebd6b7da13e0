"""Stochastic games as JSON, schema ``powergames/1``, kind ``stochastic``.

``rewards[i][s][a_0]...[a_n-1]`` and ``transitions[s][a_0]...[a_n-1][s']`` are nested lists, in which the numbers of
actions may differ from state to state; ``discount`` is a number or a list with one per player.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from powergames.errors import FormatError, InputError
from powergames.games.memory import check_memory
from powergames.games.stochastic import StochasticGame
from powergames.io._text import MAX_PLAYERS
from powergames.io.json_format import SCHEMA, check_kind, parse_labels, parse_tensor, parse_title

KIND = "stochastic"
# Transition probabilities, zeros among them, that are written out; a sparse game may have far more.
_MOST_WRITTEN = 10**7


def build(document: dict[str, Any], source: str) -> StochasticGame:
    """Build the game that a document describes.

    Parameters
    ----------
    document : dict
        As `powergames.io.json_format.parse_document` returns it.
    source : str
        Name of the file, for error messages.

    Returns
    -------
    StochasticGame

    Raises
    ------
    FormatError
        If a key is missing or does not hold what it should.
    InputError
        If the game itself is not valid.

    Examples
    --------
    >>> build({"kind": "stochastic", "discount": 0.5, "rewards": [[[3, 0], [1]]],
    ...        "transitions": [[[1, 0], [0, 1]], [[0, 1]]]}, "two.json").n_actions.tolist()
    [[2], [1]]
    """
    check_kind(document.get("schema", SCHEMA), document.get("kind"), source, KIND)
    for key in ("rewards", "transitions", "discount"):
        if key not in document:
            raise FormatError(f"{source}: no key '{key}'; give rewards[i][s][a...], transitions[s][a...][s'], discount")
    rewards, transitions = document["rewards"], document["transitions"]
    n_players = _length(rewards, "rewards", source)
    n_states = _length(transitions, "transitions", source)
    if n_players >= MAX_PLAYERS:
        raise FormatError(f"{source}: {n_players} players; give at most {MAX_PLAYERS - 1}")
    for player, own in enumerate(rewards):
        if _length(own, f"rewards[{player}]", source) != n_states:
            raise FormatError(f"{source}: rewards[{player}] has {len(own)} states, transitions have {n_states}")
    n_actions = np.empty((n_states, n_players), dtype=np.int64)
    paid: list[np.ndarray] = []
    data: list[np.ndarray] = []
    indices: list[np.ndarray] = []
    counts: list[np.ndarray] = []
    for state in range(n_states):
        blocks = [_block(rewards[player][state], f"rewards[{player}][{state}]", source) for player in range(n_players)]
        sizes = blocks[0].shape
        if len(sizes) != n_players:
            raise FormatError(
                f"{source}: rewards[0][{state}] is nested {len(sizes)} deep; give one level for each of {n_players} "
                "players"
            )
        for player, block in enumerate(blocks):
            if block.shape != sizes:
                raise FormatError(
                    f"{source}: rewards[{player}][{state}] has shape {block.shape}, that of player 0 {sizes}; make "
                    "them equal"
                )
        block = _block(transitions[state], f"transitions[{state}]", source)
        if block.shape != (*sizes, n_states):
            raise FormatError(
                f"{source}: transitions[{state}] has shape {block.shape}; expected {(*sizes, n_states)}, the next "
                "states last"
            )
        n_actions[state] = sizes
        paid.append(np.stack(blocks).reshape(n_players, -1))
        block = block.reshape(-1, n_states)
        found = np.nonzero(block)
        data.append(block[found])
        indices.append(found[1])
        counts.append(np.count_nonzero(block, axis=1))
    return StochasticGame.from_rows(
        n_actions,
        np.concatenate(paid, axis=1),
        (np.concatenate(data), np.concatenate(indices), np.concatenate([[0], np.cumsum(np.concatenate(counts))])),
        _block(document["discount"], "discount", source),
        parse_labels(document.get("players"), "players", source),
        _actions(document.get("actions"), source),
        parse_labels(document.get("states"), "states", source),
        None if document.get("start") is None else _block(document["start"], "start", source),
        parse_title(document, source),
    )


def write(game: StochasticGame) -> bytes:
    """Write a game document.

    Parameters
    ----------
    game : StochasticGame
        The game.

    Returns
    -------
    bytes
        Contents of the file.

    Raises
    ------
    InputError
        If the transitions written out would be more than ten million numbers.

    Examples
    --------
    >>> game = StochasticGame([[[1, 0]]], [[[1], [1]]], 0.5, players=["Ann"])
    >>> print(write(game).decode())
    {"schema": "powergames/1",
     "kind": "stochastic",
     "title": "",
     "discount": 0.5,
     "players": ["Ann"],
     "states": ["0"],
     "actions": [["0", "1"]],
     "start": [1.0],
     "rewards": [[[1.0, 0.0]]],
     "transitions": [[[1.0], [1.0]]]}
    <BLANKLINE>
    """
    if game.n_rows * game.n_states > _MOST_WRITTEN:
        raise InputError(
            f"a .json file lists all {game.n_rows} x {game.n_states} transition probabilities, zeros too, and holds at "
            f"most {_MOST_WRITTEN}; save the game as .npz"
        )
    check_memory(100 * game.n_rows * game.n_states, "the text of a .json file")
    dense = np.zeros((game.n_rows, game.n_states))
    rows = np.repeat(np.arange(game.n_rows), np.diff(game.indptr))
    dense[rows, game.indices] = game.data
    spans = [
        (slice(int(first), int(last)), tuple(sizes))
        for first, last, sizes in zip(game.row_starts, game.row_starts[1:], game.n_actions.tolist(), strict=False)
    ]
    same = (game.discounts == game.discounts[0]).all()
    document = {
        "schema": SCHEMA,
        "kind": KIND,
        "title": game.title,
        "discount": float(game.discounts[0]) if same else game.discounts.tolist(),
        "players": game.players,
        "states": list(game.states),
        "actions": game.actions,
        "start": game.start.tolist(),
        "rewards": [[own[rows].reshape(sizes).tolist() for rows, sizes in spans] for own in game.rewards],
        "transitions": [dense[rows].reshape(*sizes, game.n_states).tolist() for rows, sizes in spans],
    }
    lines = [f'"{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in document.items()]
    return ("{" + ",\n ".join(lines) + "}\n").encode()


def _length(value: Any, name: str, source: str) -> int:
    if not isinstance(value, list) or not value:
        found = "an empty list" if isinstance(value, list) else f"a {type(value).__name__}"
        raise FormatError(f"{source}: '{name}' is {found}; give nested lists of numbers")
    return len(value)


def _block(nested: Any, name: str, source: str) -> np.ndarray:
    return parse_tensor(nested, name, source).astype(np.float64)


def _actions(actions: Any, source: str) -> Any:
    """Check names per player, or per state and player."""
    if actions is None:
        return None
    if not isinstance(actions, list):
        raise FormatError(f"{source}: 'actions' is a {type(actions).__name__}; give one list of names per player")
    by_state = any(isinstance(name, list) for names in actions if isinstance(names, list) for name in names)
    if not by_state:
        return [parse_labels(names, f"actions[{player}]", source) for player, names in enumerate(actions)]
    for state, names_of in enumerate(actions):
        if not isinstance(names_of, list):
            raise FormatError(f"{source}: 'actions[{state}]' is not a list; give one list of names per player")
    return [
        [parse_labels(names, f"actions[{state}][{player}]", source) for player, names in enumerate(names_of)]
        for state, names_of in enumerate(actions)
    ]
