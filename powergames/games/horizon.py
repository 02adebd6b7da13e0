"""A stochastic game that ends after a number of steps, as a game in which time is part of the state."""

from __future__ import annotations

import numpy as np

from powergames.errors import InputError
from powergames.games.kinds import as_game
from powergames.games.memory import check_memory
from powergames.games.stochastic import StochasticGame
from powergames.numerics.ranges import ranges


def finite_horizon(game: StochasticGame, horizon: int) -> StochasticGame:
    """Return the game that ends after a number of steps.

    Its states are pairs of a time and a state that play can have reached by then, from the start distribution on. In
    the last state, ``"end"``, nothing is paid any more. The game has no cycles, so `solve` goes backward in time. A
    stationary profile of it is a profile of the given game that may depend on time.

    Parameters
    ----------
    game : StochasticGame
    horizon : int
        Number of steps, at least 1.

    Returns
    -------
    StochasticGame
        What is state ``name`` at time `t` is named ``"name @ t"``; the start distribution is that of `game`, at time 0.
        Payoffs are discounted as in `game`.

    Raises
    ------
    InputError
        If `horizon` is no integer of at least 1, or memory does not suffice.

    Examples
    --------
    The last round of a repeated stag hunt is played as if nothing followed.

    >>> import powergames as pg
    >>> game = pg.finite_horizon(pg.load("reputation_stag_hunt"), 3)
    >>> game
    <StochasticGame 'Stag hunt with reputation, 3 steps': 2 players, 10 states, 37 rows, discount 0.9>
    >>> pg.solve(game).status.name
    'CONVERGED'
    """
    game = as_game(game, StochasticGame)
    if isinstance(horizon, bool) or not isinstance(horizon, int | np.integer) or horizon < 1:
        raise InputError(f"horizon: got {horizon!r}; give a whole number of steps, at least 1")
    counts, lengths = np.diff(game.row_starts), np.diff(game.indptr)
    layers, n_rows = [np.flatnonzero(game.start > 0.0)], 0
    # No less is needed than one row for each step.
    check_memory(8 * game.n_players * int(horizon), f"a horizon of {horizon} steps")
    while len(layers) < horizon:
        rows = ranges(game.row_starts[layers[-1]], counts[layers[-1]])
        layer = np.unique(game.indices[ranges(game.indptr[rows], lengths[rows])])
        same = np.array_equal(layer, layers[-1])
        steps = int(horizon) - len(layers) if same else 1
        n_rows += steps * len(rows)
        check_memory(8 * game.n_players * n_rows, f"a horizon of {horizon} steps")
        layers += [layer] * steps
    first = np.concatenate([[0], np.cumsum([len(layer) for layer in layers])])
    end = int(first[-1])
    n_actions, rewards, data, indices, sizes = [], [], [], [], []
    for t, layer in enumerate(layers):
        rows = ranges(game.row_starts[layer], counts[layer])
        n_actions.append(game.n_actions[layer])
        rewards.append(game.rewards[:, rows])
        if t + 1 < len(layers):
            entries = ranges(game.indptr[rows], lengths[rows])
            data.append(game.data[entries])
            indices.append(first[t + 1] + np.searchsorted(layers[t + 1], game.indices[entries]))
            sizes.append(lengths[rows])
        else:
            data.append(np.ones(len(rows)))
            indices.append(np.full(len(rows), end))
            sizes.append(np.ones(len(rows), np.int64))
    matrix = (
        np.concatenate([*data, [1.0]]),
        np.concatenate([*indices, [end]]),
        np.concatenate([[0], np.cumsum(np.concatenate([*sizes, [1]]))]),
    )
    names = [f"{game.states[s]} @ {t}" for t, layer in enumerate(layers) for s in layer.tolist()]
    actions = [
        [game.action_names(s, player) for player in range(game.n_players)] for layer in layers for s in layer.tolist()
    ]
    start = np.zeros(end + 1)
    start[: len(layers[0])] = game.start[layers[0]]
    return StochasticGame.from_rows(
        np.concatenate([*n_actions, np.ones((1, game.n_players), np.int64)]),
        np.concatenate([*rewards, np.zeros((game.n_players, 1))], axis=1),
        matrix,
        game.discounts,
        game.players,
        [*actions, [("end",)] * game.n_players],
        [*names, "end"],
        start,
        f"{game.title}, {horizon} steps" if game.title else f"{horizon} steps",
    )
